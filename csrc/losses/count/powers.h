/* powers.h: y exp(x) whose factors may be out of range. */
#ifndef FL_POWERS_H
#define FL_POWERS_H

#include "math/pairs.h"

/* Beyond the first y exp(x) is 0 or infinite for all y between 0 and infinity; within the
   second 2^n is a product of two normal numbers. */
#if defined(FL_DTYPE_f32)
#define FL_EXP_FAR 250.0f
#define FL_TWO_FACTORS 252.0f
#else
#define FL_EXP_FAR 1500.0
#define FL_TWO_FACTORS 2044.0
#endif

FL_INLINE double fl_d_clip(double bound, double x) {
  const double low = x < -bound ? -bound : x;
  return low > bound ? bound : low;
}

/* y exp(x + tail) for y >= 0: with y = 2^k m and exp(x) = 2^n (1 + p), as
   m (1 + p) 2^(n + k), of which only the last product rounds below the normal numbers:
   1.3 ulp. At y = 0 it is 0. */
FL_INLINE real fl_times_exp(real y, real x, real tail) {
  const fl_uint one = (fl_uint)FL_EXPONENT_BIAS << FL_MANTISSA_BITS;
  const fl_uint fraction = ((fl_uint)1 << FL_MANTISSA_BITS) - 1;
  const bool tiny = y < FL_SMALLEST_NORMAL;
  const fl_uint bits = fl_bits(tiny ? y * FL_SUBNORMAL_SCALE : y);
  const real m = fl_from_bits((bits & fraction) | one);
  const real biased =
      fl_from_bits(fl_bits(FL_ROUND_MAGIC) + (bits >> FL_MANTISSA_BITS));
  const real k = (biased - FL_ROUND_MAGIC)
                 - (tiny ? FL_EXPONENT_BIAS + FL_SUBNORMAL_BITS : FL_EXPONENT_BIAS);
  real magic_n, n, first, second;
  const real bounded = fl_min(FL_EXP_FAR, fl_max(-FL_EXP_FAR, x));
  const real p = fl_expm1_reduced(bounded, tail, &magic_n, &n);
  const real total = fl_min(FL_TWO_FACTORS, fl_max(-FL_TWO_FACTORS, n + k));
  fl_power_of_two(total + FL_ROUND_MAGIC, &first, &second);
  const real product = FL_FMA(m, p, m) * first * second;
  return fl_select((y > 0) & (y < (real)INFINITY), product, y);
}

/* y exp(c x), x finite: what rounding takes from c x goes into the exponential. */
FL_INLINE real fl_times_power(real y, real c, real x) {
  const real product = c * x, tail = fl_tail_of_product(c, x, product);
  return fl_times_exp(y, product, fl_where(fl_abs(product) < FL_EXP_FAR, tail));
}

#endif
