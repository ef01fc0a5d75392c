/* wide.h: wide rows of logits: the maxima, the exponentials and their sums, then the
   derivatives. A few rows go through each step together, so that
   no step waits for the end of the one before. Part of softmax.h. */

enum { FL_WIDE_ROWS = FL_ROWS_TILE / FL_NARROW }; /* taken together, at most */

FL_INLINE real fl_larger(real a, real b) { return a > b ? a : b; }

/* Of at least FL_FOUR entries; the last FL_FOUR may overlap the ones before. NaN is
   left out. */
FL_OUTLINE real fl_row_max(int64_t n, const real *x) {
  real lane[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) lane[j] = -(real)INFINITY;
  for (int64_t i = 0; i < n; i += FL_FOUR) {
    const real *four = x + (i < n - FL_FOUR ? i : n - FL_FOUR);
    for (int j = 0; j < FL_LANES; j++) {
      const real *t = four + j;
      const real low = fl_larger(t[0], lane[j]);
      const real high = fl_larger(t[2 * FL_LANES], fl_larger(t[FL_LANES], low));
      lane[j] = fl_larger(t[3 * FL_LANES], high);
    }
  }
  real eight[8], quad[4];
  for (int j = 0; j < 8; j++) eight[j] = fl_larger(lane[j], lane[j + 8]);
  for (int j = 0; j < 4; j++) quad[j] = fl_larger(eight[j], eight[j + 4]);
  return fl_larger(fl_larger(quad[0], quad[1]), fl_larger(quad[2], quad[3]));
}

/* Of at least FL_LANES entries; the last may be computed twice. */
FL_OUTLINE void fl_exponentials(int64_t n, const real *restrict x, fl_frame row,
                                real *restrict e) {
  for (int64_t i = 0; i < n; i += FL_LANES) {
    const int64_t at = i < n - FL_LANES ? i : n - FL_LANES;
    for (int j = 0; j < FL_LANES; j++) e[at + j] = fl_exp_in(x[at + j], row);
  }
}

FL_OUTLINE void fl_all_below_infinity(int64_t n, const real *restrict x,
                                      real *restrict out) {
  for (int64_t j = 0; j < n; j++) out[j] = fl_below_infinity(x[j]);
}

/* The sum of a row's e without those that are 2^K, which are counted. */
typedef struct {
  double hi[FL_LANES], lo[FL_LANES];
  fl_uint ties[FL_LANES];
} fl_others_sum;

/* Of FL_FOUR entries without the first `skip`. */
FL_INLINE void fl_add_others(fl_others_sum *sum, const real *e, int skip) {
  for (int j = 0; j < FL_LANES; j++) {
    real other[4];
    for (int k = 0; k < 4; k++) {
      const real z = e[k * FL_LANES + j];
      const bool counts = k * FL_LANES + j >= skip;
      other[k] = fl_where(counts & (z != FL_TOP), z);
      sum->ties[j] += counts & (z == FL_TOP);
    }
    fl_add(&sum->hi[j], &sum->lo[j],
           (double)((other[0] + other[1]) + (other[2] + other[3])));
  }
}

/* What the loops over entries leave of rows, and buffers for a piece of one. */
typedef struct {
  real m[FL_WIDE_ROWS], log_total[FL_WIDE_ROWS];
  fl_frame frame[FL_WIDE_ROWS];
  double rest[FL_WIDE_ROWS], gap[FL_WIDE_ROWS]; /* S', sum q (m - x) */
  double level[FL_WIDE_ROWS]; /* lse, of z-loss */
  fl_sum weight[FL_WIDE_ROWS];              /* sum q */
  fl_own_classes own;
  fl_row_state state[FL_WIDE_ROWS]; /* of classes, with what bends */
  real bend[FL_WIDE_ROWS];
  _Alignas(FL_LINE) real buffer[FL_PIECE + FL_FOUR];
  _Alignas(FL_LINE) real finite[FL_PIECE + FL_FOUR];
  double z; /* of z-loss; 0: none */
} fl_wide;

