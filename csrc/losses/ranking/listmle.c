/* ListMLE loss of a group (F. Xia, T.-Y. Liu, J. Wang, W. Zhang and H. Li, Listwise
   approach to learning to rank: theory and algorithm, ICML 2008), the negative
   log-likelihood of R. L. Plackett's and R. D. Luce's model: of scores x in the order of
   falling relevances and u = exp x, with S_i = sum_{j >= i} u_j,

     l = sum_i log S_i - x_i = sum_i log1p(S_{i+1}/u_i)
     l_i' = u_i sum_{k < i} 1/S_k - S_{i+1}/S_i
     l_i'' = u_i sum_{k < i} 1/S_k - u_i^2 sum_{k < i} 1/S_k^2 + u_i S_{i+1}/S_i^2

   Of equal relevances the entry that stands first comes first. Sums are those of
   sequence.h. */
#define FL_NAME listmle
#include "isa/isa.h"
#include "blocks/kernels.h"

#if defined(FL_DTYPE_f32)
/* Lists are in double precision. */
const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.entry_scratch = 0};
#else
#include "blocks/sequence.h"
#include "losses/ranking/lists.h"

/* log1p(others/u). */
FL_INLINE double FL_LOCAL(log)(fl_scaled others, fl_scaled u) {
  const double ratio = others.m / u.m;
  const int64_t apart = others.e - u.e;
  if (apart < FL_APART) return fl_log1p(apart < -1000 ? 0 : ratio * fl_two_to(apart));
  return fl_log_scaled(fl_scaled_of(ratio, apart));
}

/* From the last entry to the first: the value, and S_{i+1} where it is kept. */
FL_INLINE double FL_LOCAL(gather)(int64_t n, const double *m, const double *e,
                                  fl_scaled *kept) {
  fl_scaled_total all = {0, 0, 0};
  fl_sum value = {0, 0};
  for (int64_t i = n - 1; i >= 0; i--) {
    const fl_scaled u = fl_scaled_of(m[i], (int64_t)e[i]);
    const fl_scaled others = fl_scaled_value(&all);
    if (i < n - 1) fl_two_sum(&value.hi, &value.lo, FL_LOCAL(log)(others, u));
    fl_add_scaled_term(&all, u);
    if (kept) kept[i] = others.m == 0 ? (fl_scaled){0, u.e} : others;
  }
  return fl_sum_value(value);
}

/* 1/S_i^power. */
FL_INLINE fl_scaled FL_LOCAL(inverse)(fl_scaled all, int power) {
  return fl_scaled_of(power == 1 ? 1 / all.m : 1 / (all.m * all.m), -power * all.e);
}

FL_INLINE void FL_LOCAL(follow)(int want, const fl_list *list, const fl_record *order,
                                const double *m, const double *e,
                                const fl_scaled *kept) {
  fl_scaled_total a = {0, 0, 0}, b = {0, 0, 0};
  for (int64_t i = 0; i < list->n; i++) {
    const fl_scaled u = fl_scaled_of(m[i], (int64_t)e[i]), others = kept[i];
    fl_scaled_total sum = {0, 0, 0};
    fl_add_scaled_term(&sum, others.e > u.e ? others : u);
    fl_add_scaled_term(&sum, others.e > u.e ? u : others);
    const fl_scaled all = fl_scaled_value(&sum);
    const double before = fl_unscaled(u.m * (a.hi + a.lo), u.e + a.e);
    const double rest = fl_unscaled(others.m / all.m, others.e - all.e);
    list->g[order[i].at] = list->factor * (before - rest);
    if (want & FL_WANT_HESS) {
      const double own = rest * fl_unscaled(u.m / all.m, u.e - all.e);
      const double squares = fl_unscaled(u.m * u.m * (b.hi + b.lo), 2 * u.e + b.e);
      list->h[order[i].at] = list->factor * (before - squares + own);
    }
    fl_add_scaled_term(&a, FL_LOCAL(inverse)(all, 1));
    fl_add_scaled_term(&b, FL_LOCAL(inverse)(all, 2));
  }
}

FL_INLINE double FL_LOCAL(list)(int want, const fl_list *list) {
  const int64_t n = list->n;
  const fl_record *const order = fl_falling(n, list->y, list->memory);
  double *const m = list->memory + 4 * n, *const e = m + n;
  fl_scaled *const kept = (fl_scaled *)(e + n);
  double top = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    m[i] = list->x[order[i].at];
    top = m[i] > top ? m[i] : top;
  }
  fl_scaled_exps(n, top, m, e);
  const double value = FL_LOCAL(gather)(n, m, e, want & FL_WANT_GRAD ? kept : NULL);
  if (want & FL_WANT_GRAD) FL_LOCAL(follow)(want, list, order, m, e, kept);
  return value;
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  fl_each_list(want, block, FL_LOCAL(list));
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .groupwise = FL_KERNEL_SET, .entry_scratch = FL_LIST_NUMBERS * sizeof(double)};
#endif

#undef FL_NAME
