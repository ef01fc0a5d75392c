/* Geman-McClure loss of a label y and a prediction x, r = x - y, of a width c >
   0 (S. Geman and D. E. McClure, Statistical methods for tomographic image
   reconstruction, Bull. Int. Statist. Inst. 52, 1987), with w = (r/c)^2:

     l = r^2/2/(1 + w),  l' = r/(1 + w)^2,  l'' = (1 - 3 w)/(1 + w)^3 */
#define FL_NAME geman_mcclure
#define FL_LONG
#include "losses/robust/scaled_residual.h"

#if defined(FL_DTYPE_f32)

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double c = (real)parameters[0], z = fl_scaled_of(c, y, x), w = z * z;
  const double inverse = 1 / (1 + w);
  return (fl_point){
      .value = (real)(0.5 * c * c * (w * inverse)),
      .grad = fl_copysign((real)(c * z * inverse * inverse), x - y),
      .hess = (real)((4 * inverse - 3) * inverse * inverse),
  };
}

#else

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const fl_scaled_residual r =
      fl_scaled_residual_of(fl_width_of((real)parameters[0]), y, x);
  const fl_pair u = fl_one_plus(r.one, r.w);
  const real inverse = 1 / u.hi, back = r.scale * r.scale;
  const real missing = fl_missing(u, inverse);
  const fl_pair slope = fl_pair_quotient(r.e, u, inverse);
  const real grad = FL_FMA(slope.hi, missing, slope.lo) + slope.hi;
  const real curve = FL_FMA(-3, r.w.hi, r.one) - 3 * r.w.lo;
  const real square = inverse * inverse;
  const real rest = FL_FMA(slope.hi, r.e.lo, slope.lo * r.e.hi);
  return (fl_point){
      .value = (real)0.5 * FL_FMA_ONCE(slope.hi, r.e.hi, rest),
      .grad = fl_copysign(grad * inverse * r.scale * back, x - y),
      .hess = curve * inverse * FL_FMA(square, 3 * missing, square) * back * back,
  };
}

#endif

#include "blocks/element_loops.h"
