/* tools.c: what the engine itself does with a block of results. Compiled per
   instruction set and dtype. */
#include "blocks/links.h"
#include "blocks/results.h"
#include "math/transpose.h"

static void fl_accumulate_block(fl_lanes *lanes, int64_t n, const void *v,
                                const double *w) {
  fl_accumulate(lanes, n, v, (fl_weights){.wide = w});
}

static void fl_scale_block(int64_t n, const void *v, const double *w, double scale,
                           void *out) {
  fl_scale(n, v, (fl_weights){.wide = w}, scale, out);
}

static void fl_multiply_block(int64_t n, const void *h, const void *u, void *out) {
  const real *restrict a = h, *restrict b = u;
  real *restrict product = out;
  for (int64_t i = 0; i < n; i++) product[i] = fl_masked(a[i], b[i]);
}

static bool fl_labels_outside(int64_t n, const int64_t *labels, int64_t classes) {
  uint64_t outside = 0; /* the sign bit of a label or of what it leaves to the last */
  for (int64_t r = 0; r < n; r++) {
    const uint64_t label = (uint64_t)labels[r];
    outside |= label | ((uint64_t)classes - 1 - label);
  }
  return outside >> 63;
}

static void fl_gather_block(int64_t rows, int64_t columns, const void *from,
                            int64_t row, int64_t column, void *to) {
  fl_copy_matrix(rows, columns, from, row, column, to, columns, 1);
}

static void fl_scatter_block(int64_t rows, int64_t columns, const void *from, void *to,
                             int64_t row, int64_t column) {
  fl_copy_matrix(rows, columns, from, columns, 1, to, row, column);
}

const fl_block_tools FL_SYMBOL(block_tools) = {.accumulate = fl_accumulate_block,
                                               .scale = fl_scale_block,
                                               .multiply = fl_multiply_block,
                                               .gather = fl_gather_block,
                                               .scatter = fl_scatter_block,
                                               .labels_outside = fl_labels_outside,
                                               .soften = fl_soften,
                                               .harden = fl_harden,
                                               .soften_vector = fl_soften_vector,
                                               .harden_product = fl_harden_product,
                                               .weigh_labels = fl_weigh_row};
