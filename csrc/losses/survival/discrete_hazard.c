/* Negative log-likelihood of an interval of time with a hazard in each: the logit x_j of
   interval j is that of the chance of an event in it, for who has come so far (C. C. Brown,
   On the use of indicator variables for studying the time-dependence of parameters in a
   response-time model, Biometrics 31, 1975; M. F. Gensheimer and B. Narasimhan, A scalable
   discrete-time survival model for neural networks, PeerJ 7, 2019). With the label q_j of
   an interval, 1: the event, 0: no event, NaN: not seen,

     l = sum softplus((1 - 2 q_j) x_j) over the intervals seen
     l'_j = sigma(x_j) - q_j,  l''_j = sigma(x_j) sigma(-x_j)

   of t = exp(-|x|), in math/logistic.h. */
#define FL_NAME discrete_hazard
#include "blocks/terms.h"
#include "math/logistic.h"

FL_INLINE fl_term_point fl_interval(real q, real x, const double *parameters) {
  (void)parameters;
  const bool seen = q == q;
  const fl_uint flip = fl_bits((real)0.5 - q) & FL_SIGN_BIT;
  const real z = fl_from_bits(fl_bits(x) ^ flip);
  const real t = fl_exp_nonpositive(-fl_abs(x));
  const real slope = fl_from_bits(fl_bits(fl_sigmoid(z, t)) ^ flip);
  return (fl_term_point){
      .value = fl_where(seen, fl_softplus(z, t)),
      .grad = fl_where(seen, slope),
      .hess = fl_where(seen, fl_sigmoid_slope(t)),
  };
}

#define FL_TERM fl_interval
#include "blocks/term_loss.h"
