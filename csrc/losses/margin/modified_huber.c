/* Modified Huber loss of a label y in {-1, 1} and a decision value x, with the margin
   m = y x (T. Zhang, Solving large scale linear prediction problems using stochastic
   gradient descent algorithms, ICML 2004):

     l = max(0, 1 - m)^2 for m >= -1, else -4 m
     l' = -2 y max(0, 1 - m) or -4 y,  l'' = 2 for -1 <= m < 1, else 0 */
#define FL_NAME modified_huber
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const real m = y * x, rest = FL_FMA(-y, x, 1), a = fl_max(0, rest);
  const bool linear = m < -1, curved = (m >= -1) & (rest > 0);
  return (fl_point){
      .value = linear ? -4 * m : a * a,
      .grad = -2 * y * fl_min(2, a),
      .hess = curved ? 2 : fl_unless_nan(m, 0),
  };
}

#include "blocks/element_loops.h"
