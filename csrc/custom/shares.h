/* shares.h: exponentials of the entries of a row relative to the largest. */
#ifndef FL_CUSTOM_SHARES_H
#define FL_CUSTOM_SHARES_H

#include "custom/vecmath.h"

/* exp(a - m) with what rounding takes from the difference: 1.0, 1.0. */
FL_INLINE real fl_exp_sub(real a, real m) {
  const real d = a - m;
  return fl_exp_tail(d, fl_abs(d) < (real)800 ? fl_difference_tail(a, m, d) : 0);
}

/* The same for a <= m. */
FL_INLINE real fl_exp_below(real a, real m) {
  const real d = a - m;
  const real lost = d > (real)-800 ? fl_difference_tail(a, m, d) : 0;
  return fl_exp_nonpositive_tail(d, lost);
}

#endif
