/* softmax_narrow.h: softmax cross-entropy of many narrow rows at once. The tile holds
   entry j of row r at j * rows + r, so that every loop over r is one vector loop.
   Part of softmax.h. */

typedef struct {
  real m[FL_TILE_ROWS], ties[FL_TILE_ROWS], log_total[FL_TILE_ROWS];
  real shift[FL_TILE_ROWS], lowest[FL_TILE_ROWS], c[FL_TILE_ROWS], magic[FL_TILE_ROWS];
  double rest[FL_TILE_ROWS], rest_tail[FL_TILE_ROWS];
  double gap[FL_TILE_ROWS], gap_tail[FL_TILE_ROWS];
  double weight[FL_TILE_ROWS], weight_tail[FL_TILE_ROWS];
} fl_narrow;

/* fl_row_state of every row. */
typedef struct {
  real total[FL_TILE_ROWS], total_tail[FL_TILE_ROWS], rest[FL_TILE_ROWS];
  real weight[FL_TILE_ROWS], weight_tail[FL_TILE_ROWS];
  real slope[FL_TILE_ROWS], curve[FL_TILE_ROWS], curve_tail[FL_TILE_ROWS];
} fl_narrow_states;

/* What a tile of rows needs. */
typedef struct {
  real tile[FL_TILE], q[FL_TILE], h[FL_TILE], picked[FL_TILE_ROWS];
  int64_t one_hot[FL_TILE_ROWS];
  fl_narrow sums;
  fl_narrow_states states;
} fl_narrow_scratch;

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

/* sum q_j and sum q_j (m - x_j); what the kernel returns, q inside [0, limit]. */
FL_OUTLINE int fl_narrow_labels(int64_t rows, int64_t classes, const real *restrict x,
                               const real *restrict q, real limit,
                               fl_narrow *restrict sums) {
  fl_int outside = 0;
  for (int64_t r = 0; r < rows; r++) {
    sums->gap[r] = sums->gap_tail[r] = 0;
    sums->weight[r] = sums->weight_tail[r] = 0;
  }
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const real z = q[j * rows + r];
      const real gap = fl_gap(z, x[j * rows + r], sums->m[r]);
      fl_add(&sums->gap[r], &sums->gap_tail[r], (double)gap);
      fl_add(&sums->weight[r], &sums->weight_tail[r], (double)z);
      outside |= -(fl_int)((z < 0) | (z > limit));
    }
  int64_t sum = 0;
  for (int64_t r = 0; r < rows; r++)
    sum |= fl_label_sum(sums->weight[r] + sums->weight_tail[r]);
  return (outside != 0) | (int)sum;
}

/* How each row takes its exponentials. Where the maximum is infinite x becomes x - m
   and the maximum 0. */
FL_OUTLINE void fl_narrow_frames(int64_t rows, int64_t classes, real *restrict x,
                                fl_narrow *restrict sums) {
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

FL_INLINE fl_frame fl_narrow_frame(const fl_narrow *sums, int64_t r) {
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
                             fl_narrow *restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_frame row = fl_narrow_frame(sums, r);
    const real other = fl_narrow_other(x + r, row, &sums->ties[r]);
    fl_add(&sums->rest[r], &sums->rest_tail[r], (double)other);
  }
}

/* Four classes of all rows, added in pairs before they meet the sum. */
FL_OUTLINE void fl_narrow_four(int64_t rows, real *restrict x0, real *restrict x1,
                              real *restrict x2, real *restrict x3,
                              fl_narrow *restrict sums) {
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
                                      fl_narrow *restrict sums) {
  for (int64_t r = 0; r < rows; r++)
    sums->ties[r] = -1, sums->rest[r] = sums->rest_tail[r] = 0;
  int64_t j = 0;
  for (; j + 4 <= classes; j += 4) {
    real *four = x + j * rows;
    fl_narrow_four(rows, four, four + rows, four + 2 * rows, four + 3 * rows, sums);
  }
  for (; j < classes; j++) fl_narrow_one(rows, x + j * rows, sums);
  for (int64_t r = 0; r < rows; r++)
    sums->rest[r] = (sums->rest[r] + sums->rest_tail[r])
                    + (double)sums->ties[r] * (double)FL_TOP;
}

/* What each row of the tile holds for its label. */
FL_INLINE void fl_narrow_pick(int64_t rows, const real *restrict tile,
                              const int64_t *restrict labels, real *restrict picked) {
  for (int64_t r = 0; r < rows; r++) picked[r] = tile[labels[r] * rows + r];
}

/* gap: q (m - x) summed; log_total: log1p(S'). */
FL_OUTLINE void fl_narrow_values(bool dense, int64_t rows,
                                const real *restrict gap_label,
                                fl_narrow *restrict sums, real *restrict v) {
  for (int64_t r = 0; r < rows; r++)
    sums->log_total[r] = fl_log1p((real)(sums->rest[r] / (double)FL_TOP));
  for (int64_t r = 0; r < rows; r++) {
    const double weight = dense ? sums->weight[r] + sums->weight_tail[r] : 1;
    const double gap = fl_sum_value((fl_sum){sums->gap[r], sums->gap_tail[r]});
    v[r] = dense ? (real)(gap + weight * (double)sums->log_total[r])
                 : gap_label[r] + sums->log_total[r];
  }
}

