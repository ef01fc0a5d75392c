/* narrow.h: many narrow rows of logits at once. The tile holds entry j of row r at
   j * rows + r, so that every loop over r is one vector loop. Part of softmax.h. */

typedef struct {
  real m[FL_ROWS], ties[FL_ROWS], log_total[FL_ROWS];
  real shift[FL_ROWS], lowest[FL_ROWS], c[FL_ROWS], magic[FL_ROWS];
  double rest[FL_ROWS], rest_tail[FL_ROWS];
  double gap[FL_ROWS], gap_tail[FL_ROWS];
  double weight[FL_ROWS], weight_tail[FL_ROWS];
  double level[FL_ROWS]; /* lse, of z-loss */
} fl_narrow_sums;

/* What rounding took from a sum: f32 keeps none of it (fl_add). */
FL_INLINE double fl_tail(const double *tail, int64_t r) {
  return sizeof(real) < sizeof(double) ? 0 : tail[r];
}

FL_INLINE void fl_begin_sum(double *sum, double *tail, int64_t r, double first) {
  sum[r] = first;
  if (sizeof(real) == sizeof(double)) tail[r] = 0;
}

/* fl_row_state of every row, and what bends the derivatives of a loss of a class. */
typedef struct {
  real total[FL_ROWS], total_tail[FL_ROWS], rest[FL_ROWS];
  real weight[FL_ROWS], weight_tail[FL_ROWS];
  real slope[FL_ROWS], curve[FL_ROWS], curve_tail[FL_ROWS];
  real spread[FL_ROWS], factor[FL_ROWS];
  real lift[FL_ROWS], unit[FL_ROWS], bow[FL_ROWS];
  real bend[FL_ROWS], class_bend[FL_ROWS];
} fl_narrow_states;

/* What a tile of rows needs. */
typedef struct {
  real tile[FL_ROWS_TILE], q[FL_ROWS_TILE], h[FL_ROWS_TILE];
  real label_weight[FL_ROWS];
  int64_t one_hot[FL_ROWS];
  fl_own_classes own;
  fl_narrow_sums sums;
  fl_narrow_states states;
  double z; /* of z-loss; 0: none. Last, where it moves no array off its line */
} fl_narrow;

FL_OUTLINE void fl_transpose_in(int64_t rows, int64_t classes, const real *from,
                                int64_t ld, real *tile) {
  fl_transpose(rows, classes, from, ld, tile, rows);
}

FL_OUTLINE void fl_transpose_out(int64_t rows, int64_t classes, const real *tile,
                                 real *to, int64_t ld) {
  fl_transpose(classes, rows, tile, rows, to, ld);
}

FL_OUTLINE void fl_narrow_max(int64_t rows, int64_t classes, const real *restrict x,
                              real *restrict m) {
  for (int64_t r = 0; r < rows; r++) m[r] = -(real)INFINITY;
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const real z = x[j * rows + r];
      m[r] = z > m[r] ? z : m[r];
    }
}

/* sum q_j and sum q_j (m - x_j) of q_j = keep_j y_j (keep NULL: y_j), which takes the place
   of y_j; what the kernel returns, of labels y inside [0, 1]. */
FL_INLINE int fl_narrow_weights(int64_t rows, int64_t classes, const real *restrict x,
                                real *restrict q, const real *restrict keep,
                                fl_narrow_sums *restrict sums) {
  real labels[FL_ROWS];
  fl_int outside = 0;
  for (int64_t r = 0; r < rows; r++) {
    fl_begin_sum(sums->gap, sums->gap_tail, r, 0);
    fl_begin_sum(sums->weight, sums->weight_tail, r, 0);
    labels[r] = 0;
  }
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const real y = q[j * rows + r], z = keep ? keep[j] * y : y;
      const real gap = fl_gap(z, x[j * rows + r], sums->m[r]);
      fl_add(&sums->gap[r], &sums->gap_tail[r], (double)gap);
      fl_add(&sums->weight[r], &sums->weight_tail[r], (double)z);
      outside |= -(fl_int)((y < 0) | (y > 1));
      if (keep) q[j * rows + r] = z, labels[r] += y;
    }
  int64_t sum = 0;
  for (int64_t r = 0; r < rows; r++)
    sum |= fl_label_sum(keep ? (double)labels[r]
                             : sums->weight[r] + fl_tail(sums->weight_tail, r));
  return (outside != 0) | (int)sum;
}

