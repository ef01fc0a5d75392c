/* batch.h: what the losses of a batch against itself or another one share: rows are
   divided by their lengths, and a tile of their similarities is a product of two small
   matrices. Every entry of a product is a chain of multiply-adds along FL_DEPTH entries,
   and the chains are added in their order: the bits do not depend on the width of the
   vectors, which lie across the columns. */
#ifndef FL_BATCH_BLOCKS_H
#define FL_BATCH_BLOCKS_H

#include <math.h>

#include "blocks/results.h"
#include "math/logistic.h"
#include "math/row_sums.h"
#include "math/transpose.h"
#include "registry/enums.h"

#if defined(__AVX512F__)
typedef real fl_vector __attribute__((vector_size(64)));
#elif defined(__AVX__)
typedef real fl_vector __attribute__((vector_size(32)));
#else
typedef real fl_vector __attribute__((vector_size(16)));
#endif

FL_INLINE fl_vector fl_vector_fma(fl_vector a, fl_vector b, fl_vector c) {
#if defined(__AVX512F__) && defined(FL_DTYPE_f32)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__) && defined(FL_DTYPE_f32)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#else
  for (size_t j = 0; j < sizeof a / sizeof(real); j++) c[j] = FL_FMA(a[j], b[j], c[j]);
  return c;
#endif
}

/* Entries of a chain; rows and columns of a product that are done in registers. */
enum {
  FL_DEPTH = 64,
  FL_STRIP_ROWS = 6,
  FL_STRIP_VECTORS = 2,
  FL_STRIP = FL_STRIP_VECTORS * sizeof(fl_vector) / sizeof(real)
};

_Static_assert(FL_BATCH_ROWS % FL_STRIP_ROWS == 0, "whole strips of rows");
_Static_assert(FL_BATCH_STEP % FL_STRIP == 0, "whole strips of columns");
_Static_assert(FL_BATCH_COLUMNS % FL_BATCH_STEP == 0, "whole strips of columns");
_Static_assert(FL_BATCH_COLUMNS % FL_DEPTH == 0, "whole chains");

/* sum[r][c] = a[r][0] b[0][c] + a[r][1] b[1][c] + ..., `depth` terms. */
FL_INLINE void fl_strip_product(int64_t depth, const real *a, int64_t lda,
                                const real *b, int64_t ldb,
                                real sum[FL_STRIP_ROWS][FL_STRIP]) {
  fl_vector s[FL_STRIP_ROWS][FL_STRIP_VECTORS] = {{{0}}};
  for (int64_t k = 0; k < depth; k++) {
    fl_vector right[FL_STRIP_VECTORS];
    for (int v = 0; v < FL_STRIP_VECTORS; v++)
      memcpy(&right[v], b + k * ldb + v * FL_STRIP / FL_STRIP_VECTORS, sizeof right[v]);
    _Pragma("GCC unroll 8")
    for (int r = 0; r < FL_STRIP_ROWS; r++) {
      const fl_vector left = a[r * lda + k] - (fl_vector){0};
      _Pragma("GCC unroll 2")
      for (int v = 0; v < FL_STRIP_VECTORS; v++)
        s[r][v] = fl_vector_fma(left, right[v], s[r][v]);
    }
  }
  memcpy(sum, s, sizeof s);
}

/* Similarities of the rows of a tile with all of its columns. */
FL_OUTLINE void fl_similarities(const fl_batch_tile *tile) {
  enum { COLUMNS = FL_BATCH_COLUMNS };
  const real *x = tile->x, *across = tile->across;
  real *similarity = tile->similarity;
  real sum[FL_STRIP_ROWS][FL_STRIP];
  memset(similarity, 0, FL_BATCH_ROWS * COLUMNS * sizeof(real));
  for (int64_t c = 0; c < COLUMNS; c += FL_STRIP)
    for (int64_t k = 0; k < tile->width; k += FL_DEPTH) {
      const int64_t left = tile->width - k, depth = left < FL_DEPTH ? left : FL_DEPTH;
      for (int64_t r = 0; r < tile->rows; r += FL_STRIP_ROWS) {
        fl_strip_product(depth, x + r * tile->ld + k, tile->ld,
                         across + k * COLUMNS + c, COLUMNS, sum);
        for (int i = 0; i < FL_STRIP_ROWS; i++) {
          real *restrict s = similarity + (r + i) * COLUMNS + c;
          for (int j = 0; j < FL_STRIP; j++) s[j] += sum[i][j];
        }
      }
    }
}

