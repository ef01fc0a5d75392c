/* Deviance of a Poisson distribution, of a count y >= 0 and a mean m > 0 (P. McCullagh and
   J. A. Nelder, Generalized Linear Models, 2nd ed. 1989, section 2.3):

     l = 2 (y log(y/m) - (y - m)),  l' = 2 (m - y)/m,  l'' = 2 y/m^2

   and 2 m for y = 0. About y it is (m - y)^2/m, which the difference does not give:
   deviance.h. */
#define FL_NAME poisson_deviance
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/deviance.h"

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  (void)parameters;
  const double label = y, mean = m, inverse = 1 / mean;
  const double scale = fl_d_scale(label > mean ? label : mean);
  const double excess = fl_d_ratio(mean, label, scale).excess / scale;
  const double share = fl_d_by_inverse(label, mean, inverse);
  return (fl_point){
      .value = (real)(2 * (label == 0 ? mean : excess)),
      .grad = (real)(2 * fl_d_by_inverse(mean - label, mean, inverse)),
      .hess = (real)(2 * fl_d_by_inverse(share, mean, inverse)),
  };
}

#include "blocks/element_loops.h"
