/* standard.h: the residual of a distribution of a location and a scale. */
#ifndef FL_STANDARD_H
#define FL_STANDARD_H

#include "math/double.h"

/* r = location - y and q = r/scale, 0 for r = 0; q + lost is right to a few 2^-100 in
   f64: what an exponential makes of q multiplies its error by q. */
typedef struct {
  double r, q, lost;
} fl_standard;

FL_INLINE fl_standard fl_standardised(double location, double y, double scale) {
  const double r = location - y, q = r == 0 ? 0 : r / scale;
#if defined(FL_DTYPE_f32)
  return (fl_standard){r, q, 0};
#else
  const double product = q * scale;
  const double rest = (r - product) - fl_product_tail(q, scale, product);
  const double lost = (rest + fl_difference_tail(location, y, r)) / scale;
  const bool exact = (fl_d_abs(r) < 0x1p900) & (fl_d_abs(q) < 0x1p100)
                     & (scale < 0x1p900) & (scale > 0x1p-900);
  return (fl_standard){r, q, exact ? lost : 0};
#endif
}

/* (q + lost)^2. */
FL_INLINE double fl_square_of(double q, double lost) {
  return FL_FMA_F64(q, q, 2 * q * lost);
}

/* |q|, which is cut where its exponential is 0, its square, t = exp(-|q|) and t - 1. */
typedef struct {
  double q, square, t, minus_one;
} fl_decay;

FL_INLINE fl_decay fl_decay_of(fl_standard of) {
  const double q = fl_d_abs(of.q) > 800 ? 800 : fl_d_abs(of.q);
  const double lost = of.q < 0 ? -of.lost : of.lost;
  return (fl_decay){q, fl_square_of(q, lost), fl_d_exp(-q, -lost),
                    fl_d_expm1_nonpositive(-q)};
}

/* a/scale, and 0 for a = 0 whatever the scale is. */
FL_INLINE double fl_per_scale(double a, double scale) { return a == 0 ? 0 : a / scale; }

#endif
