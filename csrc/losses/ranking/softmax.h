/* softmax.h: the kernels of a loss of the softmax p of the scores x of a group, made by a
   loss file that has included blocks/group.h and defined FL_NAME and

     FL_SHARES  whether the labels y are taken as q = softmax(y); else q = y

   With s = sum_j q_j:

     l = -sum_j q_j log p_j,  l_j' = s p_j - q_j,  l_j'' = s p_j (1 - p_j)

   With m the largest score no term of the value is negative:

     l = s log1p(R) + sum_j q_j (m - x_j),  R = sum_j exp(x_j - m) - 1

   where one of those that are 1 is left out of R instead of being subtracted, and
   1 - p of it is R/(1 + R). A group without entries has the value 0. */

/* Of a group: exponentials of scores below 1, how many are 1, labels or exponentials of
   labels, and these times m - x. */
#ifndef FL_SOFTMAX_SUM
#define FL_SOFTMAX_SUM
typedef struct {
  double below, ones, labels, costs;
} fl_softmax_sum;
#endif

FL_INLINE fl_softmax_sum FL_LOCAL(terms)(real m, real x, real e, real f) {
  const double cost = x == m ? 0 : (double)m - (double)x;
  return (fl_softmax_sum){
      .below = (double)(e >= 1 ? 0 : e),
      .ones = e >= 1 ? 1 : 0,
      .labels = (double)f,
      .costs = fl_weighted((double)f, cost),
  };
}

FL_INLINE void FL_LOCAL(add)(fl_softmax_sum term, int64_t j, fl_lanes *below,
                             fl_lanes *ones, fl_lanes *labels, fl_lanes *costs) {
  fl_add(&below->hi[j], &below->lo[j], term.below);
  ones->hi[j] += term.ones;
  fl_add(&labels->hi[j], &labels->lo[j], term.labels);
  fl_add(&costs->hi[j], &costs->lo[j], term.costs);
}

/* Of n >= FL_LANES entries, in lanes. */
FL_OUTLINE fl_softmax_sum FL_LOCAL(long_sums)(int64_t n, real m, const real *restrict x,
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
  return (fl_softmax_sum){
      fl_row_total(below.hi, below.lo), fl_row_total(ones.hi, ones.lo),
      fl_row_total(labels.hi, labels.lo), fl_row_total(costs.hi, costs.lo)};
}

FL_INLINE fl_softmax_sum FL_LOCAL(short_sums)(int64_t n, real m, const real *x,
                                              const real *e, const real *f) {
  fl_softmax_sum hi = {0}, lo = {0};
  for (int64_t i = 0; i < n; i++) {
    const fl_softmax_sum term = FL_LOCAL(terms)(m, x[i], e[i], f[i]);
    fl_add(&hi.below, &lo.below, term.below);
    hi.ones += term.ones;
    fl_add(&hi.labels, &lo.labels, term.labels);
    fl_add(&hi.costs, &lo.costs, term.costs);
  }
  return (fl_softmax_sum){fl_sum_value((fl_sum){hi.below, lo.below}), hi.ones,
                          fl_sum_value((fl_sum){hi.labels, lo.labels}),
                          fl_sum_value((fl_sum){hi.costs, lo.costs})};
}

/* f sums to `labels`. */
FL_INLINE void FL_LOCAL(derivatives)(int want, int64_t n, double rest, double labels,
                                     const real *restrict e, const real *restrict f,
                                     double factor, real *restrict g,
                                     real *restrict h) {
  const double all = 1 + rest, p = 1 / all;
  const double mass = FL_SHARES ? p : labels / all, q = FL_SHARES ? 1 / labels : 1;
  for (int64_t i = 0; i < n; i++) {
    g[i] = (real)(factor * ((double)e[i] * mass - (double)f[i] * q));
    if (want & FL_WANT_HESS) {
      const double others = e[i] >= 1 ? rest : all - (double)e[i];
      h[i] = (real)(factor * ((double)e[i] * mass * (others * p)));
    }
  }
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  const int64_t *start = block->start, entries = start[block->groups];
  const real *y = block->y, *x = block->x;
  real *g = block->g, *h = block->h;
  real *const e = block->scratch;
  const real *f = y;
  fl_exps_of_groups(block->groups, start, x, e);
  if (FL_SHARES) {
    fl_exps_of_groups(block->groups, start, y, e + entries);
    f = e + entries;
  }
  for (int64_t k = 0; k < block->groups; k++) {
    const int64_t at = start[k], n = start[k + 1] - at;
    block->v[k] = 0;
    if (n == 0) continue;
    const real m = fl_largest(n, x + at);
    const fl_softmax_sum sums = n < FL_LANES
                                    ? FL_LOCAL(short_sums)(n, m, x + at, e + at, f + at)
                                    : FL_LOCAL(long_sums)(n, m, x + at, e + at, f + at);
    const double rest = sums.below + (sums.ones - 1);
    const double log = (double)fl_log1p((real)rest);
    block->v[k] =
        FL_SHARES ? log + sums.costs / sums.labels : sums.labels * log + sums.costs;
    if (want & FL_WANT_GRAD)
      FL_LOCAL(derivatives)(want, n, rest, sums.labels, e + at, f + at,
                            block->factor[k], g + at, want & FL_WANT_HESS ? h + at : g);
  }
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.groupwise = FL_KERNEL_SET,
                                            .entry_scratch = 2 * sizeof(real)};

#undef FL_NAME
#undef FL_SHARES
