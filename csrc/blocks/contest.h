/* contest.h: losses of rows in which every right class i competes with every wrong one j,
   of C classes:

     l = 1/C sum_i sum_j max(0, z)^k,  z = margin + x_j - x_i,  k = 1 or 2

   Derivatives are those of z > 0, and 0 at the kink. z is taken in double: near the kink
   it cancels, but not what rounding takes from margin - x_i. */
#ifndef FL_CONTEST_H
#define FL_CONTEST_H

#include "blocks/domains.h"
#include "math/double.h"
#include "math/row_sums.h"

typedef struct {
  double margin;
  uint64_t squared; /* k = 2: all bits, by which numbers are chosen in vectors */
} fl_contest;

FL_INLINE fl_contest fl_contest_of(double margin, double k) {
  return (fl_contest){margin, 0 - (uint64_t)(k == 2)};
}

/* A right class: x_i, and margin - x_i as a sum of two. */
typedef struct {
  double own, hi, lo;
} fl_right_class;

FL_INLINE fl_right_class fl_right_class_of(double margin, double own) {
  const double hi = margin - own, back = hi - margin;
  const double lo = (margin - (hi - back)) - (own + back);
  return (fl_right_class){own, hi, fl_d_select(hi - hi == 0, lo, 0)};
}

/* max(0, z) of an entry; equal infinities differ by 0. Where x + hi cancels it is exact. */
FL_INLINE double fl_above(double margin, fl_right_class right, double x) {
  const double z = x == right.own ? margin : (x + right.hi) + right.lo;
  return z <= 0 ? 0 : z;
}

/* What max(0, z)^k adds to values, and its derivatives by z. NaN stays one. */
typedef struct {
  double value, slope, curve;
} fl_contest_point;

FL_INLINE double fl_if_squared(fl_contest contest, double a, double b) {
  return fl_d_from_bits((fl_d_bits(a) & contest.squared)
                        | (fl_d_bits(b) & ~contest.squared));
}

FL_INLINE fl_contest_point fl_contest_point_of(fl_contest contest, double above) {
  const double step = above > 0 ? 1 : above;
  return (fl_contest_point){.value = above * fl_if_squared(contest, above, 1),
                            .slope = fl_if_squared(contest, 2 * above, step),
                            .curve = step * fl_if_squared(contest, 2, 0)};
}

/* Sums over the wrong classes of a row, of what points have. */
typedef struct {
  fl_lanes value, slope, curve;
} fl_contest_sums;

/* FL_LANES entries, of which those with label[j] = 0 are wrong; NULL: all. Slopes and
   curves are added to g and h. */
FL_INLINE void fl_compete_lanes(int want, fl_contest contest, const real *restrict x,
                                const real *restrict label, fl_right_class right,
                                real *restrict g, real *restrict h,
                                fl_contest_sums *restrict sums) {
  double value[FL_LANES], slope[FL_LANES], curve[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) {
    const double above = fl_above(contest.margin, right, (double)x[j]);
    const double y = label ? (double)label[j] : 0;
    const fl_contest_point point =
        fl_contest_point_of(contest, y == 0 ? above : (y == y ? 0 : y));
    value[j] = point.value, slope[j] = point.slope, curve[j] = point.curve;
  }
  for (int j = 0; j < FL_LANES; j++)
    fl_add(&sums->value.hi[j], &sums->value.lo[j], value[j]);
  for (int j = 0; want & FL_WANT_GRAD && j < FL_LANES; j++) {
    fl_add(&sums->slope.hi[j], &sums->slope.lo[j], slope[j]);
    g[j] += (real)slope[j];
  }
  for (int j = 0; want & FL_WANT_HESS && j < FL_LANES; j++) {
    fl_add(&sums->curve.hi[j], &sums->curve.lo[j], curve[j]);
    h[j] += (real)curve[j];
  }
}

