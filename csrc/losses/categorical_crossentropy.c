/* Cross-entropy of a row of label weights q_j and a row of probabilities p_j:
   probabilities.h, summed over the row.

     l = -sum q_j log(p_j),  l'_j = -q_j/p_j,  l''_j = q_j/p_j^2 */
#include "../probabilities.h"

enum { FL_PIECE = 1024 };

/* Entries of one row: terms of the value go to `term`, derivatives to g and h. */
FL_INLINE fl_int fl_entries(int want, int64_t n, const real *restrict q,
                            const real *restrict x, double eps, real limit,
                            real factor,
                            real *restrict term, real *restrict g, real *restrict h) {
  fl_int outside = 0;
  for (int64_t j = 0; j < n; j++) {
    const fl_term_point point = fl_log_probability(q[j], x[j], eps);
    if (want & FL_WANT_VALUE) term[j] = point.value;
    if (want & (FL_WANT_GRAD | FL_WANT_HESS)) g[j] = point.grad * factor;
    if (want & FL_WANT_HESS) h[j] = point.hess * factor;
    outside |= fl_outside_unit(x[j]) | -(fl_int)((q[j] < 0) | (q[j] > limit));
  }
  return outside;
}

FL_INLINE int FL_ROWS(int want, const fl_row_block *block) {
  const bool derive = want & (FL_WANT_GRAD | FL_WANT_HESS);
  const int64_t classes = block->classes;
  fl_int outside = 0;
  for (int64_t r = 0; r < block->rows; r++) {
    const real *x = (const real *)block->x + r * block->ldx;
    const real *q = (const real *)block->q + r * block->ldq;
    real *g = derive ? (real *)block->g + r * block->ldg : 0;
    real *h = want & FL_WANT_HESS ? (real *)block->h + r * block->ldh : 0;
    real term[FL_PIECE];
    fl_lanes sum = {{0}, {0}};
    for (int64_t j = 0; j < classes; j += FL_PIECE) {
      const int64_t n = classes - j < FL_PIECE ? classes - j : FL_PIECE;
      outside |= fl_entries(want, n, q + j, x + j, block->parameters[0],
                            (real)block->q_limit, (real)block->factor[r], term, g + j,
                            h + j);
      if (want & FL_WANT_VALUE) fl_accumulate(&sum, n, term, 0);
    }
    if (want & FL_WANT_VALUE)
      ((real *)block->v)[r] = (real)fl_sum_value(fl_lanes_total(&sum));
  }
  return outside != 0;
}

#define FL_NAME categorical_crossentropy
#include "../rowwise_loops.h"