/* What the columns of a tile add to the gradients by its rows, where the similarities
   have made room for the slopes. */
FL_OUTLINE void fl_add_pulls(const fl_batch_tile *tile) {
  enum { COLUMNS = FL_BATCH_COLUMNS };
  const real *slopes = tile->similarity, *others = tile->others;
  real sum[FL_STRIP_ROWS][FL_STRIP];
  for (int64_t c = 0; c < tile->ld; c += FL_STRIP)
    for (int64_t k = 0; k < COLUMNS; k += FL_DEPTH)
      for (int64_t r = 0; r < tile->rows; r += FL_STRIP_ROWS) {
        fl_strip_product(FL_DEPTH, slopes + r * COLUMNS + k, COLUMNS,
                         others + k * tile->ld + c, tile->ld, sum);
        for (int i = 0; i < FL_STRIP_ROWS; i++) {
          double *restrict pull = tile->pull + (r + i) * tile->ld + c;
          _Pragma("GCC unroll 1")
          for (int j = 0; j < FL_STRIP; j++) pull[j] += (double)sum[i][j];
        }
      }
}

/* Sum of the products of n entries. */
FL_INLINE double fl_dot(int64_t n, const double *restrict a, const real *restrict b) {
  double hi[FL_LANES] = {0}, lo[FL_LANES] = {0};
  const int64_t whole = n / FL_LANES * FL_LANES;
  for (int64_t i = 0; i < whole; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) hi[j] += a[i + j] * (double)b[i + j];
  for (int64_t i = whole; i < n; i++) hi[i - whole] += a[i] * (double)b[i];
  return fl_row_total(hi, lo);
}

/* One over the length of each row, 0 of a row of zeros, NaN of one whose square is not
   finite. */
static void fl_batch_measure(int64_t n, int64_t width, const void *rows,
                             double *inverse) {
  const real *x = rows;
  for (int64_t r = 0; r < n; r++, x += width) {
    double hi[FL_LANES] = {0}, lo[FL_LANES] = {0};
    const int64_t whole = width / FL_LANES * FL_LANES;
    for (int64_t i = 0; i < whole; i += FL_LANES)
      for (int j = 0; j < FL_LANES; j++)
        fl_add(&hi[j], &lo[j], (double)x[i + j] * (double)x[i + j]);
    for (int64_t i = whole; i < width; i++)
      fl_add(&hi[i - whole], &lo[i - whole], (double)x[i] * (double)x[i]);
    const double square = fl_row_total(hi, lo);
    const double length =
        square < (double)INFINITY ? __builtin_sqrt(square) : (double)NAN;
    inverse[r] = square == 0 ? 0 : 1 / length;
  }
}

/* Rows times a number each, exactly 0 for 0, and zeros up to `ld` entries. */
static void fl_batch_scale(int64_t n, int64_t width, const void *rows,
                           const double *factor, int64_t ld, void *to) {
  const real *restrict x = rows;
  real *restrict out = to;
  for (int64_t r = 0; r < n; r++, x += width, out += ld) {
    const double f = factor[r];
    for (int64_t i = 0; i < width; i++) out[i] = (real)fl_weighted(f, (double)x[i]);
    for (int64_t i = width; i < ld; i++) out[i] = 0;
  }
}

/* Columns of a tile to rows of FL_BATCH_COLUMNS entries. */
static void fl_batch_turn(int64_t width, int64_t ld, const void *others, void *across) {
  fl_transpose_lines(FL_BATCH_COLUMNS, width, others, ld, across, FL_BATCH_COLUMNS,
                     true);
}

/* The gradient by each row x of length l from that by u = x/l: (g - (g u) u)/l. Of rows
   that were not divided by their lengths the two are one; `inverse` is 0 of a row that is
   no part of the batch. */
