/* Zero-bounded log-sum-exp and pairwise rank loss of a row of labels, 1 at the right
   classes, and a row of logits x_j:

     l = log(1 + sum_wrong exp(x_j)) + log(1 + sum_right exp(-x_j))

   Each half is a softmax with one more logit, which is 0: with z = x of wrong and -x of
   right classes, m = max(0, z_j), e_j = exp(z_j - m) and S = exp(-m) + sum e_j = 1 + S',

     half = m + log1p(S'),  l'_j = e_j / S, -e_j / S of right ones,
     l''_j = e_j (S - e_j) / S^2                                  (the diagonal)

   and, with w = v of wrong and -v of right classes, w* that of the largest (0 of the logit
   0) and d = sum p_j (w_j - w*) over a half with its logit 0, a product with v is

     p_j ((w_j - w*) - d), the other sign of right ones,

   where S' leaves one entry equal to m out (softmax.h says why). (J. Su, M. Zhu, A. Murtadha,
   S. Pan, B. Wen and Y. Liu, ZLPR: a novel loss for multi-label classification, 2022.) In
   double. */
#define FL_NAME zlpr
#include "blocks/shares.h"
#include "math/log_quotient.h"

enum { FL_WRONG, FL_RIGHT };

/* One half of a row. */
typedef struct {
  double top, rest, ties; /* m; S'; entries equal to m */
  double pivot, drift; /* w*, d */
} fl_half;

typedef struct {
  fl_half half[2];
  _Alignas(FL_LINE) double e[FL_SHARES], tail[FL_SHARES], along[2][FL_SHARES];
} fl_halves;

/* -x of a right class, x of a wrong one; NaN of a label that is NaN. */
FL_INLINE double fl_signed(double y, double x) { return y == 0 ? x : y == 1 ? -x : y; }

/* What rounding took from z - m; 0 where exp(z - m) is 0. */
FL_INLINE double fl_below_tail(double z, double m) {
  const double d = z - m, back = d - z, lost = (z - (d - back)) - (m + back);
  return d > -800 ? lost : 0;
}

FL_OUTLINE void fl_half_tops(int64_t n, const real *y, const real *x,
                             fl_halves *halves) {
  double top[2] = {0, 0};
  for (int64_t j = 0; j < n; j++) {
    const double z = fl_signed((double)y[j], (double)x[j]);
    const double wrong = y[j] == 1 ? 0 : z, right = y[j] == 1 ? z : 0;
    top[FL_WRONG] = wrong > top[FL_WRONG] ? wrong : top[FL_WRONG];
    top[FL_RIGHT] = right > top[FL_RIGHT] ? right : top[FL_RIGHT];
  }
  for (int k = 0; k < 2; k++) halves->half[k] = (fl_half){.top = top[k]};
}

/* e of some entries. */
FL_OUTLINE void fl_half_exponentials(int64_t n, const real *restrict y,
                                     const real *restrict x, fl_halves *halves) {
  const double wrong = halves->half[FL_WRONG].top, right = halves->half[FL_RIGHT].top;
  double *restrict e = halves->e, *restrict tail = halves->tail;
  for (int64_t j = 0; j < n; j++) {
    const double z = fl_signed((double)y[j], (double)x[j]),
                 m = y[j] == 1 ? right : wrong;
    e[j] = z == m ? 0 : z - m;
    tail[j] = fl_below_tail(z, m);
  }
  for (int64_t j = 0; j < n; j++) e[j] = fl_d_exp(e[j], tail[j]);
}

/* Adds e of FL_LANES entries to the halves, but for those equal to a maximum that is not
   0, which are counted. */
FL_INLINE void fl_add_lanes(const real *restrict y, const double *restrict e,
                            double wrong_top, double right_top, fl_lanes *restrict sums,
                            fl_lanes *restrict ties) {
  double of_wrong[FL_LANES], of_right[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) {
    const double right = (double)y[j], top = right == 1 ? right_top : wrong_top;
    const double tie = e[j] == 1 ? (top > 0 ? 1 : 0) : 0;
    const double other = tie == 1 ? 0 : e[j];
    of_wrong[j] = right == 1 ? 0 : other;
    of_right[j] = right == 1 ? other : 0;
    ties[FL_WRONG].hi[j] += right == 1 ? 0 : tie;
    ties[FL_RIGHT].hi[j] += right == 1 ? tie : 0;
  }
  for (int j = 0; j < FL_LANES; j++) {
    fl_add(&sums[FL_WRONG].hi[j], &sums[FL_WRONG].lo[j], of_wrong[j]);
    fl_add(&sums[FL_RIGHT].hi[j], &sums[FL_RIGHT].lo[j], of_right[j]);
  }
}