FL_OUTLINE int fl_narrow_labels(int64_t rows, int64_t classes, const real *x, real *q,
                                const real *keep, fl_narrow_sums *sums) {
  return keep ? fl_narrow_weights(rows, classes, x, q, keep, sums)
              : fl_narrow_weights(rows, classes, x, q, 0, sums);
}

/* The same of rows with one label, which are keep at it. */
FL_OUTLINE void fl_narrow_class_weights(int64_t rows, const real *restrict gap,
                                        const real *restrict weight,
                                        fl_narrow_sums *restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    fl_begin_sum(sums->gap, sums->gap_tail, r, (double)fl_masked(weight[r], gap[r]));
    fl_begin_sum(sums->weight, sums->weight_tail, r, (double)weight[r]);
  }
}

/* Adds sum spread_j (m - x_j) to the gap, four classes in pairs before they meet the sum.
   Of a class with nothing m stands in for the logits: -inf counts 0. */
FL_OUTLINE void fl_narrow_spread(int64_t rows, int64_t classes, const real *restrict x,
                                 const real *restrict spread,
                                 fl_narrow_sums *restrict sums) {
  const real *m = sums->m;
  for (int64_t j = 0; j < classes; j += 4) {
    real s[4];
    const real *z[4];
    for (int64_t k = 0; k < 4; k++) {
      s[k] = j + k < classes ? spread[j + k] : 0;
      z[k] = s[k] != 0 ? x + (j + k) * rows : m;
    }
    const real *a = z[0], *b = z[1], *c = z[2], *d = z[3];
    for (int64_t r = 0; r < rows; r++) {
      const real low = FL_FMA(s[0], m[r] - a[r], s[1] * (m[r] - b[r]));
      const real high = FL_FMA(s[2], m[r] - c[r], s[3] * (m[r] - d[r]));
      fl_add(&sums->gap[r], &sums->gap_tail[r], (double)(low + high));
    }
  }
}

/* How each row takes its exponentials. Where the maximum is infinite x becomes x - m
   and the maximum 0. */
FL_OUTLINE void fl_narrow_frames(int64_t rows, int64_t classes, real *restrict x,
                                 fl_narrow_sums *restrict sums) {
  fl_int certain = 0;
  for (int64_t r = 0; r < rows; r++) certain |= -(fl_int)(sums->m[r] == (real)INFINITY);
  for (int64_t r = 0; certain && r < rows; r++)
    if (sums->m[r] == (real)INFINITY) {
      sums->m[r] = 0;
      for (int64_t j = 0; j < classes; j++)
        x[j * rows + r] = fl_below_infinity(x[j * rows + r]);
    }
  for (int64_t r = 0; r < rows; r++) {
    const fl_frame row = fl_frame_of(sums->m[r]);
    sums->shift[r] = row.shift;
    sums->lowest[r] = row.lowest;
    sums->c[r] = row.c;
    sums->magic[r] = row.magic;
  }
}

FL_INLINE fl_frame fl_narrow_frame(const fl_narrow_sums *sums, int64_t r) {
  return (fl_frame){sums->shift[r], sums->lowest[r], sums->c[r], sums->magic[r]};
}

/* x becomes e; the result is e but 0 for 2^K, which is counted. */
FL_INLINE real fl_narrow_other(real *restrict x, fl_frame row, real *ties) {
  const real e = fl_exp_in(*x, row);
  *x = e;
  *ties += e == FL_TOP ? (real)1 : (real)0;
  return fl_where(e != FL_TOP, e);
}

FL_OUTLINE void fl_narrow_one(int64_t rows, real *restrict x,
                              fl_narrow_sums *restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_frame row = fl_narrow_frame(sums, r);
    const real other = fl_narrow_other(x + r, row, &sums->ties[r]);
    fl_add(&sums->rest[r], &sums->rest_tail[r], (double)other);
  }
}

