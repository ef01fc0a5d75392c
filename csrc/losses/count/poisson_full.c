/* Poisson loss (poisson.c) with the term of the counts alone, the whole negative
   log-likelihood:

     l = exp(x) - y x + log(y!),  l' = exp(x) - y,  l'' = exp(x) */
#define FL_NAME poisson_full
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/poisson.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  fl_point point = fl_poisson_of_log(y, x, fl_exp(x));
  point.value = (real)fl_poisson_full(y, fl_d_exp(x, 0), x);
  return point;
}

#include "blocks/element_loops.h"
