/* Deviance of a Tweedie distribution of power rho, neither 1 nor 2, of an amount y >= 0 and
   a mean m > 0 (B. Jorgensen, The Theory of Dispersion Models, 1997, section 4.2), with
   a = 2 - rho, b = 1 - rho, P = m^b and L = log(y/m):

     l = 2 (y^a/(a b) - y m^b/b + m^a/a) = 2 P m E/(a b)
     l' = 2 P (m - y)/m,  l'' = 2 P (b + rho y/m)/m

   where m E = m (exp(a L) - 1) - a (y - m) = y (exp(b L) - 1) - b (y - m): of these the
   one with the smaller exponent, which stays right as a or b goes to 0. */
#define FL_NAME tweedie_deviance
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/deviance.h"

/* exp(c (log.hi + log.lo)) - 1 */
FL_INLINE double fl_d_power_minus(double c, fl_sum_of_two log) {
  const double product = c * log.hi;
  const double tail = FL_FMA_F64(c, log.lo, fl_product_tail(c, log.hi, product));
  const double x = product < -40 ? -40 : (product > 709 ? 709 : product);
  double magic_n;
  const double p = fl_d_expm1_reduced(x, x == product ? tail : 0, &magic_n);
  const uint64_t n = fl_d_bits(magic_n) - fl_d_bits(FL_D_MAGIC);
  const double s = fl_d_from_bits((n + 1023) << 52);
  return product > 709 ? INFINITY : FL_FMA_F64(s, p, s - 1);
}

/* m E; products of y = 0 are 0. */
FL_INLINE double fl_tweedie_excess(double y, double m, double a, double b) {
  const bool first = fl_d_abs(a) < fl_d_abs(b);
  const double s = (y - m) / (y + m), artanh = FL_FMA_F64(s, fl_d_close_rest(s), 2 * s);
  const fl_sum_of_two at_zero = {-INFINITY, 0}, close = {artanh, 0};
  const fl_sum_of_two ratio = fl_d_log_ratio(y, m);
  const fl_sum_of_two far = y == 0 ? at_zero : ratio;
  const fl_sum_of_two log = fl_d_close(y, m) ? close : far;
  const double c = first ? a : b, power = fl_d_power_minus(c, log);
  const double times = first ? m : y;
  return (times == 0 ? 0 : times * power) - c * (y - m);
}

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  const double rho = (real)parameters[0], a = 2 - rho, b = 1 - rho;
  const double label = y, mean = m, power = fl_d_power(mean, b);
  const double scale = fl_d_scale(label > mean ? label : mean);
  const double excess = fl_tweedie_excess(label * scale, mean * scale, a, b);
  return (fl_point){
      .value = (real)(2 * (power * (excess / (a * b)) / scale)),
      .grad = (real)(2 * (power * ((mean - label) / mean))),
      .hess = (real)(2 * (power * (b + rho * (label / mean)) / mean)),
  };
}

#include "blocks/element_loops.h"