/* Four classes of all rows, added in pairs before they meet the sum. */
FL_OUTLINE void fl_narrow_four(int64_t rows, real *restrict x0, real *restrict x1,
                               real *restrict x2, real *restrict x3,
                               fl_narrow_sums *restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_frame row = fl_narrow_frame(sums, r);
    real ties = sums->ties[r];
    const real a = fl_narrow_other(x0 + r, row, &ties);
    const real b = fl_narrow_other(x1 + r, row, &ties);
    const real c = fl_narrow_other(x2 + r, row, &ties);
    const real d = fl_narrow_other(x3 + r, row, &ties);
    sums->ties[r] = ties;
    fl_add(&sums->rest[r], &sums->rest_tail[r], (double)((a + b) + (c + d)));
  }
}

/* x becomes e, rest becomes S'. */
FL_OUTLINE void fl_narrow_exponentials(int64_t rows, int64_t classes, real *restrict x,
                                       fl_narrow_sums *restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    sums->ties[r] = -1;
    fl_begin_sum(sums->rest, sums->rest_tail, r, 0);
  }
  int64_t j = 0;
  for (; j + 4 <= classes; j += 4) {
    real *four = x + j * rows;
    fl_narrow_four(rows, four, four + rows, four + 2 * rows, four + 3 * rows, sums);
  }
  for (; j < classes; j++) fl_narrow_one(rows, x + j * rows, sums);
  for (int64_t r = 0; r < rows; r++)
    sums->rest[r] = (sums->rest[r] + fl_tail(sums->rest_tail, r))
                    + (double)sums->ties[r] * (double)FL_TOP;
}

/* What each row of the tile holds for its label. */
FL_INLINE void fl_narrow_pick(int64_t rows, const real *restrict tile,
                              const int64_t *restrict labels, real *restrict picked) {
  for (int64_t r = 0; r < rows; r++) picked[r] = tile[labels[r] * rows + r];
}

FL_OUTLINE void fl_narrow_logs(int64_t rows, fl_narrow_sums *restrict sums) {
  for (int64_t r = 0; r < rows; r++)
    sums->log_total[r] = fl_log1p((real)(sums->rest[r] / (double)FL_TOP));
}

/* The same in double, and lse where the maximum was. */
FL_OUTLINE void fl_narrow_levels(int64_t rows, fl_narrow_sums *restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    const double log = fl_d_log1p(sums->rest[r] / (double)FL_TOP);
    sums->log_total[r] = (real)log;
    sums->level[r] += log;
  }
}

/* Of label weights, with a total that is spread, and z-loss. */
FL_OUTLINE void fl_narrow_lifted_values(int64_t rows, double spread, double z,
                                        const fl_narrow_sums *restrict sums,
                                        real *restrict v) {
  for (int64_t r = 0; r < rows; r++) {
    const double weight = sums->weight[r] + fl_tail(sums->weight_tail, r) + spread;
    const double gap = fl_sum_value((fl_sum){sums->gap[r], fl_tail(sums->gap_tail, r)});
    v[r] = (real)(gap + weight * (double)sums->log_total[r]
                  + fl_level_value(z, weight, sums->level[r]));
  }
}

/* Of label weights, with a total that is spread. */
FL_OUTLINE void fl_narrow_values(int64_t rows, double spread,
                                 const fl_narrow_sums *restrict sums,
                                 real *restrict v) {
  for (int64_t r = 0; r < rows; r++) {
    const double weight = sums->weight[r] + fl_tail(sums->weight_tail, r) + spread;
    const double gap = fl_sum_value((fl_sum){sums->gap[r], fl_tail(sums->gap_tail, r)});
    v[r] = (real)(gap + weight * (double)sums->log_total[r]);
  }
}

/* What the derivatives of a way read. */
FL_INLINE void fl_narrow_put_state(fl_way way, fl_narrow_states *restrict states,
                                   int64_t r, fl_row_state state) {
  states->total[r] = state.total;
  states->total_tail[r] = state.total_tail;
  states->rest[r] = state.rest;
  states->slope[r] = state.slope;
  if (way.want & FL_WANT_HESS) {
    states->curve[r] = state.curve;
    states->curve_tail[r] = state.curve_tail;
  }
  if (way.weights || way.spreads) {
    states->weight[r] = state.weight;
    states->weight_tail[r] = state.weight_tail;
  }
  if (way.spreads) {
    states->spread[r] = state.spread;
    states->factor[r] = state.factor;
  }
  if (way.lifts) {
    states->lift[r] = state.lift;
    states->unit[r] = state.unit;
  }
  if (way.lifts && way.want & FL_WANT_HESS) states->bow[r] = state.bow;
}