/* e of one row, to e if that is not NULL, and S' as the result. The last piece is no
   shorter than FL_FOUR, so that its ragged end can be added with entries before it. */
FL_OUTLINE double fl_row_exponentials(int64_t n, const real *x, bool certain,
                                      fl_frame row, real *buffer, real *finite,
                                      real *e) {
  fl_others_sum sum;
  for (int j = 0; j < FL_LANES; j++)
    sum.hi[j] = sum.lo[j] = -0.0, sum.ties[j] = 0; /* x + -0 is x */
  int64_t size;
  for (int64_t i = 0; i < n; i += size) {
    size = n - i < FL_PIECE + FL_FOUR ? n - i : FL_PIECE;
    real *to = e ? e + i : buffer;
    if (certain) fl_all_below_infinity(size, x + i, finite);
    fl_exponentials(size, certain ? finite : x + i, row, to);
    const int64_t whole = size / FL_FOUR * FL_FOUR;
    for (int64_t j = 0; j < whole; j += FL_FOUR) fl_add_others(&sum, to + j, 0);
    if (whole < size)
      fl_add_others(&sum, to + size - FL_FOUR, (int)(FL_FOUR - (size - whole)));
  }
  fl_uint count = 0;
  for (int j = 0; j < FL_LANES; j++) count += sum.ties[j];
  return fl_row_total(sum.hi, sum.lo) + ((double)count - 1) * (double)FL_TOP;
}

/* Towards the L2, while the exponentials of other rows are computed. */
FL_INLINE void fl_fetch_row(int64_t n, const real *x) {
  for (int64_t j = 0; j < n; j += FL_LANES) __builtin_prefetch(x + j, 0, 2);
}

typedef struct {
  fl_lanes gap, weight;
  double labels[FL_LANES];
  fl_int outside[FL_LANES];
} fl_label_sums;

/* sum q (m - x) and sum q of FL_LANES entries without the first `skip`. */
FL_INLINE void fl_add_labels(fl_label_sums *sums, const real *restrict x,
                             const real *restrict y, const real *restrict keep, real m,
                             int skip) {
  for (int j = 0; j < FL_LANES; j++) {
    const real label = fl_where(j >= skip, y[j]), z = keep ? keep[j] * label : label;
    fl_add(&sums->gap.hi[j], &sums->gap.lo[j], (double)fl_gap(z, x[j], m));
    fl_add(&sums->weight.hi[j], &sums->weight.lo[j], (double)z);
    if (keep) sums->labels[j] += (double)label;
    sums->outside[j] |= -(fl_int)((label < 0) | (label > 1));
  }
}

FL_INLINE void fl_add_row_labels(fl_label_sums *sums, int64_t n, const real *x,
                                 const real *y, const real *keep, real m) {
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    if (!fl_all_zero(y + i))
      fl_add_labels(sums, x + i, y + i, keep ? keep + i : 0, m, 0);
  if (i < n && !fl_all_zero(y + n - FL_LANES)) {
    const int64_t last = n - FL_LANES;
    fl_add_labels(sums, x + last, y + last, keep ? keep + last : 0, m, (int)(i - last));
  }
}

/* sum q (m - x) to *gap and sum q to *weight, of q_j = keep_j y_j (keep NULL: y_j), this
   one with what rounding took from it: s - q_j cancels where one label holds nearly all of
   the weight. Returns what the kernel does, with y inside [0, 1]. Terms of y = 0 are 0:
   rows of few labels skip nearly all of them, and those of one need no sums. */
