/* LambdaRank's loss of the pairs of a group (C. J. C. Burges, R. Ragno and Q. V. Le,
   Learning to rank with nonsmooth cost functions, NIPS 2006; as a loss: X. Wang, C. Li,
   N. Golbandi, M. Bendersky and M. Najork, The LambdaLoss framework for ranking metric
   optimization, CIKM 2018): of relevances y, scores x and d = sigma (x_i - x_j),

     l = sum_{y_i > y_j} w_ij log(1 + exp(-d))

   where w_ij, a constant for the derivatives, is by how much NDCG changes if the two change
   places in the order of falling scores:

     w_ij = |gain_i - gain_j| |1/log(1 + r_i) - 1/log(1 + r_j)|/max DCG
          = |gain_i - gain_j| log1p(|r_i - r_j|/(1 + min r))/
            (log(1 + r_i) log(1 + r_j) max DCG)

   with ranks r from 1. Pairs count of which at least one is among the first k, as in
   LightGBM, and max DCG is that of the first k. Of equal scores the entry that stands
   first ranks first. Without gains l = 0. */
#define FL_NAME lambdarank
#include "isa/isa.h"
#include "blocks/kernels.h"

#if defined(FL_DTYPE_f32)
/* Lists are in double precision. */
const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.entry_scratch = 0};
#else
#include "losses/ranking/lists.h"

/* In the order of the scores: these, gains, and log(1 + rank). */
typedef struct {
  double *x, *gain, *log;
} fl_ranked;

/* Entry i and entries first ... first + n - 1 behind it. */
FL_INLINE void FL_LOCAL(terms)(int want, int64_t i, int64_t first, int64_t n,
                               double sigma, double best, const fl_ranked *ranked,
                               const fl_pairs *given) {
  const fl_pairs pairs = *given;
  const double *restrict x = ranked->x + first, *restrict gain = ranked->gain + first;
  const double *restrict log = ranked->log + first;
  const double own_x = ranked->x[i], own_gain = ranked->gain[i];
  const double rank = (double)(i + 2), share = 1 / (ranked->log[i] * best);
  const double behind = (double)(first - i);
  for (int64_t j = 0; j < n; j += FL_LANES)
    for (int l = 0; l < FL_LANES; l++) {
      const double more = own_gain - gain[j + l];
      const double sign = more < 0 ? -1 : 1;
      const double gap = fl_log1p((behind + (double)(j + l)) / rank);
      const double weight = fl_abs(more) * (gap * share / log[j + l]);
      double tail;
      const double d = fl_scaled_difference(sigma, own_x, x[j + l], &tail);
      fl_put_pair(want, &pairs, j + l, sign, weight, sign * d, sign * tail);
    }
}

/* The pairs with entries begin ... end - 1 of the first ones before them. */
FL_INLINE void FL_LOCAL(tile)(int want, int64_t begin, int64_t end, int64_t firsts,
                              double sigma, double best, const fl_ranked *ranked,
                              fl_pairs *pairs) {
  for (int64_t i = 0; i < firsts && i < end - 1; i++) {
    const int64_t first = i < begin ? begin : i + 1;
    FL_LOCAL(terms)(want, i, first, end - first, sigma, best, ranked, pairs);
    fl_add_pairs(want, pairs, i, first, end - first);
  }
}

FL_INLINE double FL_LOCAL(list)(int want, const fl_list *list) {
  const int64_t n = list->n;
  const double sigma = list->parameters[0], k = list->parameters[1];
  const int64_t first = k < 0 || k > (double)n ? n : (int64_t)k;
  double *memory = list->memory + 4 * n;
  const fl_ranked ranked = {fl_cut_numbers(n, &memory), fl_cut_numbers(n, &memory),
                            fl_cut_numbers(n, &memory)};
  for (int64_t i = 0; i < n; i++)
    ranked.gain[i] = fl_gain(list->parameters[2] != 0, list->y[i]);
  const double best = fl_best_dcg(n, first, ranked.gain, memory);
  const fl_record *const order = fl_falling(n, list->x, list->memory);
  for (int64_t i = 0; i < n; i++) {
    ranked.x[i] = list->x[order[i].at];
    ranked.gain[i] = fl_gain(list->parameters[2] != 0, list->y[order[i].at]);
  }
  for (int64_t i = 0; i < n; i++) ranked.log[i] = fl_log((double)(i + 2));
  fl_pairs pairs = fl_pairs_in(want, n, memory);
  for (int64_t begin = 0; best != 0 && begin < n; begin += FL_LIST_TILE) {
    const int64_t end = begin + FL_LIST_TILE < n ? begin + FL_LIST_TILE : n;
    FL_LOCAL(tile)(want, begin, end, first, sigma, best, &ranked, &pairs);
  }
  fl_put_sums(want, list, order, &pairs, sigma, list->factor);
  return fl_sum_value(pairs.total);
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  fl_each_list(want, block, FL_LOCAL(list));
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .groupwise = FL_KERNEL_SET, .entry_scratch = FL_LIST_NUMBERS * sizeof(double)};
#endif

#undef FL_NAME
