/* Squared error of a label y and a prediction x, r = x - y (C. F. Gauss, Theoria
   combinationis observationum, 1821):

     l = r^2,  l' = 2 r,  l'' = 2 */
#define FL_NAME mean_squared_error
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const real r = x - y;
  return (fl_point){.value = r * r, .grad = 2 * r, .hess = fl_unless_nan(r, 2)};
}

#include "blocks/element_loops.h"
