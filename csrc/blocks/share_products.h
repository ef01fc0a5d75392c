/* share_products.h: what losses of shares p = softmax(x) (shares.h, softmax/softmax.h) have
   as products of their Hessian by a row of logits and a vector v. With v* the entry of v
   at the largest logit and sums over the row

     d = sum p_j (v_j - v*),  u_j = (v_j - v*) - d

   the derivative of p_j along v is p_j u_j, and u keeps its digits in a confident row. So
   the products are, of a sum of terms f_j with c_j = p_j f'_j + p_j^2 f''_j, A = sum p_j f'_j
   and B = sum c_j u_j,

     u_j (c_j - p_j A) - p_j B

   and of a function of L = -log p_y of a class y, with slope f' and bend (1 - p_y) f'',

     p_j (f' u_j - f'' u_y),  f' p_y u_y + (1 - p_y) f'' u_y  at the class.

   In double. */
#ifndef FL_SHARE_PRODUCTS_H
#define FL_SHARE_PRODUCTS_H

#include "blocks/shares.h"
#include "blocks/softmax/products.h"

typedef struct {
  /* e, which becomes p, p - q and v - v* of entries; their p f', p f' + p^2 f'' and terms of
     sums */
  _Alignas(FL_LINE) double p[FL_SHARES], above[FL_SHARES], d[FL_SHARES],
      pull[FL_SHARES], bend[FL_SHARES], term[FL_SHARES];
  _Alignas(FL_LINE) real q[FL_SHARES];
  double rest[FL_SHARES], ties[FL_SHARES], drift[FL_SHARES]; /* S' of rows */
  real top[FL_SHARES]; /* m */
  double pivot[FL_SHARES];
  fl_sum others[FL_SHARES], first[FL_SHARES], second[FL_SHARES];
  double own_e[FL_ROWS], own_u[FL_ROWS]; /* of the classes of rows */
  fl_own_classes own;
} fl_share_products;

typedef union {
  fl_softmax_scratch softmax;
  fl_share_products products;
} fl_logits_scratch;

/* Rows that are taken together, and the entries of a piece of them. */
typedef struct {
  int64_t first, rows, from, n;
} fl_share_span;

FL_INLINE const real *fl_span_of(const void *matrix, int64_t ld, fl_share_span at) {
  return (const real *)matrix + at.first * ld + at.from;
}

/* Adds the sums of n terms each of some rows. */
FL_OUTLINE void fl_sum_rows(int64_t rows, int64_t n, const double *terms, fl_sum *sum) {
  for (int64_t r = 0; r < rows; r++)
    fl_add(&sum[r].hi, &sum[r].lo, fl_sum_of_doubles(n, terms + r * n));
}

/* The largest logits of rows; a NaN that it passes over comes back with e. */
FL_OUTLINE void fl_tops(const fl_row_block *block, fl_share_span at,
                        fl_share_products *of) {
  for (int64_t r = 0; r < at.rows; r++) {
    const real *x = fl_span_of(block->x, block->ldx, at) + r * block->ldx;
    real most = x[0];
    for (int64_t j = 1; j < block->classes; j++) most = x[j] > most ? x[j] : most;
    of->top[r] = most;
  }
}

/* v* of rows. */
FL_OUTLINE void fl_pivots(const fl_row_block *block, fl_share_span at,
                          fl_share_products *of) {
  for (int64_t r = 0; r < at.rows; r++) {
    const real *x = fl_span_of(block->x, block->ldx, at) + r * block->ldx;
    const real *v = fl_span_of(block->u, block->ldu, at) + r * block->ldu;
    int64_t j = 0;
    while (j < block->classes - 1 && x[j] != of->top[r]) j++;
    of->pivot[r] = (double)v[j];
  }
}

/* e of some entries of a row. */
FL_OUTLINE void fl_product_exponentials(int64_t n, const real *restrict x, real top,
                                        double *restrict e) {
  fl_share_frames frames;
  fl_frame_lane(&frames, 0, top);
  for (int64_t j = 0; j < n; j++)
    e[j] = fl_share_exp(x[j], &frames, 0) * (1 / (double)FL_TOP);
}

/* Those of a row with a certain class. */
FL_OUTLINE void fl_product_certain(int64_t n, const real *restrict x,
                                   double *restrict e) {
  for (int64_t j = 0; j < n; j++)
    e[j] = x[j] == x[j] ? (x[j] == (real)INFINITY ? 1.0 : 0) : (double)x[j];
}

/* e and v - v* of a piece. */
FL_OUTLINE void fl_read_products(const fl_row_block *block, fl_share_span at,
                                 fl_share_products *of) {
  for (int64_t r = 0; r < at.rows; r++) {
    const real *x = fl_span_of(block->x, block->ldx, at) + r * block->ldx;
    const real *restrict v = fl_span_of(block->u, block->ldu, at) + r * block->ldu;
    double *const e = of->p + r * at.n, *restrict d = of->d + r * at.n;
    if (of->top[r] == (real)INFINITY) fl_product_certain(at.n, x, e);
    else fl_product_exponentials(at.n, x, of->top[r], e);
    for (int64_t j = 0; j < at.n; j++) d[j] = (double)v[j] - of->pivot[r];
  }
}

