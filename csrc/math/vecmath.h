/* vecmath.h: exp, expm1, log, log1p and log1mexp of one `real`, branch-free, so that a
   loop over them vectorises. Compiled as f32 or f64 by isa.h; the same operations in the
   same order on every instruction set with a fused multiply-add, hence the same bits.
   Polynomials: Sollya's fpminimax on the intervals named, coefficients in the dtype.
   Errors are in ulp, the worst found by tools/accuracy.py. */
#ifndef FL_VECMATH_H
#define FL_VECMATH_H

#include <math.h>

#include "isa/isa.h"

#if defined(FL_DTYPE_f32)
#define FL_MANTISSA_BITS 23
#define FL_EXPONENT_BIAS 127
#define FL_ROUND_MAGIC 0x1.8p23f   /* x + magic - magic rounds to an integer */
#define FL_LOG2E 0x1.715476p+0f
#define FL_LN2_HI 0x1.63p-1f       /* 9 bits: n * hi is exact for |n| < 2^15 */
#define FL_LN2_LO (-0x1.bd0106p-13f)
#define FL_EXP_NORMAL (-86.0f)     /* down to here exp(x) is a normal number */
#define FL_EXP_UNDERFLOW (-104.5f) /* exp(x) < 2^-150 rounds to 0 */
#define FL_SQRT_HALF_BITS 0x3f3504f3
#define FL_SUBNORMAL_SCALE 0x1p24f
#define FL_SUBNORMAL_BITS 24
#define FL_SMALLEST_NORMAL 0x1p-126f
#define FL_TINY 0x1p-149f
#else
#define FL_MANTISSA_BITS 52
#define FL_EXPONENT_BIAS 1023
#define FL_ROUND_MAGIC 0x1.8p52
#define FL_LOG2E 0x1.71547652b82fep+0
#define FL_LN2_HI 0x1.62e42feep-1  /* 32 bits: n * hi is exact for |n| < 2^21 */
#define FL_LN2_LO 0x1.a39ef35793c76p-33
#define FL_EXP_NORMAL (-708.0)
#define FL_EXP_UNDERFLOW (-746.0)
#define FL_SQRT_HALF_BITS 0x3fe6a09e667f3bcd
#define FL_SUBNORMAL_SCALE 0x1p54
#define FL_SUBNORMAL_BITS 54
#define FL_SMALLEST_NORMAL 0x1p-1022
#define FL_TINY 0x1p-1074
#endif

FL_INLINE fl_uint fl_bits(real x) {
  fl_uint i;
  __builtin_memcpy(&i, &x, sizeof i);
  return i;
}

FL_INLINE real fl_from_bits(fl_uint i) {
  real x;
  __builtin_memcpy(&x, &i, sizeof x);
  return x;
}

#define FL_SIGN_BIT ((fl_uint)1 << (8 * sizeof(real) - 1))

#if defined(FL_DTYPE_f32)
FL_INLINE real fl_abs(real x) { return __builtin_fabsf(x); }
#else
FL_INLINE real fl_abs(real x) { return __builtin_fabs(x); }
#endif

/* |magnitude| with the sign of `sign`. */
FL_INLINE real fl_copysign(real magnitude, real sign) {
  return fl_from_bits((fl_bits(magnitude) & ~FL_SIGN_BIT)
                      | (fl_bits(sign) & FL_SIGN_BIT));
}

/* The smaller and the larger, where a NaN in x stays a NaN. */
FL_INLINE real fl_min(real bound, real x) { return x > bound ? bound : x; }
FL_INLINE real fl_max(real bound, real x) { return x < bound ? bound : x; }

/* `value`, but NaN where x is one: for derivatives that do not depend on x. */
FL_INLINE real fl_unless_nan(real x, real value) { return x == x ? value : x; }

/* condition ? a : b, by masks, because GCC moves the computation of a value into a branch
   when it sees a conditional. SSE2 has no masks of 64 bits that GCC 12 vectorises. */
FL_INLINE real fl_select(bool condition, real a, real b) {
#if defined(FL_ISA_baseline) && defined(FL_DTYPE_f64)
  return fl_from_bits(condition ? fl_bits(a) : fl_bits(b));
#else
  const fl_uint mask = 0 - (fl_uint)condition;
  return fl_from_bits((fl_bits(a) & mask) | (fl_bits(b) & ~mask));
#endif
}

