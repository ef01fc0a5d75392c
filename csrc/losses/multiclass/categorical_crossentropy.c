/* Cross-entropy of a row of label weights q_j and a row of probabilities p_j:
   probabilities.h, summed over the row.

     l = -sum q_j log(p_j),  l'_j = -q_j/p_j,  l''_j = q_j/p_j^2 */
#define FL_NAME categorical_crossentropy
#include "blocks/label_sums.h"
#include "blocks/one_hot.h"
#include "math/row_sums.h"
#include "blocks/targets.h"

/* Labels of one-hot rows, and what they or a piece of others need. */
typedef struct {
  int64_t labels[FL_TILE_ROWS];
  fl_targets targets;
  _Alignas(FL_LINE) real term[FL_PIECE], factor[FL_PIECE], unused[FL_PIECE];
  _Alignas(FL_LINE) double wide[FL_PIECE];
} FL_LOCAL(scratch);

/* Where the entries of a piece come from and go to; one without a use has a buffer. */
typedef struct {
  const real *q, *x, *factor;
  real *term, *g, *h;
} fl_piece;

/* Entries one after the other, of one row or of several. */
FL_OUTLINE int fl_entries(int want, int64_t n, fl_piece at, const double *parameters,
                          real limit) {
  const real *restrict q = at.q, *restrict x = at.x, *restrict factor = at.factor;
  real *restrict term = at.term, *restrict g = at.g, *restrict h = at.h;
  fl_int outside = 0;
  for (int64_t j = 0; j < n; j++) {
    const fl_term_point point = fl_log_probability(q[j], x[j], parameters[0]);
    if (want & FL_WANT_VALUE) term[j] = point.value;
    if (want & (FL_WANT_GRAD | FL_WANT_HESS)) g[j] = point.grad * factor[j];
    if (want & FL_WANT_HESS) h[j] = point.hess * factor[j];
    outside |= fl_outside_unit(x[j]) | -(fl_int)((q[j] < 0) | (q[j] > limit));
  }
  return outside != 0;
}

FL_INLINE bool fl_is_one_factor(int64_t rows, const double *row_factor) {
  int64_t others = 0; /* as wide as the factors, for vectors */
  for (int64_t r = 0; r < rows; r++) others |= -(int64_t)(row_factor[r] != row_factor[0]);
  return !others;
}

/* The factor of each entry of some rows. */
FL_INLINE void fl_spread(int64_t rows, int64_t classes, const double *row_factor,
                         real *factor) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < classes; j++)
      factor[r * classes + j] = (real)row_factor[r];
}

/* Terms in double precision. */
FL_INLINE const double *fl_widened(int64_t n, const real *term, double *room) {
#if defined(FL_DTYPE_f32)
  for (int64_t i = 0; i < n; i++) room[i] = (double)term[i];
  return room;
#else
  (void)n, (void)room;
  return term;
#endif
}

/* The sums of rows of few terms, in their order. */
FL_INLINE void fl_sum_few(int64_t rows, int64_t n, const real *term, double *room,
                          real *v) {
  const double *wide = fl_widened(rows * n, term, room);
  for (int64_t r = 0; r < rows; r++) {
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += wide[r * n + j];
    v[r] = (real)sum;
  }
}

FL_INLINE void fl_sum_many(int64_t rows, int64_t n, const real *term, real *v) {
  for (int64_t r = 0; r < rows; r++) {
    fl_lanes lanes;
    for (int j = 0; j < FL_LANES; j++) lanes.hi[j] = lanes.lo[j] = -0.0;
    fl_add_terms(&lanes, n, term + r * n);
    v[r] = (real)(fl_row_total(lanes.hi, lanes.lo) + 0.0);
  }
}

FL_INLINE int fl_long_row(int want, const fl_row_block *block, int64_t r) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + r * block->ldx;
  const real *q = (const real *)block->q + r * block->ldq;
  FL_LOCAL(scratch) *const scratch = block->scratch;
  real *const term = scratch->term, *const factor = scratch->factor;
  real *const unused = scratch->unused;
  real *g = want == FL_WANT_VALUE ? 0 : (real *)block->g + r * block->ldg;
  real *h = want & FL_WANT_HESS ? (real *)block->h + r * block->ldh : 0;
  fl_lanes sum = {{0}, {0}};
  double labels = 0;
  int outside = 0;
  for (int64_t j = 0; j < FL_PIECE; j++) factor[j] = (real)block->factor[r];
  for (int64_t j = 0; j < classes; j += FL_PIECE) {
    const int64_t n = classes - j < FL_PIECE ? classes - j : FL_PIECE;
    const fl_piece piece = {q + j, x + j, factor, term, g ? g + j : unused,
                            h ? h + j : unused};
    outside |= fl_entries(want, n, piece, block->parameters, (real)block->q_limit);
    if (want & FL_WANT_VALUE) fl_add_terms(&sum, n, term);
    labels += fl_sum_labels(n, q + j);
  }
  if (want & FL_WANT_VALUE)
    ((real *)block->v)[r] = (real)fl_row_total(sum.hi, sum.lo);
  return outside | (int)fl_label_sum(labels);
}

