/* softmax.h: what losses of rows of logits x_j share: the reduction, and cross-entropy with
   label weights q_j.

     m = max x_j,  e_j = exp(x_j - m),  S = sum e_j = 1 + S',  s = sum q_j
     l     = sum q_j ((m - x_j) + log1p(S'))
     l'_j  = ((s - q_j) e_j - q_j (S - e_j)) / S
     l''_j = s e_j (S - e_j) / S^2                          (the diagonal)

   A loss of a class y is a function of L = -log p_y, p_j = e_j / S, of which
   L'_j = p_j - [j = y]. Label weights that are spread over all classes are a second
   cross-entropy with q_j = spread_j, the same in all rows.

   One entry equal to m is left out of S', never subtracted from S, so that a confident
   row keeps its digits: with k entries equal to m, S' = (k-1) + the sum of the others.
   For an entry equal to m, S - e_j is S'. How e_j avoids the rounding of x_j - m, and
   why it comes multiplied by 2^K, is in exp.h. (P. Blanchard, D. J. Higham and
   N. J. Higham, Accurately computing the log-sum-exp and softmax functions, IMA J.
   Numer. Anal. 41, 2021.)

   With z-loss each label costs z lse^2 more, lse = m + log S (A. Chowdhery et al., PaLM:
   scaling language modeling with pathways, 2022). With b = 2 z lse that adds

     s z lse^2,  s b p_j,  s (b p_j (1 - p_j) + 2 z p_j^2)

   to the loss and its derivatives: a number of the row, times e_j and e_j^2.

   A logit of -inf has e_j = 0; a row of them alone is NaN. A single +inf is a certain
   class. Narrow rows are transposed, so that a vector holds one class of many rows;
   wide rows run along their classes. */
#ifndef FL_SOFTMAX_H
#define FL_SOFTMAX_H

#include <string.h>

#include "blocks/one_hot.h"
#include "registry/enums.h"
#include "math/log_quotient.h"
#include "math/row_sums.h"
#include "math/transpose.h"
#include "math/vecmath.h"

#include "blocks/softmax/exp.h"

/* q (m - x), 0 for q = 0 and for x = m. */
FL_INLINE real fl_gap(real q, real x, real m) {
  return fl_masked(q, x == m ? 0 : m - x);
}

/* What a loss of a class reads of its row: L, which is gap + log(S) with gap = m - x_y as a
   sum of two, p = exp(-L) and 1 - p. */
typedef struct {
  double log, gap, gap_tail, total;
  double p, rest;
} fl_class_share;

/* Its value, its derivative by L, and 1 - p times its second derivative by L; the two of
   a row's logits are then

     l'_j  = slope p_j,                                      -slope (1 - p) at the class
     l''_j = slope p_j (1 - p_j) + bend p_j^2 / (1 - p),     .. + bend (1 - p) there */
typedef struct {
  real value;
  double slope, bend;
} fl_class_point;

/* The classes of some rows: m - x_y as a sum of two, e and S' in its unit; and what a loss
   makes of them. */
typedef struct {
  real gap[FL_ROWS], gap_tail[FL_ROWS], e[FL_ROWS], value[FL_ROWS];
  double rest[FL_ROWS], slope[FL_ROWS], bend[FL_ROWS];
} fl_own_classes;

/* The values of some rows and, if asked, their slopes and bends. */
typedef void fl_class_points_fn(bool derive, int64_t rows, const double *parameters,
                                fl_own_classes *own);

/* What rounding took from that of q = 1; 0 where it is infinite. */
FL_INLINE real fl_gap_tail(real x, real m, real gap) {
  return fl_where(gap - gap == 0, fl_difference_tail(m, x, gap));
}

FL_INLINE fl_class_share fl_class_share_of(real gap, real gap_tail, real e,
                                           double rest) {
  const double total = (double)FL_TOP + rest, more = rest / (double)FL_TOP;
  const double others = e == FL_TOP ? rest : total - (double)e;
  return (fl_class_share){
      .log = (double)gap + ((double)gap_tail + fl_d_log1p(more)),
      .gap = (double)gap,
      .gap_tail = (double)gap_tail,
      .total = 1 + more,
      .p = (double)e / total,
      .rest = others / total,
  };
}

