/* softmax_wide.h: softmax cross-entropy of wide rows: the maxima, the exponentials and
   their sums, then the derivatives. A few rows go through each step together, so that
   no step waits for the end of the one before. Part of softmax.h. */

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
  real m[FL_GROUP], log_total[FL_GROUP];
  fl_frame frame[FL_GROUP];
  double rest[FL_GROUP], gap[FL_GROUP]; /* S', sum q (m - x) */
  fl_sum weight[FL_GROUP];              /* sum q */
  _Alignas(FL_LINE) real buffer[FL_PIECE + FL_FOUR];
  _Alignas(FL_LINE) real finite[FL_PIECE + FL_FOUR];
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
  fl_int outside[FL_LANES];
} fl_label_sums;

/* sum q (m - x) and sum q of FL_LANES entries without the first `skip`. */
FL_INLINE void fl_add_labels(fl_label_sums *sums, const real *restrict x,
                             const real *restrict q, real m, real limit, int skip) {
  for (int j = 0; j < FL_LANES; j++) {
    const real z = fl_where(j >= skip, q[j]);
    fl_add(&sums->gap.hi[j], &sums->gap.lo[j], (double)fl_gap(z, x[j], m));
    fl_add(&sums->weight.hi[j], &sums->weight.lo[j], (double)z);
    sums->outside[j] |= -(fl_int)((z < 0) | (z > limit));
  }
}

/* sum q (m - x) to *gap and sum q to *weight, this one with what rounding took from it:
   s - q_j cancels where one label holds nearly all of the weight. Returns what the
   kernel does, with q inside [0, limit]. Terms of q = 0 are 0: rows of few labels skip nearly all of them,
   and those of one need no sums. */
FL_OUTLINE int fl_row_labels(int64_t n, const real *x, const real *q, real m,
                             real limit, double *gap, fl_sum *weight) {
  const int64_t one = fl_one_label(n, q);
  if (one >= 0) {
    *gap = (double)fl_gap(1, x[one], m);
    *weight = (fl_sum){1, 0};
    return 0;
  }
  fl_label_sums sums;
  for (int j = 0; j < FL_LANES; j++) {
    sums.gap.hi[j] = sums.gap.lo[j] = sums.weight.hi[j] = sums.weight.lo[j] = -0.0;
    sums.outside[j] = 0;
  }
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    if (!fl_all_zero(q + i)) fl_add_labels(&sums, x + i, q + i, m, limit, 0);
  if (i < n && !fl_all_zero(q + n - FL_LANES)) {
    const int64_t last = n - FL_LANES;
    fl_add_labels(&sums, x + last, q + last, m, limit, (int)(i - last));
  }
  *gap = fl_row_total(sums.gap.hi, sums.gap.lo) + 0.0; /* not -0, of no terms */
  *weight = fl_lanes_total(&sums.weight);
  weight->hi += 0.0;
  fl_int outside = 0;
  for (int j = 0; j < FL_LANES; j++) outside |= sums.outside[j];
  return (outside != 0) | (int)fl_label_sum(weight->hi + weight->lo);
}

/* e becomes l'; h becomes l''. q may be NULL: 0 in all. */
FL_INLINE void fl_derivatives(int want, int64_t n, const real *restrict q,
                              const fl_row_state *state, real *restrict g,
                              real *restrict h) {
  for (int64_t j = 0; j < n; j++) {
    const real e = g[j];
    if (want & FL_WANT_HESS) h[j] = fl_softmax_hess(e, state);
    g[j] = q ? fl_softmax_grad(e, q[j], state)
             : (state->weight + state->weight_tail) * e * state->slope;
  }
}

FL_INLINE void fl_dense_derivatives(int want, int64_t n, const real *q,
                                    const fl_row_state *state, real *g, real *h) {
  for (int64_t i = 0; i < n; i += FL_LANES) {
    const int64_t size = n - i < FL_LANES ? n - i : FL_LANES;
    real *to = want & FL_WANT_HESS ? h + i : 0;
    if (size < FL_LANES) fl_derivatives(want, size, q + i, state, g + i, to);
    else if (fl_all_zero(q + i)) fl_derivatives(want, FL_LANES, 0, state, g + i, to);
    else fl_derivatives(want, FL_LANES, q + i, state, g + i, to);
  }
}

FL_INLINE void fl_sparse_derivatives(int want, int64_t n, int64_t y,
                                     const fl_row_state *state, real *g, real *h) {
  const real e_y = g[y];
  fl_derivatives(want, n, 0, state, g, h);
  g[y] = -fl_others(e_y, state) * state->slope;
}

FL_OUTLINE void fl_wide_values(bool dense, const fl_row_block *block, int64_t first,
                               int64_t rows, fl_wide *wide) {
  const real *x = (const real *)block->x + first * block->ldx;
  real *v = (real *)block->v + first;
  for (int64_t r = 0; r < rows; r++)
    wide->log_total[r] = fl_log1p((real)(wide->rest[r] / (double)FL_TOP));
  for (int64_t r = 0; r < rows; r++) {
    const double weight = wide->weight[r].hi + wide->weight[r].lo;
    v[r] = dense ? (real)(wide->gap[r] + weight * (double)wide->log_total[r])
                 : fl_gap(1, x[r * block->ldx + block->labels[first + r]], wide->m[r])
                       + wide->log_total[r];
  }
}

FL_INLINE int fl_wide_rows(int want, bool dense, const fl_row_block *block,
                           int64_t first, int64_t rows) {
  const int64_t n = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  const real *q = dense ? (const real *)block->q + first * block->ldq : 0;
  const bool derive = want & (FL_WANT_GRAD | FL_WANT_HESS);
  real *g = derive ? (real *)block->g + first * block->ldg : 0;
  fl_wide *const wide = block->scratch;
  int outside = 0;
  for (int64_t r = 0; r < rows; r++) wide->m[r] = fl_row_max(n, x + r * block->ldx);
  for (int64_t r = 0; r < rows; r++)
    wide->frame[r] = fl_frame_of(wide->m[r] == (real)INFINITY ? 0 : wide->m[r]);
  for (int64_t r = 0; dense && r < rows; r++)
    outside |= fl_row_labels(n, x + r * block->ldx, q + r * block->ldq, wide->m[r],
                             (real)block->q_limit, &wide->gap[r], &wide->weight[r]);
  for (int64_t r = 0; r < rows; r++) {
    if (first + rows + r < block->rows) fl_fetch_row(n, x + (rows + r) * block->ldx);
    wide->rest[r] = fl_row_exponentials(
        n, x + r * block->ldx, wide->m[r] == (real)INFINITY, wide->frame[r],
        wide->buffer, wide->finite, derive ? g + r * block->ldg : 0);
  }
  if (want & FL_WANT_VALUE) fl_wide_values(dense, block, first, rows, wide);
  for (int64_t r = 0; derive && r < rows; r++) {
    const fl_sum weight = dense ? wide->weight[r] : (fl_sum){1, 0};
    const fl_row_state state =
        fl_row_state_of(wide->rest[r], weight, block->factor[first + r]);
    real *h = want & FL_WANT_HESS ? (real *)block->h + (first + r) * block->ldh : 0;
    if (dense)
      fl_dense_derivatives(want, n, q + r * block->ldq, &state, g + r * block->ldg, h);
    else
      fl_sparse_derivatives(want, n, block->labels[first + r], &state,
                            g + r * block->ldg, h);
  }
  return outside;
}
