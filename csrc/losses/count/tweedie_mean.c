/* Tweedie loss of an amount y >= 0 and its mean m > 0 (tweedie.c), with a = 2 - rho,
   b = 1 - rho and P = m^b:

     l = P (m/a - y/b),  l' = (P/m) (m - y),  l'' = (P/m) (b + rho y/m)

   where P m/a is log(m) for a = 0 and P/b for b = 0. A mean may be so small that P, y/m
   or both are infinite. */
#define FL_NAME tweedie_mean
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/powers.h"

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  const double rho = (real)parameters[0], a = 2 - rho, b = 1 - rho;
  const double mean = m, label = y;
  const double log = fl_d_log(mean, 0), power = fl_d_power(mean, b);
  const double value = a == 0   ? log - label * (power / b)
                       : b == 0 ? power * mean / a - label * log
                                : power * (mean / a - label / b);
  const double slope = power / mean, bend = rho == 0 ? 0 : rho * (label / mean);
  return (fl_point){
      .value = (real)value,
      .grad = (real)(slope * (mean - label)),
      .hess = (real)(slope * (b + bend)),
  };
}

#include "blocks/element_loops.h"
