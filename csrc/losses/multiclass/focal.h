/* focal.h: the focal loss of a class of probability p, with L = -log p and c = 1 - p, as a
   function of L; r = L/c, which is 1 at c = 0.

     l  = c^gamma L
     l' = c^gamma (1 + gamma p r)
     l'' = gamma p c^(gamma-1) (2 - L + (gamma - 1) p r)

   (T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense object
   detection, 2017.) In double, as the power multiplies errors of c by gamma. */
#ifndef FL_FOCAL_H
#define FL_FOCAL_H

#include "math/short_power.h"

typedef struct {
  double value, slope, curve;
} fl_focal_point;

FL_INLINE fl_focal_point fl_focal(double log, double p, double rest, double gamma) {
  const double zero = fl_zero_power(gamma), zero_below = fl_zero_power(gamma - 1);
  const double power = fl_power_short_in_f32(zero, rest, gamma);
  const double below = rest == 0 ? zero_below : power / rest;
  const double part = p == 0 ? 0 : p * log; /* p L, 0 at L = inf */
  const double decay = rest == 0 ? p : part / rest;
  const double curve = 2 * p - part + (gamma - 1) * p * decay;
  return (fl_focal_point){
      .value = power == 0 ? 0 : power * log,
      .slope = power * (1 + gamma * decay),
      .curve = gamma == 0 ? 0 : gamma * below * curve,
  };
}

#endif
