/* poisson.h: what the Poisson losses share. Where a mean is infinite so is the value, and a
   product with y = 0 is 0. */
#ifndef FL_POISSON_H
#define FL_POISSON_H

#include "math/gamma.h"

FL_INLINE fl_point fl_poisson_of_log(real y, real x, real mean) {
  const real finite = fl_where(y != 0, fl_min(FL_EXP_OVERFLOW, x));
  return (fl_point){
      .value = FL_FMA_ONCE(-y, finite, mean),
      .grad = mean - y,
      .hess = fl_unless_nan(y, mean),
  };
}

/* log(p + eps): what rounding takes from the sum goes into the logarithm. */
FL_INLINE real fl_poisson_log(real p, real eps) {
  const real m = p + eps;
  return fl_log_tail(m, fl_difference_tail(p, -eps, m));
}

FL_INLINE fl_point fl_poisson_of_mean(real y, real p, real log, real eps) {
  const real m = p + eps;
  const real finite = fl_where(y != 0, fl_min(FL_EXP_OVERFLOW, log));
  return (fl_point){
      .value = FL_FMA_ONCE(-y, finite, p),
      .grad = ((p - y) + eps) / m,
      .hess = y / m / m,
  };
}

/* p - y L + log(y!) of a mean p and L, the logarithm of it, in double for both dtypes.
   From 2 on, with Binet's function B of gamma.h, it is

     p + y (log y - L - 1) + log(y)/2 + log(2 pi)/2 + B(y)

   whose product is small where that with L and log(y!) would cancel. Below,
   log(y!) = lgamma(2 + f) + s log v with a polynomial for the first:
   f = y, s = -1, v = 1 + y; from 1/2 on f = y - 1, s = 0; from 3/2 on f = y - 2, s = 1,
   v = y. */
FL_INLINE double fl_poisson_full(double y, double p, double L) {
  const bool low = y < 0x1.00000001p-1, high = y > 0x1.80000001p+0;
  const bool far = y >= FL_BINET_FROM;
  const double v = low ? 1 + y : (high ? y : 1), lost = low ? y - (v - 1) : 0;
  const double log = fl_d_log(v, lost);
  const double f = low ? y : (far ? 0 : (high ? y - 2 : y - 1));
  const double near = f * FL_FMA_F64(f, fl_d_lgamma_2_polynomial(f), FL_1_MINUS_GAMMA);
  const double inverse = 1 / (far ? y : 2), z = inverse * inverse;
  const double binet = FL_FMA_F64(inverse, fl_d_binet_polynomial(z), FL_LOG_SQRT_2PI);
  const double s = low ? -1 : (far ? 0.5 : (high ? 1 : 0));
  const double finite = y == 0 ? 0 : (L > 710 ? 710 : L);
  const double slope = (far ? log - 1 : 0) - finite;
  return FL_FMA_F64(y, slope, p) + FL_FMA_F64(s, log, far ? binet : near);
}

#endif