FL_OUTLINE int fl_row_labels(int64_t n, const real *x, const real *y, const real *keep,
                             real m, double *gap, fl_sum *weight) {
  const int64_t one = fl_one_label(n, y);
  if (one >= 0) {
    const real z = keep ? keep[one] : 1;
    *gap = (double)fl_gap(z, x[one], m);
    *weight = (fl_sum){(double)z, 0};
    return 0;
  }
  fl_label_sums sums;
  for (int j = 0; j < FL_LANES; j++) {
    sums.gap.hi[j] = sums.gap.lo[j] = sums.weight.hi[j] = sums.weight.lo[j] = -0.0;
    sums.outside[j] = 0, sums.labels[j] = 0;
  }
  if (keep) fl_add_row_labels(&sums, n, x, y, keep, m);
  else fl_add_row_labels(&sums, n, x, y, 0, m);
  *gap = fl_row_total(sums.gap.hi, sums.gap.lo) + 0.0; /* not -0, of no terms */
  *weight = fl_lanes_total(&sums.weight);
  weight->hi += 0.0;
  fl_int outside = 0;
  double labels = 0;
  for (int j = 0; j < FL_LANES; j++)
    outside |= sums.outside[j], labels += sums.labels[j];
  return (outside != 0) | (int)fl_label_sum(keep ? labels : weight->hi + weight->lo);
}

/* Of FL_FOUR entries without the first `skip`. */
FL_INLINE void fl_add_spread(bool finite, fl_lanes *sum, const real *x,
                             const real *spread, real m, int skip) {
  for (int j = 0; j < FL_LANES; j++) {
    real term[4];
    for (int k = 0; k < 4; k++) {
      const int i = k * FL_LANES + j;
      const real gap = finite ? spread[i] * (m - x[i]) : fl_gap(spread[i], x[i], m);
      term[k] = fl_where(i >= skip, gap);
    }
    fl_add(&sum->hi[j], &sum->lo[j],
           (double)((term[0] + term[1]) + (term[2] + term[3])));
  }
}

FL_INLINE double fl_row_spread_of(bool finite, int64_t n, const real *x,
                                  const real *spread, real m) {
  fl_lanes sum;
  for (int j = 0; j < FL_LANES; j++) sum.hi[j] = sum.lo[j] = -0.0;
  const int64_t whole = n / FL_FOUR * FL_FOUR, last = n - FL_FOUR;
  for (int64_t i = 0; i < whole; i += FL_FOUR)
    fl_add_spread(finite, &sum, x + i, spread + i, m, 0);
  if (whole < n)
    fl_add_spread(finite, &sum, x + last, spread + last, m, (int)(whole - last));
  return fl_row_total(sum.hi, sum.lo) + 0.0;
}

/* sum spread_j (m - x_j). Nothing has to be masked where all terms are finite. */
FL_OUTLINE double fl_row_spread(int64_t n, const real *x, const real *spread, real m) {
  const double sum = fl_row_spread_of(true, n, x, spread, m);
  return sum - sum == 0 ? sum : fl_row_spread_of(false, n, x, spread, m);
}

/* e becomes l'; h becomes l''. y is read where the way has weights. */
FL_INLINE void fl_derivatives(fl_way way, int64_t n, const real *restrict y,
                              const real *restrict keep, const real *restrict spread,
                              fl_sum total, real bend, const fl_row_state *of_row,
                              real *restrict g, real *restrict h) {
  const fl_row_state state = *of_row; /* out of the reach of what is stored */
  const real weight = state.weight + state.weight_tail;
  for (int64_t j = 0; j < n; j++) {
    const real e = g[j], top = e * (1 / FL_TOP);
    real d = way.weights ? fl_softmax_grad(e, keep ? keep[j] * y[j] : y[j], &state)
                         : weight * e * state.slope;
    if (way.spreads) d += fl_spread_grad(way.light, e, spread[j], total, &state);
    if (way.lifts) d = fl_lift(e, d, &state);
    if (way.want & FL_WANT_HESS) {
      h[j] = fl_softmax_hess(e, &state);
      if (way.lifts) h[j] += top * (top * state.bow);
      if (way.bends) h[j] = (h[j] + top * (top * bend)) * (1 / FL_TOP);
    }
    g[j] = way.bends ? d * (1 / FL_TOP) : d;
  }
}

