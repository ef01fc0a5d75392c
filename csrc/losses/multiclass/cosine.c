/* Cosine distance of a row of labels t and a row of predictions x, offset - c with

     c = t.x / (|t| |x|),  l'_j = (c x_j/|x| - t_j/|t|) / |x|
     l''_j = (2 (t_j/|t|) (x_j/|x|) + c (1 - 3 x_j^2/|x|^2)) / |x|^2     (the diagonal)

   A product with v is (c v + (t.v/|t| - 3 c x.v/|x|) x/|x| + x.v/|x| t/|t|) / |x|^2.
   Of a row of zeros c is 0, and so are its derivatives. In double; where squares of f64
   leave its range, rows are multiplied by a power of 2 first. */
#define FL_NAME cosine
#include "blocks/domains.h"
#include "math/double.h"
#include "math/row_sums.h"
#include "math/transpose.h"

typedef struct {
  double tx, tt, xx;
} fl_products;

/* Squares of f32 are in the range of double. */
#if defined(FL_DTYPE_f32)
#define FL_SCALES false
#else
#define FL_SCALES true
#endif

/* The products of a lane at one or four places, which are added up before they meet
   the running sums. */
FL_INLINE void fl_add_products(int places, const real *restrict t,
                               const real *restrict x, double st, double sx,
                               fl_lanes *tx, fl_lanes *tt, fl_lanes *xx) {
  for (int j = 0; j < FL_LANES; j++) {
    double ab[4] = {0}, aa[4] = {0}, bb[4] = {0};
    _Pragma("GCC unroll 4")
    for (int k = 0; k < places; k++) {
      const double a = (FL_SCALES ? st : 1) * (double)t[k * FL_LANES + j];
      const double b = (FL_SCALES ? sx : 1) * (double)x[k * FL_LANES + j];
      ab[k] = a * b, aa[k] = a * a, bb[k] = b * b;
    }
    fl_add_four(&tx->hi[j], &tx->lo[j], ab);
    fl_add_four(&tt->hi[j], &tt->lo[j], aa);
    fl_add_four(&xx->hi[j], &xx->lo[j], bb);
  }
}

/* t.x, t.t and x.x, of rows multiplied by st and sx. */
FL_OUTLINE fl_products fl_products_of(int64_t n, const real *restrict t,
                                      const real *restrict x, double st, double sx) {
  fl_lanes tx = {{0}, {0}}, tt = tx, xx = tx;
  int64_t i = 0;
  for (; i + FL_FOUR <= n; i += FL_FOUR)
    fl_add_products(4, t + i, x + i, st, sx, &tx, &tt, &xx);
  for (; i + FL_LANES <= n; i += FL_LANES)
    fl_add_products(1, t + i, x + i, st, sx, &tx, &tt, &xx);
  if (i < n) {
    real last_t[FL_LANES] = {0}, last_x[FL_LANES] = {0};
    memcpy(last_t, t + i, (size_t)(n - i) * sizeof(real));
    memcpy(last_x, x + i, (size_t)(n - i) * sizeof(real));
    fl_add_products(1, last_t, last_x, st, sx, &tx, &tt, &xx);
  }
  return (fl_products){fl_row_total(tx.hi, tx.lo), fl_row_total(tt.hi, tt.lo),
                       fl_row_total(xx.hi, xx.lo)};
}

/* A power of 2 that brings the largest of a row near 1. */
FL_INLINE double fl_scale_of(int64_t n, const real *x) {
  double largest = 0;
  for (int64_t j = 0; j < n; j++) {
    const double size = fl_d_abs((double)x[j]);
    largest = size > largest ? size : largest;
  }
  const int64_t biased = (int64_t)(fl_d_bits(largest) >> 52);
  const int64_t within = biased < 1 ? 1 : biased > 2045 ? 2045 : biased;
  return fl_d_from_bits((uint64_t)(2046 - within) << 52);
}

FL_INLINE bool fl_in_range(double square) {
  return square > 0x1p-900 && square < 0x1p900;
}

/* A row's power of 2 and the inverse of the length it then has, 0 for zeros: their product
   may be out of range. */
typedef struct {
  double scale, inverse;
} fl_length;

FL_INLINE fl_length fl_length_of(double scale, double square) {
  return (fl_length){scale, square == 0 ? 0 : 1 / __builtin_sqrt(square)};
}

FL_INLINE double fl_in_unit(real x, fl_length length) {
  return (double)x * length.scale * length.inverse;
}

