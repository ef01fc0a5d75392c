/* gamma.h: the logarithm of the gamma function and its derivatives, in double for both
   dtypes. Far out the series of Stirling, whose remainder is Binet's function

     lgamma(x) = (x - 1/2) log x - x + log(2 pi)/2 + B(x),  B(x) ~ 1/(12 x) - ...

   and below one or two steps of gamma(x + 1) = x gamma(x) to an interval with a
   polynomial (W. J. Cody and K. E. Hillstrom, Chebyshev approximations for the natural
   logarithm of the gamma function, Math. Comp. 21, 1967; W. J. Cody, A. J. Strecok and
   H. C. Thacher, Chebyshev approximations for the psi function, Math. Comp. 27, 1973).
   Errors are in ulp of the result in f32 and f64, the worst found by
   tests/source/test_special.py. */
#ifndef FL_GAMMA_H
#define FL_GAMMA_H

#include "math/double.h"
#include "math/polynomials.h"

/* Where series of Stirling begin. No floats: GCC makes 32 bits of a comparison of two,
   by which SSE2 selects no doubles. */
#define FL_BINET_FROM 0x1.00000001p+1
#define FL_LGAMMA_FROM 0x1.40000001p+1
#define FL_LOG_SQRT_2PI 0x1.d67f1c864beb5p-1
#define FL_1_MINUS_GAMMA 0x1.b0ee6072093cep-2 /* Euler's; lgamma'(2) */

/* B(x) and its derivatives, x > 0: absolute errors of a few 2^-53. Below 2 by two steps
   of gamma(x + 1) = x gamma(x), with L = log((x + 2)/x). */
typedef struct {
  double value, slope, curve;
} fl_binet;

FL_INLINE fl_binet fl_d_binet(double x) {
  const bool far = x >= FL_BINET_FROM;
  const double inverse = 1 / (far ? x : x + 2), z = inverse * inverse;
  const double x0 = far ? 1 : 1 / x, x1 = far ? 1 : 1 / (x + 1), x2 = inverse;
  const double log = fl_d_log((x + 2) * x0, 0), step = fl_d_log((x + 2) * x1, 0);
  const double value = (x + 0.5) * log + step - 2;
  const double slope = log - (0.5 * (x0 + x2) + x1);
  const double curve = x2 - x0 + (0.5 * (x0 * x0 + x2 * x2) + x1 * x1);
  return (fl_binet){
      .value = inverse * fl_d_binet_polynomial(z) + fl_d_select(far, 0, value),
      .slope = fl_d_select(far, 0, slope) - z * fl_d_binet_slope_polynomial(z),
      .curve =
          inverse * z * fl_d_binet_curve_polynomial(z) + fl_d_select(far, 0, curve),
  };
}

/* h (log v - one) + large + small: what rounding takes from the logarithm, the product
   and the first sum does not get lost in f64, until the product is near to overflow.
   Infinity at v = 0. */
FL_INLINE double fl_d_times_log(double h, double v, double one, double large,
                                double small) {
#if defined(FL_DTYPE_f32)
  return FL_FMA_F64(h, fl_d_log(v, 0) - one, large + small);
#else
  const fl_log_pair log = fl_d_log_pair(v);
  const double l = log.hi - one, l_lost = (log.hi - (l + one)) + log.lo;
  const double e = h * l, e_lost = fl_product_tail(h, l, e) + h * l_lost;
  const double sum = e + large, back = sum - e;
  const double lost = (e - (sum - back)) + (large - back);
  const double exact = sum + (lost + (e_lost + small));
  const double y = fl_d_abs(e) < 0x1p970 ? exact : h * (l + l_lost);
  return v == 0 ? INFINITY : y;
#endif
}

/* lgamma(x) for x >= 0: 0.6, 2.0, at its zeros 1 and 2 too. Up to 2.5 a step or two
   lead to 2 + f, and lgamma(2 + f) = (1 - gamma) f + f^2 P(f) with Euler's gamma; from
   there on it is (x - 1/2)(log x - 1) + (log(2 pi) - 1)/2 + B(x). */