static void fl_batch_finish(bool divided, int64_t n, int64_t width, int64_t ld,
                            const double *pull, const void *rows, const double *inverse,
                            void *gradient) {
  const real *restrict u = rows;
  real *restrict out = gradient;
  for (int64_t r = 0; r < n; r++, pull += ld, u += ld, out += width) {
    const double along = divided ? fl_dot(width, pull, u) : 0;
    const double scale = inverse[r];
    for (int64_t i = 0; i < width; i++)
      out[i] = (real)fl_weighted(scale, pull[i] - along * (double)u[i]);
  }
}

#define FL_EACH_COLUMN                                     \
  for (int64_t i = 0; i < FL_BATCH_COLUMNS; i += FL_LANES) \
    for (int j = 0; j < FL_LANES; j++)

/* A row of a tile: its class, the column that is the row itself, and the classes of the
   columns. A class below 0 is no part of the batch. */
typedef struct {
  fl_int own, self;
  const fl_int *classes;
} fl_batch_row;

FL_INLINE fl_batch_row fl_batch_row_at(const fl_batch_tile *tile, int64_t r) {
  const int64_t self = tile->self + r;
  const bool here = self >= 0 && self < FL_BATCH_COLUMNS;
  return (fl_batch_row){((const fl_int *)tile->row_classes)[r],
                        here ? (fl_int)self : -1, tile->column_classes};
}

FL_INLINE bool fl_batch_knows(fl_batch_row row, int64_t c) {
  return ((row.own | row.classes[c]) >= 0) & ((fl_int)c != row.self);
}

FL_INLINE bool fl_batch_same(fl_batch_row row, int64_t c) {
  return row.own == row.classes[c];
}

FL_INLINE real fl_batch_largest(const real *lanes) {
  real largest[FL_LANES];
  memcpy(largest, lanes, sizeof largest);
  _Pragma("GCC unroll 4")
  for (int half = FL_LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) largest[j] = fl_max(largest[j + half], largest[j]);
  return largest[0];
}

FL_INLINE double fl_batch_total(const real *lanes) {
  double eight[8], quad[4];
  for (int j = 0; j < 8; j++) eight[j] = (double)lanes[j] + (double)lanes[j + 8];
  for (int j = 0; j < 4; j++) quad[j] = eight[j] + eight[j + 4];
  return (quad[0] + quad[2]) + (quad[1] + quad[3]);
}

/* Sums so far, made relative to a larger exponent. */
FL_INLINE real fl_batch_raise(fl_batch_sums *sums, int side, real largest) {
  const double before = sums->largest[side];
  if ((double)largest > before) {
    sums->sum[side] *= (double)fl_exp_nonpositive((real)(before - (double)largest));
    sums->largest[side] = (double)largest;
  }
  const real now = (real)sums->largest[side];
  return now == -(real)INFINITY ? 0 : now;
}

FL_INLINE void fl_batch_parameters(const fl_batch_tile *tile, real *p) {
  for (int k = 0; k < FL_MAX_PARAMETERS; k++) p[k] = (real)tile->parameters[k];
}

/* Whether a row of a tile has a column of its class. */
static bool fl_batch_meets(const fl_batch_tile *tile) {
  fl_int found[FL_LANES] = {0};
  for (int64_t r = 0; r < tile->rows; r++) {
    const fl_batch_row row = fl_batch_row_at(tile, r);
    FL_EACH_COLUMN found[j] |= fl_batch_knows(row, i + j) & fl_batch_same(row, i + j);
  }
  for (int j = 1; j < FL_LANES; j++) found[0] |= found[j];
  return found[0];
}

typedef struct {
  real value, share;
} fl_batch_cost;

/* log(sum of exp) of one side, -inf of none. */
FL_INLINE double fl_log_of_side(const fl_batch_sums *sums, int side) {
  return sums->largest[side] + (double)fl_log((real)sums->sum[side]);
}

/* log(1 + exp(d)) and the logistic function of d. */
FL_INLINE double fl_softplus_of(double d) {
  const real t = fl_exp_nonpositive((real)-__builtin_fabs(d));
  return (d > 0 ? d : 0) + (double)fl_log1p(t);
}
FL_INLINE double fl_sigmoid_of(double d) {
  const double t = (double)fl_exp_nonpositive((real)-__builtin_fabs(d));
  return (d < 0 ? t : 1) / (1 + t);
}

#endif
