/* scaled_sums.h: sums of float32 in double precision without conversions, which cost
   AVX-512 as much as three additions. The bits of a float that is not negative, shifted by
   29, are those of a double 2^896 times smaller: the same exponent under another bias,
   subnormals included. Such doubles add up as the floats do, bit for bit. An infinity, a
   NaN and a negative number come out as something else: `largest` tells. */
#ifndef FL_SCALED_SUMS_H
#define FL_SCALED_SUMS_H

#include "blocks/results.h"

#if defined(FL_DTYPE_f32) && defined(__AVX512F__)
#define FL_SCALED_SUMS

/* Even and odd lanes apart, as a word holds two floats. */
typedef struct {
  __m512d even, odd;
  __m512i largest;
} fl_scaled_sum;

FL_INLINE fl_scaled_sum fl_scaled_sum_of(const double *hi) {
  const __m512d scale = _mm512_set1_pd(0x1p-896);
  const __m512d low = _mm512_loadu_pd(hi) * scale;
  const __m512d high = _mm512_loadu_pd(hi + 8) * scale;
  const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
  const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
  return (fl_scaled_sum){_mm512_permutex2var_pd(low, even, high),
                         _mm512_permutex2var_pd(low, odd, high),
                         _mm512_setzero_si512()};
}

/* false, and hi as it was, if some value was not finite or negative. */
FL_INLINE bool fl_scaled_sum_end(const fl_scaled_sum *sum, double *hi) {
  if (_mm512_reduce_max_epu32(sum->largest) >= 0x7f800000) return false;
  const __m512d scale = _mm512_set1_pd(0x1p896);
  const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  _mm512_storeu_pd(hi, _mm512_permutex2var_pd(sum->even, low, sum->odd) * scale);
  _mm512_storeu_pd(hi + 8, _mm512_permutex2var_pd(sum->even, high, sum->odd) * scale);
  return true;
}

/* FL_FOUR values, in the order of fl_add_four. */
FL_INLINE void fl_add_scaled(fl_scaled_sum *sum, const real *v) {
  __m512d even[4], odd[4];
  _Pragma("GCC unroll 4")
  for (int k = 0; k < 4; k++) {
    const __m512i bits = _mm512_loadu_si512(v + k * FL_LANES);
    sum->largest = _mm512_max_epu32(sum->largest, bits);
    even[k] = (__m512d)_mm512_mul_epu32(bits, _mm512_set1_epi64(1 << 29));
    odd[k] = (__m512d)(_mm512_srli_epi64(bits, 3) & _mm512_set1_epi64(-(1 << 29)));
  }
  sum->even += (even[0] + even[1]) + (even[2] + even[3]);
  sum->odd += (odd[0] + odd[1]) + (odd[2] + odd[3]);
}
#endif

#endif
