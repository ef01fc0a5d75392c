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

/* Asks for the lines of n numbers. */
FL_INLINE void fl_fetch_run(int64_t n, const real *run, bool write) {
  enum { LINE = 64 / sizeof(real) };
  for (int64_t i = 0; i < n - 1; i += LINE) {
    if (write) __builtin_prefetch(run + i, 1);
    else __builtin_prefetch(run + i, 0);
  }
  if (write) __builtin_prefetch(run + n - 1, 1);
  else __builtin_prefetch(run + n - 1, 0);
}

/* Runs are taken four by four and to their end, so that few lines are open at once and
   each is done with when the next ones come: those at distances near a power of 2 share
   their place in the caches. Lines some runs ahead are asked for, as no CPU guesses such
   distances. Runs are those of the side whose lines are far apart. */
FL_INLINE void fl_transpose_lines(int64_t rows, int64_t columns, const real *from,
                                  int64_t from_row, real *to, int64_t to_row, bool in) {
  enum { RUNS = 4, LENGTH = 64, AHEAD = 8 };
  const int64_t runs = in ? rows : columns, length = in ? columns : rows;
  const int64_t distance = in ? from_row : to_row;
  for (int64_t at = 0, part; at < length; at += part) {
    part = length - at < 2 * LENGTH ? length - at : LENGTH;
    for (int64_t run = 0, some; run < runs; run += some) {
      some = runs - run < 2 * RUNS ? runs - run : RUNS;
      for (int64_t k = run + AHEAD; k < runs && k < run + AHEAD + some; k++)
        fl_fetch_run(part, (in ? from : to) + k * distance + at, !in);
      if (in)
        fl_transpose(some, part, from + run * from_row + at, from_row,
                     to + at * to_row + run, to_row);
      else
        fl_transpose(part, some, from + at * from_row + run, from_row,
                     to + run * to_row + at, to_row);
    }
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
