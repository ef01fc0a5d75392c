/* Deviance of a Poisson distribution, of a count y >= 0 and a mean m > 0 (P. McCullagh and
   J. A. Nelder, Generalized Linear Models, 2nd ed. 1989, section 2.3):

     l = 2 (y log(y/m) - (y - m)),  l' = 2 (m - y)/m,  l'' = 2 y/m^2

   and 2 m for y = 0. About y it is (m - y)^2/m, which the difference does not give:
   deviance.h. */
#define FL_NAME poisson_deviance
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/deviance.h"

/* m - y - y log(m/y) for y > 0. */
FL_INLINE double fl_poisson_excess(double y, double m) {
  const fl_sum_of_two log = fl_d_log_ratio(m, y);
  const double scale = fl_d_scale(y > m ? y : m), u = y * scale, v = m * scale;
  const double s = (v - u) / (v + u);
  const double close = s * ((v - u) - u * fl_d_close_rest(s));
  const double product = u * log.hi, tail = fl_product_tail(u, log.hi, product);
  const fl_sum_of_two rise = fl_d_sum(v, -u), far = fl_d_sum(rise.hi, -product);
  const double lost = far.lo + (rise.lo - FL_FMA_F64(u, log.lo, tail));
  return (fl_d_close(v, u) ? close : far.hi + lost) / scale;
}

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  (void)parameters;
  const double label = y, mean = m;
  const double value = label == 0 ? mean : fl_poisson_excess(label, mean);
  return (fl_point){
      .value = (real)(2 * value),
      .grad = (real)(2 * ((mean - label) / mean)),
      .hess = (real)(2 * (label / mean / mean)),
  };
}

#include "blocks/element_loops.h"