FL_INLINE double fl_d_lgamma_positive(double x) {
  const bool far = x >= FL_LGAMMA_FROM;
  const double low = x > FL_LGAMMA_FROM ? FL_LGAMMA_FROM : x;
  const double high = x < FL_LGAMMA_FROM ? FL_LGAMMA_FROM : x;
  const double f = low < 0.5 ? low : (low < 1.5 ? low - 1 : low - 2);
  const double steps = low < 0.5 ? low * (low + 1) : (low < 1.5 ? low : 1);
  const double inverse = 1 / high;
  const double binet = inverse * fl_d_binet_polynomial(inverse * inverse);
  const double slope = FL_1_MINUS_GAMMA, slope_lost = 0x1.6cb90701fbfabp-58;
  const double line = f * slope;
  const double line_lost = FL_FMA_F64(f, slope_lost, fl_product_tail(f, slope, line));
  const double near = FL_FMA_F64(f * f, fl_d_lgamma_2_polynomial(f), line_lost);
  const double constant = 0x1.acfe390c97d69p-2; /* (log(2 pi) - 1)/2 */
  return fl_d_times_log(fl_d_select(far, x - 0.5, -1), fl_d_select(far, x, steps),
                        fl_d_select(far, 1, 0), fl_d_select(far, constant, line),
                        fl_d_select(far, binet, near));
}

/* lgamma(x): below 0 by gamma(x) gamma(-x) = -pi/(x sin(pi x)), r the distance of x to
   the next integer; where x^2 may underflow it is -log|x|. 0.6, 6.3 of the change that
   an ulp of x makes, where that is larger than an ulp of the result. */
FL_INLINE double fl_d_lgamma(double x) {
  const double a = fl_d_abs(x), whole = 0x1p52;
  const double above = fl_d_lgamma_positive(a);
  const double r = a < whole ? a - ((a + whole) - whole) : 0;
  const double sine = fl_d_abs(r) * fl_d_sinpi_polynomial(r * r);
  const double below = fl_d_log(0x1.921fb54442d18p+1 / (a * sine), 0) - above;
  const bool reflected = (x < -0x1p-60) & (a < INFINITY);
  return reflected ? below : above;
}

/* psi(x) = lgamma'(x), x >= 0: 0.6, 2.2. With its zero r, psi(r + f) = f P(f) for r + f
   in [1, 2]; below, psi(x + 1) - 1/x; above, log x - 1/(2x) + B'(x). */
FL_INLINE double fl_d_digamma(double x) {
  const bool far = x >= FL_BINET_FROM, step = x < 1;
  const double f = ((step ? x + 1 : x) - 0x1.762d86356be3fp+0) - 0x1.b86a722197829p-54;
  const double inverse = 1 / x, z = far ? inverse * inverse : 0;
  const double near = f * fl_d_digamma_root_polynomial(far ? 0 : f);
  const double base = far ? fl_d_log(x, 0) - z * fl_d_binet_slope_polynomial(z) : near;
  const double y = FL_FMA_F64(far ? -0.5 : (step ? -1 : 0), inverse, base);
  return x > 0 ? (x < INFINITY ? y : x) : (x == 0 ? -INFINITY : x);
}

/* psi'(x), x >= 0: 0.6, 2.1; below 2 by two steps up, and 1/x + 1/(2 x^2) + B''(x). */
FL_INLINE double fl_d_trigamma(double x) {
  const bool far = x >= FL_BINET_FROM;
  const double inverse = 1 / (far ? x : x + 2), z = inverse * inverse;
  const double beyond =
      inverse + z * FL_FMA_F64(inverse, fl_d_binet_curve_polynomial(z), 0.5);
  const double one = 1 / x, two = 1 / (x + 1);
  const double near = FL_FMA_F64(one, one, FL_FMA_F64(two, two, beyond));
  return far ? beyond : near;
}

#endif
