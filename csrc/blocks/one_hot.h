/* one_hot.h: rows of label weights that are a 1 and zeros. They are classes: what dense
   kernels would compute for the zeros is 0, and the sparse way leaves it out. */
#ifndef FL_ONE_HOT_H
#define FL_ONE_HOT_H

#include <string.h>

#include "isa/isa.h"
#include "math/sums.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Rows of up to FL_NARROW classes are transposed, so that a vector holds one class of many
   rows. A tile of them takes half of a 32 KiB L1 in f32. */
enum { FL_NARROW = 64, FL_ROWS_TILE = 4096, FL_ROWS = 512 };

/* Whether FL_LANES label weights are all +0: their terms are 0. */
FL_INLINE bool fl_all_zero(const real *q) {
  uint64_t any = 0, word; /* words, as GCC 12 does not vectorise so short an `or` */
  for (size_t k = 0; k < FL_LANES * sizeof(real) / sizeof word; k++) {
    memcpy(&word, (const char *)q + k * sizeof word, sizeof word);
    any |= word;
  }
  return any == 0;
}

/* Where the only entry of FL_LANES that is not 0 is a 1, or -1: a bit for each 1 and, above
   them, one for each that is not 0. */
FL_INLINE int fl_one_of_lanes(const real *q) {
  fl_uint bits = 0;
  _Pragma("GCC unroll 1")
  for (int j = 0; j < FL_LANES; j++) {
    const fl_uint bit = (fl_uint)1 << j;
    bits |= (q[j] == 1 ? bit : 0) | (q[j] != 0 ? bit << FL_LANES : 0);
  }
  const uint32_t one = (uint32_t)bits & 0xffff, any = (uint32_t)bits >> FL_LANES;
  return one != 0 && one == any && (one & (one - 1)) == 0 ? __builtin_ctz(one) : -1;
}

/* The class of a row of at least FL_LANES that is a 1 and zeros, or -1. Its ragged end is
   looked at with entries before it. */
FL_INLINE int64_t fl_one_label(int64_t n, const real *q) {
  int64_t label = -1;
  for (int64_t i = 0; i + FL_LANES <= n; i += FL_LANES)
    if (!fl_all_zero(q + i)) {
      const int at = fl_one_of_lanes(q + i);
      if (label >= 0 || at < 0) return -1;
      label = i + at;
    }
  const int64_t last = n - FL_LANES;
  if (n % FL_LANES && !fl_all_zero(q + last)) {
    const int at = fl_one_of_lanes(q + last);
    if (at < 0 || (label >= 0 && label != last + at)) return -1;
    label = last + at;
  }
  return label;
}

/* A bit for each 1 of FL_LANES. */
FL_INLINE uint32_t fl_ones(const real *q) {
#if defined(__AVX512F__) && defined(FL_DTYPE_f32)
  return _mm512_cmp_ps_mask(_mm512_loadu_ps(q), _mm512_set1_ps(1), _CMP_EQ_OQ);
#elif defined(__AVX512F__)
  const __m512d one = _mm512_set1_pd(1);
  return _mm512_cmp_pd_mask(_mm512_loadu_pd(q), one, _CMP_EQ_OQ)
         | (uint32_t)_mm512_cmp_pd_mask(_mm512_loadu_pd(q + 8), one, _CMP_EQ_OQ) << 8;
#else
  uint32_t bits = 0;
#if defined(__x86_64__) && defined(FL_DTYPE_f32)
  for (int k = 0; k < FL_LANES; k += 4)
    bits |= (uint32_t)_mm_movemask_ps(_mm_cmpeq_ps(_mm_loadu_ps(q + k), _mm_set1_ps(1)))
            << k;
#elif defined(__x86_64__)
  for (int k = 0; k < FL_LANES; k += 2)
    bits |= (uint32_t)_mm_movemask_pd(_mm_cmpeq_pd(_mm_loadu_pd(q + k), _mm_set1_pd(1)))
            << k;
#else
  for (int k = 0; k < FL_LANES; k++) bits |= (uint32_t)(q[k] == 1) << k;
#endif
  return bits;
#endif
}

/* Whether each of narrow rows, one behind the other, is a 1 and zeros, and their classes.
   The ones become a string of bits, of which each row has its part: if there are as many
   as rows and every row has one, each has just one. */
FL_OUTLINE bool fl_one_hot_rows(int64_t rows, int64_t classes, const real *q,
                                int64_t *labels) {
  const int64_t n = rows * classes, whole = n / FL_LANES * FL_LANES;
  real last[FL_LANES] = {0};
  memcpy(last, q + whole, (size_t)(n - whole) * sizeof *q);
  unsigned char string[FL_ROWS_TILE / 8 + 2 * sizeof(uint64_t)] = {0};
  for (int64_t i = 0; i <= whole; i += FL_LANES) {
    const uint16_t bits = (uint16_t)fl_ones(i < whole ? q + i : last);
    memcpy(string + i / 8, &bits, sizeof bits);
  }
  fl_int others = 0, ones = 0;
  for (int64_t i = 0; i < n; i++) {
    others |= -(fl_int)((q[i] != 0) & (q[i] != 1));
    ones += q[i] == 1;
  }
  if (others || ones != rows) return false;
  int64_t empty = 0; /* its sign bit: some row has only the 1 of a later one */
  uint64_t at = 0;
  for (int64_t r = 0; r < rows; r++, at += (uint64_t)classes) {
    uint64_t bits;
    memcpy(&bits, string + at / 8, sizeof bits);
    bits >>= at % 8;
    if (classes > 57 && at % 8) bits |= (uint64_t)string[at / 8 + 8] << (64 - at % 8);
    labels[r] = bits ? __builtin_ctzll(bits) : 64;
    empty |= classes - 1 - labels[r];
  }
  return empty >= 0;
}

/* The rows that are taken together: whole groups of lanes where they are narrow. */
FL_INLINE int64_t fl_rows_together(int64_t classes) {
  const int64_t rows = FL_ROWS_TILE / classes;
  if (classes > FL_NARROW) return rows > 0 ? rows : 1;
  return rows < FL_ROWS ? rows / FL_LANES * FL_LANES : FL_ROWS;
}

/* Whether each of rows at distances of ld is a 1 and zeros, and their classes; few classes
   at other distances count as not. */
FL_INLINE bool fl_one_hot(int64_t rows, int64_t classes, const real *q, int64_t ld,
                          int64_t *labels) {
  if (classes <= FL_NARROW)
    return ld == classes && fl_one_hot_rows(rows, classes, q, labels);
  for (int64_t r = 0; r < rows; r++) {
    labels[r] = fl_one_label(classes, q + r * ld);
    if (labels[r] < 0) return false;
  }
  return true;
}

#endif
