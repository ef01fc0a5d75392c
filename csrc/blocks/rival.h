/* rival.h: losses of a row's class and its rival, the largest of the other entries, at the
   first where there are several. A NaN anywhere makes a row NaN. A loss brings what it
   makes of the two (rival_rows.h). */
#ifndef FL_RIVAL_H
#define FL_RIVAL_H

#include "blocks/probabilities.h"
#include "blocks/softmax/softmax.h"

/* Rows of any width go by groups of so many. */
typedef struct {
  real tile[FL_ROWS_TILE], rival[FL_ROWS], own[FL_ROWS];
  real value[FL_ROWS], grad[FL_ROWS], hess[FL_ROWS];
  fl_int at[FL_ROWS];
} fl_rivals;

/* Values of some rows, and derivatives times their factors: by the rival, of which the
   first one by the class is the negative and the second one the same. */
typedef void fl_rival_points_fn(int64_t rows, const double *parameters,
                                const double *factor, fl_rivals *rivals);

/* The largest of n entries, -inf of none, NaN if one is. The last FL_LANES may overlap the
   ones before. */
FL_OUTLINE real fl_largest(int64_t n, const real *x) {
  real lane[FL_LANES], bad[FL_LANES]; /* bad: NaN of those that have met one, else 0 */
  for (int j = 0; j < FL_LANES; j++) lane[j] = -(real)INFINITY, bad[j] = 0;
  for (int64_t i = 0; n >= FL_LANES && i < n; i += FL_LANES) {
    const real *z = x + (i < n - FL_LANES ? i : n - FL_LANES);
    _Pragma("GCC unroll 1")
    for (int j = 0; j < FL_LANES; j++) {
      lane[j] = fl_larger(z[j], lane[j]);
      bad[j] = z[j] == z[j] ? bad[j] : z[j];
    }
  }
  _Pragma("GCC unroll 4")
  for (int half = FL_LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) {
      lane[j] = fl_larger(lane[j], lane[j + half]);
      bad[j] += bad[j + half];
    }
  real most = lane[0], any = bad[0];
  for (int64_t i = 0; n < FL_LANES && i < n; i++)
    most = fl_larger(x[i], most), any = x[i] == x[i] ? any : x[i];
  return any == any ? most : any;
}

/* The first entry from i on that is equal to z is in the run of `length` entries that
   begins there, if there is one in whole runs. */
FL_INLINE int64_t fl_run_with(int64_t i, int64_t n, int length, const real *x, real z) {
  for (fl_int any = 0; i + length <= n; i += length) {
    for (int j = 0; j < length; j++) any |= -(fl_int)(x[i + j] == z);
    if (any) break;
  }
  return i;
}

/* Where the first entry equal to z is; n: nowhere. */
FL_OUTLINE int64_t fl_first_equal(int64_t n, const real *x, real z) {
  int64_t i = fl_run_with(fl_run_with(0, n, FL_FOUR, x, z), n, FL_LANES, x, z);
  while (i < n && x[i] != z) i++;
  return i;
}

FL_INLINE void fl_wide_rival(int64_t n, const real *x, int64_t label, real *rival,
                             fl_int *at) {
  const real before = fl_largest(label, x);
  const real behind = fl_largest(n - label - 1, x + label + 1);
  const real most = before != before ? before : fl_max(before, behind);
  *rival = x[label] != x[label] ? x[label] : most;
  const int64_t first = fl_first_equal(label, x, most);
  *at = (fl_int)(first < label
                     ? first
                     : label + 1 + fl_first_equal(n - label - 1, x + label + 1, most));
}

/* Of a tile of narrow rows: its entries of the classes become -inf. */
FL_OUTLINE void fl_narrow_rivals(int64_t rows, int64_t classes, const int64_t *labels,
                                 fl_rivals *rivals) {
  real *const tile = rivals->tile, *const rival = rivals->rival;
  fl_int *const at = rivals->at;
  for (int64_t r = 0; r < rows; r++) {
    rivals->own[r] = tile[labels[r] * rows + r];
    tile[labels[r] * rows + r] = -(real)INFINITY;
  }
  fl_narrow_max(rows, classes, tile, rival);
  for (int64_t r = 0; r < rows; r++) at[r] = 0;
  for (int64_t j = classes - 1; j >= 0; j--)
    for (int64_t r = 0; r < rows; r++)
      at[r] = tile[j * rows + r] == rival[r] ? (fl_int)j : at[r];
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++)
      rival[r] = tile[j * rows + r] != tile[j * rows + r] ? (real)NAN : rival[r];
}

/* The rivals of some rows. */
FL_INLINE void fl_find_rivals(const fl_row_block *block, int64_t first, int64_t rows,
                              fl_rivals *rivals) {
  const int64_t classes = block->classes;
  const int64_t *labels = block->labels + first;
  const real *x = (const real *)block->x + first * block->ldx;
  if (classes <= FL_NARROW) {
    fl_transpose_in(rows, classes, x, block->ldx, rivals->tile);
    fl_narrow_rivals(rows, classes, labels, rivals);
    return;
  }
  for (int64_t r = 0; r < rows; r++, x += block->ldx) {
    rivals->own[r] = x[labels[r]];
    fl_wide_rival(classes, x, labels[r], &rivals->rival[r], &rivals->at[r]);
  }
}

/* Derivatives: zeros but for the class and its rival. */
FL_OUTLINE void fl_put_rivals(int64_t rows, int64_t classes, const int64_t *labels,
                              const fl_int *at, const real *point, real sign, real *out,
                              int64_t ld) {
  for (int64_t r = 0; r < rows; r++, out += ld) {
    const bool nan = point[r] != point[r];
    memset(out, 0, (size_t)classes * sizeof *out);
    for (int64_t j = 0; nan && j < classes; j++) out[j] = point[r];
    if (nan || point[r] == 0) continue;
    out[at[r]] = point[r];
    out[labels[r]] = sign * point[r];
  }
}

FL_OUTLINE int fl_rival_rows(int want, fl_rival_points_fn *points,
                             const fl_row_block *block) {
  fl_rivals *const rivals = block->scratch;
  const int64_t classes = block->classes, height = fl_rows_together(classes);
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    const int64_t *labels = block->labels + row;
    fl_find_rivals(block, row, rows, rivals);
    points(rows, block->parameters, block->factor + row, rivals);
    if (want & FL_WANT_VALUE)
      memcpy((real *)block->v + row, rivals->value,
             (size_t)rows * sizeof *rivals->value);
    if (want & FL_WANT_GRAD)
      fl_put_rivals(rows, classes, labels, rivals->at, rivals->grad, -1,
                    (real *)block->g + row * block->ldg, block->ldg);
    if (want & FL_WANT_HESS)
      fl_put_rivals(rows, classes, labels, rivals->at, rivals->hess, 1,
                    (real *)block->h + row * block->ldh, block->ldh);
  }
  return 0;
}

#endif
