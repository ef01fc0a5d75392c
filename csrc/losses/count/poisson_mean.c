/* Poisson loss of a count y >= 0 and its mean p > 0 (poisson.c), with m = p + eps, which
   keeps the logarithm of a small mean in bounds:

     l = p - y log(m),  l' = 1 - y/m,  l'' = y/m^2

   What rounding takes from m goes into the logarithm. */
#define FL_NAME poisson_mean
#include "blocks/element.h"
#include "math/vecmath.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real p,
                                      const double *parameters) {
  const real eps = (real)parameters[0], m = p + eps;
  return fl_log_tail(m, fl_difference_tail(p, -eps, m));
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real p, real log,
                            const double *parameters) {
  const real eps = (real)parameters[0], m = p + eps;
  const real finite = fl_where(y != 0, fl_min(FL_EXP_OVERFLOW, log));
  return (fl_point){
      .value = FL_FMA_ONCE(-y, finite, p),
      .grad = ((p - y) + eps) / m,
      .hess = y / m / m,
  };
}

#include "blocks/element_loops.h"
