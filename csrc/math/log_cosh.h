/* log_cosh.h: log(cosh(x)) and its slope tanh(x), for the loss of that name and for
   custom losses. Both take t = exp(-2|x|). Polynomials: Sollya's fpminimax on the intervals named. */
#ifndef FL_LOG_COSH_H
#define FL_LOG_COSH_H

#include "math/vecmath.h"

/* log(cosh(a + tail)) for a in [0, 1]: log(cosh(sqrt(z)))/z as a polynomial, relative
   error 2^-26.8 in f32, 2^-56.4 in f64. */
FL_INLINE real fl_log_cosh_near(real a, real tail) {
  const real z = a * a;
  const real z_tail = FL_FMA(2 * a, tail, FL_FMA(a, a, -z));
#if defined(FL_DTYPE_f32)
  real p = 0x1.6efc86p-14f;
  p = FL_FMA(p, z, -0x1.25376ap-11f);
  p = FL_FMA(p, z, 0x1.10c95ep-9f);
  p = FL_FMA(p, z, -0x1.b7edd6p-8f);
  p = FL_FMA(p, z, 0x1.6c02p-6f);
  p = FL_FMA(p, z, -0x1.555512p-4f);
  p = FL_FMA(p, z, 0x1p-1f);
#else
  real p = 0x1.f1573af52ed99p-28;
  p = FL_FMA(p, z, -0x1.3b1cb2c32d093p-24);
  p = FL_FMA(p, z, 0x1.95b9018ab8ef8p-22);
  p = FL_FMA(p, z, -0x1.7190239af60f9p-20);
  p = FL_FMA(p, z, 0x1.195426572edcp-18);
  p = FL_FMA(p, z, -0x1.8cdc0b90761cfp-17);
  p = FL_FMA(p, z, 0x1.127d8ba3f9931p-15);
  p = FL_FMA(p, z, -0x1.7d8f6d14dd4e4p-14);
  p = FL_FMA(p, z, 0x1.0d0a2ceefb3fp-12);
  p = FL_FMA(p, z, -0x1.833d85460023fp-11);
  p = FL_FMA(p, z, 0x1.1ea5d302ee38fp-9);
  p = FL_FMA(p, z, -0x1.ba1ba1b56bdfep-8);
  p = FL_FMA(p, z, 0x1.6c16c16c0d68ap-6);
  p = FL_FMA(p, z, -0x1.55555555554ecp-4);
  p = FL_FMA(p, z, 0x1p-1);
#endif
  return FL_FMA(z, p, z_tail * p);
}

/* log(cosh(x + tail)), |tail| at most half an ulp of x: 1.6, 1.6. From 1 on
   |x| - ln 2 + log1p(t): there the difference has lost one bit, at 0 it would have lost
   them all. */
FL_INLINE real fl_log_cosh(real x, real tail, real t) {
  const real a = fl_abs(x);
  const real far = FL_FMA(-1, FL_LN2_LO, a - FL_LN2_HI) + fl_log1p_unit(t);
  const real near = fl_log_cosh_near(fl_min(1, a), fl_copysign(1, x) * tail);
  return fl_select(a < 1, near, far);
}

/* tanh(x): 1.6, 1.6. Below 0.55 (t = 1/3) x + x z P(z) with z = x^2, relative error
   2^-27 and 2^-57; above, (1 - t)/(1 + t). */
FL_INLINE real fl_tanh(real x, real t) {
  const real z = x * x;
#if defined(FL_DTYPE_f32)
  real p = -0x1.ad3f08p-8f;
  p = FL_FMA(p, z, 0x1.5c8f8ap-6f);
  p = FL_FMA(p, z, -0x1.b992aep-5f);
  p = FL_FMA(p, z, 0x1.110fb2p-3f);
  p = FL_FMA(p, z, -0x1.555554p-2f);
#else
  real p = -0x1.53979a0b37e0dp-16;
  p = FL_FMA(p, z, 0x1.62bedfe0e2b0dp-14);
  p = FL_FMA(p, z, -0x1.eb5b9a9b2e68bp-13);
  p = FL_FMA(p, z, 0x1.34b5da8d341a1p-11);
  p = FL_FMA(p, z, -0x1.7d9623345cc19p-10);
  p = FL_FMA(p, z, 0x1.d6d31ceba2bep-9);
  p = FL_FMA(p, z, -0x1.226e325cf813cp-7);
  p = FL_FMA(p, z, 0x1.664f487390f3fp-6);
  p = FL_FMA(p, z, -0x1.ba1ba1b9f362bp-5);
  p = FL_FMA(p, z, 0x1.1111111110fb1p-3);
  p = FL_FMA(p, z, -0x1.5555555555555p-2);
#endif
  const real small = FL_FMA(x, z * p, x);
  const real large = fl_copysign((1 - t) / (1 + t), x);
  return fl_abs(x) < (real)0.55 ? small : large;
}

#endif
