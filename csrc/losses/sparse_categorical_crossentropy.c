/* Cross-entropy of a class y and a row of probabilities p_j: probabilities.h with q = 1
   at y. Only p_y is read.

     l = -log(p_y),  l'_j = -[j = y]/p_y,  l''_j = [j = y]/p_y^2 */
#include <string.h>

#include "../probabilities.h"

enum { FL_TARGETS = 1024 }; /* rows taken together */

FL_INLINE void fl_scatter(int64_t rows, int64_t classes, const int64_t *labels,
                          const double *factor, const real *point, real *out,
                          int64_t ld) {
  const int64_t spans = ld == classes ? 1 : rows, span = rows * classes / spans;
  for (int64_t r = 0; r < spans; r++)
    memset(out + r * ld, 0, (size_t)span * sizeof *out);
  for (int64_t r = 0; r < rows; r++)
    out[r * ld + labels[r]] = (real)((double)point[r] * factor[r]);
}

FL_INLINE int fl_target_rows(int want, const fl_row_block *block, int64_t first,
                             int64_t rows) {
  real p[FL_TARGETS], g[FL_TARGETS], h[FL_TARGETS];
  const real *x = (const real *)block->x + first * block->ldx;
  const int64_t *labels = block->labels + first;
  const double *factor = block->factor + first;
  real *v = (real *)block->v + first;
  fl_int outside = 0;
  for (int64_t r = 0; r < rows; r++) p[r] = x[r * block->ldx + labels[r]];
  for (int64_t r = 0; r < rows; r++) {
    const fl_term_point point = fl_log_probability(1, p[r], block->parameters[0]);
    if (want & FL_WANT_VALUE) v[r] = point.value;
    g[r] = point.grad;
    h[r] = point.hess;
    outside |= fl_outside_unit(p[r]);
  }
  if (want & (FL_WANT_GRAD | FL_WANT_HESS))
    fl_scatter(rows, block->classes, labels, factor, g,
               (real *)block->g + first * block->ldg, block->ldg);
  if (want & FL_WANT_HESS)
    fl_scatter(rows, block->classes, labels, factor, h,
               (real *)block->h + first * block->ldh, block->ldh);
  return outside != 0;
}

FL_INLINE int FL_ROWS(int want, const fl_row_block *block) {
  int outside = 0;
  for (int64_t row = 0; row < block->rows; row += FL_TARGETS) {
    const int64_t left = block->rows - row;
    outside |= fl_target_rows(want, block, row, left < FL_TARGETS ? left : FL_TARGETS);
  }
  return outside;
}

#define FL_NAME sparse_categorical_crossentropy
#include "../rowwise_loops.h"
