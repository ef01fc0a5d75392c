/* label_sums.h: do the label weights of a row sum to 1? A kernel looks in its own
   dtype, a little strictly; the engine, which names the row, decides. NaN is data. */
#ifndef FL_LABEL_SUMS_H
#define FL_LABEL_SUMS_H

#include <string.h>

#include "math/row_sums.h"
#include "math/transpose.h"

typedef real fl_sixteen __attribute__((vector_size(FL_LANES * sizeof(real))));
typedef real fl_sixteen_at
    __attribute__((vector_size(FL_LANES * sizeof(real)), aligned(sizeof(real))));
typedef fl_int fl_sixteen_bits __attribute__((vector_size(FL_LANES * sizeof(real))));
typedef fl_int fl_quad_bits __attribute__((vector_size(4 * sizeof(real))));

/* All ones in the lanes of the last `width` numbers of n that whole groups of `width`
   before them do not hold. */
FL_INLINE void fl_last_mask(int64_t n, int width, void *mask) {
  fl_int lane[FL_LANES];
  for (int j = 0; j < width; j++) lane[j] = -(fl_int)(j >= width - 1 - (n - 1) % width);
  memcpy(mask, lane, (size_t)width * sizeof *lane);
}

/* Of a row of n >= FL_LANES. */
FL_INLINE double fl_sum_wide(int64_t n, const real *q, const fl_sixteen_bits *last) {
  fl_sixteen_bits bits;
  memcpy(&bits, q + n - FL_LANES, sizeof bits);
  bits &= *last;
  fl_sixteen sum;
  memcpy(&sum, &bits, sizeof sum);
  const fl_sixteen_at *at = (const fl_sixteen_at *)q;
  int64_t left = n;
  for (; left > FL_FOUR; left -= FL_FOUR, at += 4)
    sum += (at[0] + at[1]) + (at[2] + at[3]);
  for (; left > FL_LANES; left -= FL_LANES, at++) sum += at[0];
  fl_quad quad[4];
  memcpy(quad, &sum, sizeof quad);
  quad[0] = (quad[0] + quad[2]) + (quad[1] + quad[3]);
  return (double)((quad[0][0] + quad[0][2]) + (quad[0][1] + quad[0][3]));
}

/* Of up to 1024 label weights. */
FL_INLINE double fl_sum_labels(int64_t n, const real *q) {
  if (n >= FL_LANES) {
    fl_sixteen_bits last;
    fl_last_mask(n, FL_LANES, &last);
    return fl_sum_wide(n, q, &last);
  }
  double sum = 0;
  for (int64_t j = 0; j < n; j++) sum += (double)q[j];
  return sum;
}

FL_INLINE bool fl_off_wide(int64_t rows, int64_t n, const real *q) {
  fl_sixteen_bits last;
  fl_last_mask(n, FL_LANES, &last);
  int64_t off = 0;
  for (int64_t r = 0; r < rows; r++)
    off |= fl_label_sum(fl_sum_wide(n, q + r * n, &last));
  return off != 0;
}

FL_INLINE bool fl_off_few(int64_t rows, int64_t n, const real *q) {
  fl_int off = 0;
  for (int64_t r = 0; r < rows; r++) {
    real sum = 0;
    for (int64_t j = 0; j < n; j++) sum += q[r * n + j];
    off |= -(fl_int)((sum - 1 > FL_LABEL_OFF) | (sum - 1 < -FL_LABEL_OFF));
  }
  return off != 0;
}

/* Of four rows of n >= 4, minus 1. */
FL_INLINE void fl_off_four(int64_t n, const real *q, const fl_quad_bits *last,
                           fl_quad *off) {
  fl_quad row[4], more;
  for (int k = 0; k < 4; k++) {
    fl_quad_bits bits;
    memcpy(&bits, q + (k + 1) * n - 4, sizeof bits);
    bits &= *last;
    memcpy(&row[k], &bits, sizeof bits);
  }
  for (int64_t j = 0; j < n - 4; j += 4)
    for (int k = 0; k < 4; k++) {
      memcpy(&more, q + k * n + j, sizeof more);
      row[k] += more;
    }
  const fl_quad ab = FL_MIX_LOW(row[0], row[1]) + FL_MIX_HIGH(row[0], row[1]);
  const fl_quad cd = FL_MIX_LOW(row[2], row[3]) + FL_MIX_HIGH(row[2], row[3]);
  *off = FL_FRONTS(ab, cd) + FL_BACKS(ab, cd) - 1;
}

FL_INLINE bool fl_off_fours(int64_t rows, int64_t n, const real *q) {
  fl_quad_bits last, off = {0};
  fl_last_mask(n, 4, &last);
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    fl_quad z;
    fl_off_four(n, q + r * n, &last, &z);
    off |= (z > FL_LABEL_OFF) | (z < -FL_LABEL_OFF);
  }
  return (off[0] | off[1] | off[2] | off[3]) || fl_off_few(rows - r, n, q + r * n);
}

/* FL_LABEL_SUM if one of some rows of up to 1024 label weights, one behind the other,
   may not sum to 1. */
FL_OUTLINE int fl_labels_off(int64_t rows, int64_t n, const real *q) {
  const bool off = n >= FL_FOUR ? fl_off_wide(rows, n, q)
                   : n >= 4     ? fl_off_fours(rows, n, q)
                   : n == 3     ? fl_off_few(rows, 3, q)
                   : n == 2     ? fl_off_few(rows, 2, q)
                                : fl_off_few(rows, n, q);
  return off ? FL_LABEL_SUM : 0;
}

#endif
