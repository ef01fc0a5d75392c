/* shares.h: losses of rows of label weights q_j and logits x_j that are sums of terms
   f(q_j, p_j) of the shares p = softmax(x). A loss brings the terms of some entries
   (share_rows.h). With m = max x_j, e_j = exp(x_j - m), S = sum e_j = 1 + S', where
   S' leaves one entry equal to m out (softmax.h), p_j = e_j / S and the sums
   A = sum p_j f'_j, B = sum p_j^2 f''_j over the row:

     l     = sum f_j
     l'_j  = p_j (f'_j - A)
     l''_j = (1 - 2 p_j) (l'_j + p_j^2 f''_j) + p_j^2 B          (the diagonal)

   In double, so that f32 keeps its digits where q is close to p, and its shares below the
   smallest float. A single +inf is a certain class; a row of -inf alone is NaN. */
#ifndef FL_SHARES_H
#define FL_SHARES_H

#include "blocks/domains.h"
#include "blocks/label_sums.h"
#include "blocks/probabilities.h"
#include "math/double.h"
#include "math/row_sums.h"

/* f, p f' and p^2 f''. */
typedef struct {
  double value, pull, bend;
} fl_share_term;

/* Entries that are taken together: whole rows, or a piece of one. */
enum { FL_SHARES = 512 };

typedef struct {
  _Alignas(FL_LINE) double p[FL_SHARES], value[FL_SHARES], pull[FL_SHARES],
      bend[FL_SHARES], tail[FL_SHARES];
  _Alignas(FL_LINE) real q[FL_SHARES];
  double top[FL_SHARES], rest[FL_SHARES]; /* m, S' of each row */
  fl_lanes sums[3];                        /* of a row that takes several pieces */
} fl_shares;

/* lanes += x. */
FL_INLINE void fl_add_doubles(fl_lanes *lanes, int64_t n, const double *x) {
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) fl_add(&lanes->hi[j], &lanes->lo[j], x[i + j]);
  for (int j = 0; i + j < n; j++) fl_add(&lanes->hi[j], &lanes->lo[j], x[i + j]);
}

FL_OUTLINE double fl_sum_of_doubles(int64_t n, const double *x) {
  fl_lanes lanes = {{0}, {0}};
  fl_add_doubles(&lanes, n, x);
  return fl_row_total(lanes.hi, lanes.lo);
}

/* The sum over all pieces of a row, of which this is one. */
FL_INLINE double fl_sum_on(fl_lanes *sum, int64_t n, const double *x) {
  fl_add_doubles(sum, n, x);
  return fl_row_total(sum->hi, sum->lo);
}

/* The largest logits of rows; a NaN that it passes over comes back with e. */
FL_OUTLINE void fl_tops(int64_t rows, int64_t classes, const real *x, int64_t ld,
                        double *top) {
  for (int64_t r = 0; r < rows; r++) {
    real most = x[r * ld];
    for (int64_t j = 1; j < classes; j++)
      most = x[r * ld + j] > most ? x[r * ld + j] : most;
    top[r] = (double)most;
  }
}

/* What rounding took from z - m; 0 where exp(z - m) is 0. */
FL_INLINE double fl_below_tail(double z, double m) {
  const double d = z - m, back = d - z, lost = (z - (d - back)) - (m + back);
  return d > -800 ? lost : 0;
}

/* e of rows of n entries, one row behind the other, in p. */
FL_OUTLINE void fl_share_exponentials(int64_t rows, int64_t n, const real *x,
                                      int64_t ld, const double *top,
                                      fl_shares *shares) {
  double *restrict p = shares->p, *restrict tail = shares->tail;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < n; j++) {
      const double z = (double)x[r * ld + j], m = top[r];
      p[r * n + j] = z == m && m > -INFINITY ? 0 : z - m;
      tail[r * n + j] = fl_below_tail(z, m);
    }
  for (int64_t i = 0; i < rows * n; i++) p[i] = fl_d_exp(p[i], tail[i]);
}

/* e of n entries of a row, but 0 for those that are 1, which are counted. */
FL_OUTLINE double fl_share_others(int64_t n, const double *restrict e,
                                  double *restrict others) {
  int64_t ties = 0; /* as wide as e, for vectors */
  for (int64_t j = 0; j < n; j++) others[j] = e[j] == 1 ? 0 : e[j];
  for (int64_t j = 0; j < n; j++) ties += e[j] == 1;
  return (double)ties;
}

/* e becomes p, and p - q takes the place of the tails; where p is large 1 - p, of which
   nothing was rounded away, is taken from 1 - q. */
FL_OUTLINE void fl_divide_shares(int64_t rows, int64_t n, fl_shares *shares) {
  double *restrict p = shares->p, *restrict from_q = shares->tail;
  const real *restrict q = shares->q;
  for (int64_t r = 0; r < rows; r++) {
    const double rest = shares->rest[r], total = 1 + rest;
    for (int64_t i = r * n; i < (r + 1) * n; i++) {
      const double share = p[i] / total, label = (double)q[i];
      const double left = ((1 - p[i]) + rest) / total;
      from_q[i] = share < 0.5 ? share - label : (1 - label) - left;
      p[i] = share;
    }
  }
}

