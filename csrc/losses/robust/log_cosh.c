/* Log-cosh loss of a label y and a prediction x, r = x - y (P. Chen, G. Chen
   and S. Zhang, Log hyperbolic cosine loss improves variational auto-encoder,
   2018):

     l = log(cosh(r)),  l' = tanh(r),  l'' = 1/cosh(r)^2

   With t = exp(-2|r|), l'' = 4 t/(1+t)^2; l and l' are in math/log_cosh.h and
   do not cancel. The rounding error of r goes into l and into t. */
#define FL_NAME log_cosh
#include "math/log_cosh.h"
#include "blocks/element.h"
#include "math/logistic.h"

/* What rounding took from r = x - y, where it counts. */
FL_INLINE real fl_log_cosh_tail(real y, real x, real r) {
  return fl_where(fl_abs(r) < -FL_EXP_UNDERFLOW, fl_difference_tail(x, y, r));
}

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  const real r = x - y;
  const real tail = fl_copysign(1, r) * fl_log_cosh_tail(y, x, r);
  return fl_exp_nonpositive_tail(-2 * fl_abs(r), -2 * tail);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real t,
                            const double *parameters) {
  const real r = x - y;
  return (fl_point){
      .value = fl_log_cosh(r, fl_log_cosh_tail(y, x, r), t),
      .grad = fl_tanh(r, t),
      .hess = 4 * fl_sigmoid_slope(t),
  };
}

#include "blocks/element_loops.h"