FL_INLINE fl_row_state fl_narrow_state(const fl_narrow_states *states, int64_t r) {
  return (fl_row_state){
      .total = states->total[r],
      .total_tail = states->total_tail[r],
      .rest = states->rest[r],
      .weight = states->weight[r],
      .weight_tail = states->weight_tail[r],
      .slope = states->slope[r],
      .curve = states->curve[r],
      .curve_tail = states->curve_tail[r],
      .spread = states->spread[r],
      .factor = states->factor[r],
      .lift = states->lift[r],
      .unit = states->unit[r],
      .bow = states->bow[r],
  };
}

FL_INLINE void fl_narrow_states_of(int want, bool lifts, int64_t rows, double spread,
                                   double z, const double *restrict factor,
                                   const fl_narrow_sums *restrict sums,
                                   fl_narrow_states *restrict states) {
  const fl_way way = {want, true, true, false, false, lifts};
  for (int64_t r = 0; r < rows; r++) {
    const fl_sum weight = {sums->weight[r], fl_tail(sums->weight_tail, r)};
    const double rest = sums->rest[r], all = weight.hi + weight.lo + spread;
    fl_row_state state = fl_row_state_of(rest, weight, spread, factor[r]);
    if (lifts) state = fl_lifted(state, z, sums->level[r], rest, all, factor[r]);
    fl_narrow_put_state(way, states, r, state);
  }
}

/* e becomes l'; h becomes l''. */
FL_INLINE void fl_narrow_derivatives(fl_way way, int64_t rows, int64_t classes,
                                     real *restrict e, const real *restrict q,
                                     const fl_spread *spread,
                                     const fl_narrow_states *restrict states,
                                     real *restrict h) {
  for (int64_t j = 0; j < classes; j++) {
    const real part = way.spreads ? spread->spread[j] : 0;
    for (int64_t r = 0; r < rows; r++) {
      const int64_t i = j * rows + r;
      const fl_row_state state = fl_narrow_state(states, r);
      const real z = e[i], top = z * (1 / FL_TOP);
      real g = way.weights   ? fl_softmax_grad(z, q[i], &state)
               : way.spreads ? state.weight * z * state.slope
                             : z * state.slope;
      if (way.spreads) g += fl_spread_grad(way.light, z, part, spread->total, &state);
      if (way.lifts) g = fl_lift(z, g, &state);
      if (way.want & FL_WANT_HESS) {
        h[i] = fl_softmax_hess(z, &state);
        if (way.lifts) h[i] += top * (top * state.bow);
        if (way.bends) h[i] = (h[i] + top * (top * states->bend[r])) * (1 / FL_TOP);
      }
      e[i] = way.bends ? g * (1 / FL_TOP) : g;
    }
  }
}

/* l' and l'' of a tile of rows with label weights q. */
FL_INLINE void fl_narrow_derive(int want, bool lifts, int64_t rows, int64_t classes,
                                real *e, const real *q, const fl_spread *spread,
                                const fl_narrow_states *states, real *h) {
  const fl_way plain = {want, true, false, false, false, lifts};
  const fl_way light = {want, true, true, true, false, lifts};
  const fl_way heavy = {want, true, true, false, false, lifts};
  if (!spread->spread)
    fl_narrow_derivatives(plain, rows, classes, e, q, spread, states, h);
  else if (spread->light)
    fl_narrow_derivatives(light, rows, classes, e, q, spread, states, h);
  else fl_narrow_derivatives(heavy, rows, classes, e, q, spread, states, h);
}

/* A number of each row's class. Out of line, as GCC would gather it by vectors, which
   costs twice as much. */
FL_OUTLINE void fl_take(int64_t rows, const int64_t *labels, const real *number,
                        real *out) {
  for (int64_t r = 0; r < rows; r++) out[r] = number[labels[r]];
}

