/* Absolute percentage error of a label y and a prediction x, r = x - y, of a scale s and
   a smallest label eps > 0 (J. S. Armstrong, Long-range forecasting, 1978):

     l = s |r|/d,  d = max(|y|, eps),  l' = s sign(r)/d with l'(0) = 0,  l'' = 0 */
#define FL_NAME mean_absolute_percentage_error
#define FL_LONG
#include "blocks/element.h"
#include "math/pairs.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real scale = (real)parameters[0], eps = (real)parameters[1];
  const real r = x - y, d = fl_max(eps, fl_abs(y)), slope = scale / d;
  return (fl_point){
      .value = fl_pair_times(fl_pair_over(fl_residual(y, x), d), scale),
      .grad = fl_abs(r) > 0 ? fl_copysign(slope, r) : 0 + r, /* +0 or NaN */
      .hess = fl_unless_nan(r, 0),
  };
}

#include "blocks/element_loops.h"