/* S' and d of rows, of which this piece is the last. */
FL_OUTLINE void fl_drifts(int64_t rows, fl_share_products *of) {
  for (int64_t r = 0; r < rows; r++) {
    of->rest[r] = fl_sum_value(of->others[r]) + (of->ties[r] - 1);
    of->drift[r] = fl_sum_value(of->first[r]) / (1 + of->rest[r]);
    of->first[r] = of->second[r] = (fl_sum){0};
  }
}

/* e of n entries of a row, but 0 for those that are 1, which are counted. */
FL_OUTLINE double fl_share_others(int64_t n, const double *restrict e,
                                  double *restrict others) {
  int64_t ties = 0; /* as wide as e, for vectors */
  for (int64_t j = 0; j < n; j++) others[j] = e[j] == 1 ? 0 : e[j];
  for (int64_t j = 0; j < n; j++) ties += e[j] == 1;
  return (double)ties;
}

FL_OUTLINE void fl_add_drifts(fl_share_span at, fl_share_products *of) {
  double *restrict e = of->p, *restrict terms = of->term;
  for (int64_t r = 0; r < at.rows; r++)
    of->ties[r] += fl_share_others(at.n, e + r * at.n, terms + r * at.n);
  fl_sum_rows(at.rows, at.n, terms, of->others);
  for (int64_t i = 0; i < at.rows * at.n; i++) terms[i] = e[i] * of->d[i];
  fl_sum_rows(at.rows, at.n, terms, of->first);
}

/* What a loss does with a piece of rows whose S' and d are known, in one of its walks. */
typedef int fl_products_fn(int walk, const void *loss, const fl_row_block *block,
                           fl_share_span at, fl_share_products *of);

FL_OUTLINE int fl_some_products(int walks, fl_products_fn *products, const void *loss,
                                const fl_row_block *block, fl_share_span at,
                                fl_share_products *of) {
  const int64_t classes = block->classes;
  int flags = 0;
  fl_tops(block, at, of);
  fl_pivots(block, at, of);
  memset(of->ties, 0, sizeof of->ties);
  memset(of->others, 0, sizeof of->others);
  memset(of->first, 0, sizeof of->first);
  for (int walk = -1; walk < walks; walk++) {
    for (at.from = 0; at.from < classes; at.from += FL_SHARES) {
      at.n = classes - at.from < FL_SHARES ? classes - at.from : FL_SHARES;
      /* what is in one piece is read once */
      if (walk < 0 || classes > FL_SHARES) fl_read_products(block, at, of);
      if (walk < 0) fl_add_drifts(at, of);
      else flags |= products(walk, loss, block, at, of);
    }
    if (walk < 0) fl_drifts(at.rows, of);
  }
  return flags;
}

FL_INLINE int fl_share_products_of(int walks, fl_products_fn *products,
                                   const void *loss, const fl_row_block *block) {
  const int64_t classes = block->classes;
  const int64_t height = classes > FL_SHARES ? 1 : FL_SHARES / classes;
  const int64_t most = height < FL_ROWS ? height : FL_ROWS;
  int flags = 0;
  for (int64_t row = 0; row < block->rows; row += most) {
    const int64_t left = block->rows - row;
    const fl_share_span at = {.first = row, .rows = left < most ? left : most};
    flags |= fl_some_products(walks, products, loss, block, at, block->scratch);
  }
  return flags;
}

/* Sums of terms: p f' and p f' + p^2 f'' of n entries whose p and p - q are there. */
typedef void fl_product_terms_fn(int64_t n, const double *parameters,
                                 fl_share_products *of);
typedef struct {
  fl_product_terms_fn *terms;
} fl_product_terms;

/* q, p and p - q of a piece whose e are there; non-zero if a label is outside [0, 1]. */
FL_OUTLINE int fl_product_shares(const fl_row_block *block, fl_share_span at,
                                 fl_share_products *of) {
  double *restrict p = of->p, *restrict above = of->above;
  fl_int outside = 0;
  for (int64_t r = 0; r < at.rows; r++) {
    const real *restrict y = fl_span_of(block->y, block->ldy, at) + r * block->ldy;
    real *restrict q = of->q + r * at.n;
    double hi, lo;
    fl_invert_total(of->rest[r], &hi, &lo);
    hi *= (double)FL_TOP;
    lo *= (double)FL_TOP;
    for (int64_t i = r * at.n; i < (r + 1) * at.n; i++) {
      above[i] = fl_share_above(p[i], hi, lo, (double)y[i - r * at.n]);
      p[i] = fl_share_by(p[i], hi, lo);
    }
    for (int64_t j = 0; j < at.n; j++) {
      q[j] = y[j];
      outside |= fl_outside_unit(y[j]);
    }
  }
  return outside != 0;
}

