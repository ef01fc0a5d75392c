/* products.h: products of the Hessian of cross-entropy by a row of logits (softmax.h) and a
   vector v. With v* the entry of v at a largest logit, s the sum of the label weights and
   sums over the row

     d = sum e_j (v_j - v*) / S,  (H v)_j = s e_j / S ((v_j - v*) - d)

   where the difference keeps its digits in a confident row. In double, but the e. With
   z-loss the products are (1 + b) times as large, and 2 z s p_j (v* + d) is added. */
#ifndef FL_SOFTMAX_PRODUCTS_H
#define FL_SOFTMAX_PRODUCTS_H

#include "blocks/softmax/softmax.h"

/* What the products of one row are made of: s (1 + b) factor, v*, d and 1/S in the unit of
   e; of z-loss 2 z s (v* + d) factor. */
typedef struct {
  double gain, pivot, drift, share, lift;
} fl_product_row;

FL_INLINE real fl_product_at(bool lifts, real e, real v, fl_product_row row) {
  const double p = (double)e * row.share, u = ((double)v - row.pivot) - row.drift;
  if (lifts) return (real)(p * row.gain * u + p * row.lift);
  return (real)(p * (row.gain * u));
}

/* With z-loss of a row whose lse is known. */
FL_INLINE fl_product_row fl_lifted_product(fl_product_row row, double z, double level) {
  row.lift = 2 * z * row.gain * (row.pivot + row.drift);
  row.gain =
      fl_bounded(fl_share_of(row.gain, 1 + 2 * z * level), 0x1.fffffffffffffp1023);
  return row;
}

/* The largest of the entries of v at largest logits: with equals any of them will do. */
FL_INLINE real fl_pivot_of(real pivot, real x, real m, real v) {
  return fl_larger(fl_select(x == m, v, -(real)INFINITY), pivot);
}

/* Of narrow rows: softmax.h's tiles, of which that of Hessians holds v. */
FL_OUTLINE void fl_narrow_pivots(int64_t rows, int64_t classes, const real *restrict x,
                                 const real *restrict v, const real *restrict m,
                                 real *restrict pivot) {
  for (int64_t r = 0; r < rows; r++) pivot[r] = -(real)INFINITY;
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++)
      pivot[r] = fl_pivot_of(pivot[r], x[j * rows + r], m[r], v[j * rows + r]);
}

/* The sums of e_j (v_j - v*). */
FL_OUTLINE void fl_narrow_drifts(int64_t rows, int64_t classes, const real *restrict e,
                                 const real *restrict v, const real *restrict pivot,
                                 double *restrict drift, double *restrict tail) {
  for (int64_t r = 0; r < rows; r++) fl_begin_sum(drift, tail, r, 0);
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const double u = (double)v[j * rows + r] - (double)pivot[r];
      fl_add(&drift[r], &tail[r], (double)e[j * rows + r] * u);
    }
}

/* e becomes the products. */
FL_INLINE void fl_narrow_multiply_by(bool lifts, int64_t rows, int64_t classes,
                                     real *restrict e, const real *restrict v,
                                     const real *restrict pivot,
                                     const double *restrict drift,
                                     const double *restrict share,
                                     const double *restrict gain,
                                     const double *restrict lift) {
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const fl_product_row row = {gain[r], (double)pivot[r], drift[r], share[r],
                                  lifts ? lift[r] : 0};
      e[j * rows + r] = fl_product_at(lifts, e[j * rows + r], v[j * rows + r], row);
    }
}

FL_OUTLINE void fl_narrow_multiply(int64_t rows, int64_t classes, real *restrict e,
                                   const real *restrict v, const real *restrict pivot,
                                   const double *restrict drift,
                                   const double *restrict share,
                                   const double *restrict gain) {
  fl_narrow_multiply_by(false, rows, classes, e, v, pivot, drift, share, gain, 0);
}

