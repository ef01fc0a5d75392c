/* Expectile loss of a label y and a prediction x, r = x - y, of a level tau in (0, 1)
   (W. K. Newey and J. L. Powell, Asymmetric least squares estimation and testing,
   Econometrica 55, 1987):

     l = w r^2,  w = 1 - tau for r >= 0, tau for r < 0
     l' = 2 w r,  l'' = 2 w */
#define FL_NAME expectile
#include "blocks/element.h"
#include "math/pairs.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real tau = (real)parameters[0];
  const real w = x < y ? tau : 1 - tau;
  return (fl_point){
      .value = fl_square_times(fl_residual(y, x), w),
      .grad = 2 * w * (x - y),
      .hess = fl_unless_nan(x - y, 2 * w),
  };
}

#include "blocks/element_loops.h"