/* The same of rows with classes, whose e are picked already. */
FL_INLINE void fl_narrow_derive_classes(fl_way way, int64_t rows, int64_t classes,
                                        const int64_t *labels, const fl_spread *spread,
                                        fl_narrow *narrow) {
  const fl_narrow_states *states = &narrow->states;
  const bool bent_hess = way.bends && way.want & FL_WANT_HESS;
  real *const e = narrow->tile, *const grad = narrow->own.e;
  real *const hess = narrow->own.gap, *const part = narrow->label_weight;
  if (way.spreads) fl_take(rows, labels, spread->spread, part);
  for (int64_t r = 0; r < rows; r++) {
    const fl_row_state state = fl_narrow_state(states, r);
    const real z = grad[r], others = fl_others(z, &state);
    if (bent_hess) hess[r] = fl_class_hess(z, states->class_bend[r], &state);
    grad[r] =
        way.spreads ? -(state.weight * others) * state.slope : -others * state.slope;
    if (way.spreads)
      grad[r] += fl_spread_grad(way.light, z, part[r], spread->total, &state);
    if (way.lifts) grad[r] = fl_lift(z, grad[r], &state);
    if (way.bends) grad[r] *= 1 / FL_TOP;
  }
  fl_narrow_derivatives(way, rows, classes, e, 0, spread, states, narrow->h);
  for (int64_t r = 0; r < rows; r++) e[labels[r] * rows + r] = grad[r];
  for (int64_t r = 0; bent_hess && r < rows; r++)
    narrow->h[labels[r] * rows + r] = hess[r];
}

/* x of a tile, and what is done before its labels are looked at. */
FL_INLINE void fl_narrow_begin(const fl_row_block *block, int64_t first, int64_t rows,
                               fl_narrow *narrow) {
  fl_transpose_in(rows, block->classes, (const real *)block->x + first * block->ldx,
                  block->ldx, narrow->tile);
  fl_narrow_max(rows, block->classes, narrow->tile, narrow->sums.m);
  for (int64_t r = 0; narrow->z != 0 && r < rows; r++)
    narrow->sums.level[r] = (double)narrow->sums.m[r];
}

/* L of each row's class without its logarithm; with what rounding took from it, of a loss
   that bends. */
FL_INLINE void fl_narrow_gaps(bool bends, int64_t rows, const int64_t *labels,
                              fl_narrow *narrow) {
  real *const gap = narrow->own.gap, *const tail = narrow->own.gap_tail;
  const real *m = narrow->sums.m;
  fl_narrow_pick(rows, narrow->tile, labels, gap);
  for (int64_t r = 0; bends && r < rows; r++)
    tail[r] = fl_gap_tail(gap[r], m[r], fl_gap(1, gap[r], m[r]));
  for (int64_t r = 0; r < rows; r++) gap[r] = fl_gap(1, gap[r], m[r]);
}

FL_INLINE void fl_narrow_end(int want, const fl_row_block *block, int64_t first,
                             int64_t rows, const fl_narrow *narrow) {
  fl_transpose_out(rows, block->classes, narrow->tile,
                   (real *)block->g + first * block->ldg, block->ldg);
  if (want & FL_WANT_HESS)
    fl_transpose_out(rows, block->classes, narrow->h,
                     (real *)block->h + first * block->ldh, block->ldh);
}

/* Rows with label weights: cross-entropy. Labels are those that y_j = 1 picks or, where
   that is NULL, the rows of q. */
