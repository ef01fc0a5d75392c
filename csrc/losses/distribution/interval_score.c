/* Interval score of a label y for the interval from l to u that is to hold it with
   probability 1 - alpha (T. Gneiting and A. E. Raftery, Strictly proper scoring rules,
   prediction, and estimation, JASA 102, 2007):

     (u - l) + 2/alpha max(l - y, 0) + 2/alpha max(y - u, 0)

   At y = l and y = u the derivatives are those inside. */
#define FL_NAME interval_score
#include "blocks/heads.h"

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const real price = 2 / (real)parameters[0];
  const real below = fl_max(0, x - y), above = fl_max(0, y - z);
  const real nothing =
      fl_where(!((x - y == x - y) & (y - z == y - z)), (x - y) + (y - z));
  return (fl_heads_point){
      .value = FL_FMA(price, below + above, z - x),
      .grad = {fl_unless_nan(x - y, y < x ? price - 1 : -1),
               fl_unless_nan(y - z, y > z ? 1 - price : 1)},
      .hess = {nothing, nothing},
      .mixed = nothing,
  };
}

#include "blocks/heads_loops.h"