/* n entries; those of a ragged end stand beside ones that never compete. */
FL_INLINE void fl_compete_some(int want, fl_contest contest, int64_t n, const real *x,
                               const real *label, fl_right_class right, real *g,
                               real *h, fl_contest_sums *sums) {
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    fl_compete_lanes(want, contest, x + i, label ? label + i : 0, right, g + i, h + i,
                     sums);
  const size_t left = (size_t)(n - i) * sizeof(real);
  real last[FL_LANES], last_label[FL_LANES], last_g[FL_LANES] = {0},
                                             last_h[FL_LANES] = {0};
  if (left == 0) return;
  for (int j = 0; j < FL_LANES; j++) last[j] = 0, last_label[j] = 1;
  memcpy(last, x + i, left);
  if (label) memcpy(last_label, label + i, left);
  else memset(last_label, 0, left);
  fl_compete_lanes(want, contest, last, last_label, right, last_g, last_h, sums);
  for (int64_t j = 0; want & FL_WANT_GRAD && j < n - i; j++) g[i + j] += last_g[j];
  for (int64_t j = 0; want & FL_WANT_HESS && j < n - i; j++) h[i + j] += last_h[j];
}

/* Once for each output set, which the loops must know to be vectorised. */
#define FL_COMPETE(name, want)                                                    \
  FL_OUTLINE void name(fl_contest contest, int64_t n, const real *x,              \
                       const real *label, fl_right_class right, real *g, real *h, \
                       fl_contest_sums *sums) {                                   \
    if (label) fl_compete_some(want, contest, n, x, label, right, g, h, sums);    \
    else fl_compete_some(want, contest, n, x, 0, right, g, h, sums);              \
  }
FL_COMPETE(fl_compete_value, FL_WANT_VALUE)
FL_COMPETE(fl_compete_grad, FL_WANT_GRAD)
FL_COMPETE(fl_compete_hess, FL_WANT_GRAD | FL_WANT_HESS)
#undef FL_COMPETE

/* All entries of a row against the right class i; `label` marks it and others. NULL:
   there are no others, and it is left out between two spans. Returns the value. */
FL_OUTLINE double fl_compete_with(int want, fl_contest contest, int64_t classes,
                                  const real *x, const real *label, int64_t i, real *g,
                                  real *h) {
  const fl_right_class right = fl_right_class_of(contest.margin, (double)x[i]);
  fl_contest_sums sums = {{{0}, {0}}, {{0}, {0}}, {{0}, {0}}};
  for (int64_t at = 0, n = label ? classes : i; at < classes;
       at += n + 1, n = classes - at)
    (want & FL_WANT_HESS ? fl_compete_hess
     : want & FL_WANT_GRAD
         ? fl_compete_grad
         : fl_compete_value)(contest, n, x + at, label, right, g + at, h + at, &sums);
  if (want & FL_WANT_GRAD) g[i] -= (real)fl_row_total(sums.slope.hi, sums.slope.lo);
  if (want & FL_WANT_HESS) h[i] += (real)fl_row_total(sums.curve.hi, sums.curve.lo);
  return fl_row_total(sums.value.hi, sums.value.lo);
}

/* A derivative of a row times its share of C. */
FL_OUTLINE void fl_divide_row(int64_t classes, double factor, real *out) {
  const double share = factor / (double)classes;
  for (int64_t j = 0; j < classes; j++) out[j] = (real)((double)out[j] * share);
}

/* A row with all of its right classes: one, or those that `label` marks. */
FL_OUTLINE void fl_contest_row(int want, fl_contest contest, const fl_row_block *block,
                               int64_t row, const real *label) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + row * block->ldx;
  real *g = want & FL_WANT_GRAD ? (real *)block->g + row * block->ldg : 0;
  real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh : g;
  double value = 0;
  if (want & FL_WANT_GRAD) memset(g, 0, (size_t)classes * sizeof *g);
  if (want & FL_WANT_HESS) memset(h, 0, (size_t)classes * sizeof *h);
  if (!label)
    value = fl_compete_with(want, contest, classes, x, 0, block->labels[row], g, h);
  for (int64_t i = 0; label && i < classes; i++)
    if (label[i] != 0)
      value += fl_compete_with(want, contest, classes, x, label, i, g, h);
  if (want & FL_WANT_VALUE) ((real *)block->v)[row] = (real)(value / (double)classes);
  if (want & FL_WANT_GRAD) fl_divide_row(classes, block->factor[row], g);
  if (want & FL_WANT_HESS) fl_divide_row(classes, block->factor[row], h);
}

#endif