/* What the derivatives of one row need beside e and q; S and S' in the unit of e. */
typedef struct {
  real total, total_tail; /* S as a sum of two */
  real rest; /* S' */
  real weight, weight_tail; /* the sum of q, without what is spread, as a sum of two */
  real slope; /* factor / S */
  real curve, curve_tail; /* s factor / S^2 times 2^K as a sum of two */
  real spread, factor; /* total of what is spread times factor / S; factor */
  real lift, unit; /* of z-loss: e unit times lift is s b p factor */
  real bow; /* of z-loss: 2 z s factor 2^2K / S^2 */
} fl_row_state;

FL_INLINE real fl_others(real e, const fl_row_state *row) {
  return e == FL_TOP ? row->rest : (row->total - e) + row->total_tail;
}

/* What z-loss adds to a derivative. */
FL_INLINE real fl_lift(real e, real grad, const fl_row_state *row) {
  return FL_FMA(e * row->unit, row->lift, grad);
}

FL_INLINE real fl_softmax_grad(real e, real q, const fl_row_state *row) {
  const real share = (row->weight - q) + row->weight_tail;
  return FL_FMA(share, e, -q * fl_others(e, row)) * row->slope;
}

FL_INLINE real fl_softmax_hess(real e, const fl_row_state *row) {
  const real product =
      e * fl_others(e, row) * (1 / FL_TOP); /* e / 2^K may be subnormal */
  return FL_FMA_ONCE(product, row->curve, product * row->curve_tail);
}

/* At the class, of a loss that bends. */
FL_INLINE real fl_class_hess(real e, real bend, const fl_row_state *row) {
  return (fl_softmax_hess(e, row) + bend * (fl_others(e, row) / row->total))
         * (1 / FL_TOP);
}

/* Of the label weights that every row has beside its own: p_j spread - spread_j, and
   like fl_softmax_grad where one of them is most of the total. */
FL_INLINE real fl_spread_grad(bool light, real e, real spread, fl_sum total,
                              const fl_row_state *row) {
  if (light) return FL_FMA(e, row->spread, -(spread * row->factor));
  const real share = (real)((total.hi - (double)spread) + total.lo);
  return FL_FMA(share, e, -spread * fl_others(e, row)) * row->slope;
}

/* How much the derivatives of the other classes bend: / (S (S - e)), in the unit of e. */
FL_INLINE real fl_others_bend(double bend, real e, double rest) {
  const double total = (double)FL_TOP + rest;
  const double others = e == FL_TOP ? rest : total - (double)e;
  const double scaled = bend * ((double)FL_TOP / total);
  return others > 0 ? (real)(scaled * ((double)FL_TOP / others)) : 0;
}

/* weight: the sum of q without `spread`, that of what is spread. */
FL_INLINE fl_row_state fl_row_state_of(double rest, fl_sum weight, double spread,
                                       double factor) {
  const double total = (double)FL_TOP + rest, own = weight.hi + weight.lo;
  const double curve = (own + spread) * factor / (total * (total / (double)FL_TOP));
  return (fl_row_state){
      .total = (real)total,
      .total_tail = (real)(total - (double)(real)total),
      .rest = (real)rest,
      .weight = (real)own,
      .weight_tail = (real)((weight.hi - (double)(real)own) + weight.lo),
      .slope = (real)(factor / total),
      .curve = (real)curve,
      .curve_tail = (real)(curve - (double)(real)curve),
      .spread = (real)(spread * factor / total),
      .factor = (real)factor,
  };
}

/* The nearest finite number: beside it an exponential of 0 counts 0, one of 1 infinitely. */
FL_INLINE double fl_bounded(double x, double largest) {
  const double low = x < -largest ? -largest : x;
  return low > largest ? largest : low;
}

/* z of the two losses that have it. */
FL_INLINE double fl_z_of(const fl_row_block *block) {
  return (double)(real)block->parameters[0];
}

/* a b, 0 for a = 0. */
FL_INLINE double fl_share_of(double a, double b) {
  return fl_d_select(a != 0, a * b, 0);
}

