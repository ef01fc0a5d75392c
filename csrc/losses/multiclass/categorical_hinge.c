/* Categorical hinge loss of a row of labels q_j and a row of decision values x_j:

     l = max(0, 1 + n - p),  n = max_j (1 - q_j) x_j,  p = sum q_j x_j
     l'_j = (1 - q_j) [j = k] - q_j where l > 0, else 0, also at the kink;  l'' = 0

   with the first j = k of the maximum. Of one-hot labels n is at least 0, the product at
   the class. (Keras's categorical_hinge.) In double. */
#define FL_NAME categorical_hinge
#include <string.h>

#include "blocks/label_sums.h"
#include "blocks/probabilities.h"

FL_INLINE double fl_product_or_0(double q, double x) { return q == 0 ? 0 : q * x; }

typedef struct {
  double wrong, right; /* n and p */
  int64_t at; /* k */
  double labels;
  bool outside;
} fl_hinge_row;

typedef struct {
  fl_lanes right;
  double most[FL_LANES], first[FL_LANES], labels[FL_LANES];
  int64_t outside[FL_LANES];
} fl_hinge_lanes;

/* Entries i ... i + FL_LANES - 1. */
FL_INLINE void fl_hinge_some(int64_t i, const real *restrict q, const real *restrict x,
                             fl_hinge_lanes *restrict row) {
  double right[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) {
    const double y = (double)q[j], z = (double)x[j];
    const double wrong = fl_product_or_0(1 - y, z);
    const bool larger = (wrong > row->most[j]) | (wrong != wrong);
    row->first[j] = larger ? (double)(int32_t)(i + j) : row->first[j];
    row->most[j] = larger ? wrong : row->most[j];
    row->labels[j] += y;
    row->outside[j] |= -(int64_t)((y < 0) | (y > 1));
    right[j] = fl_product_or_0(y, z);
  }
  for (int j = 0; j < FL_LANES; j++)
    fl_add(&row->right.hi[j], &row->right.lo[j], right[j]);
}

FL_OUTLINE fl_hinge_row fl_hinge_row_of(int64_t n, const real *q, const real *x) {
  fl_hinge_lanes lanes = {0};
  int64_t i = 0;
  for (int j = 0; j < FL_LANES; j++) lanes.most[j] = -INFINITY;
  for (; i + FL_LANES <= n; i += FL_LANES) fl_hinge_some(i, q + i, x + i, &lanes);
  if (i < n) {
    real last_q[FL_LANES] = {0}, last_x[FL_LANES];
    for (int j = 0; j < FL_LANES; j++) last_x[j] = -(real)INFINITY;
    memcpy(last_q, q + i, (size_t)(n - i) * sizeof *q);
    memcpy(last_x, x + i, (size_t)(n - i) * sizeof *x);
    fl_hinge_some(i, last_q, last_x, &lanes);
  }
  fl_hinge_row row = {.wrong = -INFINITY,
                      .right = fl_row_total(lanes.right.hi, lanes.right.lo)};
  for (int j = 0; j < FL_LANES; j++) {
    const double most = lanes.most[j], first = lanes.first[j];
    const bool same = most == row.wrong && first < (double)row.at;
    if (most > row.wrong || most != most || same)
      row.wrong = most, row.at = (int64_t)first;
    row.labels += lanes.labels[j];
    row.outside |= lanes.outside[j] != 0;
  }
  return row;
}

FL_OUTLINE int fl_hinge_labels(int want, const fl_row_block *block, int64_t r) {
  const int64_t n = block->classes;
  const real *q = (const real *)block->y + r * block->ldy;
  const fl_hinge_row row =
      fl_hinge_row_of(n, q, (const real *)block->x + r * block->ldx);
  const double margin = 1 + (row.wrong - row.right), factor = block->factor[r];
  const double active = margin > 0 ? 1 : margin != margin ? margin : 0;
  if (want & FL_WANT_VALUE) ((real *)block->v)[r] = (real)(margin <= 0 ? 0 : margin);
  if (want & FL_WANT_GRAD) {
    real *g = (real *)block->g + r * block->ldg;
    const double slope = active * factor;
    for (int64_t j = 0; j < n; j++) g[j] = (real)(0 - slope * (double)q[j]);
    g[row.at] += (real)(slope * (1 - (double)q[row.at]));
  }
  if (want & FL_WANT_HESS) {
    real *h = (real *)block->h + r * block->ldh;
    for (int64_t j = 0; j < n; j++) h[j] = (real)(0 * active);
  }
  return row.outside | (int)fl_label_sum(row.labels);
}

typedef char FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  int flags = 0;
  for (int64_t r = 0; r < block->rows; r++) flags |= fl_hinge_labels(want, block, r);
  return flags;
}

#define FL_DIAGONAL
#include "blocks/row_loops.h"