FL_INLINE int fl_narrow_weighted_by(int want, bool lifts, const fl_row_block *block,
                                    int64_t first, int64_t rows, const int64_t *labels,
                                    fl_narrow *narrow) {
  const int64_t classes = block->classes;
  const fl_spread spread = fl_spread_of(block);
  const double total = fl_sum_value(spread.total);
  fl_narrow_sums *const sums = &narrow->sums;
  real *const tile = narrow->tile, *const q = narrow->q;
  int flags = 0;
  if (labels) {
    fl_take(rows, labels, spread.keep, narrow->label_weight);
    fl_narrow_class_weights(rows, narrow->own.gap, narrow->label_weight, sums);
  } else {
    flags = fl_narrow_labels(rows, classes, tile, q, spread.keep, sums);
  }
  fl_narrow_frames(rows, classes, tile, sums);
  if (want & FL_WANT_VALUE && spread.spread)
    fl_narrow_spread(rows, classes, tile, spread.spread, sums);
  fl_narrow_exponentials(rows, classes, tile, sums);
  if (lifts) fl_narrow_levels(rows, sums);
  else if (want & FL_WANT_VALUE) fl_narrow_logs(rows, sums);
  if (want & FL_WANT_VALUE && lifts)
    fl_narrow_lifted_values(rows, total, narrow->z, sums, (real *)block->v + first);
  else if (want & FL_WANT_VALUE)
    fl_narrow_values(rows, total, sums, (real *)block->v + first);
  if (!(want & (FL_WANT_GRAD | FL_WANT_HESS))) return flags;
  fl_narrow_states_of(want, lifts, rows, total, narrow->z, block->factor + first, sums,
                      &narrow->states);
  if (labels) {
    fl_narrow_pick(rows, tile, labels, narrow->own.e);
    if (spread.light)
      fl_narrow_derive_classes((fl_way){want, false, true, true, false, lifts}, rows,
                               classes, labels, &spread, narrow);
    else
      fl_narrow_derive_classes((fl_way){want, false, true, false, false, lifts}, rows,
                               classes, labels, &spread, narrow);
  } else {
    fl_narrow_derive(want, lifts, rows, classes, tile, q, &spread, &narrow->states,
                     narrow->h);
  }
  fl_narrow_end(want, block, first, rows, narrow);
  return flags;
}

/* Once for all kernels, with the derivatives known. */
FL_OUTLINE int fl_narrow_weighted_value(const fl_row_block *block, int64_t first,
                                        int64_t rows, const int64_t *labels,
                                        fl_narrow *narrow) {
  const bool lifts = narrow->z != 0;
  return fl_narrow_weighted_by(FL_WANT_VALUE, lifts, block, first, rows, labels,
                               narrow);
}

#define FL_NARROW_WEIGHTED(name, derivatives, lifts)                               \
  FL_OUTLINE int name(int value, const fl_row_block *block, int64_t first,         \
                      int64_t rows, const int64_t *labels, fl_narrow *narrow) {    \
    const int want = (value ? FL_WANT_VALUE : 0) | (derivatives);                  \
    return fl_narrow_weighted_by(want, lifts, block, first, rows, labels, narrow); \
  }
FL_NARROW_WEIGHTED(fl_narrow_weighted_grad, FL_WANT_GRAD, false)
FL_NARROW_WEIGHTED(fl_narrow_weighted_hess, FL_WANT_GRAD | FL_WANT_HESS, false)
FL_NARROW_WEIGHTED(fl_narrow_lifted_grad, FL_WANT_GRAD, true)
FL_NARROW_WEIGHTED(fl_narrow_lifted_hess, FL_WANT_GRAD | FL_WANT_HESS, true)
#undef FL_NARROW_WEIGHTED

FL_INLINE int fl_narrow_weighted(int want, const fl_row_block *block, int64_t first,
                                 int64_t rows, const int64_t *labels,
                                 fl_narrow *narrow) {
  const bool lifts = narrow->z != 0;
  if (want & FL_WANT_HESS)
    return (lifts ? fl_narrow_lifted_hess : fl_narrow_weighted_hess)(
        0, block, first, rows, labels, narrow);
  if (want & FL_WANT_GRAD)
    return (lifts ? fl_narrow_lifted_grad : fl_narrow_weighted_grad)(
        want & FL_WANT_VALUE, block, first, rows, labels, narrow);
  return fl_narrow_weighted_value(block, first, rows, labels, narrow);
}

FL_OUTLINE void fl_narrow_class_values(int64_t rows, const fl_narrow *restrict narrow,
                                       real *restrict v) {
  for (int64_t r = 0; r < rows; r++)
    v[r] = narrow->own.gap[r] + narrow->sums.log_total[r];
}

FL_OUTLINE void fl_narrow_lifted_class_values(int64_t rows,
                                              const fl_narrow *restrict narrow,
                                              real *restrict v) {
  for (int64_t r = 0; r < rows; r++)
    v[r] = (real)((double)narrow->own.gap[r] + (double)narrow->sums.log_total[r]
                  + fl_level_value(narrow->z, 1, narrow->sums.level[r]));
}