/* s z lse^2. */
FL_INLINE double fl_level_value(double z, double weight, double level) {
  return fl_share_of(fl_share_of(weight * z, level), level);
}

/* The state of a row with z-loss; weight: s. Of e and lift the larger one is divided by
   2^K, so that neither leaves the range of normal numbers before their product does. */
FL_INLINE fl_row_state fl_lifted(fl_row_state row, double z, double level, double rest,
                                 double weight, double factor) {
  const double total = (double)FL_TOP + rest, sum = total / (double)FL_TOP;
  const double slope = 2 * z * level, square = weight * factor / (total * sum);
  const double curve = fl_bounded(fl_share_of(square, 1 + slope), FL_LARGEST);
  const double lift = fl_share_of(weight * (factor / sum), slope);
  const bool small = lift < 1 && lift > -1;
  row.curve = (real)curve;
  row.curve_tail = (real)(curve - (double)row.curve);
  row.unit = small ? 1 / FL_TOP : 1;
  row.lift = (real)fl_bounded(small ? lift : lift / (double)FL_TOP, FL_LARGEST);
  row.bow = (real)(2 * z * square * (double)FL_TOP);
  return row;
}

/* Label weights of a block in the dtype of the kernel; none: spread is NULL. */
typedef struct {
  const real *keep, *spread;
  fl_sum total;
  bool light;
} fl_spread;

FL_INLINE fl_spread fl_spread_of(const fl_row_block *block) {
  const fl_label_weights *weights = block->weights;
  return weights ? (fl_spread){weights->keep, weights->spread, weights->total,
                               weights->light}
                 : (fl_spread){0};
}

/* How the derivatives are taken: of label weights q, or of classes, whose own
   entry is mended; with what is spread, light or not; of a loss that bends, whose
   derivatives may be far smaller than p: its factors are 2^K times as large until the
   end; with z-loss, which lifts them. */
typedef struct {
  int want;
  bool weights, spreads, light, bends, lifts;
} fl_way;

#include "blocks/softmax/narrow.h"
#include "blocks/softmax/wide.h"

typedef union {
  fl_narrow narrow;
  fl_wide wide;
} fl_softmax_scratch;

/* Narrow rows of classes, or of label weights, which are classes if they are one-hot. */
FL_INLINE int fl_narrow_rows(int want, bool dense, fl_class_points_fn *points,
                             const fl_row_block *block, int64_t first, int64_t rows,
                             fl_narrow *narrow) {
  const int64_t classes = block->classes;
  const int64_t *labels = dense ? narrow->one_hot : block->labels + first;
  fl_narrow_begin(block, first, rows, narrow);
  if (dense) {
    const real *y = (const real *)block->y + first * block->ldy;
    /* Two classes are less work than the look at them. */
    if (classes == 2 || !fl_one_hot(rows, classes, y, block->ldy, narrow->one_hot)) {
      fl_transpose_in(rows, classes, y, block->ldy, narrow->q);
      return fl_narrow_weighted(want, block, first, rows, 0, narrow);
    }
  }
  fl_narrow_gaps(points, rows, labels, narrow);
  if (!points && block->weights)
    return fl_narrow_weighted(want, block, first, rows, labels, narrow);
  fl_narrow_classes(want, points, block, first, rows, labels, narrow);
  return 0;
}

/* Rows whose labels are weights, if `dense`, or classes. points: of a loss of a class;
   NULL: cross-entropy, with z-loss unless z is 0. */
FL_OUTLINE int fl_softmax_rows(int want, bool dense, fl_class_points_fn *points,
                               double z, const fl_row_block *block) {
  const int64_t classes = block->classes, height = fl_rows_together(classes);
  fl_softmax_scratch *const scratch = block->scratch;
  int flags = 0;
  if (classes <= FL_NARROW) scratch->narrow.z = z;
  else scratch->wide.z = z;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    if (classes <= FL_NARROW)
      flags |= fl_narrow_rows(want, dense, points, block, row, rows, &scratch->narrow);
    else if (dense || (!points && block->weights))
      flags |= fl_wide_weighted(want, dense, block, row, rows, &scratch->wide);
    else fl_wide_classes(want, points, block, row, rows, &scratch->wide);
  }
  return flags;
}

#endif
