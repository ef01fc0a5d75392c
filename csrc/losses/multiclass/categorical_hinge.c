/* Categorical hinge loss of a row of labels q_j and a row of decision values x_j:

     l = max(0, 1 + n - p),  n = max_j (1 - q_j) x_j,  p = sum q_j x_j
     l'_j = (1 - q_j) [j = k] - q_j where l > 0, else 0, also at the kink;  l'' = 0

   with the first j = k of the maximum. Of one-hot labels n is at least 0, the product at
   the class. (Keras's categorical_hinge.) In double. */
#define FL_NAME categorical_hinge
#include "blocks/softmax/softmax.h"

FL_INLINE double fl_product_or_0(double q, double x) { return q == 0 ? 0 : q * x; }

/* Of so many lanes: p as a sum of two, n and k of each, sums of labels, and what has to be
   added to the number of a run of entries to be that of the entry in a lane. */
typedef struct {
  double right[FL_ROWS], tail[FL_ROWS], wrong[FL_ROWS], at[FL_ROWS], labels[FL_ROWS];
  double offset[FL_ROWS];
} fl_hinge_lanes;

/* Narrow rows are lanes, entry by entry; a wide one has FL_LANES. */
typedef struct {
  real q[FL_ROWS_TILE], x[FL_ROWS_TILE], value[FL_ROWS];
  double active[FL_ROWS]; /* [l > 0], NaN of a NaN */
  fl_hinge_lanes lanes;
} FL_LOCAL(scratch);

FL_OUTLINE void fl_hinge_begin(int64_t n, double step, fl_hinge_lanes *restrict lanes) {
  for (int64_t j = 0; j < n; j++) {
    fl_begin_sum(lanes->right, lanes->tail, j, 0);
    lanes->wrong[j] = -INFINITY;
    lanes->at[j] = lanes->labels[j] = 0;
    lanes->offset[j] = step * (double)(int32_t)j;
  }
}

/* `runs` runs of an entry in each of n lanes, of which run 0 has the number `first` and
   others `step` more than the one before. Non-zero: some label is outside its domain. */
FL_OUTLINE int64_t fl_hinge_runs(int64_t n, int64_t runs, double first, double step,
                                 const real *restrict q, const real *restrict x,
                                 fl_hinge_lanes *restrict lanes) {
  int64_t outside = 0;
  for (int64_t k = 0; k < runs; k++, q += n, x += n) {
    const double run = first + (double)k * step;
    for (int64_t j = 0; j < n; j++) {
      const double y = (double)q[j], z = (double)x[j];
      const double wrong = fl_product_or_0(1 - y, z);
      const bool larger = (wrong > lanes->wrong[j]) | (wrong != wrong);
      lanes->at[j] = larger ? run + lanes->offset[j] : lanes->at[j];
      lanes->wrong[j] = larger ? wrong : lanes->wrong[j];
      lanes->labels[j] += y;
      outside |= -(int64_t)((y < 0) | (y > 1));
      fl_add(&lanes->right[j], &lanes->tail[j], fl_product_or_0(y, z));
    }
  }
  return outside;
}

/* The lanes of a wide row to the first. */
FL_OUTLINE void fl_hinge_join(fl_hinge_lanes *lanes) {
  double most = -INFINITY, at = 0, labels = 0;
  for (int j = 0; j < FL_LANES; j++) {
    const double wrong = lanes->wrong[j], first = lanes->at[j];
    const bool same = wrong == most && first < at;
    if (wrong > most || wrong != wrong || same) most = wrong, at = first;
    labels += lanes->labels[j];
  }
  lanes->right[0] = fl_row_total(lanes->right, lanes->tail);
  lanes->tail[0] = 0, lanes->wrong[0] = most, lanes->at[0] = at;
  lanes->labels[0] = labels;
}

