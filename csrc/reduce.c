/* reduce.c: what the engine itself does with a block of results: add them up, multiply
   them by weights and scale, write them past the caches. Compiled per instruction set
   and dtype. */
#include <string.h>

#include "results.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static void fl_accumulate_block(fl_lanes *lanes, int64_t n, const void *v,
                                const double *w) {
  if (w) fl_accumulate(lanes, n, v, w);
  else fl_accumulate(lanes, n, v, 0);
}

static void fl_scale_block(int64_t n, const void *v, const double *w, double scale,
                           void *out) {
  if (w) fl_scale(n, v, w, scale, out);
  else fl_scale(n, v, 0, scale, out);
}

#if defined(FL_ISA_avx512)
enum { FL_STREAM = 64 };
FL_INLINE void fl_stream_vector(const char *from, char *to) {
  _mm512_stream_si512((__m512i *)(void *)to, _mm512_loadu_si512(from));
}
#elif defined(FL_ISA_avx2)
enum { FL_STREAM = 32 };
FL_INLINE void fl_stream_vector(const char *from, char *to) {
  _mm256_stream_si256((__m256i *)(void *)to,
                      _mm256_loadu_si256((const __m256i *)(const void *)from));
}
#elif defined(__x86_64__)
enum { FL_STREAM = 16 };
FL_INLINE void fl_stream_vector(const char *from, char *to) {
  _mm_stream_si128((__m128i *)(void *)to,
                   _mm_loadu_si128((const __m128i *)(const void *)from));
}
#endif

/* A plain store reads the line it overwrites first: of the 16 bytes an f32 gradient
   moves per element, 4 are that. Whole vectors: half a line at a time is 1.5 times as
   slow on Zen 3. */
static void fl_stream_block(int64_t bytes, const void *from, void *to) {
#if defined(__x86_64__)
  const char *in = from;
  char *out = to;
  int64_t i = -(intptr_t)out & (FL_STREAM - 1);
  if (i > bytes) i = bytes;
  memcpy(out, in, (size_t)i);
  for (; i + FL_STREAM <= bytes; i += FL_STREAM) fl_stream_vector(in + i, out + i);
  memcpy(out + i, in + i, (size_t)(bytes - i));
  _mm_sfence();
#else
  memcpy(to, from, (size_t)bytes);
#endif
}

const fl_block_tools FL_SYMBOL(block_tools) = {fl_accumulate_block, fl_scale_block,
                                               fl_stream_block};
