/* Epsilon-insensitive loss of a label y and a prediction x, r = x - y, of a margin
   epsilon >= 0 (V. N. Vapnik, The nature of statistical learning theory, 1995), with
   m = |r| - epsilon:

     l = m,  l' = sign(r),  l'' = 0 for m > 0, 0 elsewhere */
#define FL_NAME epsilon_insensitive
#include "losses/regression/epsilon_insensitive.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real m = fl_beyond((real)parameters[0], y, x).hi;
  return (fl_point){
      .value = m,
      .grad = fl_copysign(m > 0 ? 1 : m, x - y), /* 0 or NaN */
      .hess = fl_unless_nan(m, 0),
  };
}

#include "blocks/element_loops.h"
