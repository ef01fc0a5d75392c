/* vecmath.h: the functions custom losses have beyond those of math/, one number at a
   time and branch-free. The frequent ones work in `real`; the rare ones in double for
   both dtypes, so that f32 results are rounded once. Errors are in ulp of the result,
   f32 and f64, the worst found against mpmath by tests/test_custom_functions.py.
   Polynomials: Sollya's fpminimax on the intervals named. */
#ifndef FL_VECMATH_CUSTOM_H
#define FL_VECMATH_CUSTOM_H

#include "math/double.h"
#include "math/gamma.h"
#include "math/log_cosh.h"
#include "math/logistic.h"
#include "math/normal.h"
#include "math/vecmath.h"

#define FL_NAN ((real)NAN)

/* -- in the dtype of the kernel ------------------------------------------------------ */

/* log(x): 1.0, 1.0. NaN below 0. */
FL_INLINE real fl_log_checked(real x) { return fl_select(x < 0, FL_NAN, fl_log(x)); }

/* log(1 + x): 1.2, 1.3. NaN below -1. */
FL_INLINE real fl_log1p_checked(real x) {
  return fl_select(x < -1, FL_NAN, fl_log1p(x));
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

/* The largest numbers of the dtype in place of infinities. */
FL_INLINE real fl_within_range(real x) {
#if defined(FL_DTYPE_f32)
  const real most = 0x1.fffffep127f;
#else
  const real most = 0x1.fffffffffffffp1023;
#endif
  return fl_min(most, fl_max(-most, x));
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

/* psi(x) = lgamma'(x): below 0 psi(1 - x) - pi/tan(pi x), 3 ulp of the larger term, a NaN
   at the poles; and psi'(x), (pi/sin(pi x))^2 - psi'(1 - x) there. With r the distance of
   x to the next integer, sin(pi r) = r S(r^2) and cos(pi r) = h S(h^2), h = 1/2 - |r|.
   The bound is no float, so that GCC compares doubles: x <= -2^-1074 is x < 0. */
#define FL_PI 0x1.921fb54442d18p+1
#define FL_D_LEAST 0x1p-1074

/* x - n, n the nearest integer; 0 from 2^51 on. */
FL_INLINE double fl_d_from_integer(double x) {
  const double r = x - ((x + FL_D_MAGIC) - FL_D_MAGIC);
  return fl_d_select(fl_d_abs(x) < 0x1p51, r, 0);
}

FL_INLINE double fl_d_digamma_any(double x) {
  const bool mirrored = x <= -FL_D_LEAST;
  const double r = fl_d_from_integer(x), h = 0.5 - fl_d_abs(r);
  const double sine = r * fl_d_sinpi_polynomial(r * r);
  const double cotangent = FL_PI * h * fl_d_sinpi_polynomial(h * h) / sine;
  const double y = fl_d_digamma(fl_d_select(mirrored, 1 - x, x));
  const double below = fl_d_select(r == 0, NAN, y - cotangent);
  return fl_d_select(mirrored, below, y);
}

FL_INLINE double fl_d_trigamma_any(double x) {
  const bool mirrored = x <= -FL_D_LEAST;
  const double r = fl_d_from_integer(x);
  const double root = FL_PI / (r * fl_d_sinpi_polynomial(r * r));
  const double y = fl_d_trigamma(fl_d_select(mirrored, 1 - x, x));
  return fl_d_select(mirrored, root * root - y, y);
}

/* The second derivative of log Phi, -m (x + m) for m = phi/Phi. Below -3.5, where x + m
   would cancel, it is Laplace's continued fraction 1/(t + 2/(t + 3/(t + ...))), t = -x,
   begun with the fixed point of a step: 0.6, 31. */
FL_INLINE double fl_d_log_ndtr_curve(double x) {
  const bool far = x < -3.5;
  const double m = fl_d_log_ndtr(x).slope, t = far ? -x : 3.5;
  double rest = 0.5 * (t + __builtin_sqrt(t * t + 130));
  _Pragma("GCC unroll 32")
  for (int k = 32; k > 1; k--) rest = t + k / rest;
  const double y = -m * (far ? 1 / rest : x + m);
  return x == -INFINITY ? -1 : (x == INFINITY ? 0 : y);
}

#endif