FL_OUTLINE void fl_narrow_states_of(bool dense, int64_t rows,
                                   const double *restrict factor,
                                   const fl_narrow *restrict sums,
                                   fl_narrow_states *restrict states) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_sum weight = dense ? (fl_sum){sums->weight[r], sums->weight_tail[r]}
                                : (fl_sum){1, 0};
    const fl_row_state state = fl_row_state_of(sums->rest[r], weight, factor[r]);
    states->total[r] = state.total;
    states->total_tail[r] = state.total_tail;
    states->rest[r] = state.rest;
    states->weight[r] = state.weight;
    states->weight_tail[r] = state.weight_tail;
    states->slope[r] = state.slope;
    states->curve[r] = state.curve;
    states->curve_tail[r] = state.curve_tail;
  }
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
  };
}

/* e becomes l' (of the classes that are not the label, in the sparse case); h becomes
   l''. */
FL_INLINE void fl_narrow_derivatives(int want, bool dense, int64_t rows,
                                     int64_t classes, real *restrict e,
                                     const real *restrict q,
                                     const fl_narrow_states *restrict states,
                                     real *restrict h) {
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const int64_t i = j * rows + r;
      const fl_row_state state = fl_narrow_state(states, r);
      const real z = e[i];
      if (want & FL_WANT_HESS) h[i] = fl_softmax_hess(z, &state);
      e[i] = dense ? fl_softmax_grad(z, q[i], &state) : z * state.slope;
    }
}

/* l' and l'' of a tile of rows with the classes `labels` or, if that is NULL, the label
   weights q; e becomes l'. */
FL_INLINE void fl_narrow_derive(int want, int64_t rows, int64_t classes, real *e,
                                const real *q, const int64_t *labels,
                                const fl_narrow_states *states, real *h, real *picked) {
  if (!labels) {
    fl_narrow_derivatives(want, true, rows, classes, e, q, states, h);
    return;
  }
  fl_narrow_pick(rows, e, labels, picked);
  for (int64_t r = 0; r < rows; r++) {
    const fl_row_state state = fl_narrow_state(states, r);
    picked[r] = -fl_others(picked[r], &state) * state.slope;
  }
  fl_narrow_derivatives(want, false, rows, classes, e, q, states, h);
  for (int64_t r = 0; r < rows; r++) e[labels[r] * rows + r] = picked[r];
}

FL_INLINE int fl_narrow_rows(int want, bool dense, const fl_row_block *block,
                             int64_t first, int64_t rows) {
  fl_narrow_scratch *const scratch = block->scratch;
  real *const tile = scratch->tile, *const q = scratch->q;
  real *const picked = scratch->picked;
  int64_t *const one_hot = scratch->one_hot;
  fl_narrow *const sums = &scratch->sums;
  const int64_t classes = block->classes;
  const int64_t *labels = dense ? one_hot : block->labels + first;
  int outside = 0;

  fl_transpose_in(rows, classes, (const real *)block->x + first * block->ldx,
                  block->ldx, tile);
  fl_narrow_max(rows, classes, tile, sums->m);
  const real *weights = dense ? (const real *)block->q + first * block->ldq : 0;
  /* Two classes are less work than the look at them. */
  if (dense && (classes == 2 || !fl_one_hot(rows, classes, weights, block->ldq, one_hot))) {
    fl_transpose_in(rows, classes, weights, block->ldq, q);
    labels = 0;
  }
  if (labels) {
    fl_narrow_pick(rows, tile, labels, picked);
    for (int64_t r = 0; r < rows; r++) picked[r] = fl_gap(1, picked[r], sums->m[r]);
  } else {
    outside = fl_narrow_labels(rows, classes, tile, q, (real)block->q_limit, sums);
  }
  fl_narrow_frames(rows, classes, tile, sums);
  fl_narrow_exponentials(rows, classes, tile, sums);
  if (want & FL_WANT_VALUE)
    fl_narrow_values(!labels, rows, picked, sums, (real *)block->v + first);
  if (want & (FL_WANT_GRAD | FL_WANT_HESS)) {
    fl_narrow_states_of(!labels, rows, block->factor + first, sums, &scratch->states);
    fl_narrow_derive(want, rows, classes, tile, q, labels, &scratch->states,
                     scratch->h, picked);
    fl_transpose_out(rows, classes, tile, (real *)block->g + first * block->ldg,
                     block->ldg);
    if (want & FL_WANT_HESS)
      fl_transpose_out(rows, classes, scratch->h, (real *)block->h + first * block->ldh,
                       block->ldh);
  }
  return outside;
}
