/* one_hot.h: rows of label weights that are a 1 and zeros. They are classes: what dense
   kernels would compute for the zeros is 0, and the sparse way leaves it out. */
#ifndef FL_ONE_HOT_H
#define FL_ONE_HOT_H

#include <string.h>

#include "isa.h"
#include "sums.h"
#include "transpose.h"

/* Rows of up to FL_NARROW classes are transposed, so that a vector holds one class of many
   rows. A tile of them takes half of a 32 KiB L1 in f32. */
enum { FL_NARROW = 64, FL_TILE = 4096, FL_TILE_ROWS = 512 };

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
  _Pragma("GCC unroll 1") for (int j = 0; j < FL_LANES; j++) {
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

/* Whether every row is a 1 and zeros, of a transposed tile, and their classes. A ragged
   end of less than FL_LANES rows counts as not. */
FL_OUTLINE bool fl_one_hot_columns(int64_t rows, int64_t classes, const real *restrict q,
                                   int64_t *restrict labels) {
  fl_int others = rows % FL_LANES;
  for (int64_t first = 0; first < rows && !others; first += FL_LANES) {
    fl_int label[FL_LANES] = {0}, ones[FL_LANES] = {0}, other[FL_LANES] = {0};
    for (int64_t j = 0; j < classes; j++)
      for (int r = 0; r < FL_LANES; r++) {
        const real z = q[j * rows + first + r];
        const fl_int one = -(fl_int)(z == 1);
        label[r] += one & (fl_int)j;
        ones[r] -= one;
        other[r] |= ~one & -(fl_int)(z != 0);
      }
    for (int r = 0; r < FL_LANES; r++) {
      labels[first + r] = label[r];
      others |= other[r] | (ones[r] ^ 1);
    }
  }
  return !others;
}

/* The rows that are taken together: whole groups of lanes where they are narrow. */
FL_INLINE int64_t fl_rows_together(int64_t classes) {
  const int64_t rows = FL_TILE / classes;
  if (classes > FL_NARROW) return rows > 0 ? rows : 1;
  return rows < FL_TILE_ROWS ? rows / FL_LANES * FL_LANES : FL_TILE_ROWS;
}

/* Whether each of rows at distances of ld is a 1 and zeros, and their classes. */
FL_INLINE bool fl_one_hot(int64_t rows, int64_t classes, const real *q, int64_t ld,
                          int64_t *labels) {
  if (classes <= FL_NARROW) {
    real tile[FL_TILE];
    fl_transpose(rows, classes, q, ld, tile, rows);
    return fl_one_hot_columns(rows, classes, tile, labels);
  }
  for (int64_t r = 0; r < rows; r++) {
    labels[r] = fl_one_label(classes, q + r * ld);
    if (labels[r] < 0) return false;
  }
  return true;
}

#endif
