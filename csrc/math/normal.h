/* normal.h: the error function and the normal distribution, phi its density, Phi its
   distribution function. Errors are in ulp of the result in f32 and f64, the worst found
   by tests/source/test_special.py; but for fl_gauss all is in double. */
#ifndef FL_NORMAL_H
#define FL_NORMAL_H

#include "math/double.h"
#include "math/polynomials.h"

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

/* exp(-half (x + lost)^2) for half = 1/2 or 1 and a small `lost`; from 40 on it is 0. */
FL_INLINE double fl_d_gauss(double x, double lost, double half) {
  const double a = fl_d_abs(x) > 40 ? 40 : x, square = a * a;
  const double tail = FL_FMA_F64(2 * a, lost, fl_product_tail(a, a, square));
  return fl_d_exp(-half * square, -half * tail);
}

/* exp(t^2/2) (1 - Phi(t)) = p/s for t >= 0; s = t + 4, and p a polynomial in
   (t - 4)/(t + 4) (J. L. Schonfelder, Chebyshev expansions for the error and related
   functions, Math. Comp. 32, 1978). The derivative t p/s - 1/sqrt(2 pi) makes up for
   what rounding takes from s. */
typedef struct {
  double p, s;
} fl_normal_tail;

#define FL_1_SQRT_2PI 0x1.9884533d43651p-2
#define FL_SQRT_2 0x1.6a09e667f3bcdp+0

FL_INLINE fl_normal_tail fl_d_normal_tail(double t) {
  const double s = t + 4, lost = t < 0x1p20 ? t - (s - 4) : 0;
  const double p = fl_d_normal_tail_polynomial(1 - 8 / s);
  const double slope = FL_FMA_F64(t, p, -FL_1_SQRT_2PI * s);
  return (fl_normal_tail){lost == 0 ? p : FL_FMA_F64(lost, slope, p), s};
}

/* phi(x): 0.6, 1.9 */
FL_INLINE double fl_d_normal_density(double x) {
  return FL_1_SQRT_2PI * fl_d_gauss(x, 0, 0.5);
}

/* erfc(x): 0.6, 3.9 */
FL_INLINE double fl_d_erfc(double x) {
  const double a = fl_d_abs(x);
  const fl_normal_tail of = fl_d_normal_tail(FL_SQRT_2 * a);
  const double tail = 2 * (fl_d_gauss(a, 0, 1) * (of.p / of.s));
  return x < 0 ? 2 - tail : tail;
}

/* Phi(x): 0.6, 3.1 */
FL_INLINE double fl_d_ndtr(double x) {
  const fl_normal_tail of = fl_d_normal_tail(fl_d_abs(x));
  const double tail = fl_d_gauss(x, 0, 0.5) * (of.p / of.s);
  return x > 0 ? 1 - tail : tail;
}

/* log Phi(x): 0.6, 3.3; its derivative phi(x)/Phi(x): 0.6, 3.1 */
typedef struct {
  double value, slope;
} fl_log_ndtr;

FL_INLINE fl_log_ndtr fl_d_log_ndtr(double x) {
  const double t = fl_d_abs(x), gauss = fl_d_gauss(x, 0, 0.5);
  const bool upper = x > 0;
  const fl_normal_tail of = fl_d_normal_tail(t);
  const double ratio = of.p / of.s, tail = gauss * ratio;
  const double rest = 1 - tail, lost = (1 - rest) - tail;
  const double log = fl_d_log(upper ? rest : ratio, upper ? lost : 0);
  const double numerator = upper ? gauss : of.s;
  return (fl_log_ndtr){
      .value = upper ? log : FL_FMA_F64(-0.5 * t, t, log),
      .slope = FL_1_SQRT_2PI * numerator / (upper ? rest : of.p),
  };
}

#endif
