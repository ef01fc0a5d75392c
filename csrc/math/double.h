/* double.h: exp, log and powers in double for both dtypes, branch-free, so that f32
   results are rounded once. Errors are in ulp of the result in f32 and f64.
   Polynomials: Sollya's fpminimax on the intervals named. */
#ifndef FL_DOUBLE_H
#define FL_DOUBLE_H

#include "math/vecmath.h"

FL_INLINE uint64_t fl_d_bits(double x) {
  uint64_t i;
  __builtin_memcpy(&i, &x, sizeof i);
  return i;
}

FL_INLINE double fl_d_from_bits(uint64_t i) {
  double x;
  __builtin_memcpy(&x, &i, sizeof x);
  return x;
}

FL_INLINE double fl_d_abs(double x) {
  return fl_d_from_bits(fl_d_bits(x) & 0x7fffffffffffffff);
}

FL_INLINE double fl_d_copysign(double magnitude, double sign) {
  return fl_d_from_bits((fl_d_bits(magnitude) & 0x7fffffffffffffff)
                        | (fl_d_bits(sign) & 0x8000000000000000));
}

/* fl_select for doubles. */
FL_INLINE double fl_d_select(bool condition, double a, double b) {
#if defined(FL_ISA_baseline)
  return fl_d_from_bits(condition ? fl_d_bits(a) : fl_d_bits(b));
#else
  const uint64_t mask = 0 - (uint64_t)condition;
  return fl_d_from_bits((fl_d_bits(a) & mask) | (fl_d_bits(b) & ~mask));
#endif
}

#define FL_D_MAGIC 0x1.8p52

/* What rounding took from p = fl(a b) (T. J. Dekker, A floating-point technique for
   extending the available precision, Numer. Math. 18, 1971, where there is no fma). */
FL_INLINE double fl_product_tail(double a, double b, double p) {
#if defined(FL_ISA_baseline)
  const double ca = 0x1.0000002p27 * a, cb = 0x1.0000002p27 * b;
  const double ah = ca - (ca - a), bh = cb - (cb - b);
  const double al = a - ah, bl = b - bh;
  return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
#else
  return FL_FMA_F64(a, b, -p);
#endif
}

/* P of exp(r) - 1 = r + r^2 P(r) on [-0.3475, 0.3475], relative error 2^-56. */
FL_INLINE double fl_d_exp_polynomial(double r) {
  double p = 0x1.aead53f541383p-26;
  p = FL_FMA_F64(p, r, 0x1.28928c56413b8p-22);
  p = FL_FMA_F64(p, r, 0x1.71de598893bcp-19);
  p = FL_FMA_F64(p, r, 0x1.a019b8235eeecp-16);
  p = FL_FMA_F64(p, r, 0x1.a01a018c3be67p-13);
  p = FL_FMA_F64(p, r, 0x1.6c16c178ce3dcp-10);
  p = FL_FMA_F64(p, r, 0x1.11111111144f1p-7);
  p = FL_FMA_F64(p, r, 0x1.5555555553c91p-5);
  p = FL_FMA_F64(p, r, 0x1.555555555554dp-3);
  return FL_FMA_F64(p, r, 0x1.0000000000001p-1);
}

/* exp(r) - 1 for r = x + tail - n ln 2, |tail| below an ulp of x; n comes back as the
   rounded number whose low bits hold the integer. */
FL_INLINE double fl_d_expm1_reduced(double x, double tail, double *magic_n) {
  *magic_n = x * 0x1.71547652b82fep+0 + FL_D_MAGIC;
  const double n = *magic_n - FL_D_MAGIC;
  double r = x - n * 0x1.62e42feep-1;
  r = FL_FMA_F64(-n, 0x1.a39ef35793c76p-33, r) + tail;
  return FL_FMA_F64(fl_d_exp_polynomial(r) * r, r, r);
}

FL_INLINE double fl_d_exp(double x, double tail) {
  double magic_n;
  x = x > 710 ? 710 : (x < -746 ? -746 : x);
  const double p = fl_d_expm1_reduced(x, tail, &magic_n);
  const uint64_t k = fl_d_bits(magic_n) - fl_d_bits(FL_D_MAGIC) + 4092;
  const uint64_t half = k >> 1;
  return (1 + p) * fl_d_from_bits((half - 1023) << 52)
         * fl_d_from_bits((k - half - 1023) << 52);
}

/* exp(x) - 1 for x <= 0; NaN stays NaN. */
FL_INLINE double fl_d_expm1_nonpositive(double x) {
  double magic_n;
  const double p = fl_d_expm1_reduced(x < -40 ? -40 : x, -0.0, &magic_n);
  const double s = fl_d_from_bits((fl_d_bits(magic_n) + 1023) << 52);
  return FL_FMA_F64(s, p, s - 1);
}

/* log(x + c) for x >= 0 and |c| at most half an ulp of x, in f32 not for an x that is
   subnormal: 1.0. -inf at 0, inf at inf; NaN stays NaN. */
FL_INLINE double fl_d_log(double x, double c) {
#if defined(FL_DTYPE_f32)
  const uint64_t one = 0x3ff0000000000000;
  const uint64_t k = ((fl_d_bits(x) + (one - 0x3fe6a09e667f3bcd)) >> 52) - 1023;
  const double m = fl_d_from_bits(fl_d_bits(x) - (k << 52));
  const double inverse = fl_d_from_bits(one - (k << 52));
  const double kr = fl_d_from_bits(fl_d_bits(FL_D_MAGIC) + k) - FL_D_MAGIC;
  const double y = fl_d_log1p_reduced((m - 1) + c * inverse, kr);
  const double special = x == 0 ? -INFINITY : x;
  return (x > 0) & (x < INFINITY) ? y : special;
#else
  return fl_log_tail(x, c);
#endif
}

