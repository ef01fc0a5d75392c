/* Welsch's loss of a label y and a prediction x, r = x - y, of a width c > 0
   (J. E. Dennis and R. E. Welsch, Techniques for nonlinear least squares and
   robust regression, Commun. Stat. B 7, 1978), with w = (r/c)^2:

     l = c^2/2 (1 - exp(-w)),  l' = r exp(-w),  l'' = (1 - 2 w) exp(-w) */
#define FL_NAME welsch
#define FL_LONG
#include "losses/robust/scaled_residual.h"

#if defined(FL_DTYPE_f32)

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double c = (real)parameters[0], far = fl_scaled_of(c, y, x);
  const double z = far > 30 ? 30 : far, w = z * z; /* exp(-900) is 0 */
  const fl_short_exp e = fl_d_short_exp(-w);
  return (fl_point){
      .value = (real)(-0.5 * c * c * e.rise),
      .grad = fl_copysign((real)(c * z * e.power), x - y),
      .hess = (real)((1 - 2 * w) * e.power),
  };
}

#else

/* exp(-w), w <= -FL_EXP_LIFTED: 2^64 times it, and 1 minus it, with one polynomial. */
typedef struct {
  real lifted, rest;
} fl_decay;

FL_INLINE fl_decay fl_decay_of(real w, real tail) {
  real magic_n, n;
  const real p = fl_expm1_reduced(-w, -tail, &magic_n, &n);
  const fl_uint exponent = fl_bits(magic_n) + (FL_EXPONENT_BIAS + 64);
  const real scale = fl_from_bits(exponent << FL_MANTISSA_BITS);
  const real s = fl_where(w < 64, scale) * (real)0x1p-64; /* 0: nothing beside 1 */
  return (fl_decay){FL_FMA(p, scale, scale), -FL_FMA(s, p, s - 1)};
}

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real c = (real)parameters[0];
  const fl_pair most = fl_product((real)0.5 * c, c);
  const fl_scaled_residual r = fl_scaled_residual_of(fl_width_of(c), y, x);
  const bool near = r.w.hi < -FL_EXP_LIFTED * r.one;
  const real w = near ? r.w.hi : fl_unless_nan(r.w.hi, -FL_EXP_LIFTED);
  const real tail = fl_where(near, r.w.lo);
  const fl_decay decay = fl_decay_of(w, tail);
  const bool subnormal = w > 64;
  const real t = fl_where(near, decay.lifted * (subnormal ? 1 : (real)0x1p-64));
  const real e = near ? r.e.hi : fl_unless_nan(r.w.hi, 0);
  const real back = subnormal ? (real)0x1p-64 : 1;
  const real outer = fl_pair_times(most, decay.rest);
  return (fl_point){
      .value = r.w.hi < FL_SMALL * r.one ? fl_near_zero(r) : outer,
      .grad = fl_copysign(e * t * back, x - y),
      .hess = (FL_FMA(-2, w, 1) - 2 * tail) * t * back,
  };
}

#endif

#include "blocks/element_loops.h"
