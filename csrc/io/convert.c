/* convert.c: stretches of numbers of any dtype, distance, byte order and alignment, read as
   numbers of one type, and written. What lies apart or swapped is put together as bits, a
   piece at a time; what is together is converted by loops that vectorise. A conversion
   rounds once. */
#include <string.h>

#include "blocks/kernels.h"
#include "isa/isa.h"
#include "math/transpose.h"

enum { FL_PIECE = 512 };

typedef struct {
  _Alignas(FL_LINE) char bytes[FL_PIECE * sizeof(uint64_t)];
} fl_piece;

/* Bits of n numbers from distances of `at` bytes to distances of `to_at`. */
#define FL_MOVE(uint, at, to_at)            \
  for (int64_t i = 0; i < n; i++) {         \
    uint x;                                 \
    memcpy(&x, from + i * (at), sizeof x);  \
    memcpy(to + i * (to_at), &x, sizeof x); \
  }

/* The same without vectors: a gather or a vector of inserts takes longer than its loads
   one by one. */
#define FL_MOVE_EACH(uint, at, to_at)       \
  _Pragma("GCC unroll 8")                   \
  for (int64_t i = 0; i < n; i++) {         \
    uint x;                                 \
    memcpy(&x, from + i * (at), sizeof x);  \
    __asm__("" : "+r"(x));                  \
    memcpy(to + i * (to_at), &x, sizeof x); \
  }

/* Distances that are constants have loops of their own, which vectorise: reading every
   second number, and backwards. */
#define FL_DEFINE_MOVES(bits, uint)                                                \
  FL_INLINE void fl_gather_##bits(int64_t n, const char *from, ptrdiff_t stride,   \
                                  char *restrict to) {                             \
    const ptrdiff_t size = sizeof(uint);                                           \
    if (stride == size) memcpy(to, from, (size_t)(n * size));                      \
    else if (stride == 2 * size) FL_MOVE(uint, 2 * size, size)                     \
    else if (stride == -size) FL_MOVE(uint, -size, size)                           \
    else FL_MOVE_EACH(uint, stride, size)                                          \
  }                                                                                \
  FL_INLINE void fl_scatter_##bits(int64_t n, const char *from, char *restrict to, \
                                   ptrdiff_t stride) {                             \
    const ptrdiff_t size = sizeof(uint);                                           \
    if (stride == size) memcpy(to, from, (size_t)(n * size));                      \
    else if (stride == -size) FL_MOVE(uint, size, -size)                           \
    else FL_MOVE_EACH(uint, size, stride)                                          \
  }

FL_DEFINE_MOVES(8, uint8_t)
FL_DEFINE_MOVES(16, uint16_t)
FL_DEFINE_MOVES(32, uint32_t)
FL_DEFINE_MOVES(64, uint64_t)

#define FL_SWAP_EACH(uint, swap)                          \
  for (int64_t i = 0; i < n; i++) {                       \
    uint x;                                               \
    memcpy(&x, data + i * (ptrdiff_t)sizeof x, sizeof x); \
    x = swap(x);                                          \
    memcpy(data + i * (ptrdiff_t)sizeof x, &x, sizeof x); \
  }

FL_OUTLINE void fl_swap(int64_t size, int64_t n, char *data) {
  if (size == 2) FL_SWAP_EACH(uint16_t, __builtin_bswap16)
  if (size == 4) FL_SWAP_EACH(uint32_t, __builtin_bswap32)
  if (size == 8) FL_SWAP_EACH(uint64_t, __builtin_bswap64)
}

/* A stretch put together, in the byte order of the machine. */
FL_OUTLINE void fl_gather(fl_stretch part, int64_t n, char *to) {
  const int64_t size = fl_type_size(part.type);
  switch (size) {
    case 1: fl_gather_8(n, part.at, part.stride, to); break;
    case 2: fl_gather_16(n, part.at, part.stride, to); break;
    case 4: fl_gather_32(n, part.at, part.stride, to); break;
    default: fl_gather_64(n, part.at, part.stride, to); break;
  }
  if (part.swapped) fl_swap(size, n, to);
}

/* The way back, of floats in the byte order of the array. */
FL_OUTLINE void fl_scatter(fl_stretch part, int64_t n, const char *from) {
  const int64_t size = fl_type_size(part.type);
  if (size == 4) fl_scatter_32(n, from, part.at, part.stride);
  else fl_scatter_64(n, from, part.at, part.stride);
}