/* l' and l'' of a tile of rows with classes. */
FL_INLINE void fl_narrow_class_derivatives(int want, bool bends, bool lifts,
                                           const fl_row_block *block, int64_t first,
                                           int64_t rows, const int64_t *labels,
                                           fl_narrow *narrow) {
  const fl_way way = {want, false, false, false, bends, lifts};
  const fl_spread none = {0};
  const double *factor = block->factor + first;
  const fl_own_classes *restrict own = &narrow->own;
  fl_narrow_states *restrict states = &narrow->states;
  for (int64_t r = 0; r < rows; r++) {
    const double rest = narrow->sums.rest[r];
    const double scaled = bends ? factor[r] * (double)FL_TOP : factor[r];
    const double slope = bends ? scaled * own->slope[r] : scaled;
    fl_row_state state = fl_row_state_of(rest, (fl_sum){1, 0}, 0, slope);
    if (lifts)
      state = fl_lifted(state, narrow->z, narrow->sums.level[r], rest, 1, slope);
    fl_narrow_put_state(way, states, r, state);
    if (bends && want & FL_WANT_HESS) {
      const double bend = own->bend[r] * scaled;
      states->bend[r] = fl_others_bend(bend, own->e[r], rest);
      states->class_bend[r] = (real)bend;
    }
  }
  fl_narrow_derive_classes(way, rows, block->classes, labels, &none, narrow);
}

#define FL_NARROW_CLASS(name, want, bends, lifts)                               \
  FL_OUTLINE void name(const fl_row_block *block, int64_t first, int64_t rows,  \
                       const int64_t *labels, fl_narrow *narrow) {              \
    fl_narrow_class_derivatives(want, bends, lifts, block, first, rows, labels, \
                                narrow);                                        \
  }
FL_NARROW_CLASS(fl_narrow_class_grad, FL_WANT_GRAD, false, false)
FL_NARROW_CLASS(fl_narrow_class_hess, FL_WANT_GRAD | FL_WANT_HESS, false, false)
FL_NARROW_CLASS(fl_narrow_bent_grad, FL_WANT_GRAD, true, false)
FL_NARROW_CLASS(fl_narrow_bent_hess, FL_WANT_GRAD | FL_WANT_HESS, true, false)
FL_NARROW_CLASS(fl_narrow_lifted_class_grad, FL_WANT_GRAD, false, true)
FL_NARROW_CLASS(fl_narrow_lifted_class_hess, FL_WANT_GRAD | FL_WANT_HESS, false, true)
#undef FL_NARROW_CLASS

/* Rows with classes, of which `points` makes a loss; NULL: cross-entropy. */
FL_INLINE void fl_narrow_classes(int want, fl_class_points_fn *points,
                                 const fl_row_block *block, int64_t first, int64_t rows,
                                 const int64_t *labels, fl_narrow *narrow) {
  const bool value = want & FL_WANT_VALUE, derive = want != FL_WANT_VALUE;
  const bool lifts = narrow->z != 0;
  fl_own_classes *const own = &narrow->own;
  real *const v = value ? (real *)block->v + first : 0;
  fl_narrow_frames(rows, block->classes, narrow->tile, &narrow->sums);
  fl_narrow_exponentials(rows, block->classes, narrow->tile, &narrow->sums);
  if (derive || points) fl_narrow_pick(rows, narrow->tile, labels, own->e);
  if (points) {
    memcpy(own->rest, narrow->sums.rest, (size_t)rows * sizeof *own->rest);
    points(derive, rows, block->parameters, own);
    if (value) memcpy(v, own->value, (size_t)rows * sizeof *v);
  } else if (lifts) {
    fl_narrow_levels(rows, &narrow->sums);
    if (value) fl_narrow_lifted_class_values(rows, narrow, v);
  } else if (value) {
    fl_narrow_logs(rows, &narrow->sums);
    fl_narrow_class_values(rows, narrow, v);
  }
  if (!derive) return;
  if (want & FL_WANT_HESS)
    (points  ? fl_narrow_bent_hess
     : lifts ? fl_narrow_lifted_class_hess
             : fl_narrow_class_hess)(block, first, rows, labels, narrow);
  else
    (points  ? fl_narrow_bent_grad
     : lifts ? fl_narrow_lifted_class_grad
             : fl_narrow_class_grad)(block, first, rows, labels, narrow);
  fl_narrow_end(want, block, first, rows, narrow);
}