/* Derivatives of rows of n entries, of which A and B are `pull` and `bend`. */
FL_OUTLINE void fl_derive_shares(bool curve, int64_t n, const double *restrict p,
                                 const double *restrict pulls,
                                 const double *restrict bends, double pull, double bend,
                                 double factor, real *restrict g, real *restrict h) {
  for (int64_t j = 0; j < n; j++) g[j] = (real)((pulls[j] - p[j] * pull) * factor);
  for (int64_t j = 0; curve && j < n; j++) {
    const double slope = pulls[j] - p[j] * pull;
    h[j] = (real)(((1 - 2 * p[j]) * (slope + bends[j]) + p[j] * p[j] * bend) * factor);
  }
}

/* The terms of n entries; non-zero if a label is outside [0, 1]. */
typedef int fl_share_terms_fn(int64_t n, const double *parameters, fl_shares *shares);

/* Terms of a piece of rows, whose e or p are there. */
FL_OUTLINE int fl_share_piece(fl_share_terms_fn *terms, const fl_row_block *block,
                              int64_t first, int64_t rows, int64_t from, int64_t n,
                              fl_shares *shares) {
  const real *y = (const real *)block->y + first * block->ldy + from;
  for (int64_t r = 0; r < rows; r++)
    memcpy(shares->q + r * n, y + r * block->ldy, (size_t)n * sizeof *y);
  fl_divide_shares(rows, n, shares);
  return terms(rows * n, block->parameters, shares);
}

FL_INLINE void fl_share_derive(int want, const fl_row_block *block, int64_t row,
                               int64_t from, int64_t n, int64_t at, double pull,
                               double bend, const fl_shares *shares) {
  real *g = (real *)block->g + row * block->ldg + from;
  real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh + from : g;
  fl_derive_shares(want & FL_WANT_HESS, n, shares->p + at, shares->pull + at,
                   shares->bend + at, pull, bend, block->factor[row], g, h);
}

/* Rows that fit into a piece together. */
FL_OUTLINE int fl_short_shares(int want, fl_share_terms_fn *terms,
                               const fl_row_block *block, int64_t first, int64_t rows,
                               fl_shares *shares) {
  const int64_t n = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  fl_tops(rows, n, x, block->ldx, shares->top);
  fl_share_exponentials(rows, n, x, block->ldx, shares->top, shares);
  for (int64_t r = 0; r < rows; r++) {
    const double ties = fl_share_others(n, shares->p + r * n, shares->value);
    shares->rest[r] = fl_sum_of_doubles(n, shares->value) + (ties - 1);
  }
  int flags = fl_share_piece(terms, block, first, rows, 0, n, shares);
  for (int64_t r = 0; r < rows; r++) {
    if (want & FL_WANT_VALUE)
      ((real *)block->v)[first + r] = (real)fl_sum_of_doubles(n, shares->value + r * n);
    if (want == FL_WANT_VALUE) continue;
    const double pull = fl_sum_of_doubles(n, shares->pull + r * n);
    const double bend =
        want & FL_WANT_HESS ? fl_sum_of_doubles(n, shares->bend + r * n) : 0;
    fl_share_derive(want, block, first + r, 0, n, r * n, pull, bend, shares);
  }
  return flags | fl_labels_off(rows, n, shares->q);
}

/* A row in pieces, whose shares are made anew for each of the three walks. */
FL_OUTLINE int fl_long_shares(int want, fl_share_terms_fn *terms,
                              const fl_row_block *block, int64_t row,
                              fl_shares *shares) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + row * block->ldx;
  double pull = 0, bend = 0, labels = 0, ties = 0;
  int flags = 0;
  memset(shares->sums, 0, sizeof shares->sums);
  fl_lanes others = {{0}, {0}};
  fl_tops(1, classes, x, block->ldx, shares->top);
  for (int walk = 0; walk < (want == FL_WANT_VALUE ? 2 : 3); walk++)
    for (int64_t j = 0; j < classes; j += FL_SHARES) {
      const int64_t n = classes - j < FL_SHARES ? classes - j : FL_SHARES;
      fl_share_exponentials(1, n, x + j, block->ldx, shares->top, shares);
      if (walk == 0) {
        ties += fl_share_others(n, shares->p, shares->value);
        shares->rest[0] = fl_sum_on(&others, n, shares->value) + (ties - 1);
        continue;
      }
      flags |= fl_share_piece(terms, block, row, 1, j, n, shares);
      if (walk == 2) {
        fl_share_derive(want, block, row, j, n, 0, pull, bend, shares);
        continue;
      }
      labels += fl_sum_labels(n, shares->q);
      const double value = fl_sum_on(&shares->sums[0], n, shares->value);
      if (want & FL_WANT_VALUE) ((real *)block->v)[row] = (real)value;
      pull = fl_sum_on(&shares->sums[1], n, shares->pull);
      bend = fl_sum_on(&shares->sums[2], n, shares->bend);
    }
  return flags | (int)fl_label_sum(labels);
}

FL_OUTLINE int fl_share_rows(int want, fl_share_terms_fn *terms,
                             const fl_row_block *block) {
  fl_shares *const shares = block->scratch;
  const int64_t classes = block->classes;
  int flags = 0;
  for (int64_t r = 0; classes > FL_SHARES && r < block->rows; r++)
    flags |= fl_long_shares(want, terms, block, r, shares);
  const int64_t height = FL_SHARES / classes;
  for (int64_t r = 0; height > 0 && r < block->rows; r += height) {
    const int64_t left = block->rows - r, rows = left < height ? left : height;
    flags |= fl_short_shares(want, terms, block, r, rows, shares);
  }
  return flags;
}

#endif
