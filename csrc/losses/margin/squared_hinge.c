/* Squared hinge loss of a label y in {-1, 1} and a decision value x, m = 1 - y x
   (Y.-J. Lee and O. L. Mangasarian, SSVM: a smooth support vector machine, Comput.
   Optim. Appl. 20, 2001):

     l = max(0, m)^2,  l' = -2 y max(0, m),  l'' = 2 for m > 0, else 0 */
#define FL_NAME squared_hinge
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const real m = FL_FMA(-y, x, 1), active = fl_max(0, m);
  return (fl_point){
      .value = active * active,
      .grad = -2 * y * active,
      .hess = m > 0 ? 2 : active, /* 0 or NaN */
  };
}

#include "blocks/element_loops.h"