/* Rows that fit into a piece together, without gaps between them. */
FL_INLINE int fl_short_rows(int want, const fl_row_block *block, int64_t first,
                            int64_t rows) {
  const int64_t classes = block->classes, n = rows * classes;
  FL_LOCAL(scratch) *const scratch = block->scratch;
  real *const term = scratch->term, *const unused = scratch->unused;
  const fl_piece piece = {
      (const real *)block->q + first * block->ldq,
      (const real *)block->x + first * block->ldx, scratch->factor, term,
      want == FL_WANT_VALUE ? unused : (real *)block->g + first * block->ldg,
      want & FL_WANT_HESS ? (real *)block->h + first * block->ldh : unused};
  const int outside =
      fl_entries(want, n, piece, block->parameters, (real)block->q_limit);
  if (want & FL_WANT_VALUE) {
    real *v = (real *)block->v + first;
    if (classes == 2) fl_sum_few(rows, 2, term, scratch->wide, v);
    else if (classes == 3) fl_sum_few(rows, 3, term, scratch->wide, v);
    else if (classes < FL_LANES) fl_sum_few(rows, classes, term, scratch->wide, v);
    else fl_sum_many(rows, classes, term, v);
  }
  return outside | fl_labels_off(rows, classes, piece.q);
}

/* Rows taken together: whole groups of lanes, if they are as narrow as that. */
FL_INLINE int64_t fl_height(int64_t classes) {
  const int64_t rows = FL_PIECE / classes;
  return rows >= FL_LANES ? rows / FL_LANES * FL_LANES : rows;
}

/* Rows of any labels. */
FL_INLINE int fl_soft_rows(int want, const fl_row_block *block, int64_t first,
                           int64_t rows) {
  const int64_t classes = block->classes;
  const bool packed = block->ldx == classes && block->ldq == classes
                      && (want == FL_WANT_VALUE || block->ldg == classes)
                      && (!(want & FL_WANT_HESS) || block->ldh == classes);
  const int64_t height = packed && classes <= FL_PIECE ? fl_height(classes) : 1;
  int outside = 0;
  if (classes > FL_PIECE) {
    for (int64_t r = first; r < first + rows; r++) outside |= fl_long_row(want, block, r);
    return outside;
  }
  real *const factor = ((FL_LOCAL(scratch) *)block->scratch)->factor;
  const double *row_factor = block->factor + first;
  const bool one = want == FL_WANT_VALUE || fl_is_one_factor(rows, row_factor);
  for (int64_t i = 0; want != FL_WANT_VALUE && i < FL_PIECE; i++)
    factor[i] = (real)row_factor[0];
  for (int64_t r = 0; r < rows; r += height) {
    const int64_t left = rows - r, count = left < height ? left : height;
    if (!one) fl_spread(count, classes, row_factor + r, factor);
    outside |= fl_short_rows(want, block, first + r, count);
  }
  return outside;
}

/* Probabilities that no class picks are read for their domain alone. */
FL_INLINE int fl_outside_rows(int64_t rows, int64_t classes, const real *x,
                              int64_t ld) {
  const int64_t spans = ld == classes ? 1 : rows, span = rows * classes / spans;
  fl_int outside = 0;
  for (int64_t r = 0; r < spans; r++)
    for (int64_t j = 0; j < span; j++) outside |= fl_outside_unit(x[r * ld + j]);
  return outside != 0;
}

/* One-hot rows need one logarithm each. Two classes are less work than the look at them,
   and so are derivatives alone. */
FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const int64_t classes = block->classes, height = fl_rows_together(classes);
  if (!(want & FL_WANT_VALUE) || classes == 2)
    return fl_soft_rows(want, block, 0, block->rows);
  FL_LOCAL(scratch) *const scratch = block->scratch;
  int64_t *const labels = scratch->labels;
  int outside = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    const real *x = (const real *)block->x + row * block->ldx;
    const real *q = (const real *)block->q + row * block->ldq;
    outside |= fl_one_hot(rows, classes, q, block->ldq, labels)
                   ? fl_outside_rows(rows, classes, x, block->ldx)
                         | fl_target_rows(want, true, block, row, rows, labels,
                                          &scratch->targets)
                   : fl_soft_rows(want, block, row, rows);
  }
  return outside;
}

#include "blocks/row_loops.h"
