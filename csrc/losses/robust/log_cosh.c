/* Log-cosh loss of a label y and a prediction x, r = x - y (P. Chen, G. Chen and
   S. Zhang, Log hyperbolic cosine loss improves variational auto-encoder, 2018):

     l = log(cosh(r)),  l' = tanh(r),  l'' = 1/cosh(r)^2

   With a = |r| and t = exp(-2a), none of which cancels:

     l = a - ln 2 + log1p(t) for a >= 1, a^2 P(a^2) below (at 1 the first form has lost
         one bit, at 0 it would have lost them all)
     l' = -expm1(-2a)/(1 + t) with the sign of r,  l'' = 4 t/(1+t)^2

   The rounding error of r goes into a^2 and into t. P: Sollya's fpminimax for
   log(cosh(sqrt(z)))/z on [0, 1], relative error 2^-26.8 in f32, 2^-56.4 in f64. */
#define FL_NAME log_cosh
#include "blocks/element.h"

/* log(cosh(a + tail)) for a in [0, 1]. */
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

/* What rounding took from r = x - y, with the sign of r. */
FL_INLINE real fl_log_cosh_tail(real y, real x, real r) {
  return fl_where(fl_abs(r) < -FL_EXP_UNDERFLOW,
                  fl_copysign(1, r) * fl_difference_tail(x, y, r));
}

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                        const double *parameters) {
  const real r = x - y;
  return fl_exp_nonpositive_tail(-2 * fl_abs(r), -2 * fl_log_cosh_tail(y, x, r));
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real t,
                            const double *parameters) {
  const real r = x - y, a = fl_abs(r), total = 1 + t;
  const real far = FL_FMA(-1, FL_LN2_LO, a - FL_LN2_HI) + fl_log1p_unit(t);
  const real near = fl_log_cosh_near(fl_min(1, a), fl_log_cosh_tail(y, x, r));
  return (fl_point){
      .value = fl_select(a < 1, near, far),
      .grad = fl_copysign(-fl_expm1_nonpositive(-2 * a) / total, r),
      .hess = 4 * (t / FL_FMA(t, 2 + t, 1)), /* (1 + t)^2, rounded twice */
  };
}

#include "blocks/element_loops.h"
