/* isa.h: the compile-time setting of a kernel object. One source is compiled once per
   instruction set and dtype; this file names both, checks that the flags match the
   name, and gives the scalar types the formulas are written in. */
#ifndef FL_ISA_H
#define FL_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(FL_ISA_avx512)
#define FL_ISA avx512
#if !(defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) \
      && defined(__AVX512VL__) && defined(__FMA__))
#error "the avx512 objects need -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma"
#endif
#elif defined(FL_ISA_avx2)
#define FL_ISA avx2
#if !(defined(__AVX2__) && defined(__FMA__)) || defined(__AVX512F__)
#error "the avx2 objects need -mavx2 -mfma and nothing above"
#endif
#elif defined(FL_ISA_neon)
#define FL_ISA neon
#if !defined(__aarch64__)
#error "the neon objects are for arm64"
#endif
#elif defined(FL_ISA_baseline)
#define FL_ISA baseline
#if defined(__AVX__)
#error "the baseline objects must not use AVX: a CPU without it runs them"
#endif
#else
#error "compile with -DFL_ISA_<name>"
#endif

#ifdef __FAST_MATH__
#error "-ffast-math would break the promises on accuracy and bits"
#endif

/* The only multiply-add that rounds once; contraction is off everywhere. The baseline
   has none and rounds twice: its bits are its own. */
#if defined(FL_ISA_baseline)
#define FL_FMA_F32(a, b, c) ((a) * (b) + (c))
#define FL_FMA_F64(a, b, c) ((a) * (b) + (c))
#else
#define FL_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define FL_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#endif

/* a b + c with one rounding on every path: the baseline's f32 through double. Slow
   there, for last lines where two roundings more would break the bound. */
#if defined(FL_ISA_baseline) && defined(FL_DTYPE_f32)
#define FL_FMA_ONCE(a, b, c) ((float)((double)(a) * (double)(b) + (double)(c)))
#else
#define FL_FMA_ONCE(a, b, c) FL_FMA(a, b, c)
#endif

#if defined(FL_DTYPE_f32)
#define FL_DTYPE f32
typedef float real;
typedef int32_t fl_int;
typedef uint32_t fl_uint;
#define FL_FMA FL_FMA_F32
#define FL_EPSILON 0x1p-23f
#elif defined(FL_DTYPE_f64)
#define FL_DTYPE f64
typedef double real;
typedef int64_t fl_int;
typedef uint64_t fl_uint;
#define FL_FMA FL_FMA_F64
#define FL_EPSILON 0x1p-52
#else
#error "compile with -DFL_DTYPE_f32 or -DFL_DTYPE_f64"
#endif

#define FL_JOIN4(a, b, c, d) a##b##c##d
#define FL_JOIN(a, b, c, d) FL_JOIN4(a, b, c, d)
/* fl_<name>_<dtype>_<isa> */
#define FL_SYMBOL_OF(name, dtype, isa) FL_JOIN(fl_##name, _##dtype, _, isa)
#define FL_EXPAND_SYMBOL(name, dtype, isa) FL_SYMBOL_OF(name, dtype, isa)
#define FL_SYMBOL(name) FL_EXPAND_SYMBOL(name, FL_DTYPE, FL_ISA)

/* fl_<FL_NAME>_<what>: a name of one loss in the unit of its family. */
#define FL_PASTE2(a, b) a##b
#define FL_PASTE(a, b) FL_PASTE2(a, b)
#define FL_LOCAL2(name, what) fl_##name##_##what
#define FL_LOCAL1(name, what) FL_LOCAL2(name, what)
#define FL_LOCAL(what) FL_LOCAL1(FL_NAME, what)

#define FL_INLINE static inline __attribute__((always_inline))
/* Once per file, however many output sets use it: a call costs nothing beside a block. */
#define FL_OUTLINE static __attribute__((noinline))

#endif