FL_OUTLINE void fl_add_halves(int64_t n, const real *y, const double *e, fl_half *half,
                              fl_lanes *sums) {
  const double wrong = half[FL_WRONG].top, right = half[FL_RIGHT].top;
  fl_lanes ties[2] = {{{0}, {0}}, {{0}, {0}}};
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    fl_add_lanes(y + i, e + i, wrong, right, sums, ties);
  real last_y[FL_LANES] = {0};
  double last[FL_LANES] = {0};
  memcpy(last_y, y + i, (size_t)(n - i) * sizeof *y);
  memcpy(last, e + i, (size_t)(n - i) * sizeof *e);
  fl_add_lanes(last_y, last, wrong, right, sums, ties);
  for (int k = 0; k < 2; k++)
    for (int j = 0; j < FL_LANES; j++) half[k].ties += ties[k].hi[j];
}

/* m + log1p(S') of a half whose sums are complete. */
FL_INLINE double fl_half_value(fl_half *half, const fl_lanes *sum) {
  const double others = fl_row_total(sum->hi, sum->lo);
  const bool zero = half->top == 0; /* the logit 0 is the largest, and left out */
  half->rest = zero ? others : others + (half->ties - 1) + fl_d_exp(-half->top, 0);
  return half->top + fl_log1p_quotient(half->rest, 1);
}

FL_OUTLINE void fl_derive_halves(bool curve, int64_t n, const real *restrict y,
                                 const fl_halves *halves, double factor,
                                 real *restrict g, real *restrict h) {
  const fl_half wrong = halves->half[FL_WRONG], right = halves->half[FL_RIGHT];
  for (int64_t j = 0; j < n; j++) {
    const bool is = y[j] == 1;
    const double rest = is ? right.rest : wrong.rest, top = is ? right.top : wrong.top;
    const double e = halves->e[j], total = 1 + rest, p = e / total;
    const double others = top > 0 && e == 1 ? rest : (1 - e) + rest;
    g[j] = (real)((is ? -p : p) * factor);
    if (curve) h[j] = (real)(p * (others / total) * factor);
  }
}

FL_OUTLINE int fl_zlpr_row(int want, const fl_row_block *block, int64_t row,
                           fl_halves *halves) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + row * block->ldx;
  const real *y = (const real *)block->y + row * block->ldy;
  const bool derive = want & FL_WANT_GRAD;
  real *g = derive ? (real *)block->g + row * block->ldg : 0;
  real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh : g;
  fl_lanes sums[2] = {{{0}, {0}}, {{0}, {0}}};
  fl_int outside = 0;
  for (int64_t j = 0; j < classes; j++) outside |= fl_outside_bit(y[j]);
  fl_half_tops(classes, y, x, halves);
  /* a row of several pieces makes its exponentials anew for the derivatives */
  for (int walk = 0; walk < (derive ? 2 : 1); walk++) {
    for (int64_t j = 0; j < classes; j += FL_SHARES) {
      const int64_t n = classes - j < FL_SHARES ? classes - j : FL_SHARES;
      if (walk == 0 || classes > FL_SHARES)
        fl_half_exponentials(n, y + j, x + j, halves);
      if (walk == 0) fl_add_halves(n, y + j, halves->e, halves->half, sums);
      else
        fl_derive_halves(want & FL_WANT_HESS, n, y + j, halves, block->factor[row],
                         g + j, h + j);
    }
    if (walk > 0) continue;
    const double wrong = fl_half_value(&halves->half[FL_WRONG], &sums[FL_WRONG]);
    const double right = fl_half_value(&halves->half[FL_RIGHT], &sums[FL_RIGHT]);
    if (want & FL_WANT_VALUE) ((real *)block->v)[row] = (real)(wrong + right);
  }
  return outside != 0;
}

typedef fl_halves FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  int flags = 0;
  for (int64_t r = 0; r < block->rows; r++)
    flags |= fl_zlpr_row(want, block, r, block->scratch);
  return flags;
}

