/* Tukey's biweight loss of a label y and a prediction x, r = x - y, of a width
   c > 0 (A. E. Beaton and J. W. Tukey, The fitting of power series, meaning
   polynomials, illustrated on band-spectroscopic data, Technometrics 16, 1974),
   with w = (r/c)^2 and v = 1 - w:

     l = c^2/6 (1 - v^3) = r^2/2 (1 - w + w^2/3),  l' = r v^2,  l'' = v (1 - 5
   w)

   for |r| <= c, constant beyond. */
#define FL_NAME tukey
#define FL_LONG
#include "losses/robust/scaled_residual.h"

#if defined(FL_DTYPE_f32)

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double c = (real)parameters[0], outer = fl_d_abs((double)x - y) / c;
  const double z = outer > 1 ? 1 : outer, w = z * z, v = (1 - z) * (1 + z);
  const double share = FL_FMA_F64(w, FL_FMA_F64(w, 1.0 / 6, -0.5), 0.5);
  return (fl_point){
      .value = (real)(c * c * (w * share)),
      .grad = fl_copysign((real)(c * z * (v * v)), x - y),
      .hess = (real)(v * (1 - 5 * w)),
  };
}

#else

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real c = (real)parameters[0];
  const fl_pair flat = fl_pair_over(fl_product(c, c), 6);
  const fl_scaled_residual r = fl_scaled_residual_of(fl_width_of(c), y, x);
  const real w = r.w.hi;
  const bool inside = r.e.hi <= c * r.one;
  const fl_pair sum = fl_fast_sum(1, -w), v = fl_fast_sum(sum.hi, sum.lo - r.w.lo);
  const real share = FL_FMA(w, FL_FMA(w, (real)(1.0 / 6), (real)-0.5), (real)0.5);
  const real cube = fl_where(inside, v.hi * v.hi * v.hi);
  const real outer = flat.hi + FL_FMA_ONCE(-cube, flat.hi, flat.lo);
  const real curve = FL_FMA(-5, w, 1) - 5 * r.w.lo;
  return (fl_point){
      .value = inside & (w < (real)0.5) ? fl_square_times(r.e, share)
                                        : fl_unless_nan(w, outer),
      .grad =
          fl_copysign(inside ? fl_square_times(v, r.e.hi) : fl_unless_nan(w, 0), x - y),
      .hess = inside ? v.hi * curve : fl_unless_nan(w, 0),
  };
}

#endif

#include "blocks/element_loops.h"
