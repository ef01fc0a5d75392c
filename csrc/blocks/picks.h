/* picks.h: losses of rows that each have one class, of which they read one entry: the
   derivatives are zeros but for one. A loss brings what it makes of some entries
   (pick_rows.h). */
#ifndef FL_PICKS_H
#define FL_PICKS_H

#include <string.h>

#include "blocks/probabilities.h"

enum { FL_PICKS = 256 }; /* rows taken together */

/* Out of line, these two: where GCC sees that the arrays are apart it picks by vectors,
   which costs twice as much. */
FL_OUTLINE void fl_pick(int64_t rows, const int64_t *labels, const real *x, int64_t ld,
                        real *p) {
  for (int64_t r = 0; r < rows; r++, x += ld) p[r] = x[labels[r]];
}

FL_OUTLINE void fl_put(int64_t rows, const int64_t *labels, const real *point,
                       real *out, int64_t ld) {
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

/* Derivatives times the factors of their rows: in double precision or, for a dense kernel,
   as that multiplies. */
FL_OUTLINE void fl_by_rows(bool dense, int64_t rows, const double *restrict factor,
                           real *restrict point) {
  for (int64_t r = 0; dense && r < rows; r++) point[r] *= (real)factor[r];
  for (int64_t r = 0; !dense && r < rows; r++)
    point[r] = (real)((double)point[r] * factor[r]);
}

/* Entries, and what becomes of them. */
typedef struct {
  real p[FL_PICKS], v[FL_PICKS], g[FL_PICKS], h[FL_PICKS];
} fl_picks;

/* Non-zero if one may be outside its domain. */
typedef int fl_pick_points_fn(int want, int64_t rows, const double *parameters,
                              fl_picks *few);

FL_INLINE void fl_put_picks(bool dense, const fl_row_block *block, int64_t first,
                            int64_t rows, const int64_t *labels, real *point, real *out,
                            int64_t ld) {
  fl_by_rows(dense, rows, block->factor + first, point);
  fl_scatter(block->stream, rows, block->classes, labels, point, out + first * ld, ld);
}

/* Value and derivatives of rows with these classes; non-zero if the entry of one may be
   outside its domain. */
FL_OUTLINE int fl_pick_rows(int want, bool dense, fl_pick_points_fn *points,
                            const fl_row_block *block, int64_t from, int64_t all,
                            const int64_t *labels, fl_picks *few) {
  int outside = 0;
  for (int64_t r = 0; r < all; r += FL_PICKS, labels += FL_PICKS) {
    const int64_t rows = all - r < FL_PICKS ? all - r : FL_PICKS, first = from + r;
    fl_pick(rows, labels, (const real *)block->x + first * block->ldx, block->ldx,
            few->p);
    outside |= points(want, rows, block->parameters, few);
    if (want & FL_WANT_VALUE)
      memcpy((real *)block->v + first, few->v, (size_t)rows * sizeof *few->v);
    if (want & FL_WANT_GRAD)
      fl_put_picks(dense, block, first, rows, labels, few->g, block->g, block->ldg);
    if (want & FL_WANT_HESS)
      fl_put_picks(dense, block, first, rows, labels, few->h, block->h, block->ldh);
  }
  return outside;
}

#endif
