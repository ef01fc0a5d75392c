/* Binary cross-entropy on logits, of a label y in [0, 1] and a logit x.

     a = (1-y)(1-s) + s/2,  b = P (y (1-s) + s/2)     smoothing s, positive weight P
     l   = a softplus(x) + b softplus(-x)
     l'  = a sigma(x) - b sigma(-x)
     l'' = (a + b) sigma(x) sigma(-x)

   all of t = exp(-|x|), in math/logistic.h. An infinite logit times a factor of 0
   counts 0, hence 0 or inf at +-inf for hard labels. (The stable softplus: C. M. Bishop,
   Pattern Recognition and Machine Learning, 2006, section 4.3.2 gives l; Blanchard,
   Higham and Higham, Accurately computing the log-sum-exp and softmax functions, IMA J.
   Numer. Anal. 41, 2021, the error analysis.) */
#define FL_NAME binary_crossentropy_logits
#include "blocks/element.h"
#include "math/logistic.h"

/* No weight: a + b = 1; and no smoothing, or such that neither is a subnormal number. */
#define FL_PLAIN(parameters) \
  (parameters[1] == 1 && (parameters[0] == 0 || parameters[0] >= 0x1p-10))

/* Of a plain loss without smoothing, a label that is 0 or 1 and a logit whose exponential
   is normal. */
FL_INLINE fl_uint fl_not_hard(real y, real x, double smoothing) {
  const fl_uint label = fl_bits(y * (1 - y)) | (fl_uint)(smoothing != 0);
  return label | ((fl_bits(FL_EXP_NORMAL) - fl_bits(-fl_abs(x))) & FL_SIGN_BIT);
}
#define FL_NOT_HARD(y, x) fl_not_hard(y, x, parameters[0])

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  const real a = -fl_abs(x);
  return is == FL_IS_HARD ? fl_exp_normal(a) : fl_exp_nonpositive(a);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

/* One of a and b is 1 and the other 0: a softplus and a sigma of z = x or -x. */
FL_INLINE fl_point fl_hard_point(real y, real x, real t) {
  const fl_uint flip = fl_bits((real)0.5 - y) & FL_SIGN_BIT;
  const real z = fl_from_bits(fl_bits(x) ^ flip);
  return (fl_point){
      .value = fl_softplus(z, t),
      .grad = fl_from_bits(fl_bits(fl_sigmoid(z, t)) ^ flip),
      .hess = fl_sigmoid_slope(t),
  };
}

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real t,
                            const double *parameters) {
  if (is == FL_IS_HARD) return fl_hard_point(y, x, t);
  const bool plain = is == FL_IS_PLAIN;
  const double keep = 1 - parameters[0], half = 0.5 * parameters[0];
  const double positive = plain ? 1 : parameters[1];
  const real a = FL_FMA(1 - y, (real)keep, (real)half);
  const real b = FL_FMA(y, (real)(positive * keep), (real)(positive * half));
  /* a + b without the roundings of a and b */
  const real sum = plain ? fl_unless_nan(y, 1)
                         : FL_FMA_ONCE(y, (real)((positive - 1) * keep),
                                       (real)(keep + half + positive * half));
  /* b may be a subnormal number, which is the product of others with digits */
  const real magnitude = fl_abs(x);
  const bool scales = !plain & (magnitude > 1);
  const real unit = scales ? FL_SUBNORMAL_SCALE : 1;
  const real inverse = scales ? 1 / FL_SUBNORMAL_SCALE : 1;
  const real wide =
      plain ? b
            : FL_FMA(y * unit, (real)(positive * keep), (real)(positive * half) * unit);
  return (fl_point){
      .value = fl_logistic(plain, x > 0 ? a * unit : wide, sum, magnitude * inverse, t),
      .grad = fl_logistic_slope(a, b, x, t),
      .hess = sum * fl_sigmoid_slope(t),
  };
}

#include "blocks/element_loops.h"
