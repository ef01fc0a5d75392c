/* RankNet's loss of the pairs of a group (C. Burges, T. Shaked, E. Renshaw, A. Lazier,
   M. Deeds, N. Hamilton and G. Hullender, Learning to rank using gradient descent, ICML
   2005): of relevances y, scores x and d = sigma (x_i - x_j),

     l = sum_{y_i > y_j} log(1 + exp(-d))
     l_i' = -sigma sigmoid(-d), l_j' = sigma sigmoid(-d),
     l_i'' = l_j'' = sigma^2 sigmoid(d) sigmoid(-d)

   for each pair, or the mean over them. Entries alike make no pair; without pairs l = 0.
   In the order of falling relevances the pairs of an entry are those with the entries
   behind all that are like it. */
#define FL_NAME pairwise_logistic
#include "isa/isa.h"
#include "blocks/kernels.h"

#if defined(FL_DTYPE_f32)
/* Lists are in double precision. */
const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.entry_scratch = 0};
#else
#include "losses/ranking/lists.h"

FL_INLINE void FL_LOCAL(terms)(int want, int64_t n, double sigma, double x,
                               const double *restrict others, const fl_pairs *given) {
  const fl_pairs pairs = *given;
  for (int64_t j = 0; j < n; j += FL_LANES)
    for (int l = 0; l < FL_LANES; l++) {
      double tail;
      const double d = fl_scaled_difference(sigma, x, others[j + l], &tail);
      fl_put_pair(want, &pairs, j + l, 1, 1, d, tail);
    }
}

/* The pairs with entries begin ... end - 1 that are behind the other one; how many. */
FL_INLINE int64_t FL_LOCAL(tile)(int want, int64_t begin, int64_t end, double sigma,
                                 const fl_record *order, const double *x,
                                 fl_pairs *pairs) {
  int64_t behind = 0, count = 0;
  for (int64_t i = 0; i < end; i++) {
    while (behind < end && order[behind].key == order[i].key) behind++;
    const int64_t first = behind < begin ? begin : behind;
    if (first == end) break;
    FL_LOCAL(terms)(want, end - first, sigma, x[i], x + first, pairs);
    fl_add_pairs(want, pairs, i, first, end - first);
    count += end - first;
  }
  return count;
}

FL_INLINE double FL_LOCAL(list)(int want, const fl_list *list) {
  const int64_t n = list->n;
  const double sigma = list->parameters[0];
  const fl_record *const order = fl_falling(n, list->y, list->memory);
  double *memory = list->memory + 4 * n;
  double *const x = fl_cut_numbers(n, &memory);
  fl_pairs pairs = fl_pairs_in(want, n, memory);
  for (int64_t i = 0; i < n; i++) x[i] = list->x[order[i].at];
  int64_t count = 0;
  for (int64_t begin = 0; begin < n; begin += FL_LIST_TILE) {
    const int64_t end = begin + FL_LIST_TILE < n ? begin + FL_LIST_TILE : n;
    count += FL_LOCAL(tile)(want, begin, end, sigma, order, x, &pairs);
  }
  const double part = list->parameters[1] != 0 && count > 0 ? 1 / (double)count : 1;
  fl_put_sums(want, list, order, &pairs, sigma, list->factor * part);
  return part * fl_sum_value(pairs.total);
}

FL_INLINE void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  fl_each_list(want, block, FL_LOCAL(list));
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .groupwise = FL_KERNEL_SET, .entry_scratch = FL_LIST_NUMBERS * sizeof(double)};
#endif

#undef FL_NAME
