/* reduce.c: what the engine itself does with a block of results. Compiled per
   instruction set and dtype. */
#include "results.h"

static void fl_accumulate_block(fl_lanes *lanes, int64_t n, const void *v,
                                const double *w) {
  fl_accumulate(lanes, n, v, w);
}

static void fl_scale_block(int64_t n, const void *v, const double *w, double scale,
                           void *out) {
  fl_scale(n, v, w, scale, out);
}

const fl_block_tools FL_SYMBOL(block_tools) = {fl_accumulate_block, fl_scale_block};
