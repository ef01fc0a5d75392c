/* results.h: what becomes of the values and derivatives of a block: values are added to
   the lanes of sums.h, derivatives are multiplied by weights and scale, and either is
   written past the caches where it is too large to stay there. */
#ifndef FL_RESULTS_H
#define FL_RESULTS_H

#include <string.h>

#include "isa/isa.h"
#include "math/sums.h"

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

/* Weights from element i on. */
FL_INLINE fl_weights fl_weights_at(fl_weights w, int64_t i) {
  return (fl_weights){w.wide ? w.wide + i : 0,
                      w.narrow ? (const real *)w.narrow + i : 0};
}

/* Those of one kind, and of no other as far as the compiler can see: in f64 all are wide. */
FL_INLINE fl_weights fl_only_wide(fl_weights w) { return (fl_weights){.wide = w.wide}; }
FL_INLINE fl_weights fl_only_narrow(fl_weights w) {
  return (fl_weights){.narrow = sizeof(real) < sizeof(double) ? w.narrow : 0};
}

FL_INLINE bool fl_has(fl_weights w) { return w.wide || w.narrow; }

/* Of which at least one is there. */
FL_INLINE double fl_weight(fl_weights w, int64_t i) {
  return w.wide ? w.wide[i] : (double)((const real *)w.narrow)[i];
}

FL_INLINE double fl_term(const real *v, fl_weights w, int64_t i) {
  return fl_has(w) ? fl_weighted(fl_weight(w, i), (double)v[i]) : (double)v[i];
}

/* Four terms of a lane are added in pairs before they meet the running sum: a quarter of
   the two-sums, for 1.5 ulp of the four. */
FL_INLINE void fl_add_four(double *hi, double *lo, const double *term) {
  fl_add(hi, lo, (term[0] + term[1]) + (term[2] + term[3]));
}

#if defined(FL_DTYPE_f32) && defined(__AVX__)
/* Vectors of doubles made of f32 in memory: conversion binds, and costs a third less from
   there than from the halves of a vector, which GCC 12 prefers. */
#define FL_WIDENS
#if defined(__AVX512F__)
typedef __m512d fl_doubles;
#define FL_WIDEN(v) _mm512_cvtps_pd(_mm256_loadu_ps(v))
#define FL_NARROW(to, x) _mm256_storeu_ps(to, _mm512_cvtpd_ps(x))
#define FL_LOAD(w) _mm512_loadu_pd(w)
FL_INLINE fl_doubles fl_all(double x) { return _mm512_set1_pd(x); }
FL_INLINE fl_doubles fl_weighted_vector(fl_doubles w, fl_doubles x) {
  const __mmask8 counts = _mm512_cmp_pd_mask(w, _mm512_setzero_pd(), _CMP_NEQ_UQ);
  return _mm512_maskz_mul_pd(counts, w, x);
}
#else
typedef __m256d fl_doubles;
#define FL_WIDEN(v) _mm256_cvtps_pd(_mm_loadu_ps(v))
#define FL_NARROW(to, x) _mm_storeu_ps(to, _mm256_cvtpd_ps(x))
#define FL_LOAD(w) _mm256_loadu_pd(w)
FL_INLINE fl_doubles fl_all(double x) { return _mm256_set1_pd(x); }
FL_INLINE fl_doubles fl_weighted_vector(fl_doubles w, fl_doubles x) {
  const __m256d counts = _mm256_cmp_pd(w, _mm256_setzero_pd(), _CMP_NEQ_UQ);
  return _mm256_and_pd(_mm256_mul_pd(w, x), counts);
}
#endif
enum { FL_WIDTH = sizeof(fl_doubles) / sizeof(double) };

FL_INLINE fl_doubles fl_weight_vector(fl_weights w, int64_t i) {
  return w.wide ? FL_LOAD(w.wide + i) : FL_WIDEN((const real *)w.narrow + i);
}

FL_INLINE fl_doubles fl_term_vector(const real *v, fl_weights w, int64_t i) {
  const fl_doubles x = FL_WIDEN(v + i);
  return fl_has(w) ? fl_weighted_vector(fl_weight_vector(w, i), x) : x;
}

/* hi += terms of whole fours, in the order of fl_add_four. */
FL_INLINE void fl_add_fours(double *hi, double *lo, int64_t n, const real *v,
                            fl_weights w) {
  (void)lo;
  enum { VECTORS = FL_LANES / FL_WIDTH };
  fl_doubles sum[VECTORS];
  memcpy(sum, hi, sizeof sum);
  for (int64_t i = 0; i < n; i += FL_FOUR)
    for (int k = 0; k < VECTORS; k++) {
      const int64_t at = i + k * FL_WIDTH;
      sum[k] += (fl_term_vector(v, w, at) + fl_term_vector(v, w, at + FL_LANES))
                + (fl_term_vector(v, w, at + 2 * FL_LANES)
                   + fl_term_vector(v, w, at + 3 * FL_LANES));
    }
  memcpy(hi, sum, sizeof sum);
}
#else
FL_INLINE void fl_add_fours(double *hi, double *lo, int64_t n, const real *restrict v,
                            fl_weights w) {
  for (int64_t i = 0; i < n; i += FL_FOUR)
    for (int j = 0; j < FL_LANES; j++) {
      double term[4];
      _Pragma("GCC unroll 4")
      for (int k = 0; k < 4; k++) term[k] = fl_term(v, w, i + k * FL_LANES + j);
      fl_add_four(&hi[j], &lo[j], term);
    }
}
#endif

