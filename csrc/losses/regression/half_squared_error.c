/* Half the squared error of a label y and a prediction x, r = x - y (C. F. Gauss,
   Theoria combinationis observationum, 1821):

     l = r^2/2,  l' = r,  l'' = 1 */
#define FL_NAME half_squared_error
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const real r = x - y;
  return (fl_point){.value = (real)0.5 * r * r, .grad = r, .hess = fl_unless_nan(r, 1)};
}

#include "blocks/element_loops.h"
