/* pair_loops.h: the block kernels of a loss of aligned rows, made by a loss file that has
   defined

     FL_NAME, FL_ROWS    its name, and how many rows a tuple has
     FL_SUMS             how many sums over the entries it needs
     FL_VARIANTS         of formulas, by parameters: FL_LOCAL(variant)(parameters)
     FL_LOCAL(terms)     entries of the rows to what is added up
     FL_LOCAL(state)     sums and label to the value and numbers for the derivatives
     FL_LOCAL(point)     entries of the rows and a state to derivatives */
FL_INLINE void FL_LOCAL(sums)(int variant, int64_t width, const real *restrict a,
                              const real *restrict b, const real *restrict c,
                              const double *parameters, double *sums) {
  double hi[FL_SUMS][FL_LANES] = {{0}}, lo[FL_SUMS][FL_LANES] = {{0}};
  const int64_t whole = width / FL_LANES * FL_LANES;
  for (int64_t i = 0; i < whole; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      double term[FL_SUMS];
      FL_LOCAL(terms)(variant, (double)a[i + j], (double)b[i + j],
                      FL_ROWS > 2 ? (double)c[i + j] : 0, parameters, term);
      for (int s = 0; s < FL_SUMS; s++) fl_add(&hi[s][j], &lo[s][j], term[s]);
    }
  for (int64_t i = whole; i < width; i++) {
    double term[FL_SUMS];
    FL_LOCAL(terms)(variant, (double)a[i], (double)b[i], FL_ROWS > 2 ? (double)c[i] : 0,
                    parameters, term);
    for (int s = 0; s < FL_SUMS; s++)
      fl_add(&hi[s][whole ? i - whole : 0], &lo[s][whole ? i - whole : 0], term[s]);
  }
  for (int s = 0; s < FL_SUMS; s++)
    sums[s] =
        whole ? fl_row_total(hi[s], lo[s]) : fl_sum_value((fl_sum){hi[s][0], lo[s][0]});
}

FL_INLINE void FL_LOCAL(derivatives)(int want, int variant, int64_t width,
                                     const fl_pair_rows *rows,
                                     const fl_pair_state *given,
                                     const double *parameters, double factor) {
  const fl_pair_state state = *given;
  const real *restrict a = rows->x[0], *restrict b = rows->x[1];
  const real *restrict c = rows->x[2];
  real *restrict ga = rows->g[0], *restrict gb = rows->g[1], *restrict gc = rows->g[2];
  real *restrict ha = rows->h[0], *restrict hb = rows->h[1], *restrict hc = rows->h[2];
  for (int64_t i = 0; i < width; i++) {
    const fl_pair_point point =
        FL_LOCAL(point)(want, variant, (double)a[i], (double)b[i],
                        FL_ROWS > 2 ? (double)c[i] : 0, &state, parameters);
    ga[i] = (real)(factor * point.grad[0]);
    gb[i] = (real)(factor * point.grad[1]);
    if (FL_ROWS > 2) gc[i] = (real)(factor * point.grad[2]);
    if (want & FL_WANT_HESS) {
      ha[i] = (real)(factor * point.hess[0]);
      hb[i] = (real)(factor * point.hess[1]);
      if (FL_ROWS > 2) hc[i] = (real)(factor * point.hess[2]);
    }
  }
}

FL_INLINE void FL_LOCAL(rows)(int want, int variant, const fl_pair_block *block) {
  double parameters[FL_MAX_PARAMETERS];
  for (int k = 0; k < FL_MAX_PARAMETERS; k++) parameters[k] = block->parameters[k];
  for (int64_t r = 0; r < block->rows; r++) {
    const fl_pair_rows rows = fl_rows_of(block, r, FL_ROWS);
    const real *label = block->labels[0];
    double sums[FL_SUMS];
    FL_LOCAL(sums)(variant, block->width, rows.x[0], rows.x[1], rows.x[2], parameters,
                   sums);
    const fl_pair_state state =
        FL_LOCAL(state)(variant, sums, label ? (double)label[r] : 0, parameters);
    block->v[r] = state.value;
    if (want & FL_WANT_GRAD)
      FL_LOCAL(derivatives)(want, variant, block->width, &rows, &state, parameters,
                            block->factor[r]);
  }
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_pair_block *block) {
  const int variant = FL_LOCAL(variant)(block->parameters);
  _Pragma("GCC unroll 8")
  for (int v = 0; v < FL_VARIANTS; v++)
    if (v == variant) FL_LOCAL(rows)(want, v, block);
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_pair_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.pairwise = FL_KERNEL_SET};

#undef FL_NAME
#undef FL_ROWS
#undef FL_SUMS
#undef FL_VARIANTS
