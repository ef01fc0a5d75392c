/* softmax_wide.h: softmax cross-entropy of wide rows: the maxima, the exponentials and
   their sums, then the derivatives. Rows shorter than a piece are taken several at a
   time, so that the exponentials run over one flat array; longer ones a piece at a time.
   Part of softmax.h. */

FL_OUTLINE real fl_row_max(int64_t n, const real *x) {
  real lane[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) lane[j] = -(real)INFINITY;
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
  for (int j = 0; i + j < n; j++) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
  for (int half = FL_LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++)
      lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
  return lane[0];
}

/* How many of n entries equal m. */
FL_OUTLINE double fl_count_ties(int64_t n, const real *x, real m) {
  fl_uint ties = 0;
  for (int64_t j = 0; j < n; j++) ties += x[j] == m;
  return (double)ties;
}

/* The sum of one row's entries in one piece. */
FL_OUTLINE double fl_short_sum(int64_t n, const real *v) {
  double lane[FL_LANES] = {0};
  if (n > 16 * FL_LANES) {
    fl_lanes sum = {{0}, {0}};
    fl_accumulate(&sum, n, v, 0);
    return fl_sum_value(fl_lanes_total(&sum));
  }
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) lane[j] += (double)v[i + j];
  for (int j = 0; i + j < n; j++) lane[j] += (double)v[i + j];
  for (int half = FL_LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lane[j] += lane[j + half];
  return lane[0];
}

/* sum q_j with what rounding took from it: s - q_j cancels where one label holds nearly
   all of the weight. */
FL_OUTLINE fl_sum fl_label_sum(int64_t n, const real *q) {
  fl_lanes sum = {{0}, {0}};
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) fl_add(&sum.hi[j], &sum.lo[j], (double)q[i + j]);
  for (int j = 0; i + j < n; j++) fl_add(&sum.hi[j], &sum.lo[j], (double)q[i + j]);
  return fl_lanes_total(&sum);
}

FL_INLINE void fl_exponentiate_each(bool keep, int64_t n, const real *restrict x,
                                    const real *restrict m, real *restrict e,
                                    real *restrict rest) {
  for (int64_t j = 0; j < n; j++) {
    const fl_exponential z = fl_exponentiate(x[j], m[j]);
    if (keep) e[j] = z.e;
    rest[j] = z.rest;
  }
}

/* e (if kept) and rest of the n entries of a piece, each with the maximum of its row. A
   ragged end goes through a full vector. */
FL_OUTLINE void fl_exponentiate_piece(bool keep, int64_t n, const real *x,
                                      const real *m, real *e, real *rest) {
  const int64_t whole = n / FL_LANES * FL_LANES;
  if (keep) fl_exponentiate_each(true, whole, x, m, e, rest);
  else fl_exponentiate_each(false, whole, x, m, e, rest);
  if (whole < n) {
    real last[4][FL_LANES] = {{0}};
    for (int j = 0; whole + j < n; j++) {
      last[0][j] = x[whole + j];
      last[1][j] = m[whole + j];
    }
    fl_exponentiate_each(true, FL_LANES, last[0], last[1], last[2], last[3]);
    for (int j = 0; whole + j < n; j++) {
      if (keep) e[whole + j] = last[2][j];
      rest[whole + j] = last[3][j];
    }
  }
}

/* q (m - x) of the n entries of a piece; non-zero for a q outside [0, limit]. */
FL_OUTLINE int fl_gaps(int64_t n, const real *restrict x, const real *restrict q,
                       const real *restrict m, real limit, real *restrict gap) {
  fl_int outside = 0;
  for (int64_t j = 0; j < n; j++) {
    gap[j] = fl_gap(q[j], x[j], m[j]);
    outside |= -(fl_int)((q[j] < 0) | (q[j] > limit));
  }
  return outside != 0;
}

/* What the loops over entries leave of a row. */
typedef struct {
  real m;
  double rest, gap; /* S', sum q (m - x) */
  fl_sum weight;    /* sum q */
} fl_wide;

