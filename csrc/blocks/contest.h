/* contest.h: losses of rows in which every right class i competes with every wrong one j,
   of C classes:

     l = 1/C sum_i sum_j max(0, z)^k,  z = margin + x_j - x_i,  k = 1 or 2

   Derivatives are those of z > 0, and 0 at the kink. z is taken in double with what
   rounding takes from the difference: near the kink it cancels. */
#ifndef FL_CONTEST_H
#define FL_CONTEST_H

#include "blocks/domains.h"
#include "math/row_sums.h"

typedef struct {
  double margin;
  bool squared; /* k = 2 */
} fl_contest;

/* Sums over the wrong classes of a row: values, and their derivatives by z. */
typedef struct {
  fl_lanes value, slope, curve;
} fl_contest_sums;

/* An entry against the right class `own`: max(0, z), but 0 if its label says that it is
   right, too. Equal infinities differ by 0. */
FL_INLINE double fl_above(fl_contest contest, double x, double own, double label) {
  const double d = x == own ? 0 : x - own, back = d - x;
  const double tail = (x - (d - back)) - (own + back);
  const double near = contest.margin + d,
               z = d - d + (own - own) == 0 ? near + tail : near;
  return label == 0 ? (z <= 0 ? 0 : z) : label == label ? 0 : label;
}

/* FL_LANES entries, of which those with right[j] = 0 are wrong; NULL: all. Slopes and
   curves are added to g and h. */
FL_INLINE void fl_compete_lanes(int want, fl_contest contest, const real *restrict x,
                                const real *restrict right, double own,
                                real *restrict g, real *restrict h,
                                fl_contest_sums *restrict sums) {
  double value[FL_LANES], slope[FL_LANES], curve[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) {
    const double label = right ? (double)right[j] : 0;
    const double above = fl_above(contest, (double)x[j], own, label);
    const double step = above > 0 ? 1 : above; /* NaN stays one */
    value[j] = contest.squared ? above * above : above;
    slope[j] = contest.squared ? 2 * above : step;
    curve[j] = contest.squared ? 2 * step : 0 * step;
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
                               const real *right, double own, real *g, real *h,
                               fl_contest_sums *sums) {
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    fl_compete_lanes(want, contest, x + i, right ? right + i : 0, own, g + i, h + i,
                     sums);
  const size_t left = (size_t)(n - i) * sizeof(real);
  real last[FL_LANES], last_right[FL_LANES], last_g[FL_LANES] = {0},
                                             last_h[FL_LANES] = {0};
  if (left == 0) return;
  for (int j = 0; j < FL_LANES; j++) last[j] = 0, last_right[j] = 1;
  memcpy(last, x + i, left);
  if (right) memcpy(last_right, right + i, left);
  else memset(last_right, 0, left);
  fl_compete_lanes(want, contest, last, last_right, own, last_g, last_h, sums);
  for (int64_t j = 0; want & FL_WANT_GRAD && j < n - i; j++) g[i + j] += last_g[j];
  for (int64_t j = 0; want & FL_WANT_HESS && j < n - i; j++) h[i + j] += last_h[j];
}

/* Once for each output set, which the loops must know to be vectorised. */
#define FL_COMPETE(name, want)                                               \
  FL_OUTLINE void name(fl_contest contest, int64_t n, const real *x,         \
                       const real *right, double own, real *g, real *h,      \
                       fl_contest_sums *sums) {                              \
    if (right) fl_compete_some(want, contest, n, x, right, own, g, h, sums); \
    else fl_compete_some(want, contest, n, x, 0, own, g, h, sums);           \
  }
FL_COMPETE(fl_compete_value, FL_WANT_VALUE)
FL_COMPETE(fl_compete_grad, FL_WANT_GRAD)
FL_COMPETE(fl_compete_hess, FL_WANT_GRAD | FL_WANT_HESS)
#undef FL_COMPETE

/* All entries of a row against the right class i; `right` marks it and others. NULL:
   there are no others, and it is left out between two spans. Returns the value. */
FL_OUTLINE double fl_compete_with(int want, fl_contest contest, int64_t classes,
                                  const real *x, const real *right, int64_t i, real *g,
                                  real *h) {
  fl_contest_sums sums = {{{0}, {0}}, {{0}, {0}}, {{0}, {0}}};
  for (int64_t at = 0, n = right ? classes : i; at < classes;
       at += n + 1, n = classes - at)
    (want & FL_WANT_HESS   ? fl_compete_hess
     : want & FL_WANT_GRAD ? fl_compete_grad
                           : fl_compete_value)(contest, n, x + at, right, (double)x[i],
                                               g + at, h + at, &sums);
  if (want & FL_WANT_GRAD) g[i] -= (real)fl_row_total(sums.slope.hi, sums.slope.lo);
  if (want & FL_WANT_HESS) h[i] += (real)fl_row_total(sums.curve.hi, sums.curve.lo);
  return fl_row_total(sums.value.hi, sums.value.lo);
}

/* A derivative of a row times its share of C. */
FL_OUTLINE void fl_divide_row(int64_t classes, double factor, real *out) {
  const double share = factor / (double)classes;
  for (int64_t j = 0; j < classes; j++) out[j] = (real)((double)out[j] * share);
}

/* A row with all of its right classes: one, or those that `right` marks. */
FL_OUTLINE void fl_contest_row(int want, fl_contest contest, const fl_row_block *block,
                               int64_t row, const real *right) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + row * block->ldx;
  real *g = want & FL_WANT_GRAD ? (real *)block->g + row * block->ldg : 0;
  real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh : g;
  double value = 0;
  if (want & FL_WANT_GRAD) memset(g, 0, (size_t)classes * sizeof *g);
  if (want & FL_WANT_HESS) memset(h, 0, (size_t)classes * sizeof *h);
  if (!right)
    value = fl_compete_with(want, contest, classes, x, 0, block->labels[row], g, h);
  for (int64_t i = 0; right && i < classes; i++)
    if (right[i] != 0)
      value += fl_compete_with(want, contest, classes, x, right, i, g, h);
  if (want & FL_WANT_VALUE) ((real *)block->v)[row] = (real)(value / (double)classes);
  if (want & FL_WANT_GRAD) fl_divide_row(classes, block->factor[row], g);
  if (want & FL_WANT_HESS) fl_divide_row(classes, block->factor[row], h);
}

#endif
