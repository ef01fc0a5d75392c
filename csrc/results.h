/* results.h: what becomes of the values and derivatives of a block: values are added to
   the lanes of sums.h, derivatives are multiplied by weights and scale, and either is
   written past the caches where it is too large to stay there. */
#ifndef FL_RESULTS_H
#define FL_RESULTS_H

#include <string.h>

#include "isa.h"
#include "sums.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* f32 terms need no lo: a double holds sums of 2^29 like terms exactly. */
FL_INLINE void fl_add(double *hi, double *lo, double x) {
#if defined(FL_DTYPE_f32)
  (void)lo;
  *hi += x;
#else
  fl_two_sum(hi, lo, x);
#endif
}

FL_INLINE double fl_term(const real *v, const double *w, int64_t i) {
  return w ? fl_weighted(w[i], (double)v[i]) : (double)v[i];
}

/* Four terms of a lane are added in pairs before they meet the running sum: a quarter of
   the two-sums, for 1.5 ulp of the four. */
FL_INLINE void fl_accumulate_terms(fl_lanes *lanes, int64_t n, const real *restrict v,
                             const double *restrict w) {
  double hi[FL_LANES], lo[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) hi[j] = lanes->hi[j], lo[j] = lanes->lo[j];
  int64_t i = 0;
  for (; i + 4 * FL_LANES <= n; i += 4 * FL_LANES) {
    for (int j = 0; j < FL_LANES; j++) {
      const int64_t k = i + j;
      fl_add(&hi[j], &lo[j],
             (fl_term(v, w, k) + fl_term(v, w, k + FL_LANES))
                 + (fl_term(v, w, k + 2 * FL_LANES) + fl_term(v, w, k + 3 * FL_LANES)));
    }
  }
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) fl_add(&hi[j], &lo[j], fl_term(v, w, i + j));
  for (int j = 0; i + j < n; j++) fl_add(&hi[j], &lo[j], fl_term(v, w, i + j));
  for (int j = 0; j < FL_LANES; j++) lanes->hi[j] = hi[j], lanes->lo[j] = lo[j];
}

/* lanes += w[i] v[i] (w may be NULL, which is asked once). */
FL_INLINE void fl_accumulate(fl_lanes *lanes, int64_t n, const real *v,
                             const double *w) {
  if (w) fl_accumulate_terms(lanes, n, v, w);
  else fl_accumulate_terms(lanes, n, v, 0);
}

/* A number that f32 multiplies by as if it were a double: the larger part first, the
   smaller never 0, so that infinity times it has the sign of infinity. Where the f32 is
   exact, lo is 2^-60 of it, which at most breaks ties. The baseline has no multiply-add
   that rounds once and takes the way through double. */
typedef struct {
  double exact;
  real hi, lo;
} fl_factor;

FL_INLINE fl_factor fl_factor_of(double exact) {
#if defined(FL_DTYPE_f32)
  float hi = (float)exact;
  if ((double)hi > exact) hi *= 1 - 0x1p-24f;
  const float lo = (float)(exact - (double)hi);
  return (fl_factor){exact, hi, lo > 0 ? lo : hi * 0x1p-60f};
#else
  return (fl_factor){exact, exact, 0};
#endif
}

/* x times a positive factor, rounded once (0.5000001 ulp). */
FL_INLINE real fl_times(real x, const fl_factor *factor) {
#if defined(FL_DTYPE_f32) && !defined(FL_ISA_baseline)
  return FL_FMA(x, factor->hi, x * factor->lo);
#else
  return (real)((double)x * factor->exact);
#endif
}

/* out[i] = scale w[i] v[i] (w may be NULL; out may be v). The product with weights is
   formed in double: one rounding to f32. A weight of 0 wins over infinity and NaN. */
FL_INLINE void fl_scale(int64_t n, const real *v, const double *w, double scale,
                        real *out) {
  if (w) {
    for (int64_t i = 0; i < n; i++)
      out[i] = (real)fl_weighted(w[i] * scale, (double)v[i]);
  } else {
    const fl_factor factor = fl_factor_of(scale);
    _Pragma("GCC ivdep") _Pragma("GCC unroll 4") for (int64_t i = 0; i < n; i++)
      out[i] = fl_times(v[i], &factor);
  }
}

/* memcpy past the caches; fl_stream_end() before anybody else may look. A plain store
   reads the line it overwrites first: of the 16 bytes an f32 gradient moves per element,
   4 are that. Large arrays of malloc are 16 bytes off a line. */
FL_INLINE void fl_stream(int64_t n, const real *from, real *to) {
  const int64_t bytes = n * (int64_t)sizeof(real);
#if defined(__x86_64__)
  const char *in = (const char *)from;
  char *out = (char *)to;
  const uintptr_t odd = (uintptr_t)out | (uintptr_t)bytes;
#if defined(__AVX__)
  if (odd % 32 == 0) {
    for (int64_t i = 0; i < bytes; i += 32)
      _mm256_stream_ps((float *)(void *)(out + i),
                       _mm256_loadu_ps((const float *)(const void *)(in + i)));
    return;
  }
#endif
  if (odd % 16 == 0) {
    for (int64_t i = 0; i < bytes; i += 16)
      _mm_stream_ps((float *)(void *)(out + i),
                    _mm_loadu_ps((const float *)(const void *)(in + i)));
    return;
  }
#endif
  memcpy(to, from, (size_t)bytes);
}

FL_INLINE void fl_stream_end(void) {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}
#endif
