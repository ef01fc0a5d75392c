/* Deviance of a gamma distribution, of an amount y > 0 and a mean m > 0 (P. McCullagh and
   J. A. Nelder, Generalized Linear Models, 2nd ed. 1989, section 2.3), with d = y/m - 1:

     l = 2 (d - log(1 + d)),  l' = 2 (m - y)/m^2,  l'' = 2 (2y - m)/m^3

   About y it is (y - m)^2/m^2, which the difference does not give: deviance.h.
   From 2^60 on the logarithm is a digit of d at most. */
#define FL_NAME gamma_deviance
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/deviance.h"

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  (void)parameters;
  const double label = y, mean = m, inverse = 1 / mean;
  const double scale = fl_d_scale(mean), ratio = fl_d_ratio(label, mean, scale).excess;
  const double d = fl_d_by_inverse(label - mean, mean, inverse);
  const double excess = fl_d_by_inverse(ratio, mean * scale, inverse);
  const double unit = label > 1 ? 0.5 : 1; /* neither 2y nor m/2 may be out of range */
  const double rise = 2 * unit * label - unit * mean;
  const double slope = fl_d_by_inverse(mean - label, mean, inverse);
  const double bend = fl_d_by_inverse(rise, mean, inverse);
  const double curve = fl_d_by_inverse(bend, mean, inverse);
  return (fl_point){
      .value = (real)(2 * (d < 0x1p60 ? excess : d)),
      .grad = (real)(2 * fl_d_by_inverse(slope, mean, inverse)),
      .hess = (real)(2 * (fl_d_by_inverse(curve, mean, inverse) / unit)),
  };
}

#include "blocks/element_loops.h"
