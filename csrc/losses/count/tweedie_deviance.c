/* Deviance of a Tweedie distribution of power rho, neither 1 nor 2, of an amount y >= 0 and
   a mean m > 0 (B. Jorgensen, The Theory of Dispersion Models, 1997, section 4.2), with
   a = 2 - rho, b = 1 - rho and P = m^b:

     l = 2 (y^a/(a b) - y m^b/b + m^a/a) = 2 P E/(a b)
     l' = 2 P (m - y)/m,  l'' = 2 P (b + rho y/m)/m

   where E = m ((y/m)^a - 1) - a (y - m) = y ((m/y)^-b - 1) + b (m - y): of these the one
   whose exponent is closer to 0. With u and v for y and m or m and y, and for the exponent
   c <= 1/2, about u = v

     E = v r(c log(u/v)) - c (u - v - v log(u/v)),  r(t) = exp(t) - 1 - t

   where the second term is at most twice E. */
#define FL_NAME tweedie_deviance
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/deviance.h"

/* exp(x + tail) - 1, and that without x + tail. Up to a size of 5/4 the latter is made of
   the polynomial of a quarter: r(2 t) = (t + r(t))^2 + 2 r(t). In f32 the short
   exponential has both. */
typedef struct {
  double rise, rest;
} fl_growth;

FL_INLINE fl_growth fl_d_growth(double x, double tail) {
#if defined(FL_DTYPE_f32)
  const fl_short_exp exp = fl_d_short_exp(x);
  return (fl_growth){exp.rise, exp.rest};
#else
  const double t = x < -40 ? -40 : (x > 709 ? 709 : x), lost = t == x ? tail : 0;
  double magic_n;
  const double p = fl_d_expm1_reduced(t, lost, &magic_n);
  const uint64_t n = fl_d_bits(magic_n) - fl_d_bits(FL_D_MAGIC);
  const double s = fl_d_from_bits((n + 1023) << 52);
  const double rise = x > 709 ? INFINITY : FL_FMA_F64(s, p, s - 1);
  const double quarter = 0.25 * fl_d_clip(1.25, x);
  const double one = quarter * quarter * fl_d_exp_polynomial(quarter);
  const double half = quarter + one, two = FL_FMA_F64(half, half, 2 * one);
  const double whole = 2 * quarter + two, four = FL_FMA_F64(whole, whole, 2 * two);
  const bool near = fl_d_abs(x) <= 1.25;
  return (fl_growth){rise, near ? FL_FMA_F64(lost, rise, four) : rise - x};
#endif
}

/* scale E. Terms of a label 0 are 0 or infinite. */
FL_INLINE double fl_tweedie_excess(double y, double m, double a, double b,
                                   double scale) {
  const bool mean = fl_d_abs(a) < fl_d_abs(b);
  const double u = mean ? y : m, v = mean ? m : y, c = mean ? a : -b;
  const fl_ratio ratio = fl_d_ratio(u, v, scale);
  const double product = c * ratio.log.hi;
  const double tail =
      FL_FMA_F64(c, ratio.log.lo, fl_product_tail(c, ratio.log.hi, product));
  const fl_growth growth = fl_d_growth(product, tail);
  const double wide = v * scale, rise = u * scale - wide;
  const double near = wide * growth.rest - c * ratio.excess;
  const double far = wide * growth.rise - c * rise;
  const double empty = u == 0 && c < 0 ? INFINITY : -c * rise - (u == 0 ? wide : 0);
  const bool lower = ratio.log.hi < -3;
  return y == 0 ? empty : (c < 0 || !lower ? near : far);
}

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  const double rho = (real)parameters[0], a = 2 - rho, b = 1 - rho;
  const double label = y, mean = m, inverse = 1 / mean, product = a * b;
  const fl_power_parts power = fl_power_parts_of(mean, b, 0);
  const double scale = fl_d_scale(label > mean ? label : mean);
  const double excess = fl_tweedie_excess(label, mean, a, b, scale);
  const double part = fl_d_by_inverse(excess, product, 1 / product);
  const double slope = fl_d_by_inverse(mean - label, mean, inverse);
  const double bend = b + rho * fl_d_by_inverse(label, mean, inverse);
  return (fl_point){
      .value = (real)(2 * (power.half * part * power.other / scale)),
      .grad = (real)(2 * (power.half * slope * power.other)),
      .hess =
          (real)(2 * (fl_d_by_inverse(power.half * bend, mean, inverse) * power.other)),
  };
}

#include "blocks/element_loops.h"
