/* mixture.h: w sigmoid(x) + v sigmoid(-x) with w + v = 1, the probability that a logit
   gives a label w, its logarithm and powers. All take t = exp(-|x|). With a the weight of
   the side that x points to and b the other it is (a + b t)/(1 + t): a sum of two terms
   that are not negative, of which the first may be 0 and the second underflow. */
#ifndef FL_MIXTURE_H
#define FL_MIXTURE_H

#include "custom/vecmath.h"

/* sigmoid(x)^k = exp(-k softplus(-x)), what rounding takes from the exponent in a tail. */
FL_INLINE real fl_sigmoid_power(real x, real k, real t) {
  const real m = fl_by_sign(x, -x, 0), l = fl_log1p_unit(t);
  const real s = m + l, lost = m > l ? (m - s) + l : (l - s) + m;
  const real y = -k * s;
#if defined(FL_ISA_baseline) && defined(FL_DTYPE_f32)
  const real rounded = (real)(-(double)k * s - y);
#elif defined(FL_ISA_baseline)
  const real rounded = fl_product_tail(-k, s, y);
#else
  const real rounded = FL_FMA(-k, s, -y);
#endif
  const real power = fl_exp_tail(y, fl_abs(y) < (real)800 ? rounded - k * lost : 0);
  return k == 0 ? 1 : power;
}

/* log(w sigmoid(x) + v sigmoid(-x)) */
FL_INLINE real fl_log_mixture(real w, real v, real x, real t) {
  const real a = x > 0 ? w : v, b = x > 0 ? v : w;
  const real sum = FL_FMA(b, t, a);
  const real near = fl_log1p_checked(-FL_FMA(a, t, b) / (1 + t));
  const real one = fl_log_checked(fl_select(a == 0, b, sum));
  const real far = one - fl_select(a == 0, fl_abs(x), 0) - fl_log1p_unit(t);
  return fl_select(2 * sum > 1 + t, near, far);
}

/* Its derivative (w - v) s (1 - s)/m for s = sigmoid(x) and the mixture m; and that of
   the derivative, -(w - v) s (1 - s) (w s^2 - v (1 - s)^2)/m^2. */
FL_INLINE real fl_mixture_slope(real w, real v, real x, real t) {
  const real a = x > 0 ? w : v, b = x > 0 ? v : w;
  const real share = a == 0 ? 1 / b : t / FL_FMA(b, t, a);
  return (w - v) * share / (1 + t);
}

FL_INLINE real fl_mixture_curve(real w, real v, real x, real t) {
  const real a = x > 0 ? w : v, b = x > 0 ? v : w;
  const real sum = FL_FMA(b, t, a);
  const real share = a == 0 ? 1 / b : t / sum;
  const real turn = a == 0 ? -t : FL_FMA(-b * t, t, a) / sum;
  return -(a - b) * share * turn / FL_FMA(t, 2 + t, 1);
}

#endif
