/* The square of the epsilon-insensitive loss (epsilon_insensitive.c):

     l = m^2,  l' = 2 m sign(r),  l'' = 2 for m > 0, 0 elsewhere */
#define FL_NAME squared_epsilon_insensitive
#include "losses/regression/epsilon_insensitive.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const fl_pair m = fl_beyond((real)parameters[0], y, x);
  return (fl_point){
      .value = fl_square_times(m, 1),
      .grad = fl_copysign(2 * m.hi, x - y),
      .hess = fl_unless_nan(m.hi, m.hi > 0 ? 2 : 0),
  };
}

#include "blocks/element_loops.h"
