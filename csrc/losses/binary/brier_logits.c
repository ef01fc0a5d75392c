/* Brier score (brier.c) of a label y in [0, 1] and a logit x, with p = sigma(x), q = 1 - p
   and delta = p - y:

     l = delta^2,  l' = 2 delta p q,  l'' = 2 p q (p q + delta (q - p)) */
#define FL_NAME brier_logits
#define FL_LONG
#include "blocks/element.h"
#include "losses/binary/sides.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const fl_sides at = fl_sides_of_logit(y, x);
  const double pq = at.slope_wide * (1 / FL_WIDE);
  return (fl_point){
      .value = (real)(at.delta * at.delta),
      .grad = (real)(at.sign * 2 * at.delta * pq),
      .hess = (real)(2 * pq * (pq + at.delta * (at.q - at.p))),
  };
}

#include "blocks/element_loops.h"