FL_OUTLINE void fl_turn(int64_t n, const real *restrict t, const real *restrict x,
                        fl_length of_t, fl_length of_x, double c, double factor,
                        real *restrict g) {
  const double each = of_x.scale * of_x.inverse * factor;
  for (int64_t j = 0; j < n; j++)
    g[j] = (real)((c * fl_in_unit(x[j], of_x) - fl_in_unit(t[j], of_t)) * each);
}

FL_OUTLINE void fl_turn_again(int64_t n, const real *restrict t, const real *restrict x,
                              fl_length of_t, fl_length of_x, double c, double factor,
                              real *restrict h) {
  const double inverse = of_x.scale * of_x.inverse, each = inverse * inverse * factor;
  for (int64_t j = 0; j < n; j++) {
    const double a = fl_in_unit(t[j], of_t), b = fl_in_unit(x[j], of_x);
    h[j] = (real)((2 * a * b + c * (1 - 3 * b * b)) * each);
  }
}

FL_OUTLINE void fl_turn_along(int64_t n, const real *restrict t, const real *restrict x,
                              const real *restrict u, fl_length of_t, fl_length of_x,
                              double c, double factor, real *restrict out) {
  const double inverse = of_x.scale * of_x.inverse, each = inverse * inverse * factor;
  const double tu = fl_products_of(n, t, u, of_t.scale, 1).tx * of_t.inverse;
  const double xu = fl_products_of(n, x, u, of_x.scale, 1).tx * of_x.inverse;
  const double along = tu - 3 * c * xu;
  for (int64_t j = 0; j < n; j++) {
    const double a = fl_in_unit(t[j], of_t), b = fl_in_unit(x[j], of_x);
    out[j] = (real)((c * (double)u[j] + (along * b + xu * a)) * each);
  }
}

FL_OUTLINE void fl_cosine_row(int want, const fl_row_block *block, int64_t row) {
  const int64_t n = block->classes;
  const real *t = (const real *)block->y + row * block->ldy;
  const real *x = (const real *)block->x + row * block->ldx;
  double st = 1, sx = 1;
  fl_products sums = fl_products_of(n, t, x, st, sx);
  if (FL_SCALES && !(fl_in_range(sums.tt) && fl_in_range(sums.xx))) {
    st = fl_scale_of(n, t), sx = fl_scale_of(n, x);
    sums = fl_products_of(n, t, x, st, sx);
  }
  const bool none = sums.tt == 0 || sums.xx == 0;
  const fl_length of_t = fl_length_of(st, none ? 0 * sums.tt : sums.tt);
  const fl_length of_x = fl_length_of(sx, none ? 0 * sums.xx : sums.xx);
  const double c = sums.tx * of_t.inverse * of_x.inverse, factor = block->factor[row];
  if (want & FL_WANT_VALUE) ((real *)block->v)[row] = (real)(block->parameters[0] - c);
  if (want & FL_WANT_GRAD)
    fl_turn(n, t, x, of_t, of_x, c, factor, (real *)block->g + row * block->ldg);
  if (want & FL_WANT_PRODUCT)
    fl_turn_along(n, t, x, (const real *)block->u + row * block->ldu, of_t, of_x, c,
                  factor, (real *)block->g + row * block->ldg);
  if (want & FL_WANT_HESS)
    fl_turn_again(n, t, x, of_t, of_x, c, factor, (real *)block->h + row * block->ldh);
}

/* Rows of up to so many entries are taken FL_LANES at a time, one in a lane. */
enum { FL_COSINE_NARROW = 64 };

typedef struct {
  real t[FL_COSINE_NARROW][FL_LANES], x[FL_COSINE_NARROW][FL_LANES],
      out[FL_COSINE_NARROW][FL_LANES];
  double of_t[FL_LANES], of_x[FL_LANES], c[FL_LANES], factor[FL_LANES];
  int64_t outside[FL_LANES]; /* whether squares are out of range */
} fl_narrow_cosines;