FL_OUTLINE void fl_narrow_lifted_multiply(int64_t rows, int64_t classes,
                                          real *restrict e, const real *restrict v,
                                          const real *restrict pivot,
                                          const double *restrict drift,
                                          const double *restrict share,
                                          const double *restrict gain,
                                          const double *restrict lift) {
  fl_narrow_multiply_by(true, rows, classes, e, v, pivot, drift, share, gain, lift);
}

/* The sums of the label weights of rows, without what is spread. */
FL_INLINE int fl_narrow_label_totals(bool dense, const fl_row_block *block,
                                     int64_t first, int64_t rows, fl_narrow *narrow) {
  const fl_spread spread = fl_spread_of(block);
  if (dense) {
    fl_transpose_in(rows, block->classes, (const real *)block->y + first * block->ldy,
                    block->ldy, narrow->q);
    return fl_narrow_labels(rows, block->classes, narrow->tile, narrow->q, spread.keep,
                            &narrow->sums);
  }
  for (int64_t r = 0; r < rows; r++)
    fl_begin_sum(narrow->sums.weight, narrow->sums.weight_tail, r,
                 spread.keep ? (double)spread.keep[block->labels[first + r]] : 1);
  return 0;
}

FL_INLINE int fl_narrow_products(bool dense, double gain, const fl_row_block *block,
                                 int64_t first, int64_t rows, fl_narrow *narrow) {
  const int64_t classes = block->classes;
  const double spread = fl_sum_value(fl_spread_of(block).total);
  fl_narrow_sums *const sums = &narrow->sums;
  real *const v = narrow->h, *const pivot = narrow->own.gap;
  double *const drift = sums->gap, *const share = narrow->own.rest;
  double *const gains = narrow->own.slope, *const lifts = narrow->own.bend;
  fl_narrow_begin(block, first, rows, narrow);
  fl_transpose_in(rows, classes, (const real *)block->u + first * block->ldu,
                  block->ldu, v);
  fl_narrow_pivots(rows, classes, narrow->tile, v, sums->m, pivot);
  const int flags = fl_narrow_label_totals(dense, block, first, rows, narrow);
  fl_narrow_frames(rows, classes, narrow->tile, sums);
  fl_narrow_exponentials(rows, classes, narrow->tile, sums);
  fl_narrow_drifts(rows, classes, narrow->tile, v, pivot, drift, sums->gap_tail);
  for (int64_t r = 0; r < rows; r++) {
    share[r] = 1 / ((double)FL_TOP + sums->rest[r]);
    drift[r] = (drift[r] + fl_tail(sums->gap_tail, r)) * share[r];
    gains[r] = (sums->weight[r] + fl_tail(sums->weight_tail, r) + spread)
               * (block->factor[first + r] * gain);
  }
  if (narrow->z != 0) {
    fl_narrow_levels(rows, sums);
    for (int64_t r = 0; r < rows; r++) {
      const fl_product_row plain = {gains[r], (double)pivot[r], drift[r], share[r], 0};
      const fl_product_row row = fl_lifted_product(plain, narrow->z, sums->level[r]);
      gains[r] = row.gain, lifts[r] = row.lift;
    }
    fl_narrow_lifted_multiply(rows, classes, narrow->tile, v, pivot, drift, share,
                              gains, lifts);
  } else {
    fl_narrow_multiply(rows, classes, narrow->tile, v, pivot, drift, share, gains);
  }
  fl_narrow_end(FL_WANT_GRAD, block, first, rows, narrow);
  return flags;
}

/* Of a wide row. */
FL_OUTLINE real fl_row_pivot(int64_t n, const real *x, const real *v, real m) {
  real lane[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) lane[j] = -(real)INFINITY;
  for (int64_t i = 0; i < n; i += FL_LANES) {
    const int64_t at = i < n - FL_LANES ? i : n - FL_LANES;
    for (int j = 0; j < FL_LANES; j++)
      lane[j] = fl_pivot_of(lane[j], x[at + j], m, v[at + j]);
  }
  real pivot = lane[0];
  for (int j = 1; j < FL_LANES; j++) pivot = fl_larger(lane[j], pivot);
  return pivot;
}