/* log(1 + d) of a quotient u = 1 + d: of d where |d| <= 1/2, of u elsewhere. `curve` is
   log(1 + d) - d, which keeps its digits at 0. */
typedef struct {
  double log, curve;
} fl_log_of;

FL_INLINE fl_log_of fl_d_log_of(double u, double d) {
  const bool near = fl_d_abs(d) <= 0.5;
  const fl_d_log1p_parts parts = fl_d_log1p_parts_of(near ? d : 0);
  const double curve = -parts.s * parts.rest, log = fl_d_log(u, 0);
  return (fl_log_of){fl_d_select(near, d + curve, log),
                     fl_d_select(near, curve, log - d)};
}

/* log(x) = k ln 2 + (hi + lo), x > 0 finite, to about 2^-66 relative: with
   s = (m - 1)/(m + 1) and z = s^2, log m = 2 s (1 + z/3 + z^2 P(z)), the leading terms
   in double-double (N. Brisebarre et al., Handbook of Floating-Point Arithmetic, 2nd
   ed. 2018, chapter 4, for the building blocks). P on [0, 0.0295], error 2^-50. */
typedef struct {
  double k, hi, lo;
} fl_log_parts;

FL_INLINE fl_log_parts fl_d_log_parts(double x) {
  const bool tiny = x < 0x1p-1022;
  const double u = tiny ? x * 0x1p54 : x;
  const uint64_t shifted = fl_d_bits(u) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
  const uint64_t k = (shifted >> 52) - 1023;
  const double m = fl_d_from_bits(fl_d_bits(u) - (k << 52));
  const double kr = fl_d_from_bits(fl_d_bits(FL_D_MAGIC) + k) - FL_D_MAGIC;
  const double f = m - 1, g = m + 1, g_lost = m - (g - 1);
  const double s = f / g, sg = s * g;
  const double s_lost = ((f - sg) - fl_product_tail(s, g, sg) - s * g_lost) / g;
  const double z = s * s;
  const double z_lost = fl_product_tail(s, s, z) + 2 * s * s_lost;
  double p = 0x1.08830ef679915p-4;
  p = FL_FMA_F64(p, z, 0x1.1017b756e2cafp-4);
  p = FL_FMA_F64(p, z, 0x1.3b18c19bb086ap-4);
  p = FL_FMA_F64(p, z, 0x1.745d09cb276a4p-4);
  p = FL_FMA_F64(p, z, 0x1.c71c71d835427p-4);
  p = FL_FMA_F64(p, z, 0x1.249249248e312p-3);
  p = FL_FMA_F64(p, z, 0x1.999999999999fp-3);
  const double third = 0x1.5555555555555p-2, third_lost = 0x1.5555555555555p-56;
  const double c = z * third;
  const double c_lost = fl_product_tail(z, third, c) + z * third_lost + z_lost * third;
  const double rest = z * z * p;
  const double a = c + rest, a_lost = (c - a) + rest + c_lost;
  const double sa = s * a;
  const double sa_lost = fl_product_tail(s, a, sa) + s * a_lost + s_lost * a;
  const double hi = s + sa, lo = (s - hi) + sa + (sa_lost + s_lost);
  return (fl_log_parts){.k = tiny ? kr - 54 : kr, .hi = 2 * hi, .lo = 2 * lo};
}

/* log(x) as a sum of two, x > 0 finite. */
typedef struct {
  double hi, lo;
} fl_log_pair;

FL_INLINE fl_log_pair fl_d_log_pair(double x) {
  const fl_log_parts log = fl_d_log_parts(x);
  const double k_hi = log.k * 0x1.62e42feep-1; /* 32 bits times 11: exact */
  const double sum = k_hi + log.hi;
  const double back = sum - k_hi;
  const double lost = (k_hi - (sum - back)) + (log.hi - back);
  const double low = lost + FL_FMA_F64(log.k, 0x1.a39ef35793c76p-33, log.lo);
  return (fl_log_pair){sum, low};
}

/* x^y = exp(y log x) of a finite x > 0: 0.6, 0.9. */
FL_INLINE double fl_d_power_positive(double x, double y) {
  const fl_log_pair log = fl_d_log_pair(x);
  const double e = y * log.hi;
  const double e_lost = fl_product_tail(y, log.hi, e) + y * log.lo;
  const bool finite = fl_d_abs(e) < 0x1p20;
  return fl_d_exp(e, finite ? e_lost : 0);
}

/* x^y. The sign of a negative base is (-1)^y. */
FL_INLINE double fl_d_power(double x, double y) {
  const double magnitude = fl_d_abs(x);
  const bool normal = magnitude > 0 && magnitude < INFINITY;
  double result = fl_d_power_positive(normal ? magnitude : 1, y);
  const bool grows = (magnitude == 0) == (y < 0);
  result = normal ? result : (grows ? INFINITY : 0);
  /* adding 2^52 rounds to an integer; from there on all numbers are integers, from 2^53
     on even ones */
  const double size = fl_d_abs(y), half = 0.5 * size, whole = 0x1p52;
  const bool integer = size >= whole || (size + whole) - whole == size;
  const bool odd = integer && size < 0x1p53 && (half + whole) - whole != half;
  result = x < 0 && !integer && normal ? NAN : result;
  result = odd ? fl_d_copysign(result, x) : result;
  /* pow(-1, inf) = 1 and |x|^inf = 0 or inf */
  const bool decays = (magnitude < 1) == (y > 0);
  const double at_infinity = magnitude == 1 ? 1 : (decays ? 0 : INFINITY);
  result = size == INFINITY ? at_infinity : result;
  result = x != x || y != y ? x + y : result;
  return y == 0 || x == 1 ? 1 : result;
}

#endif
