/* logistic.h: softplus and sigmoid and their weighted sums, for binary cross-entropy on
   logits and for custom losses. All take t = exp(-|x|), so that every term is a sum of
   non-negative ones or a single difference, and no tail cancels. */
#ifndef FL_LOGISTIC_H
#define FL_LOGISTIC_H

#include "math/vecmath.h"

/* softplus(x) = log(1 + exp(x)): 1.6, 1.6 */
FL_INLINE real fl_softplus(real x, real t) {
  return fl_by_sign(x, 0, x) + fl_log1p_unit(t);
}

/* sigmoid(x) = 1/(1 + exp(-x)): 1.8, 1.8 */
FL_INLINE real fl_sigmoid(real x, real t) { return fl_by_sign(x, t, 1) / (1 + t); }

/* sigmoid(x) sigmoid(-x), the denominator (1 + t)^2 rounded twice. */
FL_INLINE real fl_sigmoid_slope(real t) { return t / FL_FMA(t, 2 + t, 1); }

/* a softplus(x) + b softplus(-x) = sum log1p(t) + near |x| for sum = a + b and near = a
   or b; `one`: the sum is 1. An infinite x times a factor of 0 counts 0. The larger
   product is the one that is not rounded, and neither is log1p(t) where it is in that. */
FL_INLINE real fl_logistic(bool one, real near, real sum, real magnitude, real t) {
  const real finite = fl_where(near != 0, magnitude);
  const real log_total = fl_log1p_unit(t), soft = one ? log_total : sum * log_total;
  const real hinge = near * finite; /* NaN where a or b is */
  if (one) return FL_FMA_ONCE(near, finite, soft);
  const fl_log1p_parts log = fl_log1p_parts_of(t);
  const real inner = FL_FMA(-sum * log.s, log.rest, hinge);
  const bool outer = hinge > soft;
  return FL_FMA_ONCE(outer ? near : sum, outer ? finite : t, outer ? soft : inner);
}

/* a sigmoid(x) - b sigmoid(-x) */
FL_INLINE real fl_logistic_slope(real a, real b, real x, real t) {
  const real near = x > 0 ? a : b, far = x > 0 ? b : a;
  const real slope = FL_FMA(-far, t, near) / (1 + t);
  return fl_select(x > 0, slope, -slope); /* a conditional would divide twice */
}

#endif