/* Inverse lengths and cosines; of rows of zeros 0. */
FL_OUTLINE void fl_narrow_lengths(const fl_lanes *restrict tx,
                                  const fl_lanes *restrict tt,
                                  const fl_lanes *restrict xx,
                                  fl_narrow_cosines *restrict rows) {
  for (int r = 0; r < FL_LANES; r++) {
    const double t = tt->hi[r] + tt->lo[r], x = xx->hi[r] + xx->lo[r];
    const bool none = (t == 0) | (x == 0);
    const double of_t = fl_d_select(none, 0 * t, 1 / __builtin_sqrt(t));
    const double of_x = fl_d_select(none, 0 * x, 1 / __builtin_sqrt(x));
    rows->of_t[r] = of_t;
    rows->of_x[r] = of_x;
    rows->c[r] = (tx->hi[r] + tx->lo[r]) * of_t * of_x;
    rows->outside[r] = FL_SCALES & !(fl_in_range(t) & fl_in_range(x));
  }
}

FL_OUTLINE void fl_narrow_cosines_of(int64_t classes,
                                     fl_narrow_cosines *restrict rows) {
  fl_lanes tx = {{0}, {0}}, tt = tx, xx = tx;
  for (int64_t j = 0; j < classes; j++)
    fl_add_products(1, rows->t[j], rows->x[j], 1, 1, &tx, &tt, &xx);
  fl_narrow_lengths(&tx, &tt, &xx, rows);
}

FL_OUTLINE void fl_narrow_turn(int64_t classes, fl_narrow_cosines *restrict rows) {
  for (int64_t j = 0; j < classes; j++)
    for (int r = 0; r < FL_LANES; r++) {
      const double a = (double)rows->t[j][r] * rows->of_t[r];
      const double b = (double)rows->x[j][r] * rows->of_x[r];
      const double each = rows->of_x[r] * rows->factor[r];
      rows->out[j][r] = (real)((rows->c[r] * b - a) * each);
    }
}

FL_OUTLINE void fl_narrow_turn_again(int64_t classes,
                                     fl_narrow_cosines *restrict rows) {
  for (int64_t j = 0; j < classes; j++)
    for (int r = 0; r < FL_LANES; r++) {
      const double a = (double)rows->t[j][r] * rows->of_t[r];
      const double b = (double)rows->x[j][r] * rows->of_x[r];
      const double each = rows->of_x[r] * rows->of_x[r] * rows->factor[r];
      rows->out[j][r] = (real)((2 * a * b + rows->c[r] * (1 - 3 * b * b)) * each);
    }
}

/* n <= FL_LANES rows; those with squares out of range one by one. */
FL_INLINE void fl_narrow_cosine_rows(int want, const fl_row_block *block, int64_t first,
                                     int64_t n, fl_narrow_cosines *rows) {
  const int64_t classes = block->classes;
  if (n < FL_LANES) memset(rows, 0, sizeof *rows);
  fl_transpose(n, classes, (const real *)block->y + first * block->ldy, block->ldy,
               rows->t[0], FL_LANES);
  fl_transpose(n, classes, (const real *)block->x + first * block->ldx, block->ldx,
               rows->x[0], FL_LANES);
  memcpy(rows->factor, block->factor + first, (size_t)n * sizeof *rows->factor);
  fl_narrow_cosines_of(classes, rows);
  for (int64_t r = 0; want & FL_WANT_VALUE && r < n; r++)
    ((real *)block->v)[first + r] = (real)(block->parameters[0] - rows->c[r]);
  if (want & FL_WANT_GRAD) {
    fl_narrow_turn(classes, rows);
    fl_transpose(classes, n, rows->out[0], FL_LANES,
                 (real *)block->g + first * block->ldg, block->ldg);
  }
  if (want & FL_WANT_HESS) {
    fl_narrow_turn_again(classes, rows);
    fl_transpose(classes, n, rows->out[0], FL_LANES,
                 (real *)block->h + first * block->ldh, block->ldh);
  }
  for (int64_t r = 0; r < n; r++)
    if (rows->outside[r]) fl_cosine_row(want, block, first + r);
}

typedef fl_narrow_cosines FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  if (block->classes <= FL_COSINE_NARROW && !(want & FL_WANT_PRODUCT)) {
    for (int64_t r = 0, n; r < block->rows; r += n) {
      n = block->rows - r < FL_LANES ? block->rows - r : FL_LANES;
      fl_narrow_cosine_rows(want, block, r, n, block->scratch);
    }
    return 0;
  }
  for (int64_t r = 0; r < block->rows; r++) fl_cosine_row(want, block, r);
  return 0;
}

FL_INLINE int FL_LOCAL(products)(const fl_row_block *block) {
  return FL_LOCAL(rows)(FL_WANT_PRODUCT, block);
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
#undef FL_SCALES
