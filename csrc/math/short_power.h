/* short_power.h: exponentials and logarithms, in double, of as many digits as results in
   float32 need, by short polynomials and without a quotient or a sum of two numbers; and
   powers, of which those for float64 results have all digits.

   fl_d_short_exp is right to 2^-32 and fl_d_short_log to 2^-34 of itself (of log(1 + u)
   the polynomial makes at most 1/5). A power within the range of float32 is the
   exponential of at most 104, and so right to 104 2^-34 + 2^-32 < 2^-27, an eighth of an
   ulp; of exponents within 10 a hundredth. */
#ifndef FL_SHORT_POWER_H
#define FL_SHORT_POWER_H

#include "math/power.h"
#include "math/short_polynomials.h"

#define FL_SHORT_LN2 0x1.62e42fefa39efp-1
#define FL_SHORT_MOST \
  690.0 /* exp of it is a double, far beyond float32; so is its inverse */

/* exp(t), exp(t) - 1 and exp(t) - 1 - t, for t within FL_SHORT_MOST of 0, else at that
   bound. NaN stays NaN. */
typedef struct {
  double power, rise, rest;
} fl_short_exp;

FL_INLINE fl_short_exp fl_d_short_exp(double t) {
#if defined(FL_ISA_baseline)
  const double low = t < -FL_SHORT_MOST ? -FL_SHORT_MOST : t;
  const double x = low > FL_SHORT_MOST ? FL_SHORT_MOST : low;
#else
  const double low = fl_d_select(t < -FL_SHORT_MOST, -FL_SHORT_MOST, t);
  const double x = fl_d_select(low > FL_SHORT_MOST, FL_SHORT_MOST, low);
#endif
  const double magic_n = x * 0x1.71547652b82fep+0 + FL_D_MAGIC;
  const double n = magic_n - FL_D_MAGIC, r = FL_FMA_F64(-n, FL_SHORT_LN2, x);
  const double curve = r * r * fl_d_short_exp_polynomial(r), p = r + curve;
  const double s = fl_d_from_bits((fl_d_bits(magic_n) + 1023) << 52);
  const double rise = FL_FMA_F64(s, p, s - 1);
  return (fl_short_exp){FL_FMA_F64(s, p, s), rise,
                        fl_d_select(n == 0, curve, rise - x)};
}

/* log(u) of a normal u > 0, and log(u) - d, for u = 1 + d rounded. */
FL_INLINE fl_log_of fl_d_short_log_of(double u, double d) {
  const uint64_t root = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000; /* sqrt(1/2) */
  const uint64_t shifted = fl_d_bits(u) + (one - root);
  const double m = fl_d_from_bits((shifted & 0x000fffffffffffff) + root);
  const double biased = fl_d_from_bits((shifted >> 52) | fl_d_bits(0x1p52));
  const double k = biased - (0x1p52 + 1023);
  const bool near = k == 0;
  const double f = fl_d_select(near, d, m - 1);
  const double curve = -(f * f) * fl_d_short_log_polynomial(f);
  const double log = FL_FMA_F64(k, FL_SHORT_LN2, f + curve);
  return (fl_log_of){log, fl_d_select(near, curve, log - d)};
}

/* log(x + c) for x >= 0 and |c| at most half an ulp of x, and x^y of a finite x >= 0, given
   0^y: short ones in f32, else as fl_d_log and fl_d_power_from. In f32 x is 0 or normal. */
FL_INLINE double fl_log_short_in_f32(double x, double c) {
#if defined(FL_DTYPE_f32)
  const double log = fl_d_short_log_of(x, (x - 1) + c).log;
  return fl_d_select(x > 0, log, x == 0 ? -INFINITY : x);
#else
  return fl_d_log(x, c);
#endif
}

FL_INLINE double fl_power_short_in_f32(double zero, double x, double y) {
#if defined(FL_DTYPE_f32)
  const double log = fl_d_short_log_of(x, x - 1).log;
  return fl_d_select(x > 0, fl_d_short_exp(y * log).power, zero + x);
#else
  return fl_d_power_from(zero, x, y);
#endif
}

/* x/d. Results in float32 have the rounding of its inverse to spare, of which several
   quotients are made. */
FL_INLINE double fl_d_by_inverse(double x, double d, double inverse) {
#if defined(FL_DTYPE_f32)
  return x * inverse;
#else
  return x / d;
#endif
}

/* exp(x + tail) 2^-step as (1 + below) * half * other, where only the product may be out
   of range, for an integer step. */
typedef struct {
  double below, half, other;
} fl_exp_parts;

FL_INLINE fl_exp_parts fl_exp_parts_of(double x, double tail, double step) {
  const double middle = step * FL_SHORT_LN2, least = middle - 1400,
               most = middle + 1400;
  const double low = x < least ? least : x, bounded = low > most ? most : low;
  double magic_n;
  const double lost = fl_d_select(bounded == x, tail, 0);
  const double below = fl_d_expm1_reduced(bounded, lost, &magic_n);
  const uint64_t n = fl_d_bits(magic_n - step) - fl_d_bits(FL_D_MAGIC) + 8184,
                 h = n >> 1;
  return (fl_exp_parts){.below = below,
                        .half = fl_d_from_bits((h - 3069) << 52),
                        .other = fl_d_from_bits((n - h - 3069) << 52)};
}

/* log(x), and x^y as half * other, for a finite x > 0 of the dtype. In f64 neither is out of
   range, and they are x^y 2^-step. */
typedef struct {
  double log, half, other;
} fl_power_parts;

FL_INLINE fl_power_parts fl_power_parts_of(double x, double y, double step) {
#if defined(FL_DTYPE_f32)
  const double log = fl_d_short_log_of(x, x - 1).log;
  return (fl_power_parts){log, fl_d_short_exp(y * log).power, 1};
#else
  const fl_log_pair log = fl_d_log_pair(x);
  const double e = y * log.hi, tail = fl_product_tail(y, log.hi, e) + y * log.lo;
  const fl_exp_parts p = fl_exp_parts_of(e, tail, step);
  return (fl_power_parts){log.hi + log.lo, (1 + p.below) * p.half, p.other};
#endif
}

#endif
