/* softmax.h: softmax cross-entropy of rows of logits x_j against label weights q_j, the
   mathematics and the loops of its two kernels, sparse (q is 1 at the class y) and dense.

     m = max x_j,  e_j = exp(x_j - m),  S = sum e_j = 1 + S',  s = sum q_j
     l     = sum q_j ((m - x_j) + log1p(S'))
     l'_j  = ((s - q_j) e_j - q_j (S - e_j)) / S
     l''_j = s e_j (S - e_j) / S^2                          (the diagonal)

   One entry equal to m is left out of S', never subtracted from S, so that a confident
   row keeps its digits: with k entries equal to m, S' = (k-1) + the sum of the others.
   For an entry equal to m, S - e_j is S'. x_j - m carries its rounding error into exp.
   (P. Blanchard, D. J. Higham and N. J. Higham, Accurately computing the log-sum-exp
   and softmax functions, IMA J. Numer. Anal. 41, 2021.)

   A logit of -inf has e_j = 0; a row of them alone is NaN. A single +inf is a certain
   class. Narrow rows are transposed, so that a vector holds one class of many rows;
   wide rows run along their classes. */
#include "results.h"
#include "registry_enum.h"
#include "vecmath.h"

enum {
  FL_TILE = 4096,     /* entries of a transposed tile: half of a 32 KiB L1 in f32 */
  FL_NARROW = 64,     /* classes up to which rows are transposed */
  FL_TILE_ROWS = 512, /* rows of a tile at most */
  FL_PIECE = 1024     /* entries of wide rows handled at a time */
};

typedef struct {
  real e, rest; /* exp(x - m), and the same but 0 where x = m */
  bool tie;
} fl_exponential;

FL_INLINE fl_exponential fl_exponentiate(real x, real m) {
  const bool tie = x == m;
  const real d = x - m;
  const real tail = fl_where(d >= FL_EXP_UNDERFLOW, fl_difference_tail(x, m, d));
  const real e = fl_exp_nonpositive_tail(d, tail);
  return (fl_exponential){tie ? 1 : e, tie ? 0 : e, tie};
}

/* q (m - x), 0 for q = 0 and for x = m. */
FL_INLINE real fl_gap(real q, real x, real m) {
  return fl_masked(q, x == m ? 0 : m - x);
}

/* NaN for a row whose maximum is -inf, else 0. */
FL_INLINE real fl_undefined(real m) { return m > -(real)INFINITY ? 0 : (real)NAN; }

/* What the derivatives of one row need beside e and q. */
typedef struct {
  real total, rest;         /* S, S' */
  real weight, weight_tail; /* s as a sum of two */
  real slope, curve;        /* factor / S, factor / S^2 */
} fl_row_state;

FL_INLINE real fl_others(real e, real total, real rest) {
  return e == 1 ? rest : total - e;
}

FL_INLINE real fl_softmax_grad(real e, real q, const fl_row_state *row) {
  const real share = (row->weight - q) + row->weight_tail;
  const real others = fl_others(e, row->total, row->rest);
  return FL_FMA(share, e, -q * others) * row->slope;
}

FL_INLINE real fl_softmax_hess(real e, const fl_row_state *row) {
  return row->weight * e * fl_others(e, row->total, row->rest) * row->curve;
}

FL_INLINE fl_row_state fl_row_state_of(double rest, fl_sum weight, double factor) {
  const double total = 1 + rest, s = weight.hi + weight.lo;
  return (fl_row_state){
      .total = (real)total,
      .rest = (real)rest,
      .weight = (real)s,
      .weight_tail = (real)((weight.hi - (double)(real)s) + weight.lo),
      .slope = (real)(factor / total),
      .curve = (real)(factor / total / total),
  };
}

#include "softmax_narrow.h"
#include "softmax_wide.h"

FL_INLINE int fl_softmax(int want, bool dense, const fl_row_block *block) {
  const int64_t classes = block->classes;
  const bool narrow = classes <= FL_NARROW;
  const bool packed = block->ldx == classes && (!dense || block->ldq == classes)
                      && (want == FL_WANT_VALUE || block->ldg == classes);
  int64_t height = narrow ? FL_TILE / classes / FL_LANES * FL_LANES
                          : (packed ? FL_PIECE / classes : 1);
  if (height > FL_TILE_ROWS) height = FL_TILE_ROWS;
  if (height < 1) height = 1;
  int outside = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    outside |= narrow ? fl_narrow_rows(want, dense, block, row, rows)
                      : fl_wide_rows(want, dense, block, row, rows);
  }
  return outside;
}
