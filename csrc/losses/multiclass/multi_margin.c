/* Multiclass margin loss of a class y and a row of decision values: contest.h with the one
   right class y, k = p. (J. Weston and C. Watkins, Support vector machines for multi-class
   pattern recognition, 1999.) */
#define FL_NAME multi_margin
#include "blocks/contest.h"
#include "blocks/shares.h"
#include "blocks/softmax/softmax.h"

/* A tile of narrow rows, entry by entry; of each its right class, its share of derivatives
   and sums. */
typedef struct {
  real x[FL_ROWS_TILE], g[FL_ROWS_TILE], h[FL_ROWS_TILE];
  double own[FL_ROWS], hi[FL_ROWS], lo[FL_ROWS], label[FL_ROWS], share[FL_ROWS];
  double value[FL_ROWS], slope[FL_ROWS], curve[FL_ROWS];
  double value_tail[FL_ROWS], slope_tail[FL_ROWS], curve_tail[FL_ROWS];
} fl_narrow_contest;

typedef union {
  double terms[FL_SHARES];
  fl_narrow_contest narrow;
} FL_LOCAL(scratch);

/* Entry j of the rows against their classes; the class itself counts nothing. */
FL_INLINE void fl_compete_entry(int want, fl_contest contest, int64_t rows, int64_t j,
                                fl_narrow_contest *restrict tile) {
  const double class = (double)j;
  const real *restrict x = tile->x + j * rows;
  real *restrict g = tile->g + j * rows, *restrict h = tile->h + j * rows;
  for (int64_t r = 0; r < rows; r++) {
    const fl_right_class right = {tile->own[r], tile->hi[r], tile->lo[r]};
    const double above = fl_above(contest.margin, right, (double)x[r]);
    const fl_contest_point point =
        fl_contest_point_of(contest, tile->label[r] == class ? 0 : above);
    if (want & FL_WANT_VALUE)
      fl_add(&tile->value[r], &tile->value_tail[r], point.value);
    if (want & FL_WANT_GRAD) {
      fl_add(&tile->slope[r], &tile->slope_tail[r], point.slope);
      g[r] = (real)(point.slope * tile->share[r]);
    }
    if (want & FL_WANT_HESS) {
      fl_add(&tile->curve[r], &tile->curve_tail[r], point.curve);
      h[r] = (real)(point.curve * tile->share[r]);
    }
  }
}

/* Once for each power, as a choice costs the loop a third, and output set. */
#define FL_COMPETE_TILE(name, want)                                       \
  FL_OUTLINE void name(fl_contest contest, int64_t rows, int64_t classes, \
                       fl_narrow_contest *tile) {                         \
    const fl_contest once = {contest.margin, 0};                          \
    const fl_contest twice = {contest.margin, UINT64_MAX};                \
    for (int64_t j = 0; !contest.squared && j < classes; j++)             \
      fl_compete_entry(want, once, rows, j, tile);                        \
    for (int64_t j = 0; contest.squared && j < classes; j++)              \
      fl_compete_entry(want, twice, rows, j, tile);                       \
  }
FL_COMPETE_TILE(fl_compete_tile_value, FL_WANT_VALUE)
FL_COMPETE_TILE(fl_compete_tile_grad, FL_WANT_GRAD)
FL_COMPETE_TILE(fl_compete_tile_value_grad, FL_WANT_VALUE | FL_WANT_GRAD)
FL_COMPETE_TILE(fl_compete_tile_hess, FL_WANT_GRAD | FL_WANT_HESS)
#undef FL_COMPETE_TILE

/* Right classes, shares of derivatives, and sums of nothing. */
FL_OUTLINE void fl_contest_begin(double margin, int64_t rows, double classes,
                                 const double *restrict factor,
                                 fl_narrow_contest *restrict tile) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_right_class right = fl_right_class_of(margin, tile->own[r]);
    tile->hi[r] = right.hi, tile->lo[r] = right.lo;
    tile->share[r] = factor[r] / classes;
    fl_begin_sum(tile->value, tile->value_tail, r, 0);
    fl_begin_sum(tile->slope, tile->slope_tail, r, 0);
    fl_begin_sum(tile->curve, tile->curve_tail, r, 0);
  }
}

FL_INLINE double fl_contest_total(const double *sum, const double *tail, int64_t r) {
  const double total = sum[r] + fl_tail(tail, r);
  return fl_d_select(sum[r] - sum[r] == 0, total, sum[r]);
}

FL_OUTLINE void fl_contest_values(int64_t rows, double classes,
                                  const fl_narrow_contest *restrict tile,
                                  real *restrict v) {
  for (int64_t r = 0; r < rows; r++)
    v[r] = (real)(fl_contest_total(tile->value, tile->value_tail, r) / classes);
}

