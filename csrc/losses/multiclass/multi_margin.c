/* Multiclass margin loss of a class y and a row of decision values: contest.h with the one
   right class y, k = p. (J. Weston and C. Watkins, Support vector machines for multi-class
   pattern recognition, 1999.) */
#define FL_NAME multi_margin
#include "blocks/contest.h"
#include "blocks/shares.h"
#include "math/transpose.h"

/* Rows of up to so many classes are taken FL_LANES at a time, one in a lane, class by
   class. */
enum { FL_CONTEST_NARROW = 64 };

typedef struct {
  real x[FL_CONTEST_NARROW][FL_LANES], g[FL_CONTEST_NARROW][FL_LANES],
      h[FL_CONTEST_NARROW][FL_LANES];
  double own[FL_LANES], label[FL_LANES], share[FL_LANES];
  fl_contest_sums sums;
} fl_narrow_contest;

typedef union {
  double terms[FL_SHARES];
  fl_narrow_contest narrow;
} FL_LOCAL(scratch);

/* Entry j of the rows against their classes; the class itself counts nothing. */
FL_INLINE void fl_compete_narrow(int want, fl_contest contest, int64_t j,
                                 fl_narrow_contest *restrict rows) {
  double value[FL_LANES], slope[FL_LANES], curve[FL_LANES];
  for (int r = 0; r < FL_LANES; r++) {
    const double right = rows->label[r] == (double)j ? 1 : 0;
    const double above = fl_above(contest, (double)rows->x[j][r], rows->own[r], right);
    const double step = above > 0 ? 1 : above; /* NaN stays one */
    value[r] = contest.squared ? above * above : above;
    slope[r] = contest.squared ? 2 * above : step;
    curve[r] = contest.squared ? 2 * step : 0 * step;
  }
  for (int r = 0; r < FL_LANES; r++)
    fl_add(&rows->sums.value.hi[r], &rows->sums.value.lo[r], value[r]);
  for (int r = 0; want & FL_WANT_GRAD && r < FL_LANES; r++) {
    fl_add(&rows->sums.slope.hi[r], &rows->sums.slope.lo[r], slope[r]);
    rows->g[j][r] = (real)(slope[r] * rows->share[r]);
  }
  for (int r = 0; want & FL_WANT_HESS && r < FL_LANES; r++) {
    fl_add(&rows->sums.curve.hi[r], &rows->sums.curve.lo[r], curve[r]);
    rows->h[j][r] = (real)(curve[r] * rows->share[r]);
  }
}

FL_OUTLINE void fl_contest_narrow_divide(double classes, double *lanes) {
  for (int r = 0; r < FL_LANES; r++) lanes[r] /= classes;
}

/* Sums times shares, in the dtype (fl_sum_value in lanes). */
FL_OUTLINE void fl_contest_narrow_totals(const fl_lanes *restrict sum,
                                         const double *restrict share,
                                         real *restrict out) {
  for (int r = 0; r < FL_LANES; r++) {
    const double hi = sum->hi[r], total = hi + sum->lo[r];
    out[r] = (real)(fl_d_select(hi - hi == 0, total, hi) * share[r]);
  }
}

FL_OUTLINE void fl_contest_narrow_values(double classes, const fl_lanes *restrict sum,
                                         real *restrict out) {
  for (int r = 0; r < FL_LANES; r++) {
    const double hi = sum->hi[r], share = (hi + sum->lo[r]) / classes;
    out[r] = (real)fl_d_select(hi - hi == 0, share, hi);
  }
}

/* What the classes themselves get of all others goes to their places. */
FL_INLINE void fl_contest_narrow_own(int want, int64_t n, const int64_t *label,
                                     fl_narrow_contest *restrict rows) {
  real slope[FL_LANES], curve[FL_LANES];
  if (want & FL_WANT_GRAD)
    fl_contest_narrow_totals(&rows->sums.slope, rows->share, slope);
  if (want & FL_WANT_HESS)
    fl_contest_narrow_totals(&rows->sums.curve, rows->share, curve);
  for (int64_t r = 0; want & FL_WANT_GRAD && r < n; r++)
    rows->g[label[r]][r] = -slope[r];
  for (int64_t r = 0; want & FL_WANT_HESS && r < n; r++)
    rows->h[label[r]][r] = curve[r];
}