/* `value` where the condition holds, else 0. */
FL_INLINE real fl_where(bool condition, real value) {
  return fl_select(condition, value, 0);
}

/* x*w, where a factor of exactly 0 wins over infinity and NaN in x. */
FL_INLINE real fl_masked(real w, real x) { return fl_where(w != 0, w * x); }

/* `negative` where the sign of z is set, else `other`: in integers, as comparisons take
   the ports of multiplications. */
FL_INLINE real fl_by_sign(real z, real negative, real other) {
  const fl_uint mask = (fl_uint)((fl_int)fl_bits(z) >> (8 * sizeof(real) - 1));
  return fl_from_bits((fl_bits(negative) & mask) | (fl_bits(other) & ~mask));
}

/* What rounding took from d = fl(a - b): a - b = d + fl_difference_tail(a, b, d)
   (Knuth's two-sum, The Art of Computer Programming 2, section 4.2.2). */
FL_INLINE real fl_difference_tail(real a, real b, real d) {
  const real c = d - a;
  return (a - (d - c)) - (b + c);
}

/* exp(r) - 1 for r in [-0.3475, 0.3475]. Polynomial error: 2^-26.6 relative in f32
   (degree 6), 2^-55.6 in f64 (degree 11). */
FL_INLINE real fl_expm1_polynomial(real r) {
  /* Estrin's order: the chain of dependent steps is half of Horner's. */
  const real r2 = r * r;
#if defined(FL_DTYPE_f32)
  const real p01 = FL_FMA(0x1.5554dcp-3f, r, 0x1p-1f);
  const real p23 = FL_FMA(0x1.120c86p-7f, r, 0x1.55556ap-5f);
  const real p = FL_FMA(FL_FMA(0x1.6cad1cp-10f, r2, p23), r2, p01);
#else
  const real r4 = r2 * r2;
  const real p01 = FL_FMA(0x1.5555555555558p-3, r, 0x1.0000000000001p-1);
  const real p23 = FL_FMA(0x1.111111110f8bp-7, r, 0x1.5555555553c81p-5);
  const real p45 = FL_FMA(0x1.a01a01afd4ae9p-13, r, 0x1.6c16c178d46fdp-10);
  const real p67 = FL_FMA(0x1.71ddf72531796p-19, r, 0x1.a019b80d6948p-16);
  const real p89 = FL_FMA(0x1.af628bc1ed99p-26, r, 0x1.2892a3e41f698p-22);
  const real p4to9 = FL_FMA(FL_FMA(p89, r2, p67), r2, p45);
  const real p = FL_FMA(p4to9, r4, FL_FMA(p23, r2, p01));
#endif
  return FL_FMA(p, r2, r);
}

/* The same for r = x + tail - n ln 2; n comes back as the rounded float whose low bits
   hold the integer. */
FL_INLINE real fl_expm1_reduced(real x, real tail, real *magic_n, real *n) {
  *magic_n = FL_FMA(x, FL_LOG2E, FL_ROUND_MAGIC);
  *n = *magic_n - FL_ROUND_MAGIC;
  const real r = FL_FMA(*n, -FL_LN2_HI, x);
  return fl_expm1_polynomial(FL_FMA(*n, -FL_LN2_LO, r) + tail);
}

/* Down to here exp(x) 2^64 is a normal number. */
#if defined(FL_DTYPE_f32)
#define FL_EXP_LIFTED (-120.0f)
#else
#define FL_EXP_LIFTED (-752.0)
#endif

/* 2^64 exp(x + tail) for FL_EXP_LIFTED <= x <= 0 and |tail| at most half an ulp of x; NaN
   stays NaN. 0.9 ulp. */
FL_INLINE real fl_exp_lifted(real x, real tail) {
  real magic_n, n;
  const real p = fl_expm1_reduced(x, tail, &magic_n, &n);
  const fl_uint exponent = fl_bits(magic_n) + (FL_EXPONENT_BIAS + 64);
  const real scale = fl_from_bits(exponent << FL_MANTISSA_BITS);
  return FL_FMA(p, scale, scale);
}

