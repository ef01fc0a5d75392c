/* softmax_wide.h: softmax cross-entropy of one wide row, a piece of it at a time: the
   maximum, the exponentials and their sum, then the derivatives. Part of softmax.h. */

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

/* e (if wanted) and rest of n entries; returns the number of entries equal to m. */
FL_INLINE fl_uint fl_exponentiate_piece(bool keep, int64_t n, const real *restrict x,
                                        real m, real *restrict e,
                                        real *restrict rest) {
  fl_uint ties = 0;
  for (int64_t j = 0; j < n; j++) {
    const fl_exponential z = fl_exponentiate(x[j], m);
    if (keep) e[j] = z.e;
    rest[j] = z.rest;
    ties += z.tie;
  }
  return ties;
}

/* A ragged end goes through a full vector, filled up with -inf. */
FL_OUTLINE fl_uint fl_exponentiate_row(bool keep, int64_t n, const real *x, real m,
                                      real *e, fl_lanes *sum) {
  real rest[FL_PIECE], last_x[FL_LANES], last_e[FL_LANES];
  fl_uint ties = 0;
  const int64_t whole = n / FL_LANES * FL_LANES;
  for (int64_t i = 0; i < whole; i += FL_PIECE) {
    const int64_t size = whole - i < FL_PIECE ? whole - i : FL_PIECE;
    ties += fl_exponentiate_piece(keep, size, x + i, m, keep ? e + i : 0, rest);
    fl_accumulate(sum, size, rest, 0);
  }
  if (whole < n) {
    for (int j = 0; j < FL_LANES; j++)
      last_x[j] = whole + j < n ? x[whole + j] : -(real)INFINITY;
    ties += fl_exponentiate_piece(true, FL_LANES, last_x, m, last_e, rest);
    fl_accumulate(sum, FL_LANES, rest, 0);
    for (int j = 0; keep && whole + j < n; j++) e[whole + j] = last_e[j];
  }
  return ties;
}

/* sum q_j and sum q_j (m - x_j); non-zero for a q outside [0, limit]. */
FL_OUTLINE int fl_label_sums(int64_t n, const real *x, const real *q, real limit,
                            real m, fl_lanes *weight, fl_lanes *gap) {
  real term[FL_PIECE];
  fl_int outside = 0;
  for (int64_t i = 0; i < n; i += FL_PIECE) {
    const int64_t size = n - i < FL_PIECE ? n - i : FL_PIECE;
    for (int64_t j = 0; j < size; j++) {
      term[j] = fl_gap(q[i + j], x[i + j], m);
      outside |= -(fl_int)((q[i + j] < 0) | (q[i + j] > limit));
    }
    fl_accumulate(gap, size, term, 0);
    fl_accumulate(weight, size, q + i, 0);
  }
  return outside != 0;
}

FL_INLINE int fl_wide_row(int want, bool dense, const fl_row_block *block, int64_t row) {
  const int64_t n = block->classes;
  const real *x = (const real *)block->x + row * block->ldx;
  const real *q = dense ? (const real *)block->q + row * block->ldq : 0;
  const int64_t y = dense ? 0 : block->labels[row];
  const bool derive = want & (FL_WANT_GRAD | FL_WANT_HESS);
  real *g = derive ? (real *)block->g + row * block->ldg : 0;
  real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh : 0;

  const real m = fl_row_max(n, x);
  fl_lanes sum = {{0}, {0}}, weights = {{0}, {0}}, gaps = {{0}, {0}};
  const int outside = dense ? fl_label_sums(n, x, q, (real)block->q_limit, m,
                                              &weights, &gaps)
                            : 0;
  const fl_uint ties = fl_exponentiate_row(derive, n, x, m, g, &sum);
  const double others = fl_sum_value(fl_lanes_total(&sum));
  const double rest = others + ((double)ties - 1 + (double)fl_undefined(m));
  const fl_sum weight = dense ? fl_lanes_total(&weights) : (fl_sum){1, 0};

  if (want & FL_WANT_VALUE) {
    const real log_total = fl_log1p((real)rest);
    ((real *)block->v)[row] =
        dense ? (real)(fl_sum_value(fl_lanes_total(&gaps))
                       + (weight.hi + weight.lo) * (double)log_total)
              : fl_gap(1, x[y], m) + log_total;
  }
  if (derive) {
    const fl_row_state state = fl_row_state_of(rest, weight, block->factor[row]);
    const real e_y = dense ? 0 : g[y];
    for (int64_t j = 0; j < n; j++) {
      const real e = g[j];
      if (want & FL_WANT_HESS) h[j] = fl_softmax_hess(e, &state);
      g[j] = dense ? fl_softmax_grad(e, q[j], &state) : e * state.slope;
    }
    if (!dense) g[y] = -fl_others(e_y, state.total, state.rest) * state.slope;
  }
  return outside;
}
