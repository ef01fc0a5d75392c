/* Absolute error of a label y and a prediction x, r = x - y (P. S. Laplace, Mémoire sur
   la probabilité des causes, 1774):

     l = |r|,  l' = sign(r) with l'(0) = 0,  l'' = 0 */
#define FL_NAME mean_absolute_error
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const real r = x - y, magnitude = fl_abs(r);
  return (fl_point){
      .value = magnitude,
      .grad = magnitude > 0 ? fl_copysign(1, r) : 0 + r, /* +0 or NaN */
      .hess = fl_unless_nan(r, 0),
  };
}

#include "blocks/element_loops.h"
