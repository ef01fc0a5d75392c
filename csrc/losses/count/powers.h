/* powers.h: y exp(x) whose factors may be out of range, in double for both dtypes. */
#ifndef FL_POWERS_H
#define FL_POWERS_H

#include "math/double.h"

FL_INLINE double fl_d_clip(double bound, double x) {
  const double low = x < -bound ? -bound : x;
  return low > bound ? bound : low;
}

/* y exp(x + tail) for y >= 0: with y = 2^k m and exp(x) = 2^n (1 + p), as
   m (1 + p) 2^(n + k), of which only the last product rounds below the normal numbers:
   1.2 ulp. At y = 0 it is 0. */
FL_INLINE double fl_d_times_exp(double y, double x, double tail) {
  const bool tiny = y < 0x1p-1022;
  const uint64_t bits = fl_d_bits(tiny ? y * 0x1p54 : y);
  const double m = fl_d_from_bits((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  const double biased = fl_d_from_bits(fl_d_bits(FL_D_MAGIC) + (bits >> 52));
  const double k = (biased - FL_D_MAGIC) - (tiny ? 1077 : 1023);
  double magic_n;
  const double p = fl_d_expm1_reduced(fl_d_clip(1500, x), tail, &magic_n);
  const double total = fl_d_clip(2044, (magic_n - FL_D_MAGIC) + k) + FL_D_MAGIC;
  const uint64_t sum = fl_d_bits(total) - fl_d_bits(FL_D_MAGIC) + 4092, half = sum >> 1;
  const double first = fl_d_from_bits((half - 1023) << 52);
  const double second = fl_d_from_bits((sum - half - 1023) << 52);
  const double product = FL_FMA_F64(m, p, m) * first * second;
  return y > 0 && y < INFINITY ? product : y;
}

/* y exp(c x), x finite: what rounding takes from c x goes into the exponential. */
FL_INLINE double fl_d_times_power(double y, double c, double x) {
  const double product = c * x;
  const double tail = fl_product_tail(c, x, product);
  return fl_d_times_exp(y, product, fl_d_abs(product) < 1500 ? tail : 0);
}

#endif
