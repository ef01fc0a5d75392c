/* remainders.h: what logarithms and exponentials differ from their tangents by, in double
   for both dtypes, and log(1 + x^2) where x^2 overflows. */
#ifndef FL_REMAINDERS_H
#define FL_REMAINDERS_H

#include "custom/vecmath.h"

/* log(1 + x^2); its slope 2 x/(1 + x^2) and the slope of that,
   2 (1 - x^2)/(1 + x^2)^2, with m the smaller of |x| and 1/|x|. 1.3, 2, 3.5. */
FL_INLINE real fl_log1p_square(real x) {
  const real far = fl_abs(x), z = x * x;
  const bool usual = far < (real)0x1p60;
  const real y = fl_log1p(usual ? z : far);
  return usual ? y : y + y;
}

FL_INLINE real fl_log1p_square_slope(real x) {
  const real inverse = 1 / x, m = fl_abs(x) > 1 ? inverse : x;
  return 2 * m / FL_FMA(m, m, 1);
}

FL_INLINE real fl_log1p_square_curve(real x) {
  const bool far = fl_abs(x) > 1;
  const real inverse = 1 / x, m = far ? inverse : x, q = m * m, s = 1 + q;
  const real y = 2 * (1 - m) * (1 + m) / (s * s);
  return far ? -q * y : y;
}

/* z - log(1 + z) for z in [-0.4, 0.5]: with s = z/(2 + z), log(1 + z) = 2 artanh(s), it is
   s (z - 2 s^2 (1/3 + s^2/5 + s^4/7 + ...)); what is left out is below 2^-57 of it. */
FL_INLINE double fl_d_near_remainder(double z) {
  const double s = z / (2 + z), u = s * s;
  double p = 1.0 / 31;
  p = FL_FMA_F64(p, u, 1.0 / 29);
  p = FL_FMA_F64(p, u, 1.0 / 27);
  p = FL_FMA_F64(p, u, 1.0 / 25);
  p = FL_FMA_F64(p, u, 1.0 / 23);
  p = FL_FMA_F64(p, u, 1.0 / 21);
  p = FL_FMA_F64(p, u, 1.0 / 19);
  p = FL_FMA_F64(p, u, 1.0 / 17);
  p = FL_FMA_F64(p, u, 1.0 / 15);
  p = FL_FMA_F64(p, u, 1.0 / 13);
  p = FL_FMA_F64(p, u, 1.0 / 11);
  p = FL_FMA_F64(p, u, 1.0 / 9);
  p = FL_FMA_F64(p, u, 1.0 / 7);
  p = FL_FMA_F64(p, u, 1.0 / 5);
  p = FL_FMA_F64(p, u, 1.0 / 3);
  return s * (z - 2 * u * p);
}

/* q - 1 - log(q) where it is not near 1; `lost` is what rounding took from q. */
FL_INLINE double fl_d_far_remainder(double q, double lost) {
  const fl_log_parts log = fl_d_log_parts(q > 0 ? q : 1);
  const double k_hi = log.k * 0x1.62e42feep-1; /* 32 bits times 11: exact */
  const double rest = FL_FMA_F64(log.k, 0x1.a39ef35793c76p-33, log.lo);
  const double y = ((q - 1) - k_hi - log.hi) - (rest - (lost - lost / q));
  return fl_d_select(q > 0, y, q == 0 ? INFINITY : NAN);
}

/* z - log(1 + z): 0.5, 3. */
FL_INLINE double fl_d_log1p_minus(double z) {
  const double q = 1 + z, lost = z - (q - 1);
  const bool near = fl_d_abs(z - 0.05) <= 0.45;
  const double y = fl_d_near_remainder(fl_d_select(near, z, 0));
  const double far = fl_d_far_remainder(q, fl_d_abs(lost) < 1 ? lost : 0);
  return fl_d_select(near, y, far);
}

/* a/b - 1 - log(a/b): 0.6, 4. */
FL_INLINE double fl_d_log_ratio_minus(double a, double b) {
  const double q = a / b, z = (a - b) / b;
  const bool near = fl_d_abs(z - 0.05) <= 0.45;
  const double y = fl_d_near_remainder(fl_d_select(near, z, 0));
  return fl_d_select(near, y, fl_d_far_remainder(q, 0));
}

/* exp(z) - 1 - z: 0.5, 4. Up to 1 Taylor's series, with 2^-56 of it left out. */
FL_INLINE double fl_d_expm1_minus(double z) {
  const bool near = fl_d_abs(z) <= 1;
  const double x = near ? z : 0;
  double p = 1;
  p = FL_FMA_F64(p, x * (1.0 / 19), 1);
  p = FL_FMA_F64(p, x * (1.0 / 18), 1);
  p = FL_FMA_F64(p, x * (1.0 / 17), 1);
  p = FL_FMA_F64(p, x * (1.0 / 16), 1);
  p = FL_FMA_F64(p, x * (1.0 / 15), 1);
  p = FL_FMA_F64(p, x * (1.0 / 14), 1);
  p = FL_FMA_F64(p, x * (1.0 / 13), 1);
  p = FL_FMA_F64(p, x * (1.0 / 12), 1);
  p = FL_FMA_F64(p, x * (1.0 / 11), 1);
  p = FL_FMA_F64(p, x * (1.0 / 10), 1);
  p = FL_FMA_F64(p, x * (1.0 / 9), 1);
  p = FL_FMA_F64(p, x * (1.0 / 8), 1);
  p = FL_FMA_F64(p, x * (1.0 / 7), 1);
  p = FL_FMA_F64(p, x * (1.0 / 6), 1);
  p = FL_FMA_F64(p, x * (1.0 / 5), 1);
  p = FL_FMA_F64(p, x * (1.0 / 4), 1);
  p = FL_FMA_F64(p, x * (1.0 / 3), 1);
  const double y = 0.5 * x * x * p, far = (fl_d_exp(z, 0) - 1) - z;
  return near ? y : (z == z ? far : z);
}

#endif
