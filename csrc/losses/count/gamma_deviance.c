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
  const double label = y, mean = m;
  const double scale = fl_d_scale(mean), d = (label - mean) / mean;
  const double excess = fl_d_ratio(label, mean, scale).excess / (mean * scale);
  const double unit = label > 1 ? 0.5 : 1; /* neither 2y nor m/2 may be out of range */
  const double rise = 2 * unit * label - unit * mean;
  return (fl_point){
      .value = (real)(2 * (d < 0x1p60 ? excess : d)),
      .grad = (real)(2 * ((mean - label) / mean / mean)),
      .hess = (real)(2 * (rise / mean / mean / mean / unit)),
  };
}

#include "blocks/element_loops.h"
