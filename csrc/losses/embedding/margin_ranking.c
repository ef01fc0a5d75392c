/* Margin ranking loss of two scores x and z, of which the first is to be the larger (y = 1)
   or the smaller (y = -1), with m = margin - y (x - z) (R. Herbrich, T. Graepel and
   K. Obermayer, Large margin rank boundaries for ordinal regression, 2000):

     l = max(0, m),  dl/dx = -y and dl/dz = y for m > 0, else 0;  second derivatives 0

   y r is exact for r = x - z, so that m carries two roundings. */
#define FL_NAME margin_ranking
#include "blocks/heads.h"

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const real m = FL_FMA(-y, x - z, (real)parameters[0]), active = fl_max(0, m);
  const real flat = fl_unless_nan(m, 0);
  return (fl_heads_point){
      .value = active,
      .grad = {fl_select(m > 0, -y, flat), fl_select(m > 0, y, flat)},
      .hess = {flat, flat},
  };
}

#include "blocks/heads_loops.h"
