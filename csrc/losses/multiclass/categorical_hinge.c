/* Categorical hinge loss of a row of labels q_j and a row of decision values x_j:

     l = max(0, 1 + n - p),  n = max_j (1 - q_j) x_j,  p = sum q_j x_j
     l'_j = (1 - q_j) [j = k] - q_j where l > 0, else 0, also at the kink;  l'' = 0

   with the first j = k of the maximum. Of one-hot labels n is at least 0, the product at
   the class. (Keras's categorical_hinge.) In double. */
#define FL_NAME categorical_hinge
#include "blocks/label_sums.h"
#include "blocks/probabilities.h"

FL_INLINE double fl_product_or_0(double q, double x) { return q == 0 ? 0 : q * x; }

typedef struct {
  double wrong, right; /* n and p */
  int64_t at; /* k */
  double labels;
  fl_int outside;
} fl_hinge_row;

FL_OUTLINE fl_hinge_row fl_hinge_row_of(int64_t n, const real *restrict q,
                                        const real *restrict x) {
  fl_lanes right = {{0}, {0}};
  double most[FL_LANES], first[FL_LANES], labels[FL_LANES] = {0};
  fl_int outside[FL_LANES] = {0};
  for (int j = 0; j < FL_LANES; j++) most[j] = -INFINITY, first[j] = 0;
  for (int64_t i = 0; i < n; i += FL_LANES) {
    double y[FL_LANES] = {0}, z[FL_LANES];
    const int64_t left = n - i;
    for (int j = 0; j < FL_LANES; j++) z[j] = -INFINITY;
    for (int j = 0; j < FL_LANES && j < left; j++)
      y[j] = (double)q[i + j], z[j] = (double)x[i + j];
    for (int j = 0; j < FL_LANES; j++) {
      const double wrong = fl_product_or_0(1 - y[j], z[j]);
      const bool larger = (wrong > most[j]) | (wrong != wrong);
      first[j] = larger ? (double)(i + j) : first[j];
      most[j] = larger ? wrong : most[j];
      labels[j] += y[j];
      outside[j] |= -(fl_int)((y[j] < 0) | (y[j] > 1));
      fl_add(&right.hi[j], &right.lo[j], fl_product_or_0(y[j], z[j]));
    }
  }
  fl_hinge_row row = {.wrong = -INFINITY, .right = fl_row_total(right.hi, right.lo)};
  for (int j = 0; j < FL_LANES; j++) {
    const bool same = most[j] == row.wrong && first[j] < (double)row.at;
    if (most[j] > row.wrong || most[j] != most[j] || same)
      row.wrong = most[j], row.at = (int64_t)first[j];
    row.labels += labels[j];
    row.outside |= outside[j];
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
  return (row.outside != 0) | (int)fl_label_sum(row.labels);
}

typedef char FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  int flags = 0;
  for (int64_t r = 0; r < block->rows; r++) flags |= fl_hinge_labels(want, block, r);
  return flags;
}

#include "blocks/row_loops.h"