FL_OUTLINE double fl_row_drift(int64_t n, const real *e, const real *v, double pivot) {
  double hi[FL_LANES], lo[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) hi[j] = lo[j] = -0.0;
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++)
      fl_add(&hi[j], &lo[j], (double)e[i + j] * ((double)v[i + j] - pivot));
  for (int j = 0; i + j < n; j++)
    fl_add(&hi[j], &lo[j], (double)e[i + j] * ((double)v[i + j] - pivot));
  return fl_row_total(hi, lo);
}

FL_OUTLINE void fl_row_multiply(int64_t n, real *restrict e, const real *restrict v,
                                const fl_product_row *of_row) {
  const fl_product_row row = *of_row; /* out of the reach of what is stored */
  for (int64_t j = 0; j < n; j++) e[j] = fl_product_at(false, e[j], v[j], row);
}

FL_OUTLINE void fl_row_lifted_multiply(int64_t n, real *restrict e,
                                       const real *restrict v,
                                       const fl_product_row *of_row) {
  const fl_product_row row = *of_row;
  for (int64_t j = 0; j < n; j++) e[j] = fl_product_at(true, e[j], v[j], row);
}

FL_INLINE int fl_wide_products(bool dense, double gain, const fl_row_block *block,
                               int64_t first, int64_t rows, fl_wide *wide) {
  const int64_t n = block->classes;
  const fl_spread spread = fl_spread_of(block);
  const double total = fl_sum_value(spread.total);
  fl_wide_begin(block, first, rows, wide);
  int flags = 0;
  if (dense)
    flags = fl_wide_labels(block, first, rows, true, &(fl_spread){.keep = spread.keep},
                           wide);
  for (int64_t r = 0; r < rows; r++) {
    const int64_t row = first + r;
    const real *v = (const real *)block->u + row * block->ldu;
    wide->gap[r] = (double)fl_row_pivot(n, (const real *)block->x + row * block->ldx, v,
                                        wide->m[r]);
    if (!dense)
      wide->weight[r] =
          (fl_sum){spread.keep ? (double)spread.keep[block->labels[row]] : 1, 0};
  }
  fl_wide_exponentials(true, 0, block, first, rows, wide);
  if (wide->z != 0) fl_wide_levels(rows, wide);
  for (int64_t r = 0; r < rows; r++) {
    const int64_t row = first + r;
    const real *v = (const real *)block->u + row * block->ldu;
    real *e = (real *)block->g + row * block->ldg;
    const double share = 1 / ((double)FL_TOP + wide->rest[r]);
    const fl_product_row of_row = {
        .gain = (fl_sum_value(wide->weight[r]) + total) * (block->factor[row] * gain),
        .pivot = wide->gap[r],
        .drift = fl_row_drift(n, e, v, wide->gap[r]) * share,
        .share = share};
    if (wide->z != 0) {
      const fl_product_row lifted = fl_lifted_product(of_row, wide->z, wide->level[r]);
      fl_row_lifted_multiply(n, e, v, &lifted);
    } else {
      fl_row_multiply(n, e, v, &of_row);
    }
  }
  return flags;
}

/* Rows whose labels are weights, if `dense`, or classes, as fl_softmax_rows has them, and
   products `gain` times as large. */
FL_OUTLINE int fl_crossentropy_products(bool dense, double gain, double z,
                                        const fl_row_block *block) {
  const int64_t height = fl_rows_together(block->classes);
  fl_softmax_scratch *const scratch = block->scratch;
  int flags = 0;
  if (block->classes <= FL_NARROW) scratch->narrow.z = z;
  else scratch->wide.z = z;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    if (block->classes <= FL_NARROW)
      flags |= fl_narrow_products(dense, gain, block, row, rows, &scratch->narrow);
    else flags |= fl_wide_products(dense, gain, block, row, rows, &scratch->wide);
  }
  return flags;
}

#endif
