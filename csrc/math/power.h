/* power.h: x^y of x >= 0, in double for both dtypes, with one way through for all
   numbers: loops over it vectorise, which fl_d_power's conditions on y prevent. */
#ifndef FL_POWER_H
#define FL_POWER_H

#include "math/double.h"

/* 0^y */
FL_INLINE double fl_zero_power(double y) {
  return fl_d_select(y > 0, 0, fl_d_select(y < 0, INFINITY, 1));
}

/* x^y of a finite x >= 0 and a finite y, given 0^y. NaN stays NaN. */
FL_INLINE double fl_d_power_from(double zero, double x, double y) {
  const bool positive = x > 0;
  const double power = fl_d_power_positive(fl_d_select(positive, x, 1), y);
  return fl_d_select(positive, power, zero + x);
}

#endif
