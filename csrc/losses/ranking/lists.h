/* lists.h: what the losses of ordered lists share: one list after the other in double
   precision, its entries in some order, and the gains and discounts of

     DCG = sum_j gain(y_j)/log(1 + rank_j)

   (K. Jarvelin and J. Kekalainen, Cumulated gain-based evaluation of IR techniques, ACM
   TOIS 20, 2002), where the base of the logarithm does not count, as DCG is divided by the
   largest one. */
#ifndef FL_LISTS_H
#define FL_LISTS_H

#include "blocks/group.h"
#include "math/logistic.h"
#include "math/sort.h"

/* The entries of a group; memory: FL_LIST_NUMBERS doubles for each, of a whole block if
   they are fewer. Loops over all of them do FL_LANES at once: arrays are longer by so
   many, which are 0. */
enum { FL_LIST_NUMBERS = 14 };
typedef struct {
  int64_t n;
  const double *y, *x, *parameters;
  double factor, *g, *h, *memory;
} fl_list;

/* The value of a list, whose derivatives it stores. */
typedef double fl_list_fn(int want, const fl_list *list);

FL_INLINE void fl_each_list(int want, const fl_group_block *block, fl_list_fn *run) {
  for (int64_t k = 0; k < block->groups; k++) {
    const int64_t at = block->start[k];
    const fl_list list = {.n = block->start[k + 1] - at,
                          .y = (const double *)block->y + at,
                          .x = (const double *)block->x + at,
                          .parameters = block->parameters,
                          .factor = block->factor[k],
                          .g = want & FL_WANT_GRAD ? (double *)block->g + at : NULL,
                          .h = want & FL_WANT_HESS ? (double *)block->h + at : NULL,
                          .memory = block->scratch};
    block->v[k] = list.n == 0 ? 0 : run(want, &list);
  }
}

/* Entries from the largest number to the smallest, those alike in the order in which they
   stand; in `memory` for 4 numbers an entry. */
FL_OUTLINE const fl_record *fl_falling(int64_t n, const double *z, double *memory) {
  fl_record *const records = (fl_record *)memory;
  for (int64_t i = 0; i < n; i++) records[i] = (fl_record){fl_descending(z[i]), i};
  return fl_sort(n, records, records + n);
}

/* 2^y - 1 for 0 <= y, or y: integers are exact. */
FL_INLINE double fl_gain(bool linear, double y) {
  const double bounded = fl_min(1000, y);
  const double magic = bounded + FL_ROUND_MAGIC, n = magic - FL_ROUND_MAGIC;
  const double part = (bounded - n) * 0x1.62e42fefa39efp-1;
  const double two =
      fl_from_bits((fl_bits(magic) + FL_EXPONENT_BIAS) << FL_MANTISSA_BITS);
  return linear ? y : FL_FMA(two, fl_expm1_polynomial(part), two - 1);
}

/* The sum of n numbers of one sign. */
FL_OUTLINE double fl_total_of(int64_t n, const double *z) {
  fl_sum sum = {0, 0};
  if (n < FL_LANES) {
    for (int64_t i = 0; i < n; i++) fl_two_sum(&sum.hi, &sum.lo, z[i]);
    return fl_sum_value(sum);
  }
  fl_lanes lanes = {{0}, {0}};
  fl_add_terms(&lanes, n, z);
  return fl_row_total(lanes.hi, lanes.lo);
}

/* The largest DCG of the first k, with natural logarithms; gains in the order of their
   entries. `memory` is for 5 numbers an entry. */
FL_OUTLINE double fl_best_dcg(int64_t n, int64_t k, const double *gain,
                              double *memory) {
  const fl_record *const order = fl_falling(n, gain, memory + n);
  const int64_t count = k < n ? k : n;
  for (int64_t r = 0; r < count; r++) memory[r] = gain[order[r].at];
  for (int64_t r = 0; r < count; r++) memory[r] /= fl_log((double)(r + 2));
  return fl_total_of(count, memory);
}

/* sigma (a - b) = d + tail. */
FL_INLINE double fl_scaled_difference(double sigma, double a, double b, double *tail) {
  const double difference = a - b, d = sigma * difference;
  const double lost = sigma * fl_difference_tail(a, b, difference);
  *tail = FL_FMA(sigma, difference, -d) + lost;
  return d;
}

