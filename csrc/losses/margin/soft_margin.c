/* Soft margin loss of a label y in {-1, 1} and a decision value x, the logistic loss of
   the margin z = -y x (J. Friedman, T. Hastie and R. Tibshirani, Additive logistic
   regression: a statistical view of boosting, Ann. Statist. 28, 2000):

     l = softplus(z),  l' = -y sigma(z),  l'' = sigma(z) sigma(-z)

   all of t = exp(-|z|), in math/logistic.h. */
#define FL_NAME soft_margin
#include "blocks/element.h"
#include "math/logistic.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  return fl_exp_nonpositive(-fl_abs(y * x));
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real t,
                            const double *parameters) {
  const real z = -y * x;
  return (fl_point){
      .value = fl_softplus(z, t),
      .grad = -y * fl_sigmoid(z, t),
      .hess = fl_sigmoid_slope(t),
  };
}

#include "blocks/element_loops.h"