/* A row longer than a piece. e may be NULL. */
FL_OUTLINE int fl_long_row(int64_t n, const real *x, const real *q, real limit, real *e,
                           fl_wide *row) {
  real m[FL_PIECE], rest[FL_PIECE], gap[FL_PIECE];
  fl_lanes rests = {{0}, {0}}, gaps = {{0}, {0}};
  double ties = 0;
  int outside = 0;
  row->m = fl_row_max(n, x);
  for (int64_t j = 0; j < FL_PIECE; j++) m[j] = row->m;
  for (int64_t i = 0; i < n; i += FL_PIECE) {
    const int64_t size = n - i < FL_PIECE ? n - i : FL_PIECE;
    ties += fl_count_ties(size, x + i, row->m);
    if (q) {
      outside |= fl_gaps(size, x + i, q + i, m, limit, gap);
      fl_accumulate(&gaps, size, gap, 0);
    }
    fl_exponentiate_piece(e, size, x + i, m, e ? e + i : 0, rest);
    fl_accumulate(&rests, size, rest, 0);
  }
  row->rest = fl_sum_value(fl_lanes_total(&rests))
              + (ties - 1 + (double)fl_undefined(row->m));
  row->gap = fl_sum_value(fl_lanes_total(&gaps));
  row->weight = q ? fl_label_sum(n, q) : (fl_sum){1, 0};
  return outside;
}

/* Rows that fit into a piece together, without gaps between them. e may be NULL. */
FL_OUTLINE int fl_short_rows(int64_t rows, int64_t n, const real *x, const real *q,
                             real limit, real *e, fl_wide *row) {
  real m[FL_PIECE], rest[FL_PIECE], gap[FL_PIECE];
  int outside = 0;
  for (int64_t r = 0; r < rows; r++) {
    row[r].m = fl_row_max(n, x + r * n);
    row[r].rest = fl_count_ties(n, x + r * n, row[r].m) - 1;
    row[r].rest += (double)fl_undefined(row[r].m);
    for (int64_t j = 0; j < n; j++) m[r * n + j] = row[r].m;
  }
  if (q) outside = fl_gaps(rows * n, x, q, m, limit, gap);
  fl_exponentiate_piece(e, rows * n, x, m, e, rest);
  for (int64_t r = 0; r < rows; r++) {
    row[r].rest += fl_short_sum(n, rest + r * n);
    row[r].gap = q ? fl_short_sum(n, gap + r * n) : 0;
    row[r].weight = q ? fl_label_sum(n, q + r * n) : (fl_sum){1, 0};
  }
  return outside;
}

/* e becomes l'; h becomes l''. */
FL_INLINE void fl_wide_derivatives(int want, int64_t n, int64_t y, const real *q,
                                   const fl_row_state *state, real *restrict g,
                                   real *restrict h) {
  const real e_y = q ? 0 : g[y];
  for (int64_t j = 0; j < n; j++) {
    const real e = g[j];
    if (want & FL_WANT_HESS) h[j] = fl_softmax_hess(e, state);
    g[j] = q ? fl_softmax_grad(e, q[j], state) : e * state->slope;
  }
  if (!q) g[y] = -fl_others(e_y, state->total, state->rest) * state->slope;
}

enum { FL_GROUP = FL_PIECE / FL_NARROW };

/* `rows` is 1 for long rows. */
FL_INLINE int fl_wide_rows(int want, bool dense, const fl_row_block *block,
                           int64_t first, int64_t rows) {
  const int64_t n = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  const real *q = dense ? (const real *)block->q + first * block->ldq : 0;
  const bool derive = want & (FL_WANT_GRAD | FL_WANT_HESS);
  real *g = derive ? (real *)block->g + first * block->ldg : 0;
  fl_wide row[FL_GROUP];
  real x_y[FL_GROUP];
  for (int64_t r = 0; !dense && r < rows; r++)
    x_y[r] = x[r * block->ldx + block->labels[first + r]];

  const real limit = (real)block->q_limit;
  const int outside = n > FL_PIECE ? fl_long_row(n, x, q, limit, g, row)
                                   : fl_short_rows(rows, n, x, q, limit, g, row);
  for (int64_t r = 0; r < rows; r++) {
    if (want & FL_WANT_VALUE) {
      const real log_total = fl_log1p((real)row[r].rest);
      const double weight = row[r].weight.hi + row[r].weight.lo;
      ((real *)block->v)[first + r] =
          dense ? (real)(row[r].gap + weight * (double)log_total)
                : fl_gap(1, x_y[r], row[r].m) + log_total;
    }
    if (derive) {
      const fl_sum weight = dense ? row[r].weight : (fl_sum){1, 0};
      const fl_row_state state =
          fl_row_state_of(row[r].rest, weight, block->factor[first + r]);
      real *h = want & FL_WANT_HESS ? (real *)block->h + (first + r) * block->ldh : 0;
      fl_wide_derivatives(want, n, dense ? 0 : block->labels[first + r],
                          dense ? q + r * block->ldq : 0, &state, g + r * block->ldg, h);
    }
  }
  return outside;
}
