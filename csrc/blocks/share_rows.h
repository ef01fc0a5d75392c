/* share_rows.h: the kernels of one loss of shares (shares.h), made by a loss file that has
   defined FL_NAME and FL_SHARE_TERM. */

typedef fl_shares FL_LOCAL(scratch);

/* The terms of n entries; non-zero if a label is outside [0, 1]. */
FL_OUTLINE int FL_LOCAL(share_terms)(int64_t n, const double *parameters,
                                     fl_shares *shares) {
  const double own[] = {parameters[0]};
  const double *restrict p = shares->p, *restrict d = shares->tail;
  const real *restrict q = shares->q;
  double *restrict value = shares->value, *restrict pull = shares->pull,
                   *restrict bend = shares->bend;
  fl_int outside = 0;
  for (int64_t i = 0; i < n; i++) {
    const fl_share_term term = FL_SHARE_TERM((double)q[i], p[i], d[i], own);
    value[i] = term.value;
    pull[i] = term.pull;
    bend[i] = term.bend;
  }
  for (int64_t i = 0; i < n; i++) outside |= fl_outside_unit(q[i]);
  return outside != 0;
}

/* Terms of a piece of rows, whose e or p are there. */
FL_INLINE int FL_LOCAL(share_piece)(const fl_row_block *block, int64_t first,
                                    int64_t rows, int64_t from, int64_t n,
                                    fl_shares *shares) {
  const real *y = (const real *)block->y + first * block->ldy + from;
  for (int64_t r = 0; r < rows; r++)
    memcpy(shares->q + r * n, y + r * block->ldy, (size_t)n * sizeof *y);
  fl_divide_shares(rows, n, shares);
  return FL_LOCAL(share_terms)(rows * n, block->parameters, shares);
}

FL_INLINE void FL_LOCAL(share_derive)(int want, const fl_row_block *block, int64_t row,
                                      int64_t from, int64_t n, int64_t at, double pull,
                                      double bend, const fl_shares *shares) {
  real *g = (real *)block->g + row * block->ldg + from;
  real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh + from : g;
  fl_derive_shares(want & FL_WANT_HESS, n, shares->p + at, shares->pull + at,
                   shares->bend + at, pull, bend, block->factor[row], g, h);
}

/* Rows that fit into a piece together. */
FL_INLINE int FL_LOCAL(short_rows)(int want, const fl_row_block *block, int64_t first,
                                   int64_t rows, fl_shares *shares) {
  const int64_t n = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  fl_tops(rows, n, x, block->ldx, shares->top);
  fl_share_exponentials(rows, n, x, block->ldx, shares->top, shares);
  for (int64_t r = 0; r < rows; r++) {
    const double ties = fl_share_others(n, shares->p + r * n, shares->value);
    shares->rest[r] = fl_sum_of_doubles(n, shares->value) + (ties - 1);
  }
  int flags = FL_LOCAL(share_piece)(block, first, rows, 0, n, shares);
  for (int64_t r = 0; r < rows; r++) {
    if (want & FL_WANT_VALUE)
      ((real *)block->v)[first + r] = (real)fl_sum_of_doubles(n, shares->value + r * n);
    if (want == FL_WANT_VALUE) continue;
    const double pull = fl_sum_of_doubles(n, shares->pull + r * n);
    const double bend =
        want & FL_WANT_HESS ? fl_sum_of_doubles(n, shares->bend + r * n) : 0;
    FL_LOCAL(share_derive)(want, block, first + r, 0, n, r * n, pull, bend, shares);
  }
  return flags | fl_labels_off(rows, n, shares->q);
}

/* A row in pieces, whose shares are made anew for each of the three walks. */
FL_INLINE int FL_LOCAL(long_row)(int want, const fl_row_block *block, int64_t row,
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
      flags |= FL_LOCAL(share_piece)(block, row, 1, j, n, shares);
      if (walk == 2) {
        FL_LOCAL(share_derive)(want, block, row, j, n, 0, pull, bend, shares);
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

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  fl_shares *const shares = block->scratch;
  const int64_t classes = block->classes;
  int flags = 0;
  for (int64_t r = 0; classes > FL_SHARES && r < block->rows; r++)
    flags |= FL_LOCAL(long_row)(want, block, r, shares);
  const int64_t height = FL_SHARES / classes;
  for (int64_t r = 0; height > 0 && r < block->rows; r += height) {
    const int64_t left = block->rows - r, rows = left < height ? left : height;
    flags |= FL_LOCAL(short_rows)(want, block, r, rows, shares);
  }
  return flags;
}

#undef FL_SHARE_TERM
#include "blocks/row_loops.h"