FL_OUTLINE int64_t fl_hinge_wide(int64_t n, const real *q, const real *x,
                                 fl_hinge_lanes *lanes) {
  const int64_t whole = n / FL_LANES, done = whole * FL_LANES;
  fl_hinge_begin(FL_LANES, 1, lanes);
  int64_t outside = fl_hinge_runs(FL_LANES, whole, 0, FL_LANES, q, x, lanes);
  real last_q[FL_LANES] = {0}, last_x[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) last_x[j] = -(real)INFINITY;
  memcpy(last_q, q + done, (size_t)(n - done) * sizeof *q);
  memcpy(last_x, x + done, (size_t)(n - done) * sizeof *x);
  if (done < n)
    outside |= fl_hinge_runs(FL_LANES, 1, (double)done, 0, last_q, last_x, lanes);
  fl_hinge_join(lanes);
  return outside;
}

/* Values; non-zero: some row of labels may not sum to 1. */
FL_OUTLINE int64_t fl_hinge_values(int64_t rows, const fl_hinge_lanes *restrict lanes,
                                   real *restrict value, double *restrict active) {
  int64_t flags = 0;
  for (int64_t r = 0; r < rows; r++) {
    const double right = lanes->right[r], total = right + fl_tail(lanes->tail, r);
    const double p = fl_d_select(right - right == 0, total, right);
    const double margin = 1 + (lanes->wrong[r] - p), loss = margin <= 0 ? 0 : margin;
    value[r] = (real)loss;
    active[r] = loss > 0 ? 1 : loss;
    flags |= fl_label_sum(lanes->labels[r]);
  }
  return flags;
}

FL_OUTLINE void fl_hinge_slopes(int64_t n, const real *restrict q, double slope,
                                real *restrict g) {
  for (int64_t j = 0; j < n; j++) g[j] = (real)(0 - slope * (double)q[j]);
}

/* Some narrow rows, or one. */
FL_OUTLINE int fl_hinge_rows(int want, const fl_row_block *block, int64_t first,
                             int64_t rows, FL_LOCAL(scratch) * tile) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  const real *q = (const real *)block->y + first * block->ldy;
  int64_t outside;
  if (classes <= FL_NARROW) {
    fl_transpose_in(rows, classes, x, block->ldx, tile->x);
    fl_transpose_in(rows, classes, q, block->ldy, tile->q);
    fl_hinge_begin(rows, 0, &tile->lanes);
    outside = fl_hinge_runs(rows, classes, 0, 1, tile->q, tile->x, &tile->lanes);
  } else outside = fl_hinge_wide(classes, q, x, &tile->lanes);
  const int64_t sums = fl_hinge_values(rows, &tile->lanes, tile->value, tile->active);
  if (want & FL_WANT_VALUE)
    memcpy((real *)block->v + first, tile->value, (size_t)rows * sizeof *tile->value);
  for (int64_t r = 0; want & FL_WANT_GRAD && r < rows; r++) {
    const double slope = tile->active[r] * block->factor[first + r];
    const int64_t at = (int64_t)tile->lanes.at[r];
    const real *labels = q + r * block->ldy;
    real *g = (real *)block->g + (first + r) * block->ldg;
    fl_hinge_slopes(classes, labels, slope, g);
    g[at] += (real)(slope * (1 - (double)labels[at]));
  }
  for (int64_t r = 0; want & FL_WANT_HESS && r < rows; r++) {
    real *h = (real *)block->h + (first + r) * block->ldh;
    const real zero = (real)(0 * tile->active[r]);
    for (int64_t j = 0; j < classes; j++) h[j] = zero;
  }
  return (outside != 0) | (int)sums;
}

FL_OUTLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const bool narrow = block->classes <= FL_NARROW;
  const int64_t height = narrow ? fl_rows_together(block->classes) : 1;
  int flags = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    flags |= fl_hinge_rows(want, block, row, rows, block->scratch);
  }
  return flags;
}

#define FL_DIAGONAL
#include "blocks/row_loops.h"