FL_INLINE void fl_put_terms(double factor, double pull, double turn, double drift,
                            int64_t n, const double *restrict p,
                            const double *restrict d, const double *restrict c,
                            real *restrict out) {
  for (int64_t j = 0; j < n; j++)
    out[j] = (real)(((d[j] - drift) * (c[j] - p[j] * pull) - p[j] * turn) * factor);
}

FL_OUTLINE int fl_products_of_terms(int walk, const void *loss,
                                    const fl_row_block *block, fl_share_span at,
                                    fl_share_products *of) {
  const fl_product_terms *sum = loss;
  const int64_t n = at.n, rows = at.rows;
  int flags = 0;
  if (walk == 0 || block->classes > FL_SHARES) {
    flags = fl_product_shares(block, at, of);
    sum->terms(rows * n, block->parameters, of);
  }
  for (int64_t r = 0; walk == 1 && r < rows; r++)
    fl_put_terms(block->factor[at.first + r], fl_sum_value(of->first[r]),
                 fl_sum_value(of->second[r]), of->drift[r], n, of->p + r * n,
                 of->d + r * n, of->bend + r * n,
                 (real *)block->g + (at.first + r) * block->ldg + at.from);
  if (walk == 1) return flags;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = r * n; i < (r + 1) * n; i++)
      of->term[i] = of->bend[i] * (of->d[i] - of->drift[r]);
  fl_sum_rows(rows, n, of->pull, of->first);
  fl_sum_rows(rows, n, of->term, of->second);
  return flags | (n == block->classes ? fl_labels_off(rows, n, of->q) : 0);
}

/* Losses of a class. */
/* The entries of a piece at their rows' classes. */
FL_OUTLINE void fl_find_own(const fl_row_block *block, fl_share_span at,
                            fl_share_products *of) {
  for (int64_t r = 0; r < at.rows; r++) {
    const int64_t j = block->labels[at.first + r] - at.from;
    if (j < 0 || j >= at.n) continue;
    of->own_e[r] = of->p[r * at.n + j];
    of->own_u[r] = of->d[r * at.n + j] - of->drift[r];
  }
}

/* What a loss of a class reads of its rows. */
FL_OUTLINE void fl_own_points(fl_class_points_fn *points, const fl_row_block *block,
                              fl_share_span at, fl_share_products *of) {
  fl_own_classes *const own = &of->own;
  for (int64_t r = 0; r < at.rows; r++) {
    const int64_t row = at.first + r;
    const real z = ((const real *)block->x)[row * block->ldx + block->labels[row]];
    const real top = of->top[r];
    own->gap[r] = fl_gap(1, z, top);
    own->gap_tail[r] = z == top ? 0 : fl_gap_tail(z, top, own->gap[r]);
    own->e[r] = (real)(of->own_e[r] * (double)FL_TOP);
    own->rest[r] = of->rest[r] * (double)FL_TOP;
  }
  points(true, at.rows, block->parameters, own);
}

/* Of a row: p_j (slope u_j - turn). */
FL_INLINE void fl_put_shares(double slope, double turn, double drift, double total,
                             int64_t n, const double *restrict e,
                             const double *restrict d, real *restrict out) {
  for (int64_t j = 0; j < n; j++)
    out[j] = (real)(e[j] / total * (slope * (d[j] - drift) - turn));
}

FL_OUTLINE void fl_put_classes(const fl_row_block *block, fl_share_span at,
                               fl_share_products *of) {
  for (int64_t r = 0; r < at.rows; r++) {
    const int64_t row = at.first + r;
    const double rest = of->rest[r], total = 1 + rest;
    const double factor = block->factor[row];
    real *out = (real *)block->g + row * block->ldg + at.from;
    const double own = of->own_e[r], u = of->own_u[r];
    const double others = (own == 1 ? rest : (1 - own) + rest) / total;
    const double slope = of->own.slope[r] * factor, bend = of->own.bend[r] * factor;
    const double turn = others > 0 ? bend * (u / others) : 0 * others;
    const int64_t j = block->labels[row] - at.from;
    fl_put_shares(slope, turn, of->drift[r], total, at.n, of->p + r * at.n,
                  of->d + r * at.n, out);
    if (j >= 0 && j < at.n) out[j] = (real)(own / total * (slope * u) + bend * u);
  }
}

FL_OUTLINE int fl_products_of_class(int walk, const void *points,
                                    const fl_row_block *block, fl_share_span at,
                                    fl_share_products *of) {
  if (walk == 1) {
    fl_put_classes(block, at, of);
    return 0;
  }
  fl_find_own(block, at, of);
  if (at.from + at.n == block->classes)
    fl_own_points(*(fl_class_points_fn *const *)points, block, at, of);
  return 0;
}

#endif
