/* deviance.h: what the deviances of counts and amounts share, in double for both dtypes:
   log(a/b) and a - b - b log(a/b), which about a = b is (a - b)^2/(2 b). In f32 the second
   is -b (log(1 + d) - d) of d = (a - b)/b. */
#ifndef FL_DEVIANCE_H
#define FL_DEVIANCE_H

#include "losses/count/powers.h"
#include "math/short_power.h"

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

/* x/y, given x exactly and y > 0. */
FL_INLINE fl_sum_of_two fl_d_quotient(double x, fl_sum_of_two y) {
  const double q = x / y.hi, product = q * y.hi;
  const double left = (x - product) - fl_product_tail(q, y.hi, product);
  return (fl_sum_of_two){q, (left - q * y.lo) / y.hi};
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

/* log(a/b), and scale (a - b - b log(a/b)), for a, b > 0. */
typedef struct {
  fl_sum_of_two log;
  double excess;
} fl_ratio;

/* The scale is a power of 2 by which products, and what rounding takes from them, are in
   range. Within a quarter of b, with s = (a - b)/(a + b), z = s^2 and
   log(a/b) = 2 artanh(s) = 2 s + s z R(z), the excess is s (a - b - b z R(z)); further
   out the terms are added up as sums of two. */
FL_INLINE fl_ratio fl_d_ratio(double a, double b, double scale) {
#if defined(FL_DTYPE_f32)
  const double inverse = 1 / b;
  const fl_log_of log = fl_d_short_log_of(a * inverse, (a - b) * inverse);
  return (fl_ratio){{log.log, 0}, b * -log.curve};
#else
  const double u = a * scale, v = b * scale;
  const fl_sum_of_two far = fl_d_log_ratio(a, b), rise = fl_d_sum(u, -v);
  const bool close = fl_d_abs(rise.hi) < 0.25 * v;
  const fl_sum_of_two s = fl_d_quotient(rise.hi, fl_d_sum(u, v));
  const double z = s.hi * s.hi, rest = z * fl_d_artanh_polynomial(z);
  const double slope = FL_FMA_F64(-v, rest, rise.hi);
  const double product = v * far.hi, tail = fl_product_tail(v, far.hi, product);
  const fl_sum_of_two sum = fl_d_sum(rise.hi, -product);
  const double lost = sum.lo + (rise.lo - FL_FMA_F64(v, far.lo, tail));
  const double near = FL_FMA_F64(s.hi, slope, s.lo * slope);
  const fl_sum_of_two artanh = fl_d_sum(2 * s.hi, FL_FMA_F64(s.hi, rest, 2 * s.lo));
  return (fl_ratio){
      .log = {close ? artanh.hi : far.hi, close ? artanh.lo : far.lo},
      .excess = close ? near : sum.hi + lost,
  };
#endif
}

/* In f32 nothing is out of range. */
FL_INLINE double fl_d_scale(double a) {
#if defined(FL_DTYPE_f32)
  return 1;
#else
  return a > 1 ? 0x1p-100 : 0x1p500;
#endif
}

#endif
