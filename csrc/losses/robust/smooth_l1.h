/* smooth_l1.h: what the smooth L1 loss and the quantile loss share: quadratic
   up to a width beta, then |r|; of beta = 0 it is |r| everywhere. */
#ifndef FL_SMOOTH_L1_H
#define FL_SMOOTH_L1_H

#include "blocks/element.h"
#include "math/pairs.h"

FL_INLINE fl_point fl_smooth_l1(real beta, real y, real x) {
  const fl_pair r = fl_residual(y, x);
  const bool near = r.hi < beta;
  const real z = r.hi / beta, half = (real)0.5 * z;
  const real outer = r.hi > 0 ? 1 : r.hi; /* NaN, or 0 where beta is */
  return (fl_point){
      .value = near ? FL_FMA_ONCE(half, r.hi, z * r.lo) : r.hi - (real)0.5 * beta,
      .grad = fl_copysign(near ? z : outer, x - y),
      .hess = fl_unless_nan(r.hi, near ? 1 / beta : 0),
  };
}

#endif
