/* Welsch's loss of a label y and a prediction x, r = x - y, of a width c > 0
   (J. E. Dennis and R. E. Welsch, Techniques for nonlinear least squares and
   robust regression, Commun. Stat. B 7, 1978), with w = (r/c)^2:

     l = c^2/2 (1 - exp(-w)),  l' = r exp(-w),  l'' = (1 - 2 w) exp(-w) */
#define FL_NAME welsch
#define FL_LONG
#include "losses/robust/scaled_residual.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real c = (real)parameters[0];
  const fl_pair most = fl_product((real)0.5 * c, c);
  const fl_scaled_residual r = fl_scaled_residual_of(c, y, x);
  const bool near = r.w.hi < -FL_EXP_LIFTED * r.one;
  const real w = near ? r.w.hi : fl_unless_nan(r.w.hi, -FL_EXP_LIFTED);
  const real tail = fl_where(near, r.w.lo), lifted = fl_exp_lifted(-w, -tail);
  const bool subnormal = w > 64;
  const real t = fl_where(near, lifted * (subnormal ? 1 : (real)0x1p-64));
  const fl_pair e = {near ? r.e.hi : fl_unless_nan(r.w.hi, 0), fl_where(near, r.e.lo)};
  const real back = subnormal ? (real)0x1p-64 : 1;
  const real share = -fl_expm1_nonpositive_tail(-w, -tail);
  return (fl_point){
      .value = r.w.hi < FL_SMALL * r.one ? fl_near_zero(r) : fl_pair_times(most, share),
      .grad = fl_copysign(fl_pair_times(e, t) * back, x - y),
      .hess = (FL_FMA(-2, w, 1) - 2 * tail) * t * back,
  };
}

#include "blocks/element_loops.h"
