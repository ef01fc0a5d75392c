/* reduce.c: what the engine does with a block of results: add them up, multiply them by
   weights and scale. Compiled per instruction set and dtype. */
#include "accumulate.h"

static void fl_accumulate_block(fl_lanes *lanes, int64_t n, const void *v,
                                const double *w) {
  if (w) fl_accumulate(lanes, n, v, w);
  else fl_accumulate(lanes, n, v, 0);
}

/* The product is formed in double: one rounding to f32. A weight of 0 wins over
   infinity and NaN. */
static void fl_scale_block(int64_t n, const void *v, const double *w, double scale,
                           void *out) {
  const real *in = v;
  real *to = out;
  if (w) {
    for (int64_t i = 0; i < n; i++)
      to[i] = (real)fl_weighted(w[i] * scale, (double)in[i]);
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = (real)((double)in[i] * scale);
  }
}

const fl_block_tools FL_SYMBOL(block_tools) = {fl_accumulate_block, fl_scale_block};
