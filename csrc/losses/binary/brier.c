/* Brier score of a label y in [0, 1] and a probability p (G. W. Brier, Verification of
   forecasts expressed in terms of probability, Mon. Weather Rev. 78, 1950):

     l = (p - y)^2,  l' = 2 (p - y),  l'' = 2 */
#define FL_NAME brier
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real p, const double *parameters) {
  (void)parameters;
  const real delta = p - y;
  return (fl_point){
      .value = delta * delta,
      .grad = 2 * delta,
      .hess = fl_unless_nan(delta, 2),
  };
}

#include "blocks/element_loops.h"
