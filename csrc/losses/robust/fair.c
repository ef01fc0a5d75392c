/* Fair's loss of a label y and a prediction x, r = x - y, of a width c > 0 (R.
   C. Fair, On the robust estimation of econometric models, Ann. Econ. Soc.
   Meas. 3, 1974), with z = |r|/c:

     l = c^2 (z - log(1 + z)),  l' = r/(1 + z),  l'' = 1/(1 + z)^2

   For z <= 1, with s = z/(2 + z), z - log(1 + z) = s (z - s^2 R(s^2)), where
   nothing cancels (math/vecmath.h). */
#define FL_NAME fair
#define FL_LONG
#include "blocks/element.h"
#include "math/pairs.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real c = (real)parameters[0];
  const fl_pair r = fl_residual(y, x), exact = fl_pair_over(r, c);
  const fl_pair z = {fl_min(FL_HUGE, exact.hi), exact.lo};
  const fl_pair u = fl_one_plus(1, z), log = fl_pair_log(1, z);
  const real inverse = 1 / u.hi, square = inverse * inverse;
  const fl_pair slope = fl_pair_quotient(z, u, inverse);
  const fl_pair s = fl_pair_quotient(z, fl_one_plus(1, u), 1 / (1 + u.hi));
  const real q = s.hi * s.hi * fl_artanh_polynomial(s.hi * s.hi);
  const fl_pair rest = fl_fast_sum(r.hi, FL_FMA(-c, q, r.lo));
  const real far = FL_FMA_ONCE(-c, log.hi, r.hi) + FL_FMA(-c, log.lo, r.lo);
  return (fl_point){
      .value = z.hi <= 1 ? fl_pair_times(rest, fl_pair_times(s, c)) : c * far,
      .grad = fl_copysign(fl_pair_times(slope, c), x - y),
      .hess = FL_FMA(square, 2 * fl_missing(u, inverse), square),
  };
}

#include "blocks/element_loops.h"
