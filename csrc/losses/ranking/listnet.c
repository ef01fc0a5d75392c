/* ListNet's top-one loss of the relevances y and the scores x of a group (Z. Cao, T. Qin,
   T.-Y. Liu, M.-F. Tsai and H. Li, Learning to rank: from pairwise approach to listwise
   approach, ICML 2007):

     l = -sum_j q_j log p_j,  p = softmax(x),  q = softmax(y)
     l_j' = p_j - q_j,  l_j'' = p_j (1 - p_j)

   With m the largest score no term of the value is negative:

     l = log1p(R) + sum_j q_j (m - x_j),  R = sum_j exp(x_j - m) - 1

   where one of those that are 1 is left out of R instead of being subtracted, and
   1 - p of it is R/(1 + R). A group without entries has the value 0. */
#define FL_NAME listnet
#include "blocks/group.h"

/* Of a group: exponentials of scores below 1, how many are 1, exponentials of relevances,
   and these times m - x. */
typedef struct {
  double below, ones, labels, costs;
} fl_listnet_sum;

FL_INLINE fl_listnet_sum FL_LOCAL(terms)(real m, real x, real e, real f) {
  const double cost = x == m ? 0 : (double)m - (double)x;
  return (fl_listnet_sum){
      .below = (double)(e >= 1 ? 0 : e),
      .ones = e >= 1 ? 1 : 0,
      .labels = (double)f,
      .costs = fl_weighted((double)f, cost),
  };
}

FL_INLINE void FL_LOCAL(add)(fl_listnet_sum term, int64_t j, fl_lanes *below,
                             fl_lanes *ones, fl_lanes *labels, fl_lanes *costs) {
  fl_add(&below->hi[j], &below->lo[j], term.below);
  ones->hi[j] += term.ones;
  fl_add(&labels->hi[j], &labels->lo[j], term.labels);
  fl_add(&costs->hi[j], &costs->lo[j], term.costs);
}

/* Of n >= FL_LANES entries, in lanes. */
FL_OUTLINE fl_listnet_sum FL_LOCAL(long_sums)(int64_t n, real m, const real *restrict x,
                                              const real *restrict e,
                                              const real *restrict f) {
  fl_lanes below = {{0}, {0}}, ones = below, labels = below, costs = below;
  const int64_t whole = n / FL_LANES * FL_LANES;
  for (int64_t i = 0; i < whole; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++)
      FL_LOCAL(add)(FL_LOCAL(terms)(m, x[i + j], e[i + j], f[i + j]), j, &below, &ones,
                    &labels, &costs);
  for (int64_t i = whole; i < n; i++)
    FL_LOCAL(add)(FL_LOCAL(terms)(m, x[i], e[i], f[i]), i - whole, &below, &ones,
                  &labels, &costs);
  return (fl_listnet_sum){
      fl_row_total(below.hi, below.lo), fl_row_total(ones.hi, ones.lo),
      fl_row_total(labels.hi, labels.lo), fl_row_total(costs.hi, costs.lo)};
}

FL_INLINE fl_listnet_sum FL_LOCAL(short_sums)(int64_t n, real m, const real *x,
                                              const real *e, const real *f) {
  fl_listnet_sum hi = {0}, lo = {0};
  for (int64_t i = 0; i < n; i++) {
    const fl_listnet_sum term = FL_LOCAL(terms)(m, x[i], e[i], f[i]);
    fl_add(&hi.below, &lo.below, term.below);
    hi.ones += term.ones;
    fl_add(&hi.labels, &lo.labels, term.labels);
    fl_add(&hi.costs, &lo.costs, term.costs);
  }
  return (fl_listnet_sum){fl_sum_value((fl_sum){hi.below, lo.below}), hi.ones,
                          fl_sum_value((fl_sum){hi.labels, lo.labels}),
                          fl_sum_value((fl_sum){hi.costs, lo.costs})};
}

FL_INLINE void FL_LOCAL(derivatives)(int want, int64_t n, double rest, double labels,
                                     const real *restrict e, const real *restrict f,
                                     double factor, real *restrict g,
                                     real *restrict h) {
  const double all = 1 + rest, p = 1 / all, q = 1 / labels;
  for (int64_t i = 0; i < n; i++) {
    g[i] = (real)(factor * ((double)e[i] * p - (double)f[i] * q));
    if (want & FL_WANT_HESS) {
      const double others = e[i] >= 1 ? rest : all - (double)e[i];
      h[i] = (real)(factor * ((double)e[i] * p * (others * p)));
    }
  }
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  const int64_t *start = block->start, entries = start[block->groups];
  const real *y = block->y, *x = block->x;
  real *g = block->g, *h = block->h;
  real *const e = block->scratch, *const f = e + entries;
  fl_exps_of_groups(block->groups, start, x, e);
  fl_exps_of_groups(block->groups, start, y, f);
  for (int64_t k = 0; k < block->groups; k++) {
    const int64_t at = start[k], n = start[k + 1] - at;
    block->v[k] = 0;
    if (n == 0) continue;
    const real m = fl_largest(n, x + at);
    const fl_listnet_sum sums = n < FL_LANES
                                    ? FL_LOCAL(short_sums)(n, m, x + at, e + at, f + at)
                                    : FL_LOCAL(long_sums)(n, m, x + at, e + at, f + at);
    const double rest = sums.below + (sums.ones - 1);
    block->v[k] = (double)fl_log1p((real)rest) + sums.costs / sums.labels;
    if (want & FL_WANT_GRAD)
      FL_LOCAL(derivatives)(want, n, rest, sums.labels, e + at, f + at,
                            block->factor[k], g + at, want & FL_WANT_HESS ? h + at : g);
  }
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.groupwise = FL_KERNEL_SET,
                                            .entry_scratch = 2 * sizeof(real)};

#undef FL_NAME
