/* ApproxNDCG loss of a group (T. Qin, T.-Y. Liu and H. Li, A general approximation
   framework for direct optimization of information retrieval measures, Information
   Retrieval 13, 2010): of relevances y and scores x,

     l = 1 - sum_i gain_i/log(1 + r_i)/max DCG,  r_i = 1 + sum_{j != i} f(x_j - x_i)

   with f(z) = sigmoid(alpha z). With c = d(gain/log(1 + r))/dr and its derivative c', the
   symmetric u_ij = f'(x_j - x_i), and U_i its sum over all others:

     l_i' = -sum_j u_ij (c_j - c_i)/max DCG
     l_i'' = (sum_j f''(x_j - x_i) (c_j - c_i) - sum_j u_ij^2 c'_j - U_i^2 c'_i)/max DCG

   A group without gains has the value 0. */
#define FL_NAME approx_ndcg
#include "isa/isa.h"
#include "blocks/kernels.h"

#if defined(FL_DTYPE_f32)
/* Lists are in double precision. */
const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.entry_scratch = 0};
#else
#include "losses/ranking/lists.h"

/* f of the differences from x; that of an entry from itself is 1/2. */
FL_OUTLINE void FL_LOCAL(steps)(int64_t n, double alpha, double x,
                                const double *restrict others, double *restrict f) {
  for (int64_t j = 0; j < n; j += FL_LANES)
    for (int l = 0; l < FL_LANES; l++) {
      double tail;
      const double d = fl_scaled_difference(alpha, others[j + l], x, &tail);
      f[j + l] = fl_sigmoid(d, fl_exp_apart(d, tail));
    }
}

/* The terms of gradient and Hessian, without powers of alpha. */
FL_INLINE void FL_LOCAL(terms)(int want, int64_t n, double alpha, int64_t i,
                               const double *restrict x, const double *restrict c,
                               const double *restrict bend, double *restrict u,
                               double *restrict slope, double *restrict curve) {
  const double own = x[i], own_c = c[i];
  for (int64_t j = 0; j < n; j += FL_LANES)
    for (int l = 0; l < FL_LANES; l++) {
      double tail;
      const double d = fl_scaled_difference(alpha, x[j + l], own, &tail);
      const double t = fl_exp_apart(d, tail);
      const double part = fl_where(j + l != i, fl_sigmoid_slope(t));
      const double moves = part * (c[j + l] - own_c);
      u[j + l] = part;
      slope[j + l] = moves;
      if (want & FL_WANT_HESS)
        curve[j + l] =
            moves * fl_by_sign(d, 1 - t, t - 1) / (1 + t) - part * part * bend[j + l];
    }
}

/* Of both signs. */
FL_INLINE double FL_LOCAL(sum)(int64_t n, const double *z) {
  fl_sum sum = {0, 0};
  for (int64_t i = 0; i < n; i++) fl_two_sum(&sum.hi, &sum.lo, z[i]);
  return fl_sum_value(sum);
}

FL_INLINE void FL_LOCAL(derivatives)(int want, const fl_list *list, const double *x,
                                     const double *c, const double *bend,
                                     double *memory) {
  const int64_t n = list->n;
  const double alpha = list->parameters[0];
  double *const u = fl_cut_numbers(n, &memory);
  double *const slope = fl_cut_numbers(n, &memory);
  double *const curve = fl_cut_numbers(n, &memory);
  for (int64_t i = 0; i < n; i++) {
    FL_LOCAL(terms)(want, n, alpha, i, x, c, bend, u, slope, curve);
    list->g[i] = -list->factor * alpha * FL_LOCAL(sum)(n, slope);
    if (want & FL_WANT_HESS) {
      const double all = fl_total_of(n, u);
      list->h[i] = list->factor * alpha * alpha
                   * (FL_LOCAL(sum)(n, curve) - all * all * bend[i]);
    }
  }
}

FL_INLINE double FL_LOCAL(list)(int want, const fl_list *list) {
  const int64_t n = list->n;
  double *memory = list->memory;
  double *const gain = fl_cut_numbers(n, &memory), *const x =
                                                       fl_cut_numbers(n, &memory);
  double *const c = fl_cut_numbers(n, &memory), *const bend =
                                                    fl_cut_numbers(n, &memory);
  for (int64_t i = 0; i < n; i++) {
    gain[i] = fl_gain(list->parameters[1] != 0, list->y[i]);
    x[i] = list->x[i];
  }
  const double best = fl_best_dcg(n, n, gain, memory);
  if (best == 0) {
    for (int64_t i = 0; want & FL_WANT_GRAD && i < n; i++) list->g[i] = 0;
    for (int64_t i = 0; want & FL_WANT_HESS && i < n; i++) list->h[i] = 0;
    return 0;
  }
  for (int64_t i = 0; i < n; i++) {
    FL_LOCAL(steps)(n, list->parameters[0], x[i], x, memory);
    c[i] = 1.5 + fl_total_of(n, memory); /* 1 + r */
  }
  for (int64_t i = 0; i < n; i++) {
    const double r = c[i], log = fl_log(r), share = gain[i] / (best * log);
    gain[i] = share;
    c[i] = -share / (r * log);
    bend[i] = share * (log + 2) / (r * r * log * log);
  }
  if (want & FL_WANT_GRAD) FL_LOCAL(derivatives)(want, list, x, c, bend, memory);
  return 1 - fl_total_of(n, gain);
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  fl_each_list(want, block, FL_LOCAL(list));
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .groupwise = FL_KERNEL_SET, .entry_scratch = FL_LIST_NUMBERS * sizeof(double)};
#endif

#undef FL_NAME
