/* Cauchy (Lorentzian) loss of a label y and a prediction x, r = x - y, of a
   width c > 0 (P. W. Holland and R. E. Welsch, Robust regression using
   iteratively reweighted least-squares, Commun. Stat. A 6, 1977), with w =
   (r/c)^2:

     l = c^2/2 log(1 + w),  l' = r/(1 + w),  l'' = (1 - w)/(1 + w)^2 */
#define FL_NAME cauchy
#define FL_LONG
#include "losses/robust/scaled_residual.h"

#if defined(FL_DTYPE_f32)

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double c = (real)parameters[0], z = fl_scaled_of(c, y, x), w = z * z;
  const double u = 1 + w, inverse = 1 / u, log = fl_d_short_log_of(u, w).log;
  const double end = fl_d_select(z == FL_Z_END, INFINITY, 0) + 0 * z; /* NaN is kept */
  return (fl_point){
      .value = (real)(0.5 * c * c * (log + end)),
      .grad = fl_copysign((real)(c * z * inverse), x - y),
      .hess = (real)((2 * inverse - 1) * inverse),
  };
}

#else

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real c = (real)parameters[0], half = (real)0.5 * c;
  const fl_scaled_residual r = fl_scaled_residual_of(fl_width_of(c), y, x);
  const fl_pair u = fl_one_plus(r.one, r.w);
  const fl_pair log = fl_product(fl_log_sum(u.hi, u.lo, r.offset), c);
  const real far = r.scale > 0 ? fl_pair_times(log, half) : (real)INFINITY;
  const real inverse = 1 / u.hi, quotient = r.e.hi / u.hi;
  const real slope = FL_FMA(inverse, FL_FMA(-quotient, u.lo, r.e.lo), quotient);
  const real curve = (r.one - r.w.hi) - r.w.lo;
  const real exact = FL_FMA(inverse, 2 * fl_missing(u, inverse), inverse);
  return (fl_point){
      .value = r.w.hi < FL_SMALL * r.one ? fl_near_zero(r) : far,
      .grad = fl_copysign(slope * r.scale, x - y),
      .hess = curve * inverse * exact * r.scale * r.scale,
  };
}

#endif

#include "blocks/element_loops.h"
