/* Fair's loss of a label y and a prediction x, r = x - y, of a width c > 0 (R.
   C. Fair, On the robust estimation of econometric models, Ann. Econ. Soc.
   Meas. 3, 1974), with z = |r|/c:

     l = c^2 (z - log(1 + z)),  l' = r/(1 + z),  l'' = 1/(1 + z)^2

   With s = f/(2 + f) and math/vecmath.h's R, log(1 + f) = 2 s + s^3 R(s^2): of f = z for
   z <= 1, where z - log(1 + z) = s (z - s^2 R(s^2)) and nothing cancels, of f = m - 1 for
   larger ones, where 1 + z = 2^j m with m in [sqrt(1/2), sqrt(2)). */
#define FL_NAME fair
#define FL_LONG
#include "losses/robust/scaled_residual.h"

#if defined(FL_DTYPE_f32)

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double c = (real)parameters[0], z = fl_scaled_of(c, y, x), u = 1 + z;
  const double inverse = 1 / u;
  return (fl_point){
      .value = (real)(-(c * c) * fl_d_short_log_of(u, z).curve),
      .grad = fl_copysign((real)(c * z * inverse), x - y),
      .hess = (real)(inverse * inverse),
  };
}

#else

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real c = (real)parameters[0];
  const fl_pair r = fl_residual(y, x), exact = fl_over_width(r, fl_width_of(c));
  const fl_pair z = {fl_min(FL_HUGE, exact.hi), exact.lo}, u = fl_one_plus(1, z);
  const fl_binary b = fl_binary_of(u.hi);
  const bool near = z.hi <= 1;
  const fl_pair far = fl_fast_sum(b.m - 1, u.lo * b.inverse);
  const fl_pair f = {near ? z.hi : far.hi, near ? z.lo : far.lo};
  const fl_pair two = fl_fast_sum(2, f.hi), d = {two.hi, two.lo + f.lo};
  const fl_pair s = fl_pair_quotient(f, d, 1 / d.hi);
  const real square = s.hi * s.hi, q = square * fl_artanh_polynomial(square);
  const fl_pair rest = fl_fast_sum(r.hi, FL_FMA(-c, q, r.lo));
  const fl_pair log =
      fl_plus_ln2((fl_pair){2 * s.hi, FL_FMA(2, s.lo, s.hi * q)}, b.exponent);
  const real outer = FL_FMA_ONCE(-c, log.hi, r.hi) + FL_FMA(-c, log.lo, r.lo);
  const real inverse = 1 / u.hi, inverse_square = inverse * inverse;
  const real most = 2 * fl_missing(u, inverse);
  return (fl_point){
      .value = near ? fl_pair_times(rest, fl_pair_times(s, c)) : c * outer,
      .grad = fl_copysign(fl_min(c, r.hi / u.hi), x - y),
      .hess = FL_FMA(inverse_square, most, inverse_square),
  };
}

#endif

#include "blocks/element_loops.h"