/* Of label weights, by groups of lanes, most of which have none. */
FL_INLINE void fl_weighted_derivatives(fl_way way, int64_t n, const real *y,
                                       const fl_spread *spread,
                                       const fl_row_state *state, real *g, real *h) {
  fl_way none = way;
  none.weights = false;
  for (int64_t i = 0; i < n; i += FL_LANES) {
    const int64_t size = n - i < FL_LANES ? n - i : FL_LANES;
    real *to = way.want & FL_WANT_HESS ? h + i : 0;
    const real *keep = way.spreads ? spread->keep + i : 0;
    const real *part = way.spreads ? spread->spread + i : 0;
    if (size < FL_LANES)
      fl_derivatives(way, size, y + i, keep, part, spread->total, 0, state, g + i, to);
    else if (fl_all_zero(y + i))
      fl_derivatives(none, FL_LANES, 0, 0, part, spread->total, 0, state, g + i, to);
    else
      fl_derivatives(way, FL_LANES, y + i, keep, part, spread->total, 0, state, g + i,
                     to);
  }
}

FL_INLINE void fl_class_derivatives(fl_way way, int64_t n, int64_t y,
                                    const fl_spread *spread, const fl_row_state *state,
                                    real *g, real *h) {
  const real e = g[y], others = fl_others(e, state);
  fl_derivatives(way, n, 0, 0, spread->spread, spread->total, 0, state, g, h);
  g[y] = -(state->weight * others) * state->slope;
  g[y] += fl_spread_grad(way.light, e, spread->spread[y], spread->total, state);
  if (way.lifts) g[y] = fl_lift(e, g[y], state);
}

FL_OUTLINE void fl_wide_row_frames(int64_t rows, fl_wide *wide) {
  for (int64_t r = 0; r < rows; r++)
    wide->frame[r] = fl_frame_of(wide->m[r] == (real)INFINITY ? 0 : wide->m[r]);
}

/* Maxima of rows, and how they take their exponentials. */
FL_INLINE void fl_wide_begin(const fl_row_block *block, int64_t first, int64_t rows,
                             fl_wide *wide) {
  const real *x = (const real *)block->x + first * block->ldx;
  for (int64_t r = 0; r < rows; r++)
    wide->m[r] = fl_row_max(block->classes, x + r * block->ldx);
  fl_wide_row_frames(rows, wide);
}

/* S', and e where g will be; with `spread`, its gap is added to that of each row, whose
   logits are in L1 then. */
FL_INLINE void fl_wide_exponentials(bool derive, const real *spread,
                                    const fl_row_block *block, int64_t first,
                                    int64_t rows, fl_wide *wide) {
  const int64_t n = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  real *g = derive ? (real *)block->g + first * block->ldg : 0;
  for (int64_t r = 0; r < rows; r++) {
    if (first + rows + r < block->rows) fl_fetch_row(n, x + (rows + r) * block->ldx);
    wide->rest[r] = fl_row_exponentials(
        n, x + r * block->ldx, wide->m[r] == (real)INFINITY, wide->frame[r],
        wide->buffer, wide->finite, derive ? g + r * block->ldg : 0);
    if (spread)
      wide->gap[r] += fl_row_spread(n, x + r * block->ldx, spread, wide->m[r]);
  }
}

FL_OUTLINE void fl_wide_logs(int64_t rows, fl_wide *wide) {
  for (int64_t r = 0; r < rows; r++)
    wide->log_total[r] = fl_log1p((real)(wide->rest[r] / (double)FL_TOP));
}

/* The same in double, and lse. */
FL_OUTLINE void fl_wide_levels(int64_t rows, fl_wide *wide) {
  for (int64_t r = 0; r < rows; r++) {
    const double log = fl_d_log1p(wide->rest[r] / (double)FL_TOP);
    wide->log_total[r] = (real)log;
    wide->level[r] = (double)wide->m[r] + log;
  }
}

