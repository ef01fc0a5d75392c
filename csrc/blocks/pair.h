/* pair.h: what the losses of aligned rows share. Sums over the entries of the rows are
   taken in double precision. */
#ifndef FL_PAIR_H
#define FL_PAIR_H

#include "blocks/results.h"
#include "math/row_sums.h"
#include "registry/enums.h"

enum { FL_PAIR_NUMBERS = 6 };

/* The value of a tuple, and what its derivatives are made of. */
typedef struct {
  double value, number[FL_PAIR_NUMBERS];
} fl_pair_state;

typedef struct {
  double grad[FL_MAX_HEADS], hess[FL_MAX_HEADS];
} fl_pair_point;

/* The rows of one tuple; a head that is not there is never read. */
typedef struct {
  const real *x[FL_MAX_HEADS];
  real *g[FL_MAX_HEADS], *h[FL_MAX_HEADS];
} fl_pair_rows;

FL_INLINE fl_pair_rows fl_rows_of(const fl_pair_block *block, int64_t r, int heads) {
  fl_pair_rows rows = {{0}, {0}, {0}};
  for (int k = 0; k < heads; k++) {
    rows.x[k] = (const real *)block->x[k] + r * block->ldx[k];
    if (block->g[k]) rows.g[k] = (real *)block->g[k] + r * block->ldg[k];
    if (block->h[k]) rows.h[k] = (real *)block->h[k] + r * block->ldh[k];
  }
  return rows;
}

#endif
