/* epsilon_insensitive.h: m = max(0, |x - y| - epsilon). What rounding takes from x - y and m
   is given back: m may be much smaller than x - y. */
#ifndef FL_EPSILON_INSENSITIVE_H
#define FL_EPSILON_INSENSITIVE_H

#include "blocks/element.h"
#include "math/pairs.h"

FL_INLINE fl_pair fl_beyond(real epsilon, real y, real x) {
  const fl_pair r = fl_residual(y, x);
  const real far = r.hi - epsilon;
  const bool finite = far < (real)INFINITY;
  const real rest = fl_where(finite, fl_difference_tail(r.hi, epsilon, far) + r.lo);
  return (fl_pair){fl_max(0, far + rest),
                   fl_where(finite, (far - (far + rest)) + rest)};
}

#endif
