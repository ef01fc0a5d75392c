/* Poly-1 loss (poly1.c) of a label y in [0, 1] and a logit x, with p = sigma(x) and
   q = 1 - p:

     l'  = p - y + epsilon (1 - 2y) p q
     l'' = p q (1 + epsilon (1 - 2y)(q - p)) */
#define FL_NAME poly1_logits
#define FL_LONG
#include "blocks/element.h"
#include "losses/binary/sides.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const fl_sides at = fl_sides_of_logit(y, x);
  const double epsilon = (real)parameters[0], side = epsilon * (1 - 2 * at.y);
  const double pq = at.slope_wide * (1 / FL_WIDE);
  return (fl_point){
      .value = (real)(at.ce + epsilon * (at.p + at.y * (at.q - at.p))),
      .grad = (real)(at.sign * (at.delta + side * pq)),
      .hess = (real)(pq * (1 + side * (at.q - at.p))),
  };
}

#include "blocks/element_loops.h"
