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
   double, with short exponentials in f32. */
#define FL_NAME zlpr
#include "blocks/shares.h"
#include "math/log_quotient.h"
#include "math/short_power.h"

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

/* Raises the tops of the halves to an entry. */
FL_INLINE void fl_raise_tops(real y, real x, double *wrong_top, double *right_top) {
  const double z = fl_signed((double)y, (double)x);
  const double wrong = y == 1 ? 0 : z, right = y == 1 ? z : 0;
  *wrong_top = wrong > *wrong_top ? wrong : *wrong_top;
  *right_top = right > *right_top ? right : *right_top;
}

FL_OUTLINE void fl_half_tops(int64_t n, const real *y, const real *x,
                             fl_halves *halves) {
  double wrong[FL_LANES] = {0}, right[FL_LANES] = {0};
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES) {
    _Pragma("GCC unroll 1")
    for (int j = 0; j < FL_LANES; j++)
      fl_raise_tops(y[i + j], x[i + j], &wrong[j], &right[j]);
  }
  for (; i < n; i++) fl_raise_tops(y[i], x[i], &wrong[0], &right[0]);
  for (int j = 1; j < FL_LANES; j++) {
    wrong[0] = wrong[j] > wrong[0] ? wrong[j] : wrong[0];
    right[0] = right[j] > right[0] ? right[j] : right[0];
  }
  halves->half[FL_WRONG] = (fl_half){.top = wrong[0]};
  halves->half[FL_RIGHT] = (fl_half){.top = right[0]};
}

/* z - m as a sum of two, whose exponential is e. */
FL_INLINE double fl_half_gap(real y, real x, double m, double *tail) {
  const double z = fl_signed((double)y, (double)x);
  *tail = fl_below_tail(z, m);
  return z == m ? 0 : z - m;
}

FL_INLINE double fl_half_exp(double gap, double tail) {
#if defined(FL_DTYPE_f32)
  return fl_d_short_exp(gap).power;
#else
  return fl_d_exp(gap, tail);
#endif
}

/* e of some entries. */
FL_OUTLINE void fl_half_exponentials(int64_t n, const real *restrict y,
                                     const real *restrict x, fl_halves *halves) {
  const double wrong = halves->half[FL_WRONG].top, right = halves->half[FL_RIGHT].top;
  double *restrict e = halves->e, *restrict tail = halves->tail;
  for (int64_t j = 0; j < n; j++)
    e[j] = fl_half_gap(y[j], x[j], y[j] == 1 ? right : wrong, &tail[j]);
  for (int64_t j = 0; j < n; j++) e[j] = fl_half_exp(e[j], tail[j]);
}

/* What an entry adds to the sum and to the ties of its half: e equal to a maximum that is
   not 0 is counted instead. */
typedef struct {
  double other, tie;
} fl_half_term;

FL_INLINE fl_half_term fl_half_term_of(double e, double top) {
  const double tie = e == 1 ? (top > 0 ? 1 : 0) : 0;
  return (fl_half_term){tie == 1 ? 0 : e, tie};
}

