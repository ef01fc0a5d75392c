/* deviance.h: what the deviances of counts and amounts share, in double for both dtypes:
   sums of two, and log(a/b) for a, b > 0. */
#ifndef FL_DEVIANCE_H
#define FL_DEVIANCE_H

#include "losses/count/powers.h"

#define FL_D_LN2_HI 0x1.62e42feep-1 /* 32 bits: k times it is exact */
#define FL_D_LN2_LO 0x1.a39ef35793c76p-33

typedef struct {
  double hi, lo;
} fl_sum_of_two;

/* x + y (D. E. Knuth's two-sum). */
FL_INLINE fl_sum_of_two fl_d_sum(double x, double y) {
  const double sum = x + y, part = sum - x;
  return (fl_sum_of_two){sum, (x - (sum - part)) + (y - part)};
}

/* log(a/b), to 2^-64 of the larger of its terms. */
FL_INLINE fl_sum_of_two fl_d_log_ratio(double a, double b) {
  const fl_log_parts log_a = fl_d_log_parts(a), log_b = fl_d_log_parts(b);
  const double k = log_a.k - log_b.k;
  const fl_sum_of_two parts = fl_d_sum(log_a.hi, -log_b.hi);
  const fl_sum_of_two sum = fl_d_sum(k * FL_D_LN2_HI, parts.hi);
  const double lo = FL_FMA_F64(k, FL_D_LN2_LO, log_a.lo - log_b.lo);
  return fl_d_sum(sum.hi, sum.lo + (parts.lo + lo));
}

/* Where d = a/b - 1 is so small that differences with log(1 + d) lose their digits. */
FL_INLINE bool fl_d_close(double a, double b) { return fl_d_abs(a - b) < 0x1p-8 * b; }

/* There, with s = (a - b)/(a + b) = d/(2 + d) and z = s^2: log(1 + d) = 2 artanh(s), and
   d - log(1 + d) = s (d - z R) with R = 2/3 + 2/5 z + 2/7 z^2; the rest is 2^-66 of d.
   This is z R. */
FL_INLINE double fl_d_close_rest(double s) {
  const double z = s * s;
  return z * FL_FMA_F64(FL_FMA_F64(2.0 / 7, z, 2.0 / 5), z, 2.0 / 3);
}

/* A power of 2 by which products with a, and what rounding takes from them, are in
   range. */
FL_INLINE double fl_d_scale(double a) { return a > 1 ? 0x1p-100 : 0x1p500; }

#endif