/* exp(-|d + tail|). */
FL_INLINE double fl_exp_apart(double d, double tail) {
  const double size = fl_abs(d);
  const bool exact = (size == 0) | (size >= -FL_EXP_UNDERFLOW);
  return fl_exp_nonpositive_tail(-size, fl_where(!exact, fl_by_sign(d, tail, -tail)));
}

/* hi + lo += z. */
FL_INLINE void fl_add_each(int64_t n, const double *restrict z, double *restrict hi,
                           double *restrict lo) {
  for (int64_t j = 0; j < n; j++) fl_two_sum(&hi[j], &lo[j], z[j]);
}

/* Numbers of n entries; those behind are 0. */
FL_INLINE double *fl_cut_numbers(int64_t n, double **memory) {
  double *const numbers = *memory;
  *memory += n + FL_LANES;
  for (int j = 0; j < FL_LANES; j++) numbers[n + j] = 0;
  return numbers;
}

/* Sums that the pairs of a list add to each of its entries, and the terms of the pairs of
   one entry with up to FL_LIST_TILE others, so that these stay in a cache. */
enum { FL_LIST_TILE = 512 };
typedef struct {
  double *g, *g_low, *h, *h_low, *value, *slope, *curve;
  fl_sum total;
} fl_pairs;

FL_INLINE fl_pairs fl_pairs_in(int want, int64_t n, double *memory) {
  double *const terms = memory + 4 * n;
  const fl_pairs pairs = {
      memory, memory + n,           memory + 2 * n,           memory + 3 * n,
      terms,  terms + FL_LIST_TILE, terms + 2 * FL_LIST_TILE, {0, 0}};
  if (want & FL_WANT_GRAD) memset(pairs.g, 0, (size_t)(4 * n) * sizeof *pairs.g);
  return pairs;
}

/* log(1 + exp(-d)), minus its first and its second derivative. */
FL_INLINE void fl_put_pair(int want, const fl_pairs *pairs, int64_t j, double sign,
                           double weight, double d, double tail) {
  const double t = fl_exp_apart(d, tail);
  if (want & FL_WANT_VALUE) pairs->value[j] = fl_weighted(weight, fl_softplus(-d, t));
  if (want & FL_WANT_GRAD)
    pairs->slope[j] = fl_weighted(sign * weight, fl_sigmoid(-d, t));
  if (want & FL_WANT_HESS) pairs->curve[j] = fl_weighted(weight, fl_sigmoid_slope(t));
}

/* The pairs of entry i with entries j ... j + n - 1, whose terms are there. */
FL_INLINE void fl_add_pairs(int want, fl_pairs *pairs, int64_t i, int64_t j,
                            int64_t n) {
  if (want & FL_WANT_VALUE)
    fl_two_sum(&pairs->total.hi, &pairs->total.lo, fl_total_of(n, pairs->value));
  if (want & FL_WANT_GRAD) {
    fl_two_sum(&pairs->g[i], &pairs->g_low[i], -fl_total_of(n, pairs->slope));
    fl_add_each(n, pairs->slope, pairs->g + j, pairs->g_low + j);
  }
  if (want & FL_WANT_HESS) {
    fl_two_sum(&pairs->h[i], &pairs->h_low[i], fl_total_of(n, pairs->curve));
    fl_add_each(n, pairs->curve, pairs->h + j, pairs->h_low + j);
  }
}

/* Derivatives times `scale` and its square, in the places of the entries. */
FL_INLINE void fl_put_sums(int want, const fl_list *list, const fl_record *order,
                           const fl_pairs *pairs, double scale, double weight) {
  for (int64_t i = 0; want & FL_WANT_GRAD && i < list->n; i++)
    list->g[order[i].at] = weight * scale * (pairs->g[i] + pairs->g_low[i]);
  for (int64_t i = 0; want & FL_WANT_HESS && i < list->n; i++)
    list->h[order[i].at] = weight * scale * scale * (pairs->h[i] + pairs->h_low[i]);
}

#endif
