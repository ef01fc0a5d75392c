/* Poisson loss of a count y >= 0 and its mean p > 0 (poisson.c), with m = p + eps, which
   keeps the logarithm of a small mean in bounds:

     l = p - y log(m),  l' = 1 - y/m,  l'' = y/m^2

   What rounding takes from m goes into the logarithm. */
#define FL_NAME poisson_mean
#include "blocks/element.h"
#include "losses/count/poisson.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real p,
                                      const double *parameters) {
  return fl_poisson_log(p, (real)parameters[0]);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real p, real log,
                            const double *parameters) {
  return fl_poisson_of_mean(y, p, log, (real)parameters[0]);
}

#include "blocks/element_loops.h"
