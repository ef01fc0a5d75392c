/* Binary cross-entropy on logits, of a label y in [0, 1] and a logit x.

     a = (1-y)(1-s) + s/2,  b = P (y (1-s) + s/2)     smoothing s, positive weight P
     l   = a softplus(x) + b softplus(-x)
     l'  = a sigma(x) - b sigma(-x)
     l'' = (a + b) sigma(x) sigma(-x)

   With t = exp(-|x|) every term is a sum of non-negative ones or a single difference,
   so that no tail cancels:

     softplus(x) = max(x, 0) + log1p(t),  sigma(|x|) = 1/(1+t),  sigma(-|x|) = t/(1+t)

   An infinite logit times a factor of 0 counts 0, hence 0 or inf at +-inf for hard
   labels. (The stable softplus: C. M. Bishop, Pattern Recognition and Machine Learning,
   2006, section 4.3.2 gives l; Blanchard, Higham and Higham, Accurately computing the
   log-sum-exp and softmax functions, IMA J. Numer. Anal. 41, 2021, the error analysis.) */
#include "../elementwise.h"

FL_INLINE real FL_AHEAD(bool simple, real y, real x, const double *parameters) {
  return fl_exp_nonpositive(-fl_abs(x));
}
#define FL_AHEAD FL_AHEAD

/* No smoothing and no weight: a = 1 - y, b = y, a + b = 1. */
#define FL_SIMPLE(parameters) (parameters[0] == 0 && parameters[1] == 1)

FL_INLINE fl_point FL_POINT(bool simple, real y, real x, real t,
                            const double *parameters) {
  const double keep = 1 - parameters[0], half = 0.5 * parameters[0];
  const double positive = parameters[1];
  const real a = simple ? 1 - y : FL_FMA(1 - y, (real)keep, (real)half);
  const real b =
      simple ? y : FL_FMA(y, (real)(positive * keep), (real)(positive * half));
  /* a + b without the roundings of a and b */
  const real sum = simple ? fl_unless_nan(y, 1)
                          : FL_FMA_ONCE(y, (real)((positive - 1) * keep),
                                        (real)(keep + half + positive * half));
  const real magnitude = fl_abs(x), total = 1 + t;
  const real near = x > 0 ? a : b, far = x > 0 ? b : a;
  const real slope = FL_FMA(-far, t, near) / total;
  /* l = sum log1p(t) + near |x|: the larger product is the one that is not rounded */
  const real finite = fl_where(near != 0, magnitude), log_total = fl_log1p_unit(t);
  const real hinge = near * finite; /* NaN where y is */
  const real soft = simple ? log_total : sum * log_total;
  const bool outer = simple | (hinge > soft);
  return (fl_point){
      .value = FL_FMA_ONCE(outer ? near : sum, outer ? finite : log_total,
                           outer ? soft : hinge),
      .grad = x > 0 ? slope : -slope,
      .hess = sum * (t / FL_FMA(t, 2 + t, 1)), /* (1 + t)^2, rounded twice */
  };
}

#define FL_NAME binary_crossentropy_logits
#include "../elementwise_loops.h"
