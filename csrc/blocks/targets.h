/* targets.h: cross-entropy of rows of probabilities where each row has one class: of a
   row only the probability of that class is read, and its derivatives are zeros but for
   one. */
#ifndef FL_TARGETS_H
#define FL_TARGETS_H

#include <string.h>

#include "blocks/probabilities.h"

enum { FL_TARGETS = 256 }; /* rows taken together */

/* Out of line, these two: where GCC sees that the arrays are apart it picks by vectors,
   which costs twice as much. */
FL_OUTLINE void fl_pick(int64_t rows, const int64_t *labels, const real *x, int64_t ld,
                        real *p) {
  for (int64_t r = 0; r < rows; r++, x += ld) p[r] = x[labels[r]];
}

FL_OUTLINE void fl_put(int64_t rows, const int64_t *labels, const real *point, real *out,
                       int64_t ld) {
  for (int64_t r = 0; r < rows; r++, out += ld) out[labels[r]] = point[r];
}

/* Zeros, and each point at its label. */
FL_INLINE void fl_scatter(bool stream, int64_t rows, int64_t classes,
                          const int64_t *labels, const real *point, real *out,
                          int64_t ld) {
  const int64_t spans = ld == classes ? 1 : rows, span = rows * classes / spans;
  for (int64_t r = 0; r < spans; r++)
    if (stream) fl_stream_zeros(span, out + r * ld);
    else memset(out + r * ld, 0, (size_t)span * sizeof *out);
  if (stream) fl_stream_end();
  fl_put(rows, labels, point, out, ld);
}

/* A derivative times the factor of its row: in double precision or, for a dense kernel,
   as that multiplies. */
FL_INLINE real fl_by_row(bool dense, real point, double factor) {
  return dense ? point * (real)factor : (real)((double)point * factor);
}

typedef struct {
  real p[FL_TARGETS], g[FL_TARGETS], h[FL_TARGETS];
} fl_targets;

/* Value and derivatives at the probabilities of some targets; non-zero if one may be
   outside its domain. */
FL_INLINE int fl_target_points(int want, bool dense, int64_t rows, double eps,
                               const real *restrict p, const double *restrict factor,
                               real *restrict v, real *restrict g, real *restrict h) {
  fl_int outside = 0;
  for (int64_t r = 0; r < rows; r++) {
    const fl_term_point point = fl_log_probability(1, p[r], eps);
    if (want & FL_WANT_VALUE) v[r] = point.value;
    if (want & (FL_WANT_GRAD | FL_WANT_HESS))
      g[r] = fl_by_row(dense, point.grad, factor[r]);
    if (want & FL_WANT_HESS) h[r] = fl_by_row(dense, point.hess, factor[r]);
    outside |= fl_outside_unit(p[r]);
  }
  return outside != 0;
}

FL_INLINE int fl_few_targets(int want, bool dense, const fl_row_block *block,
                             int64_t first, int64_t rows, const int64_t *labels,
                             fl_targets *few) {
  real *const g = few->g, *const h = few->h;
  const real *x = (const real *)block->x + first * block->ldx;
  fl_pick(rows, labels, x, block->ldx, few->p);
  const int outside =
      fl_target_points(want, dense, rows, block->parameters[0], few->p,
                       block->factor + first, (real *)block->v + first, g, h);
  if (want & (FL_WANT_GRAD | FL_WANT_HESS))
    fl_scatter(block->stream, rows, block->classes, labels, g,
               (real *)block->g + first * block->ldg, block->ldg);
  if (want & FL_WANT_HESS)
    fl_scatter(block->stream, rows, block->classes, labels, h,
               (real *)block->h + first * block->ldh, block->ldh);
  return outside;
}

/* Value and derivatives of rows with these classes; non-zero if the probability of one
   may be outside its domain. */
FL_INLINE int fl_target_rows(int want, bool dense, const fl_row_block *block,
                             int64_t first, int64_t rows, const int64_t *labels,
                             fl_targets *few) {
  int outside = 0;
  for (int64_t r = 0; r < rows; r += FL_TARGETS) {
    const int64_t left = rows - r, count = left < FL_TARGETS ? left : FL_TARGETS;
    outside |= fl_few_targets(want, dense, block, first + r, count, labels + r, few);
  }
  return outside;
}

#endif