/* What the classes get of all others goes to their places. */
FL_OUTLINE void fl_contest_own(int64_t rows, const int64_t *label, const double *sum,
                               const double *tail, const double *share, double sign,
                               real *out) {
  for (int64_t r = 0; r < rows; r++)
    out[label[r] * rows + r] = (real)(sign * fl_contest_total(sum, tail, r) * share[r]);
}

FL_OUTLINE void fl_contest_tile(int want, fl_contest contest, const fl_row_block *block,
                                int64_t first, int64_t rows, fl_narrow_contest *tile) {
  const int64_t classes = block->classes, *label = block->labels + first;
  fl_transpose_in(rows, classes, (const real *)block->x + first * block->ldx,
                  block->ldx, tile->x);
  for (int64_t r = 0; r < rows; r++) {
    tile->own[r] = (double)tile->x[label[r] * rows + r];
    tile->label[r] = (double)label[r];
  }
  fl_contest_begin(contest.margin, rows, (double)classes, block->factor + first, tile);
  (want & FL_WANT_HESS     ? fl_compete_tile_hess
   : want == FL_WANT_VALUE ? fl_compete_tile_value
   : want & FL_WANT_VALUE  ? fl_compete_tile_value_grad
                           : fl_compete_tile_grad)(contest, rows, classes, tile);
  if (want & FL_WANT_VALUE)
    fl_contest_values(rows, (double)classes, tile, (real *)block->v + first);
  if (want & FL_WANT_GRAD) {
    fl_contest_own(rows, label, tile->slope, tile->slope_tail, tile->share, -1,
                   tile->g);
    fl_transpose_out(rows, classes, tile->g, (real *)block->g + first * block->ldg,
                     block->ldg);
  }
  if (want & FL_WANT_HESS) {
    fl_contest_own(rows, label, tile->curve, tile->curve_tail, tile->share, 1, tile->h);
    fl_transpose_out(rows, classes, tile->h, (real *)block->h + first * block->ldh,
                     block->ldh);
  }
}

FL_OUTLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const fl_contest contest = fl_contest_of(block->parameters[0], block->parameters[1]);
  const bool narrow = block->classes <= FL_NARROW;
  const int64_t height = narrow ? fl_rows_together(block->classes) : 1;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    if (narrow) fl_contest_tile(want, contest, block, row, rows, block->scratch);
    else fl_contest_row(want, contest, block, row, 0);
  }
  return 0;
}

/* Of n entries that are not the class: 2/C [z > 0] (v_j - v_y), to be summed, too. */
FL_OUTLINE void FL_LOCAL(some_products)(fl_contest contest, int64_t n,
                                        const real *restrict x, const real *restrict u,
                                        fl_right_class right, double own_u,
                                        double factor, double *restrict terms,
                                        real *restrict out) {
  for (int64_t j = 0; j < n; j++) {
    const double above = fl_above(contest.margin, right, (double)x[j]);
    const double step = above > 0 ? 1 : above;
    const double curve = step * fl_if_squared(contest, 2, 0);
    const double difference = curve == 0 ? 0 : (double)u[j] - own_u;
    terms[j] = curve * difference * factor;
    out[j] = (real)terms[j];
  }
}

FL_OUTLINE int FL_LOCAL(products)(const fl_row_block *block) {
  const int64_t classes = block->classes;
  const fl_contest contest = fl_contest_of(block->parameters[0], block->parameters[1]);
  double *const terms = ((FL_LOCAL(scratch) *)block->scratch)->terms;
  for (int64_t r = 0; r < block->rows; r++) {
    const real *x = (const real *)block->x + r * block->ldx;
    const real *u = (const real *)block->u + r * block->ldu;
    real *out = (real *)block->g + r * block->ldg;
    const int64_t own = block->labels[r];
    const double factor = block->factor[r] / (double)classes;
    const fl_right_class right = fl_right_class_of(contest.margin, (double)x[own]);
    fl_lanes sum = {{0}, {0}};
    for (int64_t j = 0, n; j < classes; j += n) {
      if (j == own) j++; /* pieces end at the class */
      const int64_t end = j <= own ? own : classes;
      n = end - j < FL_SHARES ? end - j : FL_SHARES;
      FL_LOCAL(some_products)(contest, n, x + j, u + j, right, (double)u[own], factor,
                              terms, out + j);
      fl_add_doubles(&sum, n, terms);
    }
    out[own] = (real)(0 - fl_row_total(sum.hi, sum.lo));
  }
  return 0;
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
