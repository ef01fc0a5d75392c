/* Kullback-Leibler divergence of a row of labels q_j and p = softmax of a row of logits
   x_j: T^2 times cross-entropy less the entropy of the labels, of which no derivative
   knows. (softmax.h; 0 log 0 = 0.)

     l = T^2 (sum q_j log(q_j) + sum q_j (lse(x) - x_j))

   The driver has divided the logits by T; T^2 keeps the size of the derivatives.
   (G. Hinton, O. Vinyals and J. Dean, Distilling the knowledge in a neural network,
   2015.) */
#define FL_NAME kl_divergence_logits
#include "blocks/softmax/products.h"
#include "blocks/terms.h"

FL_INLINE fl_term_point fl_negative_entropy(real q, real x, const double *parameters) {
  return (fl_term_point){.value = fl_masked(q, fl_log(q))};
}

#define FL_TERM fl_negative_entropy
#include "blocks/term_rows.h"

typedef struct {
  union {
    fl_softmax_scratch softmax;
    fl_terms terms;
  } own;
  real entropy[FL_ROWS];
  double factor[FL_ROWS];
} FL_LOCAL(scratch);

/* Rows first ... first + block->rows - 1 of the block that has these pointers. */
FL_INLINE fl_row_block fl_rows_from(const fl_row_block *block, int64_t first,
                                    int64_t rows) {
  fl_row_block some = *block;
  some.rows = rows;
  some.x = (const real *)block->x + first * block->ldx;
  some.y = (const real *)block->y + first * block->ldy;
  some.v = (real *)block->v + first;
  if (block->g) some.g = (real *)block->g + first * block->ldg;
  if (block->h) some.h = (real *)block->h + first * block->ldh;
  return some;
}

FL_OUTLINE int FL_LOCAL(some_rows)(int want, fl_row_block *block,
                                   FL_LOCAL(scratch) * scratch) {
  const double gain = block->parameters[0] * block->parameters[0];
  real *const v = block->v;
  int flags = 0;
  for (int64_t r = 0; want & FL_WANT_GRAD && r < block->rows; r++)
    scratch->factor[r] = block->factor[r] * gain;
  if (want & FL_WANT_VALUE) {
    block->v = scratch->entropy;
    flags = fl_term_rows(FL_WANT_VALUE, FL_LOCAL(entries), block, 0, block->rows,
                         &scratch->own.terms);
  }
  block->v = v;
  block->factor = scratch->factor;
  block->scratch = &scratch->own.softmax;
  flags |= fl_softmax_rows(want, true, NULL, 0, block);
  for (int64_t r = 0; want & FL_WANT_VALUE && r < block->rows; r++)
    v[r] = (real)(gain * ((double)v[r] + (double)scratch->entropy[r]));
  return flags;
}

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  int flags = 0;
  for (int64_t r = 0; r < block->rows; r += FL_ROWS) {
    const int64_t left = block->rows - r;
    fl_row_block some = fl_rows_from(block, r, left < FL_ROWS ? left : FL_ROWS);
    some.factor = block->factor + r;
    flags |= FL_LOCAL(some_rows)(want, &some, block->scratch);
  }
  return flags;
}

FL_INLINE int FL_LOCAL(products)(const fl_row_block *block) {
  const double gain = block->parameters[0] * block->parameters[0];
  return fl_crossentropy_products(true, gain, 0, block);
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
