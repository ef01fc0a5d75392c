/* log_quotient.h: log(1 + x) and log(1 + d/x) in double for both dtypes, with no digit lost
   where x is small, or d beside x. */
#ifndef FL_LOG_QUOTIENT_H
#define FL_LOG_QUOTIENT_H

#include "math/double.h"

/* For x >= 0 (fl_log1p). */
FL_INLINE double fl_d_log1p(double x) {
  const double u = 1 + x;
  return fl_d_log(u, u < 2 ? x - (u - 1) : 1 - (u - x));
}

/* For d >= -x, x >= 0: 0 for d = 0, -inf at d = -x, inf at x = 0. A quotient that leaves
   the range is taken of 2^54 x, and 54 log 2 added. */
FL_INLINE double fl_log1p_quotient(double d, double x) {
  const double direct = d / x, w = 1 + direct;
  const bool far = !(direct < 0x1p1000), none = !(w > 0);
  const double scaled = d / (x * 0x1p54), at = far ? scaled : w;
  const fl_log_parts log = fl_d_log_parts(none | (far & !(scaled < INFINITY)) ? 1 : at);
  const double lost = (direct - (w - 1)) / w; /* what rounding took from w */
  const double y = log.k * 0x1.62e42fefa39efp-1 + (log.hi + log.lo);
  const double sum = far ? y + 54 * 0x1.62e42fefa39efp-1 : y + lost;
  const double special = none ? -INFINITY : x == 0 ? INFINITY : sum;
  return d == 0 ? 0 : d != d || x != x ? d + x : special;
}

#endif
