/* group.h: what the losses of ragged groups share. Loops over the entries of all groups
   of a block vectorise however short a group is; only maxima and sums go group by
   group. */
#ifndef FL_GROUP_BLOCKS_H
#define FL_GROUP_BLOCKS_H

#include "blocks/results.h"
#include "math/row_sums.h"
#include "registry/enums.h"

/* The first largest of n numbers, the first NaN if there is one. */
FL_INLINE int64_t fl_largest(int64_t n, const real *x) {
  int64_t top = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[i] > x[top] || (x[i] != x[i] && x[top] == x[top])) top = i;
  return top;
}

/* x - m for entries up to their maximum m, which may be infinite. */
FL_INLINE real fl_below(real x, real m) { return fl_where(x != m, x - m); }

/* exp(x - m) with what rounding takes from x - m: 1 at the maximum, 0 at -inf. m comes in
   e. 0.9 ulp. */
FL_INLINE void fl_exp_below(int64_t n, const real *restrict x, real *restrict e) {
  for (int64_t i = 0; i < n; i++) {
    const real d = fl_below(x[i], e[i]);
    const real tail = fl_where(d > FL_EXP_UNDERFLOW, fl_difference_tail(x[i], e[i], d));
    e[i] = fl_exp_nonpositive_tail(d, fl_where(d != 0, tail));
  }
}

/* The same number for each of n entries. */
FL_INLINE void fl_spread(int64_t n, real m, real *e) {
  for (int64_t i = 0; i < n; i++) e[i] = m;
}

#endif
