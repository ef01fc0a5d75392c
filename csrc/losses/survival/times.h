/* times.h: bounds of a time on the scale of a distribution of its logarithm. */
#ifndef FL_TIMES_H
#define FL_TIMES_H

#include "blocks/bounds.h"
#include "math/double.h"

/* log t as a sum of two; of 0 and infinity it is infinite. */
FL_INLINE fl_log_pair fl_log_time(double t) {
#if defined(FL_DTYPE_f32)
  return (fl_log_pair){fl_d_log(t, 0), 0};
#else
  const bool inside = (t > 0) & (t < (double)INFINITY);
  const fl_log_pair log = fl_d_log_pair(inside ? t : 1);
  const double sum = log.hi + log.lo, special = t == 0 ? -(double)INFINITY : t;
  return (fl_log_pair){inside ? sum : special, inside ? log.lo - (sum - log.hi) : 0};
#endif
}

/* z = q + lost, which is right to a few 2^-100 in f64: what an exponential makes of z
   multiplies its error by z. */
typedef struct {
  double q, lost;
} fl_standard_time;

/* (log t - x)/sigma; an infinite log t is farther than any x. */
FL_INLINE fl_standard_time fl_standard_time_of(fl_log_pair log, double x,
                                               double sigma) {
  const bool open =
      (fl_d_abs(log.hi) == (double)INFINITY) & (fl_d_abs(x) == (double)INFINITY);
  const double r = open ? log.hi : log.hi - x;
#if defined(FL_DTYPE_f32)
  return (fl_standard_time){r / sigma, 0};
#else
  const double tail = fl_difference_tail(log.hi, x, r) + log.lo;
  const bool finite = fl_d_abs(r) < 0x1p900;
  const double sum = finite ? r + tail : r, rest = tail - (sum - r);
  const double q = sum / sigma, product = q * sigma;
  const double lost =
      ((sum - product) - fl_product_tail(q, sigma, product) + rest) / sigma;
  const bool exact = finite & (fl_d_abs(q) < 0x1p100) & (fl_d_abs(q) > 0x1p-100)
                     & (sigma < 0x1p900) & (sigma > 0x1p-900);
  return (fl_standard_time){q, exact ? lost : 0};
#endif
}

/* z of both bounds, what they are apart, and log t. Bounds that are one are a time;
   those further out than any number that counts are cut to FL_FAR_TIME, infinite ones
   too. */
typedef struct {
  fl_standard_time low, high;
  double width, log;
  bool known;
} fl_time_bounds;

#define FL_FAR_TIME 0x1p500

FL_INLINE fl_time_bounds fl_time_bounds_of(double low, double high, double x,
                                           double sigma) {
  const fl_log_pair first = fl_log_time(low), second = fl_log_time(high);
  const bool known = low == high;
  /* log(high/low), of bounds near to each other by their difference */
  const double share = (high - low) / low;
  const fl_d_log1p_parts parts = fl_d_log1p_parts_of(share <= 0.5 ? share : 0);
  const double near = share - parts.s * parts.rest;
  const double far = (second.hi - first.hi) + (second.lo - first.lo);
  const double width = (share <= 0.5 ? near : far) / sigma;
  fl_standard_time z = fl_standard_time_of(first, x, sigma);
  fl_standard_time y = fl_standard_time_of(second, x, sigma);
  const bool under = !known & (z.q < -FL_FAR_TIME);
  const bool over = !known & (y.q > FL_FAR_TIME);
  z.q = under ? -FL_FAR_TIME : z.q, z.lost = under ? 0 : z.lost;
  y.q = over ? FL_FAR_TIME : y.q, y.lost = over ? 0 : y.lost;
  const double cut = width > FL_FAR_TIME ? FL_FAR_TIME : width;
  return (fl_time_bounds){z, y, known ? 0 : cut, first.hi, known};
}

/* z + 2 z lost of a square. */
FL_INLINE double fl_square_of_time(fl_standard_time z) {
  return FL_FMA_F64(z.q, z.q, z.lost == 0 ? 0 : 2 * z.q * z.lost);
}

#endif
