/* Poisson loss of a mean (poisson_mean.c) with the term of the counts alone:

     l = p - y log(m) + log(y!),  l' = 1 - y/m,  l'' = y/m^2 */
#define FL_NAME poisson_mean_full
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/poisson.h"

FL_INLINE fl_point FL_POINT(real y, real p, const double *parameters) {
  const real eps = (real)parameters[0];
  const double m = (double)p + (double)eps;
  fl_point point = fl_poisson_of_mean(y, p, fl_poisson_log(p, eps), eps);
  point.value = (real)fl_poisson_full(y, p, fl_d_log(m, 0));
  return point;
}

#include "blocks/element_loops.h"
