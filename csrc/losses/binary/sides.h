/* sides.h: what losses of a label in [0, 1] and a probability share. Label and prediction
   are mirrored, y to 1 - y and the logit x to -x, where y > 1/2: the smaller part of a
   label is then exact, and a hard label is 0. In double, whatever the dtype, with
   exponentials and logarithms that are short in f32.

     l0 = -log(1 - p), l1 = -log(p),  ce = (1 - y) l0 + y l1 */
#ifndef FL_SIDES_H
#define FL_SIDES_H

#include "math/short_power.h"

/* What is multiplied by it keeps its digits below the normals; in f32 it has them. */
#if defined(FL_DTYPE_f32)
#define FL_WIDE 1.0
#else
#define FL_WIDE 0x1p256
#endif
#define FL_CERTAIN 1e4 /* a cross-entropy from here on is multiplied by 0 */

typedef struct {
  double sign; /* -1 where mirrored, else 1 */
  double y; /* at most 1/2 */
  double p, q; /* the probability, and 1 - p */
  double delta; /* p - y */
  double ce;
  double p_wide, q_wide, slope_wide; /* p, q and p q, times FL_WIDE */
} fl_sides;

/* exp(-a) FL_WIDE for a >= 0, as a sum of two; 0 where it is none without FL_WIDE. */
typedef struct {
  double hi, lo;
} fl_wide_number;

FL_INLINE fl_wide_number fl_wide_exp(double a) {
#if defined(FL_DTYPE_f32)
  return (fl_wide_number){fl_d_short_exp(-a).power * FL_WIDE, 0};
#else
  double magic_n;
  const double p = fl_d_expm1_reduced(a > 800 ? -800 : -a, -0.0, &magic_n);
  const uint64_t n = fl_d_bits(magic_n) - fl_d_bits(FL_D_MAGIC);
  const double s = a > 800 ? 0 : fl_d_from_bits((n + 1023 + 256) << 52);
  const double hi = FL_FMA_F64(s, p, s);
  return (fl_wide_number){hi, FL_FMA_F64(s, p, s - hi)};
#endif
}

FL_INLINE double fl_times_wide(fl_wide_number wide, double x) {
#if defined(FL_DTYPE_f32)
  return wide.hi * x;
#else
  return FL_FMA_F64(wide.hi, x, wide.lo * x);
#endif
}

/* 1/(sum + tail) */
FL_INLINE double fl_inverse_of_sum(double sum, double tail) {
  const double first = 1 / sum;
#if defined(FL_DTYPE_f32)
  return first;
#else
  const double product = first * sum;
  const double missing = ((1 - product) - fl_product_tail(first, sum, product));
  return FL_FMA_F64(first, missing - first * tail, first);
#endif
}

/* The larger product is the one that is not rounded. */
FL_INLINE double fl_cross_entropy(double y, double l0, double l1) {
  const double zero = (1 - y) * l0, one = y == 0 ? 0 : y * l1;
  return one > zero ? FL_FMA_F64(y, l1, zero) : FL_FMA_F64(1 - y, l0, one);
}

/* Of a logit, by the exponential t of -|x| and the inverse of 1 + t, from which nothing
   is lost but the last rounding. */
FL_INLINE fl_sides fl_sides_of_logit(double y, double x) {
  const bool mirrored = y > 0.5;
  const double sign = mirrored ? -1 : 1, label = mirrored ? 1 - y : y;
  const double z = sign * x;
  const fl_wide_number wide = fl_wide_exp(fl_d_abs(z));
  const double t = wide.hi * (1 / FL_WIDE), sum = 1 + t;
  const double tail = (t - (sum - 1)) + wide.lo * (1 / FL_WIDE);
  const double near = fl_inverse_of_sum(sum, tail);
  const double far_wide = fl_times_wide(wide, near);
  const double far = far_wide * (1 / FL_WIDE), soft = fl_log_short_in_f32(sum, tail);
  const double p = z > 0 ? near : far, q = z > 0 ? far : near;
  const double l0 = (z < 0 ? 0 : z) + soft, l1 = (z > 0 ? 0 : -z) + soft;
  return (fl_sides){
      .sign = sign,
      .y = label,
      .p = p,
      .q = q,
      .delta = p - label,
      .ce = fl_cross_entropy(label, l0, l1),
      .p_wide = z > 0 ? near * FL_WIDE : far_wide,
      .q_wide = z > 0 ? far_wide : near * FL_WIDE,
      .slope_wide = near * far_wide,
  };
}

/* Of a probability that is clipped to [eps, 1-eps], with the derivatives of ce by it. */
typedef struct {
  double sign, y, p, q, delta, ce, ce1, ce2;
} fl_probability_sides;

FL_INLINE fl_probability_sides fl_sides_of_probability(real y, real x, real eps) {
  const bool mirrored = y > (real)0.5;
  const double sign = mirrored ? -1 : 1, label = mirrored ? 1 - y : y;
  const double low = x < eps ? eps : x, other = 1 - low;
  const double p0 = low > 1 - (double)eps ? 1 - (double)eps : low;
  const double q0 = other < eps ? eps : other;
  const double p = mirrored ? q0 : p0, q = mirrored ? p0 : q0;
  const double l0 = -fl_log_short_in_f32(q, (1 - q) - p);
  const double l1 = -fl_log_short_in_f32(p, (1 - p) - q);
  const double a = (1 - label) / q, b = label == 0 ? 0 : label / p;
  return (fl_probability_sides){
      .sign = sign,
      .y = label,
      .p = p,
      .q = q,
      .delta = p - label,
      .ce = fl_cross_entropy(label, l0, l1),
      .ce1 = a - b,
      .ce2 = a / q + (b == 0 ? 0 : b / p),
  };
}

#endif
