/* Hinge loss of a label y in {-1, 1} and a decision value x, with the margin m = 1 - y x
   (C. Cortes and V. Vapnik, Support-vector networks, Machine Learning 20, 1995):

     l = max(0, m),  l' = -y for m > 0, else 0,  l'' = 0

   y x is exact, so that m carries one rounding. */
#define FL_NAME hinge
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const real m = FL_FMA(-y, x, 1), active = fl_max(0, m);
  return (fl_point){
      .value = active,
      .grad = m > 0 ? -y : active, /* 0 or NaN */
      .hess = fl_unless_nan(m, 0),
  };
}

#include "blocks/element_loops.h"
