/* shares.h: losses of rows of label weights q_j and logits x_j that are sums of terms
   f(q_j, p_j) of the shares p = softmax(x). A term is computed by a function

     fl_share_term FL_SHARE_TERM(double q, double p, double d, const double *parameters)

   of which d is p - q. With m = max x_j, e_j = exp(x_j - m), S = sum e_j = 1 + S', where
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

/* The sum of a row of few numbers. */
FL_INLINE double fl_sum_of_few(int64_t n, const double *x) {
  double hi = 0, lo = 0;
  for (int64_t j = 0; j < n; j++) fl_add(&hi, &lo, x[j]);
  return fl_sum_value((fl_sum){hi, lo});
}

/* lanes += x. */
FL_INLINE void fl_add_doubles(fl_lanes *lanes, int64_t n, const double *x) {
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) fl_add(&lanes->hi[j], &lanes->lo[j], x[i + j]);
  for (int j = 0; i + j < n; j++) fl_add(&lanes->hi[j], &lanes->lo[j], x[i + j]);
}

FL_OUTLINE double fl_sum_of_doubles(int64_t n, const double *x) {
  if (n < FL_LANES) return fl_sum_of_few(n, x);
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

/* e of rows of n entries, one row behind the other, in p. */
FL_OUTLINE void fl_share_exponentials(int64_t rows, int64_t n, const real *x,
                                      int64_t ld, const double *top,
                                      fl_shares *shares) {
  double *restrict p = shares->p, *restrict tail = shares->tail;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < n; j++) {
      const double z = (double)x[r * ld + j], m = top[r], d = z - m, back = d - z;
      const double lost = (z - (d - back)) - (m + back);
      const bool same = z == m && m > -INFINITY;
      p[r * n + j] = same ? 0 : d;
      tail[r * n + j] = d - d == 0 ? lost : 0;
    }
  for (int64_t i = 0; i < rows * n; i++) p[i] = fl_d_exp(p[i], tail[i]);
}

/* e of n entries of a row, but 0 for those that are 1, which are counted. */
FL_OUTLINE double fl_share_others(int64_t n, const double *restrict e,
                                  double *restrict others) {
  double ties = 0;
  for (int64_t j = 0; j < n; j++) others[j] = e[j] == 1 ? 0 : e[j];
  for (int64_t j = 0; j < n; j++) ties += e[j] == 1 ? 1 : 0;
  return ties;
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

#endif
