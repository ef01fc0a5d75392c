/* reduce.c: what the engine does with a block of results: add them up, multiply them by
   weights and scale. Compiled per instruction set and dtype. */
#include <string.h>

#include "accumulate.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

/* A plain store reads the line it overwrites first: of the 16 bytes an f32 gradient
   moves per element, 4 are that. */
static void fl_stream_block(int64_t bytes, const void *from, void *to) {
#if defined(__x86_64__)
  const char *in = from;
  char *out = to;
  int64_t i = -(intptr_t)out & 15;
  if (i > bytes) i = bytes;
  memcpy(out, in, (size_t)i);
  for (; i + 16 <= bytes; i += 16)
    _mm_stream_si128((__m128i *)(void *)(out + i),
                     _mm_loadu_si128((const __m128i *)(const void *)(in + i)));
  memcpy(out + i, in + i, (size_t)(bytes - i));
  _mm_sfence();
#else
  memcpy(to, from, (size_t)bytes);
#endif
}

const fl_block_tools FL_SYMBOL(block_tools) = {fl_accumulate_block, fl_scale_block,
                                               fl_stream_block};