/* The label weights of rows: their sums and the gaps, without what is spread. */
FL_INLINE int fl_wide_labels(const fl_row_block *block, int64_t first, int64_t rows,
                             bool dense, const fl_spread *spread, fl_wide *wide) {
  const int64_t n = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  const real *y = dense ? (const real *)block->y + first * block->ldy : 0;
  int flags = 0;
  for (int64_t r = 0; r < rows; r++, x += block->ldx) {
    if (dense) {
      flags |= fl_row_labels(n, x, y + r * block->ldy, spread->keep, wide->m[r],
                             &wide->gap[r], &wide->weight[r]);
    } else {
      const int64_t label = block->labels[first + r];
      const real z = spread->keep[label];
      wide->gap[r] = (double)fl_gap(z, x[label], wide->m[r]);
      wide->weight[r] = (fl_sum){(double)z, 0};
    }
  }
  return flags;
}

FL_INLINE void fl_wide_derive(int want, bool lifts, bool dense, const fl_spread *spread,
                              int64_t n, const real *y, int64_t label,
                              const fl_row_state *state, real *g, real *h) {
  const fl_way plain = {want, true, false, false, false, lifts};
  const fl_way light = {want, dense, true, true, false, lifts};
  const fl_way heavy = {want, dense, true, false, false, lifts};
  if (!dense && spread->light)
    fl_class_derivatives(light, n, label, spread, state, g, h);
  else if (!dense) fl_class_derivatives(heavy, n, label, spread, state, g, h);
  else if (!spread->spread) fl_weighted_derivatives(plain, n, y, spread, state, g, h);
  else if (spread->light) fl_weighted_derivatives(light, n, y, spread, state, g, h);
  else fl_weighted_derivatives(heavy, n, y, spread, state, g, h);
}

/* Rows with label weights: cross-entropy. */
FL_INLINE int fl_wide_weighted_by(int want, bool lifts, bool dense,
                                  const fl_row_block *block, int64_t first,
                                  int64_t rows, fl_wide *wide) {
  const bool derive = want & (FL_WANT_GRAD | FL_WANT_HESS);
  const fl_spread spread = fl_spread_of(block);
  const double total = fl_sum_value(spread.total);
  fl_wide_begin(block, first, rows, wide);
  const int flags = fl_wide_labels(block, first, rows, dense, &spread, wide);
  fl_wide_exponentials(derive, want & FL_WANT_VALUE ? spread.spread : 0, block, first,
                       rows, wide);
  if (lifts) fl_wide_levels(rows, wide);
  else if (want & FL_WANT_VALUE) fl_wide_logs(rows, wide);
  for (int64_t r = 0; want & FL_WANT_VALUE && r < rows; r++) {
    const double weight = wide->weight[r].hi + wide->weight[r].lo + total;
    const double value = wide->gap[r] + weight * (double)wide->log_total[r];
    const double level = lifts ? fl_level_value(wide->z, weight, wide->level[r]) : 0;
    ((real *)block->v)[first + r] = (real)(lifts ? value + level : value);
  }
  for (int64_t r = first; derive && r < first + rows; r++) {
    const double rest = wide->rest[r - first], factor = block->factor[r];
    const fl_sum weight = wide->weight[r - first];
    fl_row_state state = fl_row_state_of(rest, weight, total, factor);
    if (lifts)
      state = fl_lifted(state, wide->z, wide->level[r - first], rest,
                        weight.hi + weight.lo + total, factor);
    fl_wide_derive(want, lifts, dense, &spread, block->classes,
                   dense ? (const real *)block->y + r * block->ldy : 0,
                   dense ? 0 : block->labels[r], &state,
                   (real *)block->g + r * block->ldg,
                   want & FL_WANT_HESS ? (real *)block->h + r * block->ldh : 0);
  }
  return flags;
}

