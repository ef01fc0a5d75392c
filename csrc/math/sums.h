/* sums.h: sums in 16 fixed lanes. Element i goes to lane i mod 16 and every addition is
   written out in its order, so that neither the width of the vectors nor the number of
   threads changes a bit. */
#ifndef FL_SUMS_H
#define FL_SUMS_H

#include "blocks/kernels.h"

/* w x, and exactly 0 for w = 0 whatever x is; as a bit mask, because GCC 12 applies the
   mask of the wrong lanes when it vectorises the conditional over f32 and f64. */
static inline double fl_weighted(double w, double x) {
  const double product = w * x;
  uint64_t bits;
  __builtin_memcpy(&bits, &product, sizeof bits);
  bits &= 0 - (uint64_t)(w != 0);
  double weighted;
  __builtin_memcpy(&weighted, &bits, sizeof weighted);
  return weighted;
}

/* hi + lo += x with hi the rounded sum (Knuth's two-sum). */
static inline void fl_two_sum(double *hi, double *lo, double x) {
  const double sum = *hi + x, c = sum - *hi;
  *lo += (*hi - (sum - c)) + (x - c);
  *hi = sum;
}

/* The lanes added up in pairs: 8 + 8, 4 + 4, ...; unrolled, as vectors need the widths to
   be constants. */
static inline fl_sum fl_lanes_total(const fl_lanes *lanes) {
  double hi[FL_LANES], lo[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) hi[j] = lanes->hi[j], lo[j] = lanes->lo[j];
  _Pragma("GCC unroll 4")
  for (int half = FL_LANES / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; j++) {
      lo[j] += lo[j + half];
      fl_two_sum(&hi[j], &lo[j], hi[j + half]);
    }
  }
  return (fl_sum){hi[0], lo[0]};
}

/* The double nearest to hi + lo; lo is not a number where hi is infinite. */
static inline double fl_sum_value(fl_sum sum) {
  const double value = sum.hi + sum.lo;
  return sum.hi - sum.hi == 0 ? value : sum.hi;
}

#endif