FL_INLINE void fl_accumulate_terms(fl_lanes *lanes, int64_t n, const real *restrict v,
                                   fl_weights w) {
  double hi[FL_LANES], lo[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) hi[j] = lanes->hi[j], lo[j] = lanes->lo[j];
  int64_t i = n / FL_FOUR * FL_FOUR;
  fl_add_fours(hi, lo, i, v, w);
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) fl_add(&hi[j], &lo[j], fl_term(v, w, i + j));
  for (int j = 0; i + j < n; j++) fl_add(&hi[j], &lo[j], fl_term(v, w, i + j));
  for (int j = 0; j < FL_LANES; j++) lanes->hi[j] = hi[j], lanes->lo[j] = lo[j];
}

/* lanes += w[i] v[i]; which weights there are is asked once. */
FL_INLINE void fl_accumulate(fl_lanes *lanes, int64_t n, const real *v, fl_weights w) {
  const fl_weights wide = fl_only_wide(w), narrow = fl_only_narrow(w), none = {0};
  if (fl_has(wide)) fl_accumulate_terms(lanes, n, v, wide);
  else if (fl_has(narrow)) fl_accumulate_terms(lanes, n, v, narrow);
  else fl_accumulate_terms(lanes, n, v, none);
}

/* Elements in front of the first of n that begins a cache line, 0 for short blocks.
   Vectors from there on do not straddle two lines. */
FL_INLINE int64_t fl_skew(int64_t n, const real *z) {
  return n > FL_BLOCK ? (int64_t)(-(uintptr_t)z % FL_LINE / sizeof(real)) : 0;
}

/* A buffer of values that are summed in pieces: room for one and for what is left of the
   ones before, and element `skew` begins a line. */
#define FL_VALUES(piece) (FL_LANES + FL_FOUR + (piece))
FL_INLINE real *fl_values_at(int64_t skew, real *buffer) {
  return buffer + (-skew & (FL_LANES - 1));
}

FL_OUTLINE void fl_accumulate_values(fl_lanes *lanes, int64_t n, const real *v,
                                     fl_weights w) {
  fl_accumulate(lanes, n, v, w);
}

/* Adds the first of the n values of a block behind the `summed` ones, whole fours or all
   that is left, moves the others to the front and returns how many it added. `often` is a
   frequent number. */
FL_INLINE int64_t fl_add_values(const fl_element_block *block, int64_t summed,
                                int64_t n, int64_t often, real *values) {
  const int64_t ready = summed + n == block->n ? n : n / FL_FOUR * FL_FOUR;
  const fl_weights weights = fl_weights_at(block->weights, summed), none = {0};
  if (ready == often && !fl_has(weights))
    fl_accumulate_terms(block->lanes, often, values, none);
  else fl_accumulate_values(block->lanes, ready, values, weights);
  for (int64_t i = 0; ready > 0 && i < n - ready; i += FL_LANES)
    memcpy(values + i, values + ready + i, FL_LANES * sizeof(real));
  return ready;
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

FL_INLINE void fl_scale_weighted(int64_t n, const real *v, fl_weights w, double scale,
                                 real *out) {
  int64_t i = 0;
#if defined(FL_WIDENS)
  for (; i + FL_WIDTH <= n; i += FL_WIDTH) {
    const fl_doubles factor = fl_weight_vector(w, i) * fl_all(scale);
    FL_NARROW(out + i, fl_weighted_vector(factor, FL_WIDEN(v + i)));
  }
#endif
  _Pragma("GCC ivdep")
  for (; i < n; i++) out[i] = (real)fl_weighted(fl_weight(w, i) * scale, (double)v[i]);
}

/* out[i] = scale w[i] v[i] (out may be v). The product with weights is formed in double:
   one rounding to f32. A weight of 0 wins over infinity and NaN. */
FL_INLINE void fl_scale(int64_t n, const real *v, fl_weights w, double scale,
                        real *out) {
  const fl_weights wide = fl_only_wide(w), narrow = fl_only_narrow(w);
  if (fl_has(wide)) {
    fl_scale_weighted(n, v, wide, scale, out);
  } else if (fl_has(narrow)) {
    fl_scale_weighted(n, v, narrow, scale, out);
  } else {
    const fl_factor factor = fl_factor_of(scale);
    _Pragma("GCC ivdep")
    _Pragma("GCC unroll 4")
    for (int64_t i = 0; i < n; i++) out[i] = fl_times(v[i], &factor);
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

/* n zeros past the caches, the same way. */
FL_INLINE void fl_stream_zeros(int64_t n, real *to) {
  const int64_t bytes = n * (int64_t)sizeof(real);
  char *out = (char *)to;
  int64_t i = 0;
#if defined(__x86_64__)
  const int64_t head = (int64_t)(-(uintptr_t)out % FL_LINE);
  i = head < bytes ? head : bytes;
  memset(out, 0, (size_t)i);
  for (; i + FL_LINE <= bytes; i += FL_LINE)
    for (int k = 0; k < FL_LINE; k += 16)
      _mm_stream_ps((float *)(void *)(out + i + k), _mm_setzero_ps());
#endif
  memset(out + i, 0, (size_t)(bytes - i));
}

FL_INLINE void fl_stream_end(void) {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}
#endif
