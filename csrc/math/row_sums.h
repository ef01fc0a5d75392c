/* rowsum.h: sums over the terms of one row, which have one sign, in 16 lanes. Four
   terms of a lane are added in pairs in their own dtype before they meet the sum of the
   lane in double precision: 1 ulp of the four, a quarter of the conversions. */
#ifndef FL_ROWSUM_H
#define FL_ROWSUM_H

#include <string.h>

#include "blocks/results.h"
#include "math/vecmath.h"

enum { FL_PIECE = 1024 }; /* terms of a row handled at a time */

/* lanes += v. */
FL_INLINE void fl_add_terms(fl_lanes *lanes, int64_t n, const real *v) {
  int64_t i = 0;
  for (; i + FL_FOUR <= n; i += FL_FOUR)
    for (int j = 0; j < FL_LANES; j++) {
      const real *t = v + i + j;
      fl_add(&lanes->hi[j], &lanes->lo[j],
             (double)((t[0] + t[FL_LANES]) + (t[2 * FL_LANES] + t[3 * FL_LANES])));
    }
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++)
      fl_add(&lanes->hi[j], &lanes->lo[j], (double)v[i + j]);
  for (int j = 0; i + j < n; j++)
    fl_add(&lanes->hi[j], &lanes->lo[j], (double)v[i + j]);
}

/* Sums of label weights as kernels take them are right to 2e-5, 256 roundings of f32. */
#define FL_LABEL_OFF ((real)(FL_LABEL_SUM_TOLERANCE - 2e-5))

/* FL_LABEL_SUM if labels of this sum may not sum to 1; NaN is data. */
FL_INLINE int64_t fl_label_sum(double sum) {
  const double off = sum - 1;
  return (int64_t)((off > FL_LABEL_OFF) | (off < -FL_LABEL_OFF)) * FL_LABEL_SUM;
}

FL_INLINE double fl_row_total(const double *hi, const double *lo) {
#if defined(FL_DTYPE_f32)
  double eight[8], quad[4];
  for (int j = 0; j < 8; j++) eight[j] = hi[j] + hi[j + 8];
  for (int j = 0; j < 4; j++) quad[j] = eight[j] + eight[j + 4];
  return (quad[0] + quad[2]) + (quad[1] + quad[3]);
#else
  fl_lanes sum;
  for (int j = 0; j < FL_LANES; j++) sum.hi[j] = hi[j], sum.lo[j] = lo[j];
  return fl_sum_value(fl_lanes_total(&sum));
#endif
}

#endif
