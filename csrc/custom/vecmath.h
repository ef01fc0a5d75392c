/* vecmath.h: the functions custom losses have beyond those of math/, one number at a
   time and branch-free. The frequent ones work in `real`; the rare ones in double for
   both dtypes, so that f32 results are rounded once. Errors are in ulp of the result,
   f32 and f64, the worst found against mpmath by tests/test_custom_functions.py.
   Polynomials: Sollya's fpminimax on the intervals named. */
#ifndef FL_VECMATH_CUSTOM_H
#define FL_VECMATH_CUSTOM_H

#include "math/log_cosh.h"
#include "math/logistic.h"
#include "math/vecmath.h"

#define FL_NAN ((real)NAN)
#define FL_LN2 ((real)0x1.62e42fefa39efp-1)

/* -- in the dtype of the kernel ------------------------------------------------------ */

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

/* log(x): 1.0, 1.0. NaN below 0. */
FL_INLINE real fl_log_checked(real x) { return fl_select(x < 0, FL_NAN, fl_log(x)); }

/* log(1 + x): 1.2, 1.3. NaN below -1. */
FL_INLINE real fl_log1p_checked(real x) {
  return fl_select(x < -1, FL_NAN, fl_log1p(x));
}

/* log(1 - exp(x)) for x <= 0: 2.0, 2.0. (M. Maechler, Accurately computing
   log(1 - exp(-|a|)), 2012, for the place to change the form.) */
FL_INLINE real fl_log1mexp(real x) {
  const real near = fl_log(-fl_expm1_nonpositive(x));
  const real far = fl_log1p(-fl_exp_nonpositive(x));
  const real y = x > -FL_LN2 ? near : far;
  return x > 0 ? FL_NAN : y;
}

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

/* exp(c x^2), c <= 0: 1.5, 1.5. What rounding takes from c x^2 goes into the exponential
   as a tail: without it the error grows as c x^2. */
FL_INLINE real fl_gauss(real x, real c) {
  const real square = x * x, y = c * square;
#if defined(FL_ISA_baseline) && defined(FL_DTYPE_f32)
  const real tail = (real)((double)c * ((double)x * x) - y);
#elif defined(FL_ISA_baseline)
  const real tail = fl_product_tail(c, square, y) + c * fl_product_tail(x, x, square);
#else
  const real lost = FL_FMA(x, x, -square);
  const real tail = FL_FMA(c, square, -y) + c * lost;
#endif
  /* beyond, an infinity or a 0 anyway, the tail may be a NaN */
  return fl_exp_tail(y, fl_abs(y) < (real)800 ? tail : 0);
}

/* log(exp(a) + exp(b)) with t = exp(-|a - b|): 1.5, 1.5 beside the rounding of a - b. */
FL_INLINE real fl_logaddexp(real a, real b, real t) {
  const real larger = a > b ? a : b, sum = a + b;
  const real y = larger + fl_log1p_unit(a == b ? 1 : t);
  return sum != sum && a == a && b == b ? larger : (sum != sum ? sum : y);
}

/* sqrt(c + x^2), 1 ulp; where x^2 overflows c does not count. */
FL_INLINE real fl_root(real x, real c) {
  const real sum = FL_FMA(x, x, c);
  const real s = __builtin_sqrt(sum);
  return sum < (real)INFINITY || x != x ? s : fl_abs(x);
}

/* With s = sqrt(c + x^2): its derivative x/s, 1.5 ulp; the derivative of that, c/s^3,
   3 ulp; */
FL_INLINE real fl_root_slope(real x, real s) {
  return s == (real)INFINITY ? fl_copysign(1, x) : x / s;
}

FL_INLINE real fl_root_curve(real x, real s, real c) {
  return c / (FL_FMA(x, x, c) * s);
}

/* and s - k for c = k^2, 2.5 ulp. */
FL_INLINE real fl_root_minus(real x, real s, real k) {
  const real y = k > 0 && s < (real)INFINITY ? x * (x / (s + k)) : s - k;
  return y;
}