static bool fl_is_together(fl_stretch part) {
  return part.stride == fl_type_size(part.type) && !part.swapped;
}

/* n numbers x of type T, next to each other, as numbers of type U. */
#define FL_CONVERT(T, U, converted)                       \
  for (int64_t i = 0; i < n; i++) {                       \
    T x;                                                  \
    memcpy(&x, from + i * (ptrdiff_t)sizeof x, sizeof x); \
    const U z = (U)(converted);                           \
    memcpy(to + i * (ptrdiff_t)sizeof z, &z, sizeof z);   \
  }

/* Integers x of 64 bits that fit into int32_t, as those of labels do, are converted as
   such: below AVX-512 there are no vectors for the others, whose `excess` is not 0. */
#if defined(__AVX512DQ__)
#define FL_CONVERT_LONG(T, U, excess) FL_CONVERT(T, U, x)
#else
#define FL_CONVERT_LONG(T, U, excess)                       \
  {                                                         \
    uint64_t others = 0;                                    \
    for (int64_t i = 0; i < n; i++) {                       \
      T x;                                                  \
      memcpy(&x, from + i * (ptrdiff_t)sizeof x, sizeof x); \
      others |= (excess);                                   \
    }                                                       \
    if (others == 0) FL_CONVERT(T, U, (int32_t)x)           \
    else FL_CONVERT(T, U, x)                                \
  }
#endif

#define FL_DEFINE_CONVERSION(name, U)                                                  \
  FL_OUTLINE void name(fl_type type, int64_t n, const char *from, char *restrict to) { \
    switch (type) {                                                                    \
      case FL_TYPE_BOOL: FL_CONVERT(uint8_t, U, x != 0) break;                         \
      case FL_TYPE_SIGN: FL_CONVERT(uint8_t, U, x != 0 ? 1 : -1) break;                \
      case FL_TYPE_I8: FL_CONVERT(int8_t, U, x) break;                                 \
      case FL_TYPE_I16: FL_CONVERT(int16_t, U, x) break;                               \
      case FL_TYPE_I32: FL_CONVERT(int32_t, U, x) break;                               \
      case FL_TYPE_I64:                                                                \
        FL_CONVERT_LONG(int64_t, U, ((uint64_t)x + 0x80000000) >> 32) break;           \
      case FL_TYPE_U8: FL_CONVERT(uint8_t, U, x) break;                                \
      case FL_TYPE_U16: FL_CONVERT(uint16_t, U, x) break;                              \
      case FL_TYPE_U32: FL_CONVERT(uint32_t, U, x) break;                              \
      case FL_TYPE_U64: FL_CONVERT_LONG(uint64_t, U, x >> 31) break;                   \
      case FL_TYPE_F32: FL_CONVERT(float, U, x) break;                                 \
      case FL_TYPE_F64: FL_CONVERT(double, U, x) break;                                \
    }                                                                                  \
  }

#if defined(FL_DTYPE_f32)
#define FL_TYPE_REAL FL_TYPE_F32
typedef double fl_other;
#else
#define FL_TYPE_REAL FL_TYPE_F64
typedef float fl_other;
#endif

FL_DEFINE_CONVERSION(fl_to_real, real)
FL_DEFINE_CONVERSION(fl_to_class, int64_t)

/* The other float dtype. */
FL_OUTLINE void fl_to_other(int64_t n, const char *from, char *restrict to) {
  FL_CONVERT(real, fl_other, x)
}

typedef void fl_conversion(fl_type type, int64_t n, const char *from, char *to);

/* Asks for the lines of the next piece, which comes while this one is converted and
   computed with. They may be behind the array. */
FL_INLINE void fl_ask_ahead(fl_stretch part, int64_t count) {
  const ptrdiff_t span = count * part.stride, step = span < 0 ? -FL_LINE : FL_LINE;
  const uintptr_t next = (uintptr_t)part.at + (uintptr_t)span;
  if (part.stride < -FL_LINE || part.stride > FL_LINE) return;
  for (ptrdiff_t at = 0; at * step < span * step; at += step)
    __builtin_prefetch((const void *)(next + (uintptr_t)at));
}