FL_OUTLINE void fl_half_pivots(int64_t n, const real *y, const real *x, const real *u,
                               fl_half *half) {
  for (int64_t j = n - 1; j >= 0; j--) {
    fl_half *const own = &half[y[j] == 1 ? FL_RIGHT : FL_WRONG];
    const bool top = own->top > 0 && fl_signed((double)y[j], (double)x[j]) == own->top;
    own->pivot = top ? fl_signed((double)y[j], (double)u[j]) : own->pivot;
  }
}

/* Adds e (w - w*) of some entries to the sums of their halves. */
FL_OUTLINE void fl_half_drifts(int64_t n, const real *restrict y,
                               const real *restrict u, fl_halves *halves,
                               fl_lanes *sums) {
  const double wrong = halves->half[FL_WRONG].pivot,
               right = halves->half[FL_RIGHT].pivot;
  const double *restrict e = halves->e;
  double *restrict of_wrong = halves->along[FL_WRONG], *restrict of_right =
                                                           halves->along[FL_RIGHT];
  for (int64_t j = 0; j < n; j++) {
    const double w = (double)u[j];
    of_wrong[j] = y[j] == 1 ? 0 : e[j] * (w - wrong);
    of_right[j] = y[j] == 1 ? e[j] * (-w - right) : 0;
  }
  for (int k = 0; k < 2; k++) fl_add_doubles(&sums[k], n, halves->along[k]);
}

FL_INLINE double fl_half_drift(const fl_half *half, const fl_lanes *sum) {
  const double zero = half->top > 0 ? fl_d_exp(-half->top, 0) * half->pivot : 0;
  return (fl_row_total(sum->hi, sum->lo) - zero) / (1 + half->rest);
}

FL_OUTLINE void fl_put_halves(int64_t n, const real *restrict y, const real *restrict u,
                              const fl_halves *halves, double factor,
                              real *restrict out) {
  const fl_half wrong = halves->half[FL_WRONG], right = halves->half[FL_RIGHT];
  for (int64_t j = 0; j < n; j++) {
    const bool is = y[j] == 1;
    const double w = (double)u[j], p = halves->e[j] / (1 + (is ? right : wrong).rest);
    const double of_wrong = (w - wrong.pivot) - wrong.drift;
    const double of_right = (w + right.pivot) + right.drift;
    out[j] = (real)(p * (is ? of_right : of_wrong) * factor);
  }
}

FL_OUTLINE int fl_zlpr_row_product(const fl_row_block *block, int64_t row,
                                   fl_halves *halves) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + row * block->ldx;
  const real *y = (const real *)block->y + row * block->ldy;
  const real *u = (const real *)block->u + row * block->ldu;
  real *out = (real *)block->g + row * block->ldg;
  fl_lanes sums[2] = {{{0}, {0}}, {{0}, {0}}}, drifts[2] = {{{0}, {0}}, {{0}, {0}}};
  fl_int outside = 0;
  for (int64_t j = 0; j < classes; j++) outside |= fl_outside_bit(y[j]);
  fl_half_tops(classes, y, x, halves);
  fl_half_pivots(classes, y, x, u, halves->half);
  for (int walk = 0; walk < 2; walk++) {
    for (int64_t j = 0; j < classes; j += FL_SHARES) {
      const int64_t n = classes - j < FL_SHARES ? classes - j : FL_SHARES;
      if (walk == 0 || classes > FL_SHARES)
        fl_half_exponentials(n, y + j, x + j, halves);
      if (walk == 0) {
        fl_add_halves(n, y + j, halves->e, halves->half, sums);
        fl_half_drifts(n, y + j, u + j, halves, drifts);
      } else fl_put_halves(n, y + j, u + j, halves, block->factor[row], out + j);
    }
    for (int k = 0; walk == 0 && k < 2; k++) {
      fl_half_value(&halves->half[k], &sums[k]);
      halves->half[k].drift = fl_half_drift(&halves->half[k], &drifts[k]);
    }
  }
  return outside != 0;
}

FL_INLINE int FL_LOCAL(products)(const fl_row_block *block) {
  int flags = 0;
  for (int64_t r = 0; r < block->rows; r++)
    flags |= fl_zlpr_row_product(block, r, block->scratch);
  return flags;
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
