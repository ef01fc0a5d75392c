/* Epsilon-insensitive loss of a label y and a prediction x, r = x - y, of a margin
   epsilon >= 0 (V. N. Vapnik, The nature of statistical learning theory, 1995), with
   m = |r| - epsilon:

     l = m,  l' = sign(r),  l'' = 0 for m > 0, 0 elsewhere
     squared: l = m^2,  l' = 2 m sign(r),  l'' = 2 for m > 0, 0 elsewhere

   What rounding takes from r and m is given back: m may be much smaller than r. */
#define FL_NAME epsilon_insensitive
#include "blocks/element.h"
#include "math/pairs.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real epsilon = (real)parameters[0];
  const bool squared = parameters[1] != 0;
  const fl_pair r = fl_residual(y, x);
  const real far = r.hi - epsilon;
  const bool finite = far < (real)INFINITY;
  const real rest = fl_where(finite, fl_difference_tail(r.hi, epsilon, far) + r.lo);
  const fl_pair m = {fl_max(0, far + rest),
                     fl_where(finite, (far - (far + rest)) + rest)};
  const bool outside = m.hi > 0;
  const real slope = squared ? 2 * m.hi : outside;
  return (fl_point){
      .value = squared ? fl_square_times(m, 1) : m.hi,
      .grad = fl_copysign(fl_unless_nan(m.hi, slope), x - y),
      .hess = fl_unless_nan(m.hi, squared & outside ? 2 : 0),
  };
}

#include "blocks/element_loops.h"