/* sqrt(1 + x) - 1: 2.2, 2.2. */
FL_INLINE real fl_sqrt1pm1(real x) {
  const real s = __builtin_sqrt(1 + x);
  return x < (real)INFINITY ? x / (1 + s) : s;
}

FL_INLINE real fl_sign(real x) {
  const real one = fl_copysign(1, x);
  return x == 0 || x != x ? x : one;
}

/* NaN where b is one, else a. */
FL_INLINE real fl_nan_if(real a, real b) { return b == b ? a : b; }

/* NumPy's minimum and maximum: a NaN on either side stays one. */
FL_INLINE real fl_minimum(real a, real b) {
  const real y = a < b ? a : b;
  return a == a ? y : a;
}

FL_INLINE real fl_maximum(real a, real b) {
  const real y = a > b ? a : b;
  return a == a ? y : a;
}

/* -- in double, for both dtypes ------------------------------------------------------ */

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

#define FL_D_MAGIC 0x1.8p52

/* exp(r) - 1 for r = x + tail - n ln 2, |tail| below an ulp of x; n comes back as the
   rounded number whose low bits hold the integer. r + r^2 P(r) on [-0.3475, 0.3475],
   relative error 2^-56. */
FL_INLINE double fl_d_expm1_reduced(double x, double tail, double *magic_n) {
  *magic_n = x * 0x1.71547652b82fep+0 + FL_D_MAGIC;
  const double n = *magic_n - FL_D_MAGIC;
  double r = x - n * 0x1.62e42feep-1;
  r = FL_FMA_F64(-n, 0x1.a39ef35793c76p-33, r) + tail;
  double p = 0x1.aead53f541383p-26;
  p = FL_FMA_F64(p, r, 0x1.28928c56413b8p-22);
  p = FL_FMA_F64(p, r, 0x1.71de598893bcp-19);
  p = FL_FMA_F64(p, r, 0x1.a019b8235eeecp-16);
  p = FL_FMA_F64(p, r, 0x1.a01a018c3be67p-13);
  p = FL_FMA_F64(p, r, 0x1.6c16c178ce3dcp-10);
  p = FL_FMA_F64(p, r, 0x1.11111111144f1p-7);
  p = FL_FMA_F64(p, r, 0x1.5555555553c91p-5);
  p = FL_FMA_F64(p, r, 0x1.555555555554dp-3);
  p = FL_FMA_F64(p, r, 0x1.0000000000001p-1);
  return FL_FMA_F64(p * r, r, r);
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

/* log2(x) and log10(x): k c + (hi + lo) d for c = log_b(2), d = log_b(e), each as a sum
   of two. 0.6, 0.6. */
FL_INLINE double fl_d_log_base(double x, double c, double c_lost, double d,
                               double d_lost) {
  const fl_log_parts log = fl_d_log_parts(x > 0 ? x : 1);
  const double y = log.hi * d;
  const double y_lost = fl_product_tail(log.hi, d, y) + log.hi * d_lost + log.lo * d;
  const double kc = log.k * c, sum = kc + y;
  const double big = fl_d_abs(kc) > fl_d_abs(y) ? kc : y;
  const double small = fl_d_abs(kc) > fl_d_abs(y) ? y : kc;
  const double result = sum + (((big - sum) + small) + (y_lost + log.k * c_lost));
  const double special = x == 0 ? -INFINITY : (x < 0 ? NAN : x);
  return x > 0 && x < INFINITY ? result : special;
}

FL_INLINE double fl_d_log2(double x) {
  return fl_d_log_base(x, 1, 0, 0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56);
}

FL_INLINE double fl_d_log10(double x) {
  /* log10(2) in 42 bits, so that k times it is exact, and the rest */
  return fl_d_log_base(x, 0x1.34413509f78p-2, 0x1.fef311f12b358p-46,
                       0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57);
}

/* x^y = exp(y log x): 0.6, 0.9. The sign of a negative base is (-1)^y. */
FL_INLINE double fl_d_power(double x, double y) {
  const double magnitude = fl_d_abs(x);
  const bool normal = magnitude > 0 && magnitude < INFINITY;
  const fl_log_parts log = fl_d_log_parts(normal ? magnitude : 1);
  const double k_hi = log.k * 0x1.62e42feep-1; /* 32 bits times 11: exact */
  const double sum = k_hi + log.hi;
  const double back = sum - k_hi;
  const double lost = (k_hi - (sum - back)) + (log.hi - back);
  const double low = lost + FL_FMA_F64(log.k, 0x1.a39ef35793c76p-33, log.lo);
  const double e = y * sum;
  const double e_lost = fl_product_tail(y, sum, e) + y * low;
  const bool finite = fl_d_abs(e) < 0x1p20;
  double result = fl_d_exp(e, finite ? e_lost : 0);
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

/* sin and cos of x = n pi/2 + r, |x| <= 2^30 (program.c sends others to libm): pi/2 in
   three parts, r = rh + rl. S and C on |r| <= pi/4, error 2^-57 of the result: 0.6, 0.8
   (Cody and Waite, 1980). */
#define FL_TRIG_LIMIT 0x1p30

FL_INLINE double fl_d_trig(double x, uint64_t quarter) {
  const double magic_n = x * 0x1.45f306dc9c883p-1 + FL_D_MAGIC;
  const double n = magic_n - FL_D_MAGIC;
  const double first = 0x1.921fb54442d18p+0, second = 0x1.1a62633145c07p-54;
  const double p1 = n * first, p2 = n * second;
  const double d1 = x - p1, t1 = fl_product_tail(n, first, p1);
  const double a = d1 - t1, a_lost = (d1 - a) - t1;
  const double rh = a - p2, b = a - rh;
  const double rl =
      (b - p2) - fl_product_tail(n, second, p2) + a_lost + n * 0x1.f1976b7ed8fbcp-110;
  const double z = rh * rh;
  double s = 0x1.5e10c280dcf74p-33;
  s = FL_FMA_F64(s, z, -0x1.ae601e913750cp-26);
  s = FL_FMA_F64(s, z, 0x1.71de37af35646p-19);
  s = FL_FMA_F64(s, z, -0x1.a01a019e9f08cp-13);
  s = FL_FMA_F64(s, z, 0x1.1111111110c7ap-7);
  s = FL_FMA_F64(s, z, -0x1.5555555555555p-3);
  double c = -0x1.90737ce5676acp-37;
  c = FL_FMA_F64(c, z, 0x1.1eeb57c9019b6p-29);
  c = FL_FMA_F64(c, z, -0x1.27e4fa02dc336p-22);
  c = FL_FMA_F64(c, z, 0x1.a01a019f38357p-16);
  c = FL_FMA_F64(c, z, -0x1.6c16c16c168cap-10);
  c = FL_FMA_F64(c, z, 0x1.5555555555555p-5);
  const double half = 0.5 * z, w = 1 - half;
  const double sine = rh + FL_FMA_F64(rh * z, s, rl * w);
  const double cosine = w + (((1 - w) - half) + FL_FMA_F64(z * z, c, -rh * rl));
  const uint64_t quadrant = fl_d_bits(magic_n) + quarter;
  const double y = (quadrant & 1) ? cosine : sine;
  const double tiny = quarter == 0 && x == 0 ? x : y;
  return (quadrant & 2) ? -tiny : tiny;
}

/* atan(x) = pi/4 k + atan of the reduced argument in [-0.4143, 0.4143] (k = 0, 1, 2),
   t + t z P(z), error 2^-57: 0.5, 1.6. */
FL_INLINE double fl_d_arctan(double x) {
  const double a = fl_d_abs(x);
  const bool low = a < 0.41421356237309503, high = a > 2.414213562373095;
  const double numerator = low ? a : (high ? -1 : a - 1);
  const double denominator = low ? 1 : (high ? a : a + 1);
  const double t = numerator / denominator, z = t * t;
  double p = -0x1.3ae34f60572fp-6;
  p = FL_FMA_F64(p, z, 0x1.41b1c56e1b39fp-5);
  p = FL_FMA_F64(p, z, -0x1.a0b7ad5b78002p-5);
  p = FL_FMA_F64(p, z, 0x1.dfecac1354f4ep-5);
  p = FL_FMA_F64(p, z, -0x1.10fae1bfabb37p-4);
  p = FL_FMA_F64(p, z, 0x1.3b126bad6f04ep-4);
  p = FL_FMA_F64(p, z, -0x1.745d0b9950423p-4);
  p = FL_FMA_F64(p, z, 0x1.c71c7188a8d82p-4);
  p = FL_FMA_F64(p, z, -0x1.249249243d5b1p-3);
  p = FL_FMA_F64(p, z, 0x1.9999999999429p-3);
  p = FL_FMA_F64(p, z, -0x1.5555555555555p-2);
  const double hi = low ? 0 : (high ? 0x1.921fb54442d18p+0 : 0x1.921fb54442d18p-1);
  const double lo = low ? 0 : (high ? 0x1.1a62633145c07p-54 : 0x1.1a62633145c07p-55);
  const double y = hi + (t + FL_FMA_F64(t * z, p, lo));
  const double result = low ? FL_FMA_F64(t * z, p, t) : y;
  return x == x ? fl_d_copysign(a == INFINITY ? 0x1.921fb54442d18p+0 : result, x) : x;
}

/* exp(x) - 1 for 0 <= x <= 22. */
FL_INLINE double fl_d_expm1(double x) {
  double magic_n;
  const double p = fl_d_expm1_reduced(x, -0.0, &magic_n);
  const double s = fl_d_from_bits((fl_d_bits(magic_n) + 1023) << 52);
  return FL_FMA_F64(s, p, s - 1);
}

/* sinh: 0.6, 2.3; cosh: 0.6, 2.3. From 22 on exp(-|x|) does not count, and
   exp(|x|/2)^2/2 does not overflow too early. */
FL_INLINE double fl_d_sinh(double x) {
  const double a = fl_d_abs(x), m = fl_d_expm1(a > 22 ? 22 : a);
  const double root = fl_d_exp(0.5 * a, 0);
  const double y = a > 22 ? 0.5 * root * root : 0.5 * (m + m / (m + 1));
  return x == x ? fl_d_copysign(y, x) : x;
}

FL_INLINE double fl_d_cosh(double x) {
  const double a = fl_d_abs(x), root = fl_d_exp(0.5 * a, 0);
  const double e = fl_d_exp(a > 22 ? 22 : a, 0);
  const double y = a > 22 ? 0.5 * root * root : 0.5 * (e + 1 / e);
  return x == x ? y : x;
}

/* erf: 0.6, 1.2. Up to 1 x + x P(x^2); beyond, 1 - exp(-x^2) Q(u) with u = (x-2)/(x+2),
   Q on [-1/3, 1/2] (x in [1, 6]), relative errors 2^-53 and 2^-55. */
FL_INLINE double fl_d_erf(double x) {
  const double a = fl_d_abs(x), z = x * x;
  double p = 0x1.1d67c084ba405p-34;
  p = FL_FMA_F64(p, z, -0x1.41c23c3708b04p-30);
  p = FL_FMA_F64(p, z, 0x1.fadb85106bf83p-27);
  p = FL_FMA_F64(p, z, -0x1.5f6f7a344369fp-23);
  p = FL_FMA_F64(p, z, 0x1.b9e98065677a8p-20);
  p = FL_FMA_F64(p, z, -0x1.f4d2c82810d37p-17);
  p = FL_FMA_F64(p, z, 0x1.f9a32f50b6b6ep-14);
  p = FL_FMA_F64(p, z, -0x1.c02db46475449p-11);
  p = FL_FMA_F64(p, z, 0x1.565bcd115b7f2p-8);
  p = FL_FMA_F64(p, z, -0x1.b82ce312a38c8p-6);
  p = FL_FMA_F64(p, z, 0x1.ce2f21a04346ap-4);
  p = FL_FMA_F64(p, z, -0x1.812746b0379fbp-2);
  p = FL_FMA_F64(p, z, 0x1.06eba8214db69p-3);
  const double b = a > 6 ? 6 : a, u = (b - 2) / (b + 2);
  double q = -0x1.3eea000bcf41ap-20;
  q = FL_FMA_F64(q, u, 0x1.690f6c279907bp-20);
  q = FL_FMA_F64(q, u, 0x1.0c967f51b182dp-18);
  q = FL_FMA_F64(q, u, 0x1.578aded4eaf98p-20);
  q = FL_FMA_F64(q, u, -0x1.d5660d684acf9p-17);
  q = FL_FMA_F64(q, u, -0x1.ce5bae6617a0ep-16);
  q = FL_FMA_F64(q, u, 0x1.cdccc0cb46998p-16);
  q = FL_FMA_F64(q, u, 0x1.6da86a1661b8fp-13);
  q = FL_FMA_F64(q, u, 0x1.6d5f3f2ff8dafp-15);
  q = FL_FMA_F64(q, u, -0x1.016b5b4c323fbp-10);
  q = FL_FMA_F64(q, u, -0x1.bc25a4c759539p-11);
  q = FL_FMA_F64(q, u, 0x1.ca95ed50b3845p-8);
  q = FL_FMA_F64(q, u, 0x1.e947159819ac8p-9);
  q = FL_FMA_F64(q, u, -0x1.437f0b68c04bep-4);
  q = FL_FMA_F64(q, u, 0x1.eeea7dc8a786ap-3);
  q = FL_FMA_F64(q, u, -0x1.b57034efd3f74p-2);
  q = FL_FMA_F64(q, u, 0x1.058671b52c776p-2);
  const double far = fl_d_copysign(1 - fl_d_exp(-b * b, 0) * q, x);
  const double y = a <= 1 ? FL_FMA_F64(x, p, x) : far;
  return x == x ? y : x;
}

/* Cube root: 0.6, 0.6. |x| = z 2^(3q), z in [1, 8): a quartic (error 2^-9), one step of
   Halley, one of Newton with the exact residual y^3 - z. */
FL_INLINE double fl_d_cbrt(double x) {
  const double a = fl_d_abs(x);
  const bool special = a == 0 || !(a < INFINITY), tiny = a < 0x1p-1022;
  const double u = special ? 1 : (tiny ? a * 0x1p54 : a);
  const uint64_t biased = fl_d_bits(u) >> 52;
  const double e = fl_d_from_bits(fl_d_bits(FL_D_MAGIC) + biased) - FL_D_MAGIC - 1023;
  const double magic_q = (e - 1) * (1.0 / 3) + FL_D_MAGIC;
  const uint64_t q = fl_d_bits(magic_q) - fl_d_bits(FL_D_MAGIC);
  const double z = fl_d_from_bits(fl_d_bits(u) - ((3 * q) << 52));
  double y = -0x1.c517455088d62p-12;
  y = FL_FMA_F64(y, z, 0x1.3a0af17295178p-7);
  y = FL_FMA_F64(y, z, -0x1.572490614c22ap-4);
  y = FL_FMA_F64(y, z, 0x1.cbf973e7e1228p-2);
  y = FL_FMA_F64(y, z, 0x1.412cc5a47cf3ap-1);
  const double cube = y * y * y;
  y = y * (cube + 2 * z) / (2 * cube + z);
  const double y2 = y * y, y3 = y2 * y;
  const double lost = fl_product_tail(y2, y, y3) + fl_product_tail(y, y, y2) * y;
  y = y - ((y3 - z) + lost) / (3 * y2);
  const double scale = fl_d_from_bits((q + (tiny ? 1023 - 18 : 1023)) << 52);
  return special ? x : fl_d_copysign(y * scale, x);
}

/* sqrt(x^2 + y^2) without overflow: 0.5, 1.0. */
FL_INLINE double fl_d_hypot(double x, double y) {
  const double a = fl_d_abs(x), b = fl_d_abs(y);
  const double large = a > b ? a : b, small = a > b ? b : a;
  const double down = large > 0x1p500 ? 0x1p-600 : 1;
  const double scale = large < 0x1p-400 ? 0x1p600 : down;
  const double s = large * scale, t = small * scale;
  return __builtin_sqrt(FL_FMA_F64(s, s, t * t)) / scale;
}

#endif