/* exp(x + tail) for x <= 0, likewise; subnormal results are rounded by the last product
   alone. */
FL_INLINE real fl_exp_nonpositive_tail(real x, real tail) {
  return fl_exp_lifted(fl_max(FL_EXP_UNDERFLOW, x), tail) * (real)0x1p-64;
}

/* x + (-0) is x for every x, and no instruction. */
FL_INLINE real fl_exp_nonpositive(real x) {
  return fl_exp_nonpositive_tail(x, (real)-0.0);
}

/* The same bits for FL_EXP_NORMAL <= x <= 0, where 2^n can be added to the exponent. */
FL_INLINE real fl_exp_normal(real x) {
  real magic_n, n;
  const real p = fl_expm1_reduced(x, (real)-0.0, &magic_n, &n);
  return fl_from_bits(fl_bits(1 + p) + (fl_bits(magic_n) << FL_MANTISSA_BITS));
}

/* exp(x + tail) - 1 for x <= 0 and |tail| at most half an ulp of x; NaN stays NaN. With
   s = 2^n: s (exp(r) - 1) + (s - 1). */
FL_INLINE real fl_expm1_nonpositive_tail(real x, real tail) {
  real magic_n, n;
  x = fl_max((real)-40, x); /* exp(-40) < 2^-57: the result is -1 from here on */
  const real p = fl_expm1_reduced(x, tail, &magic_n, &n);
  const real s =
      fl_from_bits((fl_bits(magic_n) + FL_EXPONENT_BIAS) << FL_MANTISSA_BITS);
  return FL_FMA(s, p, s - 1);
}

FL_INLINE real fl_expm1_nonpositive(real x) {
  return fl_expm1_nonpositive_tail(x, (real)-0.0);
}

#if defined(FL_DTYPE_f32)
#define FL_EXP_OVERFLOW 89.0f /* above log(2^128) */
#else
#define FL_EXP_OVERFLOW 710.0 /* above log(2^1024) */
#endif

/* 2^n for the integer n in the low bits of a rounded magic_n, as two factors, neither
   of which leaves the normal range. */
FL_INLINE void fl_power_of_two(real magic_n, real *first, real *second) {
  const fl_uint offset = 4 * FL_EXPONENT_BIAS;
  const fl_uint n = fl_bits(magic_n) - fl_bits(FL_ROUND_MAGIC) + offset;
  const fl_uint half = n >> 1;
  *first = fl_from_bits((half - offset / 2 + FL_EXPONENT_BIAS) << FL_MANTISSA_BITS);
  *second =
      fl_from_bits((n - half - offset / 2 + FL_EXPONENT_BIAS) << FL_MANTISSA_BITS);
}

/* exp(x + tail) for |tail| at most an ulp of x: 1.0, 0.9. */
FL_INLINE real fl_exp_tail(real x, real tail) {
  real magic_n, n, first, second;
  x = fl_min(FL_EXP_OVERFLOW, fl_max(FL_EXP_UNDERFLOW, x));
  const real p = fl_expm1_reduced(x, tail, &magic_n, &n);
  fl_power_of_two(magic_n, &first, &second);
  return FL_FMA(first, p, first) * second;
}

FL_INLINE real fl_exp(real x) { return fl_exp_tail(x, 0); }

/* exp(x) - 1: 1.5, 1.8. Half of it is made, as 2^(n-1) does not overflow. */
FL_INLINE real fl_expm1(real x) {
  real magic_n, n;
  x = fl_min(FL_EXP_OVERFLOW, fl_max((real)-40, x));
  const real p = fl_expm1_reduced(x, 0, &magic_n, &n);
  const fl_uint k = fl_bits(magic_n) - fl_bits(FL_ROUND_MAGIC);
  const real s = fl_from_bits((k + FL_EXPONENT_BIAS - 1) << FL_MANTISSA_BITS);
  const real scaled = 2 * FL_FMA(s, p, s - (real)0.5);
  return n == 0 ? p : scaled;
}

/* log(1 + f) + k ln 2 for f in [sqrt(1/2) - 1, sqrt(2) - 1] and an integer k.
   In double: with s = f/(2+f), log(1+f) = f - (f^2/2 - s (f^2/2 + s^2 R(s^2)))
   (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980),
   relative error 2^-57. */