/* Once for all kernels, with the derivatives known. */
FL_OUTLINE int fl_wide_weighted_value(bool dense, const fl_row_block *block,
                                      int64_t first, int64_t rows, fl_wide *wide) {
  const bool lifts = wide->z != 0;
  return fl_wide_weighted_by(FL_WANT_VALUE, lifts, dense, block, first, rows, wide);
}

#define FL_WIDE_WEIGHTED(name, derivatives, lifts)                                     \
  FL_OUTLINE int name(int value, bool dense, const fl_row_block *block, int64_t first, \
                      int64_t rows, fl_wide *wide) {                                   \
    const int want = (value ? FL_WANT_VALUE : 0) | (derivatives);                      \
    return fl_wide_weighted_by(want, lifts, dense, block, first, rows, wide);          \
  }
FL_WIDE_WEIGHTED(fl_wide_weighted_grad, FL_WANT_GRAD, false)
FL_WIDE_WEIGHTED(fl_wide_weighted_hess, FL_WANT_GRAD | FL_WANT_HESS, false)
FL_WIDE_WEIGHTED(fl_wide_lifted_grad, FL_WANT_GRAD, true)
FL_WIDE_WEIGHTED(fl_wide_lifted_hess, FL_WANT_GRAD | FL_WANT_HESS, true)
#undef FL_WIDE_WEIGHTED

FL_INLINE int fl_wide_weighted(int want, bool dense, const fl_row_block *block,
                               int64_t first, int64_t rows, fl_wide *wide) {
  const bool lifts = wide->z != 0;
  if (want & FL_WANT_HESS)
    return (lifts ? fl_wide_lifted_hess : fl_wide_weighted_hess)(0, dense, block, first,
                                                                 rows, wide);
  if (want & FL_WANT_GRAD)
    return (lifts ? fl_wide_lifted_grad : fl_wide_weighted_grad)(
        want & FL_WANT_VALUE, dense, block, first, rows, wide);
  return fl_wide_weighted_value(dense, block, first, rows, wide);
}

/* The classes of rows whose maxima and sums are there. g: the e of the rows; NULL: they
   were not kept, and those of the classes are made anew if the loss bends. */
FL_OUTLINE void fl_wide_own(bool bends, const fl_row_block *block, int64_t first,
                            int64_t rows, const real *g, fl_wide *wide) {
  fl_own_classes *const own = &wide->own;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t label = block->labels[first + r];
    const real x = ((const real *)block->x)[(first + r) * block->ldx + label];
    const real m = wide->m[r], z = m == (real)INFINITY ? fl_below_infinity(x) : x;
    own->gap[r] = fl_gap(1, x, m);
    own->gap_tail[r] = fl_gap_tail(x, m, own->gap[r]);
    if (g) own->e[r] = g[r * block->ldg + label];
    else if (bends) own->e[r] = fl_exp_in(z, wide->frame[r]);
    own->rest[r] = wide->rest[r];
  }
}

/* What the derivatives of rows with classes read, and those by the classes, which take the
   place of gaps and tails. */
FL_OUTLINE void fl_wide_states(bool bends, const double *factor, int64_t rows,
                               fl_wide *wide) {
  fl_own_classes *const own = &wide->own;
  for (int64_t r = 0; r < rows; r++) {
    const double scaled = bends ? factor[r] * (double)FL_TOP : factor[r];
    const double slope = bends ? scaled * own->slope[r] : scaled;
    const double bend = bends ? scaled * own->bend[r] : 0;
    const real e = own->e[r];
    fl_row_state state = fl_row_state_of(own->rest[r], (fl_sum){1, 0}, 0, slope);
    real grad = -(state.weight * fl_others(e, &state)) * state.slope;
    if (wide->z != 0) {
      state = fl_lifted(state, wide->z, wide->level[r], own->rest[r], 1, slope);
      grad = fl_lift(e, grad, &state);
    }
    wide->state[r] = state;
    wide->bend[r] = bends ? fl_others_bend(bend, e, own->rest[r]) : 0;
    own->gap[r] = bends ? grad * (1 / FL_TOP) : grad;
    own->gap_tail[r] = fl_class_hess(e, (real)bend, &state);
  }
}

