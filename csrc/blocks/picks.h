/* picks.h: losses of rows that each have one class, of which they read one entry: the
   derivatives are zeros but for one. What such a loss makes of the entry is a function

     fl_term_point FL_PICK_POINT(real p, const double *parameters)  */
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

/* A derivative times the factor of its row: in double precision or, for a dense kernel,
   as that multiplies. */
FL_INLINE real fl_by_row(bool dense, real point, double factor) {
  return dense ? point * (real)factor : (real)((double)point * factor);
}

typedef struct {
  real p[FL_PICKS], g[FL_PICKS], h[FL_PICKS];
} fl_picks;

#endif
