/* softmax_narrow.h: softmax cross-entropy of many narrow rows at once. The tile holds
   entry j of row r at j * rows + r, so that every loop over r is one vector loop.
   Part of softmax.h. */

typedef struct {
  real m[FL_TILE_ROWS], ties[FL_TILE_ROWS], log_total[FL_TILE_ROWS];
  double rest[FL_TILE_ROWS], rest_tail[FL_TILE_ROWS];
  double gap[FL_TILE_ROWS], gap_tail[FL_TILE_ROWS];
  double weight[FL_TILE_ROWS], weight_tail[FL_TILE_ROWS];
  fl_row_state state[FL_TILE_ROWS];
} fl_narrow;

FL_INLINE void fl_transpose_in(int64_t rows, int64_t classes, const real *restrict from,
                               int64_t ld, real *restrict tile) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < classes; j++) tile[j * rows + r] = from[r * ld + j];
}

FL_INLINE void fl_transpose_out(int64_t rows, int64_t classes, const real *restrict tile,
                                real *restrict to, int64_t ld) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < classes; j++) to[r * ld + j] = tile[j * rows + r];
}

FL_INLINE void fl_narrow_max(int64_t rows, int64_t classes, const real *restrict x,
                             real *restrict m) {
  for (int64_t r = 0; r < rows; r++) m[r] = -(real)INFINITY;
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const real z = x[j * rows + r];
      m[r] = z > m[r] ? z : m[r];
    }
}

/* sum q_j and sum q_j (m - x_j); non-zero for a q outside [0, limit]. */
FL_INLINE int fl_narrow_labels(int64_t rows, int64_t classes, const real *restrict x,
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
      outside |= -((z < 0) | (z > limit));
    }
  return outside != 0;
}

/* x becomes e, rest becomes S'. */
FL_INLINE void fl_narrow_exponentials(int64_t rows, int64_t classes, real *restrict x,
                                      fl_narrow *restrict sums) {
  for (int64_t r = 0; r < rows; r++)
    sums->ties[r] = 0, sums->rest[r] = sums->rest_tail[r] = 0;
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const fl_exponential z = fl_exponentiate(x[j * rows + r], sums->m[r]);
      x[j * rows + r] = z.e;
      sums->ties[r] += z.tie ? (real)1 : (real)0;
      fl_add(&sums->rest[r], &sums->rest_tail[r], (double)z.rest);
    }
  for (int64_t r = 0; r < rows; r++) {
    const double others = sums->rest[r] + sums->rest_tail[r] + ((double)sums->ties[r] - 1);
    sums->rest[r] = sums->m[r] > -(real)INFINITY ? others : (double)NAN;
  }
}

FL_INLINE void fl_narrow_values(bool dense, int64_t rows, const real *restrict x,
                                int64_t ld, const int64_t *restrict labels,
                                fl_narrow *restrict sums, real *restrict v) {
  for (int64_t r = 0; r < rows; r++) sums->log_total[r] = fl_log1p((real)sums->rest[r]);
  for (int64_t r = 0; r < rows; r++) {
    if (dense) {
      const double weight = sums->weight[r] + sums->weight_tail[r];
      v[r] = (real)(sums->gap[r] + sums->gap_tail[r]
                    + weight * (double)sums->log_total[r]);
    } else {
      v[r] = fl_gap(1, x[r * ld + labels[r]], sums->m[r]) + sums->log_total[r];
    }
  }
}

/* e becomes l'; h becomes l''. */
FL_INLINE void fl_narrow_derivatives(int want, bool dense, int64_t rows, int64_t classes,
                                     real *restrict e, const real *restrict q,
                                     const int64_t *restrict labels,
                                     const fl_row_state *restrict state,
                                     real *restrict h) {
  for (int64_t j = 0; j < classes; j++)
    for (int64_t r = 0; r < rows; r++) {
      const int64_t i = j * rows + r;
      const real z = dense ? q[i] : (real)(labels[r] == j);
      if (want & FL_WANT_HESS) h[i] = fl_softmax_hess(e[i], &state[r]);
      e[i] = dense ? fl_softmax_grad(e[i], z, &state[r])
                   : (z == 1 ? -fl_others(e[i], state[r].total, state[r].rest) : e[i])
                         * state[r].slope;
    }
}

FL_INLINE int fl_narrow_rows(int want, bool dense, const fl_row_block *block,
                             int64_t first, int64_t rows) {
  real tile[FL_TILE], q[FL_TILE];
  fl_narrow sums;
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + first * block->ldx;
  const int64_t *labels = dense ? 0 : block->labels + first;
  int outside = 0;

  fl_transpose_in(rows, classes, x, block->ldx, tile);
  fl_narrow_max(rows, classes, tile, sums.m);
  if (dense) {
    fl_transpose_in(rows, classes, (const real *)block->q + first * block->ldq,
                    block->ldq, q);
    outside = fl_narrow_labels(rows, classes, tile, q, (real)block->q_limit, &sums);
  }
  fl_narrow_exponentials(rows, classes, tile, &sums);
  if (want & FL_WANT_VALUE)
    fl_narrow_values(dense, rows, x, block->ldx, labels, &sums,
                     (real *)block->v + first);
  if (want & (FL_WANT_GRAD | FL_WANT_HESS)) {
    real h[FL_TILE];
    for (int64_t r = 0; r < rows; r++) {
      const fl_sum weight = {dense ? sums.weight[r] : 1, dense ? sums.weight_tail[r] : 0};
      sums.state[r] = fl_row_state_of(sums.rest[r], weight, block->factor[first + r]);
    }
    fl_narrow_derivatives(want, dense, rows, classes, tile, q, labels, sums.state, h);
    fl_transpose_out(rows, classes, tile, (real *)block->g + first * block->ldg,
                     block->ldg);
    if (want & FL_WANT_HESS)
      fl_transpose_out(rows, classes, h, (real *)block->h + first * block->ldh,
                       block->ldh);
  }
  return outside;
}