/* l' and l'' of one row with a class. */
FL_INLINE void fl_wide_class_derivatives(int want, bool bends, bool lifts,
                                         const fl_row_block *block, int64_t row,
                                         int64_t r, const fl_wide *wide) {
  const fl_way way = {want, false, false, false, bends, lifts};
  const int64_t label = block->labels[row];
  real *g = (real *)block->g + row * block->ldg;
  real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh : 0;
  fl_derivatives(way, block->classes, 0, 0, 0, (fl_sum){0}, wide->bend[r],
                 &wide->state[r], g, h);
  g[label] = wide->own.gap[r];
  if (bends && h) h[label] = wide->own.gap_tail[r];
}

#define FL_WIDE_CLASS(name, want, bends, lifts)                           \
  FL_OUTLINE void name(const fl_row_block *block, int64_t row, int64_t r, \
                       const fl_wide *wide) {                             \
    fl_wide_class_derivatives(want, bends, lifts, block, row, r, wide);   \
  }
FL_WIDE_CLASS(fl_wide_class_grad, FL_WANT_GRAD, false, false)
FL_WIDE_CLASS(fl_wide_class_hess, FL_WANT_GRAD | FL_WANT_HESS, false, false)
FL_WIDE_CLASS(fl_wide_bent_grad, FL_WANT_GRAD, true, false)
FL_WIDE_CLASS(fl_wide_bent_hess, FL_WANT_GRAD | FL_WANT_HESS, true, false)
FL_WIDE_CLASS(fl_wide_lifted_class_grad, FL_WANT_GRAD, false, true)
FL_WIDE_CLASS(fl_wide_lifted_class_hess, FL_WANT_GRAD | FL_WANT_HESS, false, true)
#undef FL_WIDE_CLASS

FL_OUTLINE void fl_wide_lifted_values(int64_t rows, const fl_wide *wide, real *v) {
  for (int64_t r = 0; r < rows; r++)
    v[r] = (real)((double)wide->own.gap[r] + (double)wide->log_total[r]
                  + fl_level_value(wide->z, 1, wide->level[r]));
}

/* Rows with classes, of which `points` makes a loss; NULL: cross-entropy. */
FL_INLINE void fl_wide_classes(int want, fl_class_points_fn *points,
                               const fl_row_block *block, int64_t first, int64_t rows,
                               fl_wide *wide) {
  const bool value = want & FL_WANT_VALUE, derive = want != FL_WANT_VALUE;
  const bool lifts = wide->z != 0;
  fl_own_classes *const own = &wide->own;
  fl_wide_begin(block, first, rows, wide);
  fl_wide_exponentials(derive, 0, block, first, rows, wide);
  fl_wide_own(points, block, first, rows,
              derive ? (real *)block->g + first * block->ldg : 0, wide);
  if (points) points(derive, rows, block->parameters, own);
  else if (lifts) fl_wide_levels(rows, wide);
  else if (value) fl_wide_logs(rows, wide);
  if (value && lifts) fl_wide_lifted_values(rows, wide, (real *)block->v + first);
  for (int64_t r = 0; value && !lifts && r < rows; r++)
    ((real *)block->v)[first + r] =
        points ? own->value[r] : own->gap[r] + wide->log_total[r];
  if (!derive) return;
  fl_wide_states(points, block->factor + first, rows, wide);
  for (int64_t r = 0; r < rows; r++)
    if (want & FL_WANT_HESS)
      (points  ? fl_wide_bent_hess
       : lifts ? fl_wide_lifted_class_hess
               : fl_wide_class_hess)(block, first + r, r, wide);
    else
      (points  ? fl_wide_bent_grad
       : lifts ? fl_wide_lifted_class_grad
               : fl_wide_class_grad)(block, first + r, r, wide);
}
