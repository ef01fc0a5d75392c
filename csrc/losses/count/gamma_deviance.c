/* Deviance of a gamma distribution, of an amount y > 0 and a mean m > 0 (P. McCullagh and
   J. A. Nelder, Generalized Linear Models, 2nd ed. 1989, section 2.3), with d = y/m - 1:

     l = 2 (d - log(1 + d)),  l' = 2 (m - y)/m^2,  l'' = 2 (2y - m)/m^3

   About y it is (y - m)^2/m^2, which the difference does not give: deviance.h. */
#define FL_NAME gamma_deviance
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/deviance.h"

/* d - log(1 + d); beyond 2^60 the logarithm is a digit of d at most. */
FL_INLINE double fl_gamma_excess(double y, double m) {
  const fl_sum_of_two log = fl_d_log_ratio(y, m);
  const double scale = fl_d_scale(m), u = y * scale, v = m * scale;
  const double s = (u - v) / (u + v);
  const fl_sum_of_two rise = fl_d_sum(u, -v);
  const double d = (y - m) / m, product = d * v;
  const double left = (rise.hi - product) - fl_product_tail(d, v, product) + rise.lo;
  const fl_sum_of_two far = fl_d_sum(d, -log.hi);
  const double lost = d < 0x1p60 ? far.lo + (left / v - log.lo) : 0;
  return fl_d_close(u, v) ? s * (d - fl_d_close_rest(s)) : far.hi + lost;
}

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  (void)parameters;
  const double label = y, mean = m;
  const double unit = label > 1 ? 0.5 : 1; /* neither 2y nor m/2 may be out of range */
  const double rise = 2 * unit * label - unit * mean;
  return (fl_point){
      .value = (real)(2 * fl_gamma_excess(label, mean)),
      .grad = (real)(2 * ((mean - label) / mean / mean)),
      .hess = (real)(2 * (rise / mean / mean / mean / unit)),
  };
}

#include "blocks/element_loops.h"
