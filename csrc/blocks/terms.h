/* terms.h: losses of rows that are sums of terms, each of a label weight q_j and a
   prediction x_j. A loss brings the terms of some entries (term_rows.h). */
#ifndef FL_TERMS_H
#define FL_TERMS_H

#include "blocks/label_sums.h"
#include "blocks/probabilities.h"
#include "math/row_sums.h"

/* What a piece of rows needs. */
typedef struct {
  _Alignas(FL_LINE) real q[FL_PIECE], term[FL_PIECE], factor[FL_PIECE],
      unused[FL_PIECE];
  _Alignas(FL_LINE) double wide[FL_PIECE];
} fl_terms;

/* Where the entries of a piece come from and go to; one without a use has a buffer. */
typedef struct {
  const real *q, *x, *factor;
  real *term, *g, *h;
} fl_piece;

/* What some entries become, and whether one may be outside its domain. */
enum { FL_PREDICTION_OUTSIDE = 1, FL_LABEL_OUTSIDE = 2 };
typedef int fl_entries_fn(int want, int64_t n, fl_piece at, const double *parameters);

FL_INLINE bool fl_is_one_factor(int64_t rows, const double *row_factor) {
  int64_t others = 0; /* as wide as the factors, for vectors */
  for (int64_t r = 0; r < rows; r++)
    others |= -(int64_t)(row_factor[r] != row_factor[0]);
  return !others;
}

/* The factor of each entry of some rows. */
FL_INLINE void fl_spread_factors(int64_t rows, int64_t classes,
                                 const double *row_factor, real *factor) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < classes; j++) factor[r * classes + j] = (real)row_factor[r];
}

/* Terms in double precision. */
FL_INLINE const double *fl_widened(int64_t n, const real *term, double *room) {
#if defined(FL_DTYPE_f32)
  for (int64_t i = 0; i < n; i++) room[i] = (double)term[i];
  return room;
#else
  (void)n, (void)room;
  return term;
#endif
}

/* The sums of rows of few terms, in their order. */
FL_INLINE void fl_sum_few(int64_t rows, int64_t n, const real *term, double *room,
                          real *v) {
  const double *wide = fl_widened(rows * n, term, room);
  for (int64_t r = 0; r < rows; r++) {
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += wide[r * n + j];
    v[r] = (real)sum;
  }
}

FL_INLINE void fl_sum_many(int64_t rows, int64_t n, const real *term, real *v) {
  for (int64_t r = 0; r < rows; r++) {
    fl_lanes lanes;
    for (int j = 0; j < FL_LANES; j++) lanes.hi[j] = lanes.lo[j] = -0.0;
    fl_add_terms(&lanes, n, term + r * n);
    v[r] = (real)(fl_row_total(lanes.hi, lanes.lo) + 0.0);
  }
}

/* Rows taken together: whole groups of lanes, if they are as narrow as that. */
FL_INLINE int64_t fl_height(int64_t classes) {
  const int64_t rows = FL_PIECE / classes;
  return rows >= FL_LANES ? rows / FL_LANES * FL_LANES : rows;
}

/* q_j = keep_j y_j + spread_j of some labels; non-zero if one is outside [0, 1]. */
FL_OUTLINE int fl_weigh_labels(int64_t n, const real *restrict y,
                               const real *restrict keep, const real *restrict spread,
                               real *restrict q) {
  fl_int outside = 0;
  for (int64_t j = 0; j < n; j++) {
    q[j] = FL_FMA(y[j], keep[j], spread[j]);
    outside |= fl_outside_unit(y[j]);
  }
  return outside != 0;
}

/* Label weights of entries first ... first + n - 1 of a row whose class is `label`. */
FL_INLINE void fl_weigh_class(int64_t first, int64_t n, int64_t label, const real *keep,
                              const real *spread, real *q) {
  memcpy(q, spread + first, (size_t)n * sizeof *q);
  if (label >= first && label < first + n)
    q[label - first] = keep[label] + spread[label];
}

/* The label weights of n entries of a row from `first` on: labels as they are, or what
   they weigh, in `room`. */
FL_INLINE const real *fl_label_weights_at(const fl_row_block *block, int64_t row,
                                          int64_t first, int64_t n, real *room,
                                          int *outside) {
  const fl_label_weights *weights = block->weights;
  const real *y = block->y ? (const real *)block->y + row * block->ldy + first : 0;
  if (!weights) return y;
  const real *keep = weights->keep, *spread = weights->spread;
  if (y) *outside |= fl_weigh_labels(n, y, keep + first, spread + first, room);
  else fl_weigh_class(first, n, block->labels[row], keep, spread, room);
  return room;
}

