/* group.h: what the losses of ragged groups share. Loops over the entries of all groups
   of a block vectorise however short a group is; only maxima and sums go group by
   group. */
#ifndef FL_GROUP_BLOCKS_H
#define FL_GROUP_BLOCKS_H

#include "blocks/results.h"
#include "math/row_sums.h"
#include "registry/enums.h"

/* The largest of n > 0 numbers, a NaN if there is one. */
FL_INLINE real fl_largest(int64_t n, const real *restrict x) {
  real largest[FL_LANES];
  fl_uint missing[FL_LANES] = {0};
  for (int j = 0; j < FL_LANES; j++) largest[j] = -(real)INFINITY;
  const int64_t whole = n / FL_LANES * FL_LANES;
  for (int64_t i = 0; i < whole; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      largest[j] = x[i + j] > largest[j] ? x[i + j] : largest[j];
      missing[j] |= x[i + j] != x[i + j];
    }
  for (int64_t i = whole; i < n; i++) {
    largest[0] = x[i] > largest[0] ? x[i] : largest[0];
    missing[0] |= x[i] != x[i];
  }
  for (int j = 1; j < FL_LANES && whole; j++) {
    largest[0] = largest[j] > largest[0] ? largest[j] : largest[0];
    missing[0] |= missing[j];
  }
  return missing[0] ? (real)NAN : largest[0];
}

/* x - m for entries up to their maximum m, which may be infinite. */
FL_INLINE real fl_below(real x, real m) { return fl_where(x != m, x - m); }

/* exp(x - m) with what rounding takes from x - m: 1 at the maximum, 0 at -inf. 0.9 ulp. */
FL_INLINE real fl_exp_below(real x, real m) {
  const real d = fl_below(x, m);
  const bool exact = (d == 0) | (d <= FL_EXP_UNDERFLOW);
  return fl_exp_nonpositive_tail(d, fl_where(!exact, fl_difference_tail(x, m, d)));
}

/* Of the entries of a group. */
FL_INLINE void fl_exps_of_group(int64_t n, real m, const real *restrict x,
                                real *restrict e) {
  for (int64_t i = 0; i < n; i++) e[i] = fl_exp_below(x[i], m);
}

/* Of entries whose m is in e. */
FL_INLINE void fl_exps_of_entries(int64_t n, const real *restrict x, real *restrict e) {
  for (int64_t i = 0; i < n; i++) e[i] = fl_exp_below(x[i], e[i]);
}

/* Exponentials of the entries of groups, relative to the largest of each: of all groups
   together, as a short one would not fill a vector. */
FL_OUTLINE void fl_exps_of_groups(int64_t groups, const int64_t *start, const real *x,
                                  real *e) {
  if (groups == 1 && start[1] > 0) {
    fl_exps_of_group(start[1], fl_largest(start[1], x), x, e);
    return;
  }
  for (int64_t k = 0; k < groups; k++) {
    const int64_t end = start[k + 1];
    const real m = start[k] < end ? fl_largest(end - start[k], x + start[k]) : 0;
    for (int64_t i = start[k]; i < end; i++) e[i] = m;
  }
  fl_exps_of_entries(start[groups], x, e);
}

#endif
