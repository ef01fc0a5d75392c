/* ListNet's top-one loss of the relevances y and the scores x of a group (Z. Cao, T. Qin,
   T.-Y. Liu, M.-F. Tsai and H. Li, Learning to rank: from pairwise approach to listwise
   approach, ICML 2007):

     l = -sum_j q_j log p_j,  p = softmax(x),  q = softmax(y)
     l_j' = p_j - q_j,  l_j'' = p_j (1 - p_j)

   With m the largest score, at `top`, no term of the value is negative:

     l = log1p(R) + sum_j q_j (m - x_j),  R = sum_{j != top} exp(x_j - m)

   1 - p is R/(1 + R) at `top`. A group without entries has the value 0. */
#define FL_NAME listnet
#include "blocks/group.h"

/* The exponentials of the scores but for the largest, those of the relevances, and
   these times m - x. */
typedef struct {
  double rest, labels, below;
} fl_listnet_totals;

FL_INLINE fl_listnet_totals FL_LOCAL(sums)(int64_t n, real m, const real *restrict x,
                                         const real *restrict e,
                                         const real *restrict f) {
  enum { REST, LABELS, BELOW, SUMS };
  double hi[SUMS][FL_LANES] = {{0}}, lo[SUMS][FL_LANES] = {{0}};
  const int64_t whole = n / FL_LANES * FL_LANES;
  for (int64_t i = 0; i < whole; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      const double label = (double)f[i + j];
      fl_add(&hi[REST][j], &lo[REST][j], (double)e[i + j]);
      fl_add(&hi[LABELS][j], &lo[LABELS][j], label);
      fl_add(&hi[BELOW][j], &lo[BELOW][j],
             fl_weighted(label, x[i + j] == m ? 0 : (double)m - (double)x[i + j]));
    }
  for (int64_t i = whole; i < n; i++) {
    const int64_t j = whole ? i - whole : 0;
    const double label = (double)f[i];
    fl_add(&hi[REST][j], &lo[REST][j], (double)e[i]);
    fl_add(&hi[LABELS][j], &lo[LABELS][j], label);
    fl_add(&hi[BELOW][j], &lo[BELOW][j],
           fl_weighted(label, x[i] == m ? 0 : (double)m - (double)x[i]));
  }
  double total[SUMS];
  for (int s = 0; s < SUMS; s++)
    total[s] = whole ? fl_row_total(hi[s], lo[s]) : fl_sum_value((fl_sum){hi[s][0], lo[s][0]});
  return (fl_listnet_totals){total[REST], total[LABELS], total[BELOW]};
}

FL_INLINE void FL_LOCAL(derivatives)(int want, int64_t n, double rest, double labels,
                                     const real *restrict e, const real *restrict f,
                                     double factor, real *restrict g,
                                     real *restrict h) {
  const double all = 1 + rest, p = 1 / all, q = 1 / labels;
  for (int64_t i = 0; i < n; i++) {
    g[i] = (real)(factor * ((double)e[i] * p - (double)f[i] * q));
    if (want & FL_WANT_HESS)
      h[i] = (real)(factor * ((double)e[i] * p * ((all - (double)e[i]) * p)));
  }
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  const int64_t *start = block->start, entries = start[block->groups];
  const real *y = block->y, *x = block->x;
  real *g = block->g, *h = block->h;
  real *const e = block->scratch, *const f = e + entries;
  for (int64_t k = 0; k < block->groups; k++) {
    const int64_t at = start[k], n = start[k + 1] - at;
    if (n == 0) continue;
    fl_spread(n, x[at + fl_largest(n, x + at)], e + at);
    fl_spread(n, y[at + fl_largest(n, y + at)], f + at);
  }
  fl_exp_below(entries, x, e);
  fl_exp_below(entries, y, f);
  for (int64_t k = 0; k < block->groups; k++) {
    const int64_t at = start[k], n = start[k + 1] - at;
    block->v[k] = 0;
    if (n == 0) continue;
    const int64_t top = at + fl_largest(n, x + at);
    const real largest = e[top];
    e[top] = 0;
    const fl_listnet_totals sums = FL_LOCAL(sums)(n, x[top], x + at, e + at, f + at);
    e[top] = largest;
    block->v[k] = (double)fl_log1p((real)sums.rest) + sums.below / sums.labels;
    if (!(want & FL_WANT_GRAD)) continue;
    FL_LOCAL(derivatives)(want, n, sums.rest, sums.labels, e + at, f + at,
                          block->factor[k], g + at, want & FL_WANT_HESS ? h + at : NULL);
    if (want & FL_WANT_HESS) {
      const double p = 1 / (1 + sums.rest);
      h[top] = (real)(block->factor[k] * ((double)largest * p * (sums.rest * p)));
    }
  }
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.groupwise = FL_KERNEL_SET,
                                            .entry_scratch = 2 * sizeof(real)};

#undef FL_NAME