/* Reads n numbers as numbers of `type`. */
FL_INLINE void fl_read(fl_stretch part, int64_t n, fl_type type, fl_conversion *convert,
                       char *out) {
  fl_piece piece;
  for (int64_t i = 0, count; i < n; i += count) {
    count = n - i < FL_PIECE ? n - i : FL_PIECE;
    fl_ask_ahead(part, count);
    if (part.type == type) {
      fl_gather(part, count, out);
    } else if (fl_is_together(part)) {
      convert(part.type, count, part.at, out);
    } else {
      fl_gather(part, count, piece.bytes);
      convert(part.type, count, piece.bytes, out);
    }
    part.at += count * part.stride;
    out += count * fl_type_size(type);
  }
}

static void fl_read_real(fl_stretch part, int64_t n, void *out) {
  fl_read(part, n, FL_TYPE_REAL, fl_to_real, out);
}

static void fl_read_class(fl_stretch part, int64_t n, int64_t *out) {
  fl_read(part, n, FL_TYPE_I64, fl_to_class, (char *)out);
}

static void fl_write_real(fl_stretch part, int64_t n, const void *in) {
  const char *from = in;
  fl_piece piece;
  if (part.type == FL_TYPE_REAL && !part.swapped) {
    fl_scatter(part, n, from);
    return;
  }
  for (int64_t i = 0, count; i < n; i += count) {
    count = n - i < FL_PIECE ? n - i : FL_PIECE;
    char *to = fl_is_together(part) ? part.at : piece.bytes;
    if (part.type == FL_TYPE_REAL) memcpy(to, from, (size_t)count * sizeof(real));
    else fl_to_other(count, from, to);
    if (part.swapped) fl_swap(fl_type_size(part.type), count, to);
    if (to == piece.bytes) fl_scatter(part, count, to);
    part.at += count * part.stride;
    from += count * (int64_t)sizeof(real);
  }
}

/* Whether the numbers of a matrix are of the type and lie next to each other across the
   runs. */
static bool fl_is_transposed(const fl_slab *slab) {
  const fl_stretch *part = &slab->part;
  const ptrdiff_t size = sizeof(real);
  return part->type == FL_TYPE_REAL && !part->swapped && slab->across == size
         && part->stride % size == 0 && (uintptr_t)part->at % (size_t)size == 0;
}

/* Other slabs are taken a strip of their runs after the other, so that the lines a strip
   has in L1 serve all of the runs. */
enum { FL_STRIP = 64 };

static fl_stretch fl_strip(const fl_slab *slab, int64_t first, int64_t run) {
  fl_stretch strip = slab->part;
  strip.at += first * strip.stride + run * slab->across;
  return strip;
}

static int64_t fl_strip_length(const fl_slab *slab, int64_t first) {
  return slab->length - first < FL_STRIP ? slab->length - first : FL_STRIP;
}

static void fl_read_slab(const fl_slab *slab, void *out) {
  real *to = (real *)out + slab->first;
  if (fl_is_transposed(slab)) {
    fl_transpose_lines(slab->length, slab->runs, (const real *)slab->part.at,
                       slab->part.stride / (ptrdiff_t)sizeof(real), to, slab->run,
                       true);
    return;
  }
  for (int64_t i = 0; i < slab->length; i += FL_STRIP)
    for (int64_t r = 0; r < slab->runs; r++)
      fl_read_real(fl_strip(slab, i, r), fl_strip_length(slab, i),
                   to + r * slab->run + i);
}

static void fl_write_slab(const fl_slab *slab, const void *in) {
  const real *from = (const real *)in + slab->first;
  if (fl_is_transposed(slab)) {
    fl_transpose_lines(slab->runs, slab->length, from, slab->run, (real *)slab->part.at,
                       slab->part.stride / (ptrdiff_t)sizeof(real), false);
    return;
  }
  for (int64_t i = 0; i < slab->length; i += FL_STRIP)
    for (int64_t r = 0; r < slab->runs; r++)
      fl_write_real(fl_strip(slab, i, r), fl_strip_length(slab, i),
                    from + r * slab->run + i);
}

const fl_io_tools FL_SYMBOL(io_tools) = {fl_read_real, fl_read_class, fl_write_real,
                                         fl_read_slab, fl_write_slab};
