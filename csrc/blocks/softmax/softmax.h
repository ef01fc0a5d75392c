/* softmax.h: softmax cross-entropy of rows of logits x_j against label weights q_j, the
   mathematics and the loops of its two kernels, sparse (q is 1 at the class y) and
   dense.

     m = max x_j,  e_j = exp(x_j - m),  S = sum e_j = 1 + S',  s = sum q_j
     l     = sum q_j ((m - x_j) + log1p(S'))
     l'_j  = ((s - q_j) e_j - q_j (S - e_j)) / S
     l''_j = s e_j (S - e_j) / S^2                          (the diagonal)

   One entry equal to m is left out of S', never subtracted from S, so that a confident
   row keeps its digits: with k entries equal to m, S' = (k-1) + the sum of the others.
   For an entry equal to m, S - e_j is S'. How e_j avoids the rounding of x_j - m, and
   why it comes multiplied by 2^K, is in softmax_exp.h. (P. Blanchard, D. J. Higham and
   N. J. Higham, Accurately computing the log-sum-exp and softmax functions, IMA J.
   Numer. Anal. 41, 2021.)

   A logit of -inf has e_j = 0; a row of them alone is NaN. A single +inf is a certain
   class. Narrow rows are transposed, so that a vector holds one class of many rows;
   wide rows run along their classes. */
#ifndef FL_SOFTMAX_H
#define FL_SOFTMAX_H

#include <string.h>

#include "blocks/one_hot.h"
#include "registry/enums.h"
#include "math/row_sums.h"
#include "math/transpose.h"
#include "math/vecmath.h"

enum { FL_GROUP = FL_TILE / FL_NARROW }; /* wide rows taken together, at most */

#include "blocks/softmax/exp.h"

/* q (m - x), 0 for q = 0 and for x = m. */
FL_INLINE real fl_gap(real q, real x, real m) {
  return fl_masked(q, x == m ? 0 : m - x);
}

/* What the derivatives of one row need beside e and q; S and S' in the unit of e. */
typedef struct {
  real total, total_tail;   /* S as a sum of two */
  real rest;                /* S' */
  real weight, weight_tail; /* s as a sum of two */
  real slope;               /* factor / S */
  real curve, curve_tail;   /* s factor / S^2 times 2^K as a sum of two */
} fl_row_state;

FL_INLINE real fl_others(real e, const fl_row_state *row) {
  return e == FL_TOP ? row->rest : (row->total - e) + row->total_tail;
}

FL_INLINE real fl_softmax_grad(real e, real q, const fl_row_state *row) {
  const real share = (row->weight - q) + row->weight_tail;
  return FL_FMA(share, e, -q * fl_others(e, row)) * row->slope;
}

FL_INLINE real fl_softmax_hess(real e, const fl_row_state *row) {
  const real product = e * (1 / FL_TOP) * fl_others(e, row);
  return FL_FMA_ONCE(product, row->curve, product * row->curve_tail);
}

FL_INLINE fl_row_state fl_row_state_of(double rest, fl_sum weight, double factor) {
  const double total = (double)FL_TOP + rest, s = weight.hi + weight.lo;
  const double curve = s * factor / total * ((double)FL_TOP / total);
  return (fl_row_state){
      .total = (real)total,
      .total_tail = (real)(total - (double)(real)total),
      .rest = (real)rest,
      .weight = (real)s,
      .weight_tail = (real)((weight.hi - (double)(real)s) + weight.lo),
      .slope = (real)(factor / total),
      .curve = (real)curve,
      .curve_tail = (real)(curve - (double)(real)curve),
  };
}

#include "blocks/softmax/narrow.h"
#include "blocks/softmax/wide.h"

typedef union {
  fl_narrow_scratch narrow;
  fl_wide wide;
} fl_softmax_scratch;

FL_INLINE int fl_softmax(int want, bool dense, const fl_row_block *block) {
  const int64_t classes = block->classes, height = fl_rows_together(classes);
  const bool narrow = classes <= FL_NARROW;
  int outside = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    outside |= narrow ? fl_narrow_rows(want, dense, block, row, rows)
                      : fl_wide_rows(want, dense, block, row, rows);
  }
  return outside;
}

#endif