/* FL_LANES entries to the sums and ties of the halves. */
FL_INLINE void fl_add_lanes(const real *restrict y, const double *restrict e,
                            double wrong_top, double right_top, fl_lanes *restrict sums,
                            fl_lanes *restrict ties) {
  double of_wrong[FL_LANES], of_right[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) {
    const double right = (double)y[j];
    const fl_half_term term = fl_half_term_of(e[j], right == 1 ? right_top : wrong_top);
    of_wrong[j] = right == 1 ? 0 : term.other;
    of_right[j] = right == 1 ? term.other : 0;
    ties[FL_WRONG].hi[j] += right == 1 ? 0 : term.tie;
    ties[FL_RIGHT].hi[j] += right == 1 ? term.tie : 0;
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

/* S' of a half whose sums are complete; where the logit 0 is the largest it is left out. */
FL_INLINE double fl_half_rest(double top, double others, double ties) {
  return others + (top == 0 ? 0 : (ties - 1) + fl_half_exp(-top, 0));
}

/* m + log1p(S') */
FL_INLINE double fl_half_loss(double top, double rest) {
  return top + fl_log1p_quotient(rest, 1);
}

FL_INLINE double fl_half_value(fl_half *half, const fl_lanes *sum) {
  half->rest = fl_half_rest(half->top, fl_row_total(sum->hi, sum->lo), half->ties);
  return fl_half_loss(half->top, half->rest);
}

/* l'_j and l''_j of an entry of a half. */
typedef struct {
  double slope, curve;
} fl_half_point;

FL_INLINE fl_half_point fl_half_point_of(bool right, double e, double top,
                                         double rest) {
  const double total = 1 + rest, p = e / total;
  const double others = top > 0 && e == 1 ? rest : (1 - e) + rest;
  return (fl_half_point){right ? -p : p, p * (others / total)};
}

FL_OUTLINE void fl_derive_halves(bool curve, int64_t n, const real *restrict y,
                                 const fl_halves *halves, double factor,
                                 real *restrict g, real *restrict h) {
  const fl_half wrong = halves->half[FL_WRONG], right = halves->half[FL_RIGHT];
  for (int64_t j = 0; j < n; j++) {
    const bool is = y[j] == 1;
    const fl_half_point point = fl_half_point_of(
        is, halves->e[j], is ? right.top : wrong.top, is ? right.rest : wrong.rest);
    g[j] = (real)(point.slope * factor);
    if (curve) h[j] = (real)(point.curve * factor);
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

/* A tile of narrow rows, entry by entry, and the halves of each. */
typedef struct {
  real y[FL_ROWS_TILE], x[FL_ROWS_TILE], h[FL_ROWS_TILE];
  double e[FL_ROWS_TILE], tail[FL_ROWS];
  double top[2][FL_ROWS], ties[2][FL_ROWS], rest[2][FL_ROWS], rest_tail[2][FL_ROWS];
} fl_halves_tile;

FL_OUTLINE void fl_tile_tops(int64_t rows, int64_t classes,
                             fl_halves_tile *restrict tile) {
  double *restrict wrong = tile->top[FL_WRONG], *restrict right = tile->top[FL_RIGHT];
  for (int64_t r = 0; r < rows; r++) wrong[r] = right[r] = 0;
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++)
      fl_raise_tops(tile->y[j * rows + r], tile->x[j * rows + r], &wrong[r], &right[r]);
}

FL_OUTLINE void fl_tile_exponentials(int64_t rows, int64_t classes,
                                     fl_halves_tile *restrict tile) {
  const double *wrong = tile->top[FL_WRONG], *right = tile->top[FL_RIGHT];
  for (int64_t j = 0; j < classes; j++) {
    const real *y = tile->y + j * rows, *x = tile->x + j * rows;
    double *e = tile->e + j * rows;
    for (int64_t r = 0; r < rows; r++)
      e[r] = fl_half_gap(y[r], x[r], y[r] == 1 ? right[r] : wrong[r], &tile->tail[r]);
    for (int64_t r = 0; r < rows; r++) e[r] = fl_half_exp(e[r], tile->tail[r]);
  }
}

FL_INLINE void fl_tile_half_sums(int half, int64_t rows, int64_t classes,
                                 fl_halves_tile *restrict tile) {
  const double *top = tile->top[half];
  double *sum = tile->rest[half], *tail = tile->rest_tail[half];
  for (int64_t r = 0; r < rows; r++) {
    fl_begin_sum(sum, tail, r, 0);
    tile->ties[half][r] = 0;
  }
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const fl_half_term term = fl_half_term_of(tile->e[j * rows + r], top[r]);
      const bool own = (tile->y[j * rows + r] == 1) == (half == FL_RIGHT);
      tile->ties[half][r] += own ? term.tie : 0;
      fl_add(&sum[r], &tail[r], own ? term.other : 0);
    }
  for (int64_t r = 0; r < rows; r++)
    sum[r] = fl_half_rest(top[r], sum[r] + fl_tail(tail, r), tile->ties[half][r]);
}

FL_OUTLINE void fl_tile_sums(int64_t rows, int64_t classes, fl_halves_tile *tile) {
  fl_tile_half_sums(FL_WRONG, rows, classes, tile);
  fl_tile_half_sums(FL_RIGHT, rows, classes, tile);
}

FL_OUTLINE void fl_tile_values(int64_t rows, const fl_halves_tile *restrict tile,
                               real *restrict v) {
  for (int64_t r = 0; r < rows; r++)
    v[r] = (real)(fl_half_loss(tile->top[FL_WRONG][r], tile->rest[FL_WRONG][r])
                  + fl_half_loss(tile->top[FL_RIGHT][r], tile->rest[FL_RIGHT][r]));
}

/* Derivatives; the first ones take the place of the logits. */
FL_OUTLINE void fl_tile_derivatives(int64_t rows, int64_t classes,
                                    const double *restrict factor,
                                    fl_halves_tile *restrict tile) {
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const int64_t i = j * rows + r;
      const bool is = tile->y[i] == 1;
      const double top = is ? tile->top[FL_RIGHT][r] : tile->top[FL_WRONG][r];
      const double rest = is ? tile->rest[FL_RIGHT][r] : tile->rest[FL_WRONG][r];
      const fl_half_point point = fl_half_point_of(is, tile->e[i], top, rest);
      tile->x[i] = (real)(point.slope * factor[r]);
      tile->h[i] = (real)(point.curve * factor[r]);
    }
}

FL_OUTLINE int fl_zlpr_tile(int want, const fl_row_block *block, int64_t first,
                            int64_t rows, fl_halves_tile *tile) {
  const int64_t classes = block->classes;
  fl_transpose_in(rows, classes, (const real *)block->y + first * block->ldy,
                  block->ldy, tile->y);
  fl_transpose_in(rows, classes, (const real *)block->x + first * block->ldx,
                  block->ldx, tile->x);
  fl_int outside = 0;
  for (int64_t i = 0; i < rows * classes; i++) outside |= fl_outside_bit(tile->y[i]);
  fl_tile_tops(rows, classes, tile);
  fl_tile_exponentials(rows, classes, tile);
  fl_tile_sums(rows, classes, tile);
  if (want & FL_WANT_VALUE) fl_tile_values(rows, tile, (real *)block->v + first);
  if (want & FL_WANT_GRAD) {
    fl_tile_derivatives(rows, classes, block->factor + first, tile);
    fl_transpose_out(rows, classes, tile->x, (real *)block->g + first * block->ldg,
                     block->ldg);
  }
  if (want & FL_WANT_HESS)
    fl_transpose_out(rows, classes, tile->h, (real *)block->h + first * block->ldh,
                     block->ldh);
  return outside != 0;
}

typedef union {
  fl_halves wide;
  fl_halves_tile narrow;
} FL_LOCAL(scratch);

FL_OUTLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  FL_LOCAL(scratch) *const scratch = block->scratch;
  const bool narrow = block->classes <= FL_NARROW;
  const int64_t height = narrow ? fl_rows_together(block->classes) : 1;
  int flags = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    flags |= narrow ? fl_zlpr_tile(want, block, row, rows, &scratch->narrow)
                    : fl_zlpr_row(want, block, row, &scratch->wide);
  }
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
  const double zero = half->top > 0 ? fl_half_exp(-half->top, 0) * half->pivot : 0;
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
