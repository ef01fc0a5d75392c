/* pairs.h: sums of two numbers, hi + lo, where lo is about what rounding took
   from hi (T. J. Dekker, A floating-point technique for extending the available
   precision, Numer. Math. 18, 1971). For formulas whose result is within 2 ulp
   only if their first steps are nearly exact. */
#ifndef FL_PAIRS_H
#define FL_PAIRS_H

#include "math/double.h"

typedef struct {
  real hi, lo;
} fl_pair;

/* Up to here the products of fl_tail_of_product are numbers. */
#if defined(FL_DTYPE_f32)
#define FL_HUGE 0x1p120f
#else
#define FL_HUGE 0x1p990
#endif

/* a b - product, for a product rounded once. */
FL_INLINE real fl_tail_of_product(real a, real b, real product) {
#if defined(FL_DTYPE_f32)
  return FL_FMA_ONCE(a, b, -product);
#else
  return fl_product_tail(a, b, product);
#endif
}

/* a - b c for a near b c, rounded once or twice. */
FL_INLINE real fl_remainder(real a, real b, real c) {
  const real product = b * c;
  return (a - product) - fl_tail_of_product(b, c, product);
}

/* |x - y|; an infinite one has no rest. */
FL_INLINE fl_pair fl_residual(real y, real x) {
  const real r = x - y, rest = fl_copysign(1, r) * fl_difference_tail(x, y, r);
  return (fl_pair){fl_abs(r), fl_where(fl_abs(r) < (real)INFINITY, rest)};
}

/* p * w, rounded once. */
FL_INLINE real fl_pair_times(fl_pair p, real w) {
  return FL_FMA_ONCE(p.hi, w, p.lo * w);
}

/* p^2 * w, rounded twice; infinite only where that is. */
FL_INLINE real fl_square_times(fl_pair p, real w) {
  const real part = w * p.hi, rest = 2 * part * p.lo;
  return FL_FMA_ONCE(part, p.hi, fl_where(part * p.hi < (real)INFINITY, rest));
}

/* p / d; nothing is given back to a quotient that overflows. */
FL_INLINE fl_pair fl_pair_over(fl_pair p, real d) {
  const real hi = p.hi / d, rest = (fl_remainder(p.hi, hi, d) + p.lo) / d;
  return (fl_pair){hi, fl_where((p.hi < FL_HUGE) & (hi < (real)INFINITY), rest)};
}

/* a + b for |a| >= |b|, or a = 0. */
FL_INLINE fl_pair fl_fast_sum(real a, real b) {
  const real hi = a + b;
  return (fl_pair){hi, b - (hi - a)};
}

/* 1 + p and the like, one * 1. */
FL_INLINE fl_pair fl_one_plus(real one, fl_pair p) {
  const real hi = one + p.hi;
  return (fl_pair){hi, fl_difference_tail(one, -p.hi, hi) + p.lo};
}

FL_INLINE fl_pair fl_product(real a, real b) {
  return (fl_pair){a * b, fl_tail_of_product(a, b, a * b)};
}

/* p q; underflow takes the rests. */
FL_INLINE fl_pair fl_pair_product(fl_pair p, fl_pair q) {
  const real hi = p.hi * q.hi, rest = FL_FMA(p.hi, q.lo, p.lo * q.hi);
  return (fl_pair){hi, fl_tail_of_product(p.hi, q.hi, hi) + rest};
}

FL_INLINE fl_pair fl_square(fl_pair p) {
  const real hi = p.hi * p.hi;
  return (fl_pair){hi, fl_tail_of_product(p.hi, p.hi, hi) + 2 * p.hi * p.lo};
}

/* p / d, for the inverse of d.hi. */
FL_INLINE fl_pair fl_pair_quotient(fl_pair p, fl_pair d, real inverse) {
  const real hi = p.hi * inverse;
  const real rest = fl_remainder(p.hi, hi, d.hi) + (p.lo - hi * d.lo);
  return (fl_pair){hi, rest * inverse};
}

/* 1 / p = inverse (1 + missing), for an inverse of p.hi. */
FL_INLINE real fl_missing(fl_pair p, real inverse) {
  return fl_remainder(1, inverse, p.hi) - inverse * p.lo;
}

/* p + k ln 2 */
FL_INLINE fl_pair fl_plus_ln2(fl_pair p, real k) {
  const real large = k * FL_LN2_HI, hi = large + p.hi;
  const real rest = fl_difference_tail(large, -p.hi, hi) + p.lo;
  return fl_fast_sum(hi, FL_FMA(k, FL_LN2_LO, rest));
}

/* log((d + n)/(d - n)) for d > 0 and |n| <= d/3, by s = n/d: 2 artanh(s) = 2 s
   + s^3 R(s^2). */
FL_INLINE fl_pair fl_log_of_ratio(fl_pair n, fl_pair d) {
  const fl_pair s = fl_pair_quotient(n, d, 1 / d.hi);
  const real z = s.hi * s.hi, cubic = s.hi * (z * fl_artanh_polynomial(z));
  return (fl_pair){2 * s.hi, FL_FMA(2, s.lo, cubic)};
}

/* u = 2^j m of a normal u > 0, m in [sqrt(1/2), sqrt(2)), and 2^-j, as in fl_log_sum. */
typedef struct {
  real m, inverse, exponent;
} fl_binary;

FL_INLINE fl_binary fl_binary_of(real u) {
  const fl_uint one = (fl_uint)FL_EXPONENT_BIAS << FL_MANTISSA_BITS;
  const fl_uint biased = (fl_bits(u) + (one - FL_SQRT_HALF_BITS)) >> FL_MANTISSA_BITS;
  const fl_uint j = biased - FL_EXPONENT_BIAS;
  const fl_uint two = one + ((fl_uint)1 << FL_MANTISSA_BITS);
  return (fl_binary){fl_from_bits(fl_bits(u) - (j << FL_MANTISSA_BITS)),
                     (real)0.5 * fl_from_bits(two - (j << FL_MANTISSA_BITS)),
                     fl_from_bits(fl_bits(FL_ROUND_MAGIC) + j) - FL_ROUND_MAGIC};
}

/* log(one + p) for one = 0 or 1, p >= 0 and a normal sum 2^j m: (d + n)/(d - n) = m for
   n = m - 1, which is p where j = 0 and one = 1, and d = m + 1. */
FL_INLINE fl_pair fl_pair_log(real one, fl_pair p) {
  const fl_pair u = fl_one_plus(one, p);
  const fl_binary b = fl_binary_of(u.hi);
  const bool whole = b.exponent == 0 && one == 1;
  const fl_pair reduced = fl_fast_sum(b.m - 1, u.lo * b.inverse);
  const fl_pair n = {whole ? p.hi : reduced.hi, whole ? p.lo : reduced.lo};
  const fl_pair d = fl_fast_sum(2, n.hi);
  return fl_plus_ln2(fl_log_of_ratio(n, (fl_pair){d.hi, d.lo + n.lo}), b.exponent);
}

#endif
