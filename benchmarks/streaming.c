/* streaming.c: the limit. Loops that read and write as many bytes as a loss and do
   next to nothing else: they add 64-bit words. nt = 1 writes past the caches. */
#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i load(const uint64_t *p, int64_t i) {
  return _mm256_loadu_si256((const __m256i *)(p + i));
}

INLINE void store(uint64_t *p, int64_t i, __m256i v, int nt) {
  if (nt) _mm256_stream_si256((__m256i *)(p + i), v);
  else _mm256_store_si256((__m256i *)(p + i), v);
}

/* Words first ... last, multiples of 16 apart, of `reads` inputs and `writes` outputs. */
INLINE uint64_t range(int reads, int writes, int nt, int64_t first, int64_t last,
                      const uint64_t *a, const uint64_t *b, uint64_t *c, uint64_t *d) {
  __m256i sum[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(),
                    _mm256_setzero_si256(), _mm256_setzero_si256()};
  for (int64_t i = first; i < last; i += 16)
    for (int k = 0; k < 4; k++) {
      __m256i v = sum[k];
      if (reads > 0) v = _mm256_add_epi64(v, load(a, i + 4 * k));
      if (reads > 1) v = _mm256_add_epi64(v, load(b, i + 4 * k));
      sum[k] = v;
      if (writes > 0) store(c, i + 4 * k, v, nt);
      if (writes > 1) store(d, i + 4 * k, v, nt);
    }
  uint64_t words[4];
  _mm256_storeu_si256((__m256i *)words,
                      _mm256_add_epi64(_mm256_add_epi64(sum[0], sum[1]),
                                       _mm256_add_epi64(sum[2], sum[3])));
  if (nt) _mm_sfence();
  return words[0] + words[1] + words[2] + words[3];
}

/* n words (a multiple of 16) of each array; outputs are aligned to 32 bytes. */
uint64_t stream(int reads, int writes, int nt, int threads, int64_t n,
                const uint64_t *a, const uint64_t *b, uint64_t *c, uint64_t *d) {
  uint64_t total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total) schedule(static)
  for (int t = 0; t < threads; t++) {
    const int64_t first = n / 16 * t / threads * 16;
    const int64_t last = n / 16 * (t + 1) / threads * 16;
#define CASE(r, w, s)                          \
  if (reads == r && writes == w && nt == s)    \
    total += range(r, w, s, first, last, a, b, c, d);
    CASE(1, 0, 0) CASE(2, 0, 0)
    CASE(0, 1, 0) CASE(1, 1, 0) CASE(2, 1, 0) CASE(0, 2, 0) CASE(1, 2, 0) CASE(2, 2, 0)
    CASE(0, 1, 1) CASE(1, 1, 1) CASE(2, 1, 1) CASE(0, 2, 1) CASE(1, 2, 1) CASE(2, 2, 1)
  }
  return total;
}