/* Whether the flags of entries count: label weights that options made are no labels. */
FL_INLINE int fl_entries_outside(int flags, const fl_row_block *block) {
  return (flags & (block->weights ? FL_PREDICTION_OUTSIDE : ~0)) != 0;
}

FL_OUTLINE int fl_long_terms(int want, fl_entries_fn *entries,
                             const fl_row_block *block, int64_t r, fl_terms *room) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + r * block->ldx;
  real *const term = room->term, *const factor = room->factor;
  real *g = want == FL_WANT_VALUE ? 0 : (real *)block->g + r * block->ldg;
  real *h = want & FL_WANT_HESS ? (real *)block->h + r * block->ldh : 0;
  fl_lanes sum = {{0}, {0}};
  double labels = 0;
  int outside = 0, flags = 0;
  for (int64_t j = 0; j < FL_PIECE; j++) factor[j] = (real)block->factor[r];
  for (int64_t j = 0; j < classes; j += FL_PIECE) {
    const int64_t n = classes - j < FL_PIECE ? classes - j : FL_PIECE;
    const real *q = fl_label_weights_at(block, r, j, n, room->q, &outside);
    const fl_piece piece = {
        q, x + j, factor, term, g ? g + j : room->unused, h ? h + j : room->unused};
    flags |= entries(want, n, piece, block->parameters);
    if (want & FL_WANT_VALUE) fl_add_terms(&sum, n, term);
    if (block->y)
      labels += fl_sum_labels(n, (const real *)block->y + r * block->ldy + j);
  }
  if (want & FL_WANT_VALUE) ((real *)block->v)[r] = (real)fl_row_total(sum.hi, sum.lo);
  return outside | fl_entries_outside(flags, block)
         | (block->y ? (int)fl_label_sum(labels) : 0);
}

/* Rows that fit into a piece together, without gaps between them. */
FL_OUTLINE int fl_short_terms(int want, fl_entries_fn *entries,
                              const fl_row_block *block, int64_t first, int64_t rows,
                              fl_terms *room) {
  const int64_t classes = block->classes, n = rows * classes;
  real *const term = room->term, *const unused = room->unused;
  int outside = 0;
  const real *q = block->y ? (const real *)block->y + first * block->ldy : 0;
  for (int64_t r = 0; block->weights && r < rows; r++)
    fl_label_weights_at(block, first + r, 0, classes, room->q + r * classes, &outside);
  const fl_piece piece = {
      block->weights ? room->q : q,
      (const real *)block->x + first * block->ldx,
      room->factor,
      term,
      want == FL_WANT_VALUE ? unused : (real *)block->g + first * block->ldg,
      want & FL_WANT_HESS ? (real *)block->h + first * block->ldh : unused};
  const int flags = entries(want, n, piece, block->parameters);
  if (want & FL_WANT_VALUE) {
    real *v = (real *)block->v + first;
    if (classes == 2) fl_sum_few(rows, 2, term, room->wide, v);
    else if (classes == 3) fl_sum_few(rows, 3, term, room->wide, v);
    else if (classes < FL_LANES) fl_sum_few(rows, classes, term, room->wide, v);
    else fl_sum_many(rows, classes, term, v);
  }
  return outside | fl_entries_outside(flags, block)
         | (q ? fl_labels_off(rows, classes, q) : 0);
}

/* Rows of any labels. */
FL_OUTLINE int fl_term_rows(int want, fl_entries_fn *entries, const fl_row_block *block,
                            int64_t first, int64_t rows, fl_terms *room) {
  const int64_t classes = block->classes;
  const bool packed = block->ldx == classes && (!block->y || block->ldy == classes)
                      && (want == FL_WANT_VALUE || block->ldg == classes)
                      && (!(want & FL_WANT_HESS) || block->ldh == classes);
  const int64_t height = packed && classes <= FL_PIECE ? fl_height(classes) : 1;
  int outside = 0;
  if (classes > FL_PIECE) {
    for (int64_t r = first; r < first + rows; r++)
      outside |= fl_long_terms(want, entries, block, r, room);
    return outside;
  }
  const double *row_factor = block->factor + first;
  const bool one = want == FL_WANT_VALUE || fl_is_one_factor(rows, row_factor);
  for (int64_t i = 0; want != FL_WANT_VALUE && i < FL_PIECE; i++)
    room->factor[i] = (real)row_factor[0];
  for (int64_t r = 0; r < rows; r += height) {
    const int64_t left = rows - r, count = left < height ? left : height;
    if (!one) fl_spread_factors(count, classes, row_factor + r, room->factor);
    outside |= fl_short_terms(want, entries, block, first + r, count, room);
  }
  return outside;
}

#endif
