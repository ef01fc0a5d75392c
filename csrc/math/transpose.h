/* transpose.h: a matrix to another with rows and columns exchanged, four by four
   entries at a time in registers. */
#ifndef FL_TRANSPOSE_H
#define FL_TRANSPOSE_H

#include <string.h>

#include "isa/isa.h"

typedef real fl_quad __attribute__((vector_size(4 * sizeof(real))));

/* Neighbours two by two from two vectors, and the halves of pairs: one instruction each,
   in f64 on AVX without crossing the halves of a register but in the last step. */
#if defined(FL_DTYPE_f32)
#define FL_MIX_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define FL_MIX_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
enum { FL_MIX_STEP = 1 }; /* columns of the first mix: j and j + 1 */
#else
#define FL_MIX_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define FL_MIX_HIGH(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
enum { FL_MIX_STEP = 2 }; /* j and j + 2 */
#endif
#define FL_FRONTS(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define FL_BACKS(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)

/* to[j][i] = from[i][j] for i and j below 4. */
FL_INLINE void fl_transpose_four(const real *from, int64_t from_row, real *to,
                                 int64_t to_row) {
  fl_quad a, b, c, d;
  memcpy(&a, from, sizeof a);
  memcpy(&b, from + from_row, sizeof b);
  memcpy(&c, from + 2 * from_row, sizeof c);
  memcpy(&d, from + 3 * from_row, sizeof d);
  const fl_quad low_ab = FL_MIX_LOW(a, b), low_cd = FL_MIX_LOW(c, d);
  const fl_quad high_ab = FL_MIX_HIGH(a, b), high_cd = FL_MIX_HIGH(c, d);
  a = FL_FRONTS(low_ab, low_cd);
  b = FL_BACKS(low_ab, low_cd);
  c = FL_FRONTS(high_ab, high_cd);
  d = FL_BACKS(high_ab, high_cd);
  memcpy(to, &a, sizeof a);
  memcpy(to + FL_MIX_STEP * to_row, &b, sizeof b);
  memcpy(to + (3 - FL_MIX_STEP) * to_row, &c, sizeof c);
  memcpy(to + 3 * to_row, &d, sizeof d);
}

FL_INLINE void fl_split_pairs(int64_t n, const real *restrict pairs,
                              real *restrict first, real *restrict second) {
  for (int64_t i = 0; i < n; i++) first[i] = pairs[2 * i], second[i] = pairs[2 * i + 1];
}

FL_INLINE void fl_join_pairs(int64_t n, const real *restrict first,
                             const real *restrict second, real *restrict pairs) {
  for (int64_t i = 0; i < n; i++) pairs[2 * i] = first[i], pairs[2 * i + 1] = second[i];
}

/* to[j][i] = from[i][j], rows at the distances given. The last four of either axis
   overlap with the ones before. */
FL_INLINE void fl_transpose(int64_t rows, int64_t columns, const real *restrict from,
                            int64_t from_row, real *restrict to, int64_t to_row) {
  if (columns == 2 && from_row == 2) {
    fl_split_pairs(rows, from, to, to + to_row);
  } else if (rows == 2 && to_row == 2) {
    fl_join_pairs(columns, from, from + from_row, to);
  } else if (rows < 4 || columns < 4) {
    for (int64_t j = 0; j < columns; j++)
      for (int64_t i = 0; i < rows; i++) to[j * to_row + i] = from[i * from_row + j];
  } else {
    for (int64_t i = 0; i < rows; i += 4)
      for (int64_t j = 0; j < columns; j += 4) {
        const int64_t r = i < rows - 4 ? i : rows - 4;
        const int64_t c = j < columns - 4 ? j : columns - 4;
        fl_transpose_four(from + r * from_row + c, from_row, to + c * to_row + r,
                          to_row);
      }
  }
}

/* Numbers 0 and `last` of a row may lie in two lines. */
#define FL_PREFETCH_ENDS(row, last, write) \
  (__builtin_prefetch(row, write), __builtin_prefetch((row) + (last), write))

/* Tiles of a cache line of numbers each way, so that neither side has many lines open at
   once: those at distances of a power of 2 share their place in the caches. Lines some
   tiles ahead are asked for, as no CPU guesses such distances: of the side whose lines are
   far apart, along which the loop runs. */
FL_INLINE void fl_transpose_lines(int64_t rows, int64_t columns, const real *from,
                                  int64_t from_row, real *to, int64_t to_row, bool in) {
  enum { SIDE = 64 / sizeof(real), AHEAD = 2 * SIDE };
  const int64_t far = in ? rows : columns, near = in ? columns : rows;
  for (int64_t f = 0; f < far; f += SIDE)
    for (int64_t n = 0; n < near; n += SIDE) {
      const int64_t i = in ? f : n, j = in ? n : f;
      const int64_t ends = (near - n < SIDE ? near - n : SIDE) - 1;
      for (int64_t k = f + AHEAD; k < far && k < f + AHEAD + SIDE; k++) {
        if (in) FL_PREFETCH_ENDS(from + k * from_row + n, ends, 0);
        else FL_PREFETCH_ENDS(to + k * to_row + n, ends, 1);
      }
      fl_transpose(rows - i < SIDE ? rows - i : SIDE,
                   columns - j < SIDE ? columns - j : SIDE, from + i * from_row + j,
                   from_row, to + j * to_row + i, to_row);
    }
}

/* A matrix to another, rows and columns of each at the distances given. */
FL_INLINE void fl_copy_matrix(int64_t rows, int64_t columns, const real *from,
                              int64_t from_row, int64_t from_column, real *to,
                              int64_t to_row, int64_t to_column) {
  if (from_row == 1 && to_column == 1)
    fl_transpose_lines(columns, rows, from, from_column, to, to_row, true);
  else if (from_column == 1 && to_row == 1)
    fl_transpose_lines(rows, columns, from, from_row, to, to_column, false);
  else
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < columns; c++)
        to[r * to_row + c * to_column] = from[r * from_row + c * from_column];
}

#endif