/* n <= FL_LANES rows. */
FL_INLINE void fl_contest_narrow_rows(int want, fl_contest contest,
                                      const fl_row_block *block, int64_t first,
                                      int64_t n, fl_narrow_contest *rows) {
  const int64_t classes = block->classes, *label = block->labels + first;
  const real *x = (const real *)block->x + first * block->ldx;
  if (n < FL_LANES) memset(rows, 0, sizeof *rows);
  memset(&rows->sums, 0, sizeof rows->sums);
  memcpy(rows->share, block->factor + first, (size_t)n * sizeof *rows->share);
  fl_contest_narrow_divide((double)classes, rows->share);
  fl_transpose(n, classes, x, block->ldx, rows->x[0], FL_LANES);
  for (int64_t r = 0; r < n; r++) {
    rows->own[r] = (double)x[r * block->ldx + label[r]];
    rows->label[r] = (double)label[r];
  }
  for (int64_t j = 0; j < classes; j++) fl_compete_narrow(want, contest, j, rows);
  if (want & FL_WANT_GRAD) {
    fl_contest_narrow_own(want, n, label, rows);
    fl_transpose(classes, n, rows->g[0], FL_LANES,
                 (real *)block->g + first * block->ldg, block->ldg);
  }
  if (want & FL_WANT_HESS)
    fl_transpose(classes, n, rows->h[0], FL_LANES,
                 (real *)block->h + first * block->ldh, block->ldh);
  if (want & FL_WANT_VALUE) {
    real value[FL_LANES];
    fl_contest_narrow_values((double)classes, &rows->sums.value, value);
    memcpy((real *)block->v + first, value, (size_t)n * sizeof *value);
  }
}

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const fl_contest contest = {block->parameters[0], block->parameters[1] == 2};
  if (block->classes <= FL_CONTEST_NARROW) {
    for (int64_t r = 0, n; r < block->rows; r += n) {
      n = block->rows - r < FL_LANES ? block->rows - r : FL_LANES;
      fl_contest_narrow_rows(want, contest, block, r, n, block->scratch);
    }
    return 0;
  }
  for (int64_t r = 0; r < block->rows; r++) fl_contest_row(want, contest, block, r, 0);
  return 0;
}

/* Of n entries that are not the class: 2/C [z > 0] (v_j - v_y), to be summed, too. */
FL_OUTLINE void FL_LOCAL(some_products)(fl_contest contest, int64_t n,
                                        const real *restrict x, const real *restrict u,
                                        double own, double own_u, double factor,
                                        double *restrict terms, real *restrict out) {
  for (int64_t j = 0; j < n; j++) {
    const double above = fl_above(contest, (double)x[j], own, 0);
    const double curve = contest.squared ? 2 * (above > 0 ? 1 : above) : 0 * above;
    const double difference = curve == 0 ? 0 : (double)u[j] - own_u;
    terms[j] = curve * difference * factor;
    out[j] = (real)terms[j];
  }
}

FL_OUTLINE int FL_LOCAL(products)(const fl_row_block *block) {
  const int64_t classes = block->classes;
  const fl_contest contest = {block->parameters[0], block->parameters[1] == 2};
  double *const terms = ((FL_LOCAL(scratch) *)block->scratch)->terms;
  for (int64_t r = 0; r < block->rows; r++) {
    const real *x = (const real *)block->x + r * block->ldx;
    const real *u = (const real *)block->u + r * block->ldu;
    real *out = (real *)block->g + r * block->ldg;
    const int64_t own = block->labels[r];
    const double factor = block->factor[r] / (double)classes;
    fl_lanes sum = {{0}, {0}};
    for (int64_t j = 0, n; j < classes; j += n) {
      if (j == own) j++; /* pieces end at the class */
      const int64_t end = j <= own ? own : classes;
      n = end - j < FL_SHARES ? end - j : FL_SHARES;
      FL_LOCAL(some_products)(contest, n, x + j, u + j, (double)x[own], (double)u[own],
                              factor, terms, out + j);
      fl_add_doubles(&sum, n, terms);
    }
    out[own] = (real)(0 - fl_row_total(sum.hi, sum.lo));
  }
  return 0;
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