FL_INLINE double fl_d_log1p_reduced(double f, double k) {
  const double s = f / (2 + f), z = s * s, half = 0.5 * f * f;
  const double z2 = z * z, z4 = z2 * z2;
  const double q01 = FL_FMA_F64(0x1.99999999952d2p-2, z, 0x1.5555555555558p-1);
  const double q23 = FL_FMA_F64(0x1.c71c62dad4db8p-3, z, 0x1.2492492df8483p-2);
  const double q45 = FL_FMA_F64(0x1.39fdf94336d85p-3, z, 0x1.7462b7ceeaa31p-3);
  const double q4to6 = FL_FMA_F64(0x1.2b5d203d21e53p-3, z2, q45);
  const double q = FL_FMA_F64(q4to6, z4, FL_FMA_F64(q23, z2, q01));
  double low = FL_FMA_F64(s, FL_FMA_F64(z, q, half), -half);
  low = FL_FMA_F64(k, 0x1.a39ef35793c76p-33, low);
  return FL_FMA_F64(k, 0x1.62e42feep-1, f + low);
}

/* The same in the dtype; f32: f - f^2/2 + f^3 Q(f), relative error 2^-28. */
FL_INLINE real fl_log1p_reduced(real f, real k) {
#if defined(FL_DTYPE_f32)
  const real f2 = f * f, f4 = f2 * f2;
  const real q01 = FL_FMA(-0x1.fffff8p-3f, f, 0x1.555554p-2f);
  const real q23 = FL_FMA(-0x1.555c92p-3f, f, 0x1.999d46p-3f);
  const real q45 = FL_FMA(-0x1.fcbdfep-4f, f, 0x1.23d504p-3f);
  const real q67 = FL_FMA(-0x1.d78ad8p-4f, f, 0x1.de36f2p-4f);
  const real q4to8 = FL_FMA(FL_FMA(0x1.205246p-4f, f2, q67), f2, q45);
  const real q = FL_FMA(q4to8, f4, FL_FMA(q23, f2, q01));
  real low = FL_FMA(q * f, f2, (real)-0.5 * f2);
  low = FL_FMA(k, FL_LN2_LO, low);
  return FL_FMA(k, FL_LN2_HI, f + low);
#else
  return fl_d_log1p_reduced(f, k);
#endif
}

/* R of 2 artanh(s) = 2 s + s z R(z), z = s^2, for |s| <= 1/3: relative error 2^-57, and
   2^-31 in f32. */
FL_INLINE double fl_d_artanh_polynomial(double z) {
  const double z2 = z * z, z4 = z2 * z2;
  const double r01 = FL_FMA_F64(0x1.999999999a27ep-2, z, 0x1.5555555555555p-1);
  const double r23 = FL_FMA_F64(0x1.c71c726c342ddp-3, z, 0x1.24924923df5fep-2);
  const double r45 = FL_FMA_F64(0x1.3b18a76c29ca4p-3, z, 0x1.745cf14f351d2p-3);
  const double r67 = FL_FMA_F64(0x1.eb8ad6cf29273p-4, z, 0x1.10acebf82e66cp-3);
  const double r89 = FL_FMA_F64(0x1.4b01657aef5e7p-3, z, 0x1.688b10a984616p-4);
  const double r4to9 = FL_FMA_F64(FL_FMA_F64(r89, z2, r67), z2, r45);
  return FL_FMA_F64(r4to9, z4, FL_FMA_F64(r23, z2, r01));
}

FL_INLINE real fl_artanh_polynomial(real z) {
#if defined(FL_DTYPE_f32)
  const real z2 = z * z;
  const real r01 = FL_FMA(0x1.999866p-2f, z, 0x1.555556p-1f);
  const real r23 = FL_FMA(0x1.bb311cp-3f, z, 0x1.24d76ep-2f);
  return FL_FMA(FL_FMA(0x1.e121b8p-3f, z2, r23), z2, r01);
#else
  return fl_d_artanh_polynomial(z);
#endif
}

/* log1p(t) for t in [-1/2, 1]; NaN stays NaN. With s = t/(2+t), |s| <= 1/3, z = s^2,
   log1p(t) = 2 artanh(s) = t - s (t - z R(z)): t itself carries no error and the
   correction is at most 0.31. */
