/* Cross-entropy of a row of label weights q_j and a row of probabilities p_j:
   probabilities.h, summed over the row.

     l = -sum q_j log(p_j),  l'_j = -q_j/p_j,  l''_j = q_j/p_j^2 */
#include "../probabilities.h"

enum { FL_PIECE = 1024 };

/* Entries one after the other, of one row or of several: terms of the value go to
   `term`, derivatives to g and h. */
FL_INLINE int fl_entries(int want, int64_t n, const real *restrict q,
                         const real *restrict x, const double *parameters, real limit,
                         const real *restrict factor, real *restrict term,
                         real *restrict g, real *restrict h) {
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

/* The sums of rows of n terms; few terms in their order, many in 16 lanes. */
FL_INLINE void fl_sum_rows(int64_t rows, int64_t n, const real *term, real *v) {
  for (int64_t r = 0; r < rows; r++) {
    double sum = 0;
    if (n < FL_LANES) {
      for (int64_t j = 0; j < n; j++) sum += (double)term[r * n + j];
    } else {
      fl_lanes lanes = {{0}, {0}};
      fl_accumulate(&lanes, n, term + r * n, 0);
      sum = fl_sum_value(fl_lanes_total(&lanes));
    }
    v[r] = (real)sum;
  }
}

FL_INLINE int fl_long_row(int want, const fl_row_block *block, int64_t r) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + r * block->ldx;
  const real *q = (const real *)block->q + r * block->ldq;
  real term[FL_PIECE], factor[FL_PIECE], unused[FL_PIECE];
  real *g = want == FL_WANT_VALUE ? 0 : (real *)block->g + r * block->ldg;
  real *h = want & FL_WANT_HESS ? (real *)block->h + r * block->ldh : 0;
  fl_lanes sum = {{0}, {0}};
  int outside = 0;
  for (int64_t j = 0; j < FL_PIECE; j++) factor[j] = (real)block->factor[r];
  for (int64_t j = 0; j < classes; j += FL_PIECE) {
    const int64_t n = classes - j < FL_PIECE ? classes - j : FL_PIECE;
    outside |= fl_entries(want, n, q + j, x + j, block->parameters,
                          (real)block->q_limit, factor, term, g ? g + j : unused,
                          h ? h + j : unused);
    if (want & FL_WANT_VALUE) fl_accumulate(&sum, n, term, 0);
  }
  if (want & FL_WANT_VALUE)
    ((real *)block->v)[r] = (real)fl_sum_value(fl_lanes_total(&sum));
  return outside;
}

/* Rows that fit into a piece together, without gaps between them. */
FL_INLINE int fl_short_rows(int want, const fl_row_block *block, int64_t first,
                            int64_t rows) {
  const int64_t classes = block->classes, n = rows * classes;
  real term[FL_PIECE], factor[FL_PIECE], unused[FL_PIECE];
  for (int64_t r = 0; want != FL_WANT_VALUE && r < rows; r++)
    for (int64_t j = 0; j < classes; j++)
      factor[r * classes + j] = (real)block->factor[first + r];
  const int outside = fl_entries(
      want, n, (const real *)block->q + first * block->ldq,
      (const real *)block->x + first * block->ldx, block->parameters,
      (real)block->q_limit, factor, term,
      want == FL_WANT_VALUE ? unused : (real *)block->g + first * block->ldg,
      want & FL_WANT_HESS ? (real *)block->h + first * block->ldh : unused);
  if (want & FL_WANT_VALUE)
    fl_sum_rows(rows, classes, term, (real *)block->v + first);
  return outside;
}

FL_INLINE int FL_ROWS(int want, const fl_row_block *block) {
  const int64_t classes = block->classes;
  const bool packed = block->ldx == classes && block->ldq == classes
                      && (want == FL_WANT_VALUE || block->ldg == classes)
                      && (!(want & FL_WANT_HESS) || block->ldh == classes);
  const int64_t height = packed && classes <= FL_PIECE ? FL_PIECE / classes : 1;
  int outside = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row;
    outside |= classes > FL_PIECE
                   ? fl_long_row(want, block, row)
                   : fl_short_rows(want, block, row, left < height ? left : height);
  }
  return outside;
}

#define FL_NAME categorical_crossentropy
#include "../rowwise_loops.h"
