/* Tweedie loss of an amount y >= 0 and its mean m > 0 (tweedie.c), with a = 2 - rho,
   b = 1 - rho and P = m^b:

     l = P m/a - y P/b,  l' = P (m - y)/m,  l'' = P (b + rho y/m)/m

   where P m/a is log(m) for a = 0 and P/b for b = 0. */
#define FL_NAME tweedie_mean
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/powers.h"

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  const double rho = (real)parameters[0], a = 2 - rho, b = 1 - rho;
  const double mean = m, label = y;
  const double log = fl_d_log(mean, 0), power = fl_d_power(mean, b);
  const double of_mean = a == 0 ? log : power * mean / a;
  const double of_label = label * (b == 0 ? log : power / b);
  return (fl_point){
      .value = (real)(of_mean - of_label),
      .grad = (real)(power * ((mean - label) / mean)),
      .hess = (real)(power * (b + rho * (label / mean)) / mean),
  };
}

#include "blocks/element_loops.h"