typedef struct {
  double s, rest;
} fl_d_log1p_parts;

FL_INLINE fl_d_log1p_parts fl_d_log1p_parts_of(double t) {
  const double s = t / (2 + t), z = s * s;
  return (fl_d_log1p_parts){s, FL_FMA_F64(-z, fl_d_artanh_polynomial(z), t)};
}

typedef struct {
  real s, rest; /* log1p(t) = t - s rest */
} fl_log1p_parts;

FL_INLINE fl_log1p_parts fl_log1p_parts_of(real t) {
  const real s = t / (2 + t), z = s * s;
  return (fl_log1p_parts){s, FL_FMA(-z, fl_artanh_polynomial(z), t)};
}

FL_INLINE real fl_log1p_unit(real t) {
  const fl_log1p_parts parts = fl_log1p_parts_of(t);
  return FL_FMA(-parts.s, parts.rest, t);
}

/* log(u + c) for u > 0 normal and |c| at most half an ulp of u: u = 2^k m with m in
   [sqrt(1/2), sqrt(2)), f = m - 1 exact, c scaled and added. Shift and mask keep the
   exponent arithmetic in integers of the width of `real`. 2^-k is half of a number whose
   exponent is never below 0: for the largest u it is 0 instead of 2^-128 or 2^-1024. */
FL_INLINE real fl_log_sum(real u, real c, real k_offset) {
  const fl_uint one = (fl_uint)FL_EXPONENT_BIAS << FL_MANTISSA_BITS;
  const fl_uint biased = (fl_bits(u) + (one - FL_SQRT_HALF_BITS)) >> FL_MANTISSA_BITS;
  const fl_uint k = biased - FL_EXPONENT_BIAS;
  const real m = fl_from_bits(fl_bits(u) - (k << FL_MANTISSA_BITS));
  const fl_uint two = one + ((fl_uint)1 << FL_MANTISSA_BITS);
  const real inverse = (real)0.5 * fl_from_bits(two - (k << FL_MANTISSA_BITS));
  const real kr = fl_from_bits(fl_bits(FL_ROUND_MAGIC) + k) - FL_ROUND_MAGIC;
  return fl_log1p_reduced((m - 1) + c * inverse, kr + k_offset);
}

/* log(x + c) for x >= 0 and |c| at most half an ulp of x, 0 for a subnormal x: -inf at
   0, inf at inf; NaN stays NaN. */
FL_INLINE real fl_log_tail(real x, real c) {
  const bool tiny = x < FL_SMALLEST_NORMAL;
  const real u = tiny ? x * FL_SUBNORMAL_SCALE : x;
  const real y = fl_log_sum(u, c, tiny ? -(real)FL_SUBNORMAL_BITS : (real)0);
  const real special = x == 0 ? -(real)INFINITY : x;
  return (x > 0) & (x < (real)INFINITY) ? y : special;
}

FL_INLINE real fl_log(real x) { return fl_log_tail(x, 0); }

/* log(1 + x) for x >= -1: -inf at -1, inf at inf; NaN stays NaN. u = fl(1 + x), and
   c = x - (u - 1) is what that rounding lost: exact for x < 1 and harmless above. */
FL_INLINE real fl_log1p(real x) {
  const real u = 1 + x;
  const real c = u < 2 ? x - (u - 1) : 1 - (u - x);
  const real y = fl_log_sum(u, c, 0);
  const real special = u == 0 ? -(real)INFINITY : u;
  return (u > 0) & (u < (real)INFINITY) ? y : special;
}

#define FL_LN2 ((real)0x1.62e42fefa39efp-1)

/* log(1 - exp(x)) for x <= 0: 2.0, 2.0. (M. Maechler, Accurately computing
   log(1 - exp(-|a|)), 2012, for the place to change the form.) */
FL_INLINE real fl_log1mexp(real x) {
  const real near = fl_log(-fl_expm1_nonpositive(x));
  const real far = fl_log1p(-fl_exp_nonpositive(x));
  const real y = x > -FL_LN2 ? near : far;
  return x > 0 ? (real)NAN : y;
}

#endif
