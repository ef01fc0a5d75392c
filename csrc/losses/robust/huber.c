/* Huber's loss of a label y and a prediction x, r = x - y and a width delta > 0
   (P. J. Huber, Robust estimation of a location parameter, Ann. Math. Statist.
   35, 1964):

     l = r^2/2 for |r| <= delta, delta (|r| - delta/2) beyond
     l' = max(-delta, min(r, delta)),  l'' = 1 for |r| <= delta, 0 beyond

   With q = min(|r|, delta) both branches are l = q (|r| - q/2). */
#define FL_NAME huber
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real delta = (real)parameters[0];
  const real r = x - y, magnitude = fl_abs(r), q = fl_min(delta, magnitude);
  return (fl_point){
      .value = q * FL_FMA((real)-0.5, q, magnitude),
      .grad = fl_copysign(q, r),
      .hess = fl_unless_nan(r, magnitude <= delta ? 1 : 0),
  };
}

#include "blocks/element_loops.h"
