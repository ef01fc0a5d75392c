/* Negative partial log-likelihood of the proportional hazards model, of times t, events d
   (0: censored), log risks x and weights w (D. R. Cox, Regression models and life-tables,
   J. R. Stat. Soc. B 34, 1972). With u_j = w_j exp(x_j), the risk set of a time, all that
   are still there, sums to S(t) = sum_{t_j >= t} u_j. For an event

     l_i = log S(t_i) - x_i                       (N. E. Breslow, 1974)

   and 0 for who is censored; the value is w_i l_i. Of m events at one time whose u sum to
   T, B. Efron (J. Am. Stat. Assoc. 72, 1977) takes the k-th, k = 0 ... m-1, out of
   S - k/m T, and the mean of the logarithms takes the place of log S. With the steps of the
   cumulative hazard, of mean weight w' = sum w_i/m each,

     a = sum_{t <= t_i} sum_k w'/(S - k/m T),  b = sum_{t <= t_i} sum_k w'/(S - k/m T)^2
     dl/dx_i = u_i a - w_i d_i,  d2l/dx_i^2 = u_i a - u_i^2 b

   but that of the steps at its own time an event takes the parts 1 - k/m in a and
   (1 - k/m)^2 in b.

   With strata these are sums over one's own; with late entry at times r, S(t) = sum over
   r_j < t <= t_j, and a and b are sums over r_i < t <= t_i.

   Sums run from the last time to the first, those of the hazard back. With late entry
   everyone is there for a stretch of the times: a tree of the times (the segment tree of
   J. L. Bentley, Algorithms for Klee's rectangle problems, 1977) has their u in the log n
   nodes that a stretch is made of, and S is the sum on the way to its root; so for a and
   b, the other way round. Nothing is subtracted from such a sum. Sums are those of
   sequence.h. An event alone at its time has l = log1p((S - exp x)/exp x) and the own part
   -w (S - u)/S of the derivative, which keep their digits where it makes up nearly all of
   its risk set. */
#define FL_NAME cox
#include "isa/isa.h"
#include "blocks/kernels.h"

#if defined(FL_DTYPE_f32)
/* Sequences are in double precision. */
const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.counted = 1};
#else
#include "blocks/sequence.h"

/* Entries in the order of falling times, stratum by stratum, m and e of their exp(x - max
   x) and weights, or NULL, in the same order. */
typedef struct {
  const fl_record
      *order; /* key: of the time; at: twice the entry, 1 more for an event */
  const double *m, *e, *weights;
  int64_t weigh;
  bool efron;
} fl_cohort;

/* All that have one time: entries begin ... end - 1 of the order. */
typedef struct {
  int64_t begin, end, events;
  fl_scaled_total tied; /* T */
  double weight;        /* of the events */
} fl_time;

static int64_t fl_entry(const fl_cohort *c, int64_t i) { return c->order[i].at >> 1; }
static bool fl_is_event(const fl_cohort *c, int64_t i) { return c->order[i].at & 1; }

static double fl_weight_of(const fl_cohort *c, int64_t i) {
  return c->weights ? c->weights[i] : 1;
}

static fl_scaled fl_hazard(const fl_cohort *c, int64_t i) {
  return fl_scaled_of(c->m[i], (int64_t)c->e[i]);
}

/* u of an entry. */
static fl_scaled fl_weighted_hazard(const fl_cohort *c, int64_t i) {
  const fl_scaled hazard = fl_hazard(c, i);
  if (!c->weights) return hazard;
  return fl_scaled_of(fl_weighted(c->weights[i], hazard.m), hazard.e - c->weigh);
}

static bool fl_splits_ties(const fl_cohort *c, const fl_time *time) {
  return c->efron && time->events > 1;
}

static void fl_count_events(const fl_cohort *c, fl_time *time) {
  time->events = 0;
  time->weight = 0;
  for (int64_t i = time->begin; i < time->end; i++)
    if (fl_is_event(c, i)) time->events++, time->weight += fl_weight_of(c, i);
  time->tied = (fl_scaled_total){0, 0, 0};
  for (int64_t i = time->begin; fl_splits_ties(c, time) && i < time->end; i++)
    if (fl_is_event(c, i)) fl_add_scaled_term(&time->tied, fl_weighted_hazard(c, i));
}

/* S - k/m T in the scale of S. */
static double fl_left(const fl_scaled_total *all, const fl_time *time, int64_t k) {
  const double part = (double)k / (double)time->events;
  const fl_scaled tied = fl_scaled_value(&time->tied);
  return (all->hi - part * fl_in_scale(tied, all->e)) + all->lo;
}

/* The mean of log(S - k/m T). */
static double fl_mean_log(const fl_scaled_total *all, const fl_time *time) {
  double sum = 0;
  for (int64_t k = 0; k < time->events; k++)
    sum += fl_log_scaled(fl_scaled_of(fl_left(all, time, k), all->e));
  return sum / (double)time->events;
}

/* S - u of one of the set. */
static fl_scaled fl_others(const fl_scaled_total *all, fl_scaled one) {
  return fl_scaled_of((all->hi - fl_in_scale(one, all->e)) + all->lo, all->e);
}

/* log S - x = log(S/exp x), S = others + w exp x; log1p where that is not far from 1. */
static double fl_event_loss(const fl_cohort *c, const fl_scaled_total *all, int64_t i) {
  const fl_scaled hazard = fl_hazard(c, i);
  const fl_scaled others = fl_others(all, fl_weighted_hazard(c, i));
  const int64_t apart = others.e - hazard.e;
  if (c->weigh == 0 && apart < FL_APART) {
    const double ratio = apart < -1000 ? 0 : others.m / hazard.m * fl_two_to(apart);
    return fl_log1p(ratio + (fl_weight_of(c, i) - 1));
  }
  const fl_scaled sum = fl_scaled_value(all);
  return fl_log_scaled((fl_scaled){sum.m / hazard.m, sum.e - hazard.e});
}

static void fl_put_losses(const fl_cohort *c, const fl_scaled_total *all,
                          const fl_time *time, double *v) {
  const bool splits = fl_splits_ties(c, time);
  const double log_mean = splits ? fl_mean_log(all, time) : 0;
  for (int64_t i = time->begin; i < time->end; i++) {
    const double loss = !fl_is_event(c, i) ? 0
                        : splits           ? log_mean - fl_log_scaled(fl_hazard(c, i))
                                           : fl_event_loss(c, all, i);
    v[fl_entry(c, i)] = fl_weighted(fl_weight_of(c, i), loss);
  }
}

/* Entries of the order that have the time of entry `begin`. */
static fl_time fl_time_at(const fl_cohort *c, int64_t begin, int64_t end) {
  fl_time time = {.begin = begin, .end = begin};
  while (time.end < end && c->order[time.end].key == c->order[begin].key) time.end++;
  return time;
}

/* Entries begin ... end - 1 of the order are a stratum. */
typedef struct {
  int64_t begin, end;
} fl_stratum;

/* S of the times from the last to the first, and the values. */
static void fl_gather_risk_sets(const fl_cohort *c, fl_stratum among, double *v,
                                fl_scaled_total *kept) {
  fl_scaled_total all = {0, 0, 0};
  fl_time time = {.end = among.begin};
  while (time.end < among.end) {
    time = fl_time_at(c, time.end, among.end);
    for (int64_t i = time.begin; i < time.end; i++)
      fl_add_scaled_term(&all, fl_weighted_hazard(c, i));
    fl_count_events(c, &time);
    if (v) fl_put_losses(c, &all, &time, v);
    if (kept) kept[time.begin] = all;
  }
}

/* What the events of a time add to a and b, for everybody there and for themselves:
   a 2^-e and b 2^-2e. */
typedef struct {
  double a[2], b[2];
  int64_t e;
} fl_steps;

static fl_steps fl_steps_of(const fl_cohort *c, const fl_scaled_total *all,
                            const fl_time *time) {
  const int64_t terms = fl_splits_ties(c, time) ? time->events : 1;
  const double weight = time->weight / (double)terms;
  fl_steps steps = {.e = all->e};
  for (int64_t k = 0; k < terms; k++) {
    const double left = fl_left(all, time, k);
    const double part = (double)(terms - k) / (double)terms;
    const double a = weight / left, b = a / left;
    steps.a[0] += a;
    steps.a[1] += part * a;
    steps.b[0] += b;
    steps.b[1] += part * part * b;
  }
  return steps;
}

/* u of an entry times a sum, u^2 times one. */
static double fl_times_hazard(fl_scaled u, double sum, int64_t e) {
  return fl_unscaled(u.m * sum, u.e + e);
}
static double fl_times_square(fl_scaled u, double sum, int64_t e) {
  return fl_unscaled(u.m * u.m * sum, 2 * u.e + e);
}

/* The derivatives by the x of an entry, a and b without the steps of its own time. */
static void fl_put_derivative(const fl_cohort *c, const fl_scaled_total *all,
                              const fl_time *time, const fl_steps *steps, int64_t i,
                              const fl_scaled_total *a, const fl_scaled_total *b,
                              double scale, double *g, double *h) {
  const int64_t entry = fl_entry(c, i);
  const bool event = fl_is_event(c, i);
  const fl_scaled u = fl_weighted_hazard(c, i);
  const double a_part = steps->a[event], b_part = steps->b[event];
  double slope = fl_times_hazard(u, a_part, -steps->e);
  double curvature = slope - fl_times_square(u, b_part, -2 * steps->e);
  if (event && time->events == 1) {
    const fl_scaled others = fl_others(all, u);
    slope = -fl_times_hazard(others, a_part, -steps->e);
    curvature = fl_unscaled(u.m * others.m * b_part, u.e + others.e - 2 * steps->e);
  } else if (event) {
    slope -= fl_weight_of(c, i);
  }
  g[entry] = scale * (slope + fl_times_hazard(u, a->hi + a->lo, a->e));
  if (h)
    h[entry] = scale
               * (curvature + fl_times_hazard(u, a->hi + a->lo, a->e)
                  - fl_times_square(u, b->hi + b->lo, b->e));
}

static fl_steps fl_steps_at(const fl_cohort *c, const fl_scaled_total *all,
                            fl_time *time) {
  fl_count_events(c, time);
  return time->events ? fl_steps_of(c, all, time) : (fl_steps){{0}, {0}, 0};
}

/* a and b of the times from the first to the last, and the derivatives. */
static void fl_follow_hazard(const fl_cohort *c, fl_stratum among, double scale,
                             const fl_scaled_total *kept, double *g, double *h) {
  fl_scaled_total a = {0, 0, 0}, b = {0, 0, 0};
  fl_time time = {.begin = among.end};
  while (time.begin > among.begin) {
    time.end = time.begin--;
    while (time.begin > among.begin
           && c->order[time.begin - 1].key == c->order[time.begin].key)
      time.begin--;
    const fl_scaled_total *all = &kept[time.begin];
    const fl_steps steps = fl_steps_at(c, all, &time);
    for (int64_t i = time.begin; i < time.end; i++)
      fl_put_derivative(c, all, &time, &steps, i, &a, &b, scale, g, h);
    fl_add_scaled_term(&a, fl_scaled_of(steps.a[0], -steps.e));
    fl_add_scaled_term(&b, fl_scaled_of(steps.b[0], -2 * steps.e));
  }
}

/* Late entry. Times of a stratum are counted from the last, `times` of them; an entry is
   there from its own, first[i], to the one before past[i]. Trees have 2 times nodes; what
   is there at its own time alone joins a sum last, as it may be nearly all of it. */
typedef struct {
  const double *late; /* by entry */
  int64_t *starts;    /* where the entries of a time begin */
  int64_t *first, *past;
  fl_scaled_total *a, *b;
  int64_t times;
} fl_stretches;

static void fl_add_total(fl_scaled_total *sum, const fl_scaled_total *part) {
  fl_add_scaled_term(sum, fl_scaled_of(part->hi, part->e));
  fl_add_scaled_term(sum, fl_scaled_of(part->lo, part->e));
}

/* Adds a term to the nodes of a stretch, or these to a sum. */
static void fl_each_node(int64_t times, int64_t first, int64_t past,
                         fl_scaled_total *nodes, const fl_scaled *term,
                         fl_scaled_total *sum) {
  for (int64_t l = first + times, r = past + times; l < r; l /= 2, r /= 2) {
    const int64_t found[] = {l & 1 ? l++ : 0, r & 1 ? --r : 0};
    for (int k = 0; k < 2; k++) {
      if (found[k] && term) fl_add_scaled_term(&nodes[found[k]], *term);
      if (found[k] && sum) fl_add_total(sum, &nodes[found[k]]);
    }
  }
}

static void fl_find_stretches(const fl_cohort *c, fl_stratum among, fl_stretches *s) {
  s->times = 0;
  for (int64_t i = among.begin; i < among.end; i++) {
    const bool same = i > among.begin && c->order[i].key == c->order[i - 1].key;
    if (!same) s->starts[s->times++] = i;
    s->first[i] = s->times - 1;
  }
  for (int64_t i = among.begin; i < among.end; i++) {
    /* times after the entry: those whose keys, of falling times, are smaller */
    const uint64_t key = fl_descending(s->late[fl_entry(c, i)]);
    int64_t low = s->first[i] + 1, high = s->times;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (c->order[s->starts[middle]].key < key) low = middle + 1;
      else high = middle;
    }
    s->past[i] = low;
  }
}

static void fl_gather_late(const fl_cohort *c, fl_stratum among, fl_stretches *s,
                           double *v, fl_scaled_total *kept) {
  fl_find_stretches(c, among, s);
  memset(s->a, 0, (size_t)(2 * s->times) * sizeof *s->a);
  for (int64_t i = among.begin; i < among.end; i++) {
    const fl_scaled u = fl_weighted_hazard(c, i);
    fl_each_node(s->times, s->first[i] + 1, s->past[i], s->a, &u, NULL);
  }
  for (int64_t k = 0; k < s->times; k++) {
    fl_scaled_total all = {0, 0, 0};
    for (int64_t node = k + s->times; node > 0; node /= 2)
      fl_add_total(&all, &s->a[node]);
    fl_time time = fl_time_at(c, s->starts[k], among.end);
    for (int64_t i = time.begin; i < time.end; i++)
      fl_add_scaled_term(&all, fl_weighted_hazard(c, i));
    fl_count_events(c, &time);
    if (v) fl_put_losses(c, &all, &time, v);
    kept[time.begin] = all;
  }
}

static void fl_follow_late(const fl_cohort *c, fl_stratum among, fl_stretches *s,
                           double scale, const fl_scaled_total *kept, double *g,
                           double *h) {
  memset(s->a, 0, (size_t)(2 * s->times) * sizeof *s->a);
  memset(s->b, 0, (size_t)(2 * s->times) * sizeof *s->b);
  for (int64_t k = 0; k < s->times; k++) {
    fl_time time = fl_time_at(c, s->starts[k], among.end);
    const fl_steps steps = fl_steps_at(c, &kept[time.begin], &time);
    const int64_t leaf = k + s->times;
    fl_add_scaled_term(&s->a[leaf], fl_scaled_of(steps.a[0], -steps.e));
    fl_add_scaled_term(&s->b[leaf], fl_scaled_of(steps.b[0], -2 * steps.e));
  }
  for (int64_t node = s->times - 1; node > 0; node--)
    for (int child = 0; child < 2; child++) {
      fl_add_total(&s->a[node], &s->a[2 * node + child]);
      fl_add_total(&s->b[node], &s->b[2 * node + child]);
    }
  for (int64_t k = 0; k < s->times; k++) {
    fl_time time = fl_time_at(c, s->starts[k], among.end);
    const fl_scaled_total *all = &kept[time.begin];
    const fl_steps steps = fl_steps_at(c, all, &time);
    for (int64_t i = time.begin; i < time.end; i++) {
      fl_scaled_total a = {0, 0, 0}, b = {0, 0, 0};
      fl_each_node(s->times, k + 1, s->past[i], s->a, NULL, &a);
      fl_each_node(s->times, k + 1, s->past[i], s->b, NULL, &b);
      fl_put_derivative(c, all, &time, &steps, i, &a, &b, scale, g, h);
    }
  }
}

/* The largest of n numbers that is not a NaN. */
static double fl_largest_number(int64_t n, const double *x) {
  double largest = -(double)INFINITY;
  for (int64_t i = 0; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/* Sorts records, in their place. */
static void fl_sort_here(int64_t n, fl_record *records) {
  fl_record *const spare = records + n;
  if (fl_sort(n, records, spare) == spare)
    memcpy(records, spare, (size_t)n * sizeof *records);
}

/* The records in the order of falling times, of one stratum after the other; who weighs
   nothing is no event. */
static const fl_record *fl_order(const fl_sequence_block *block) {
  const int64_t n = block->n;
  const double *times = block->in[0], *events = block->in[1], *strata = block->in[3];
  fl_record *const records = block->scratch;
  for (int64_t i = 0; i < n; i++) {
    const bool event = events[i] != 0 && (!block->weights || block->weights[i] != 0);
    records[i] = (fl_record){fl_descending(times[i]), 2 * i + event};
  }
  fl_sort_here(n, records);
  if (!strata) return records;
  for (int64_t i = 0; i < n; i++)
    records[i].key = fl_ascending(strata[records[i].at >> 1]);
  fl_sort_here(n, records);
  for (int64_t i = 0; i < n; i++)
    records[i].key = fl_descending(times[records[i].at >> 1]);
  return records;
}

/* The stratum that begins with an entry of the order. */
static fl_stratum fl_stratum_at(const fl_sequence_block *block, const fl_record *order,
                                int64_t begin) {
  const double *strata = block->in[3];
  fl_stratum found = {begin, strata ? begin + 1 : block->n};
  while (found.end < block->n
         && strata[order[found.end].at >> 1] == strata[order[begin].at >> 1])
    found.end++;
  return found;
}

/* Numbers of entries in an order. */
static double *fl_gather(int64_t n, const fl_record *order, const double *from,
                         double *to) {
  for (int64_t i = 0; i < n; i++) to[i] = from[order[i].at >> 1];
  return to;
}

/* Memory behind the records. */
static fl_stretches fl_cut_stretches(const fl_sequence_block *block,
                                     fl_scaled_total *kept) {
  const int64_t n = block->n;
  fl_scaled_total *const a = kept + n, *const b = a + 2 * n;
  int64_t *const starts = (int64_t *)(b + 2 * n);
  return (fl_stretches){block->in[4], starts, starts + n, starts + 2 * n, a, b, 0};
}

static void FL_LOCAL(kernel)(int want, const fl_sequence_block *block) {
  const int64_t n = block->n;
  const fl_record *order = fl_order(block);
  /* What is not read again makes room for what follows. */
  double *const m = fl_gather(n, order, block->in[2], block->in[0]);
  double *const e = block->in[2];
  const double *weights =
      block->weights ? fl_gather(n, order, block->weights, block->in[1]) : NULL;
  fl_scaled_exps(n, fl_largest_number(n, m), m, e);
  const fl_cohort cohort = {
      order, m, e, weights, block->weigh, block->parameters[0] != 0};
  fl_scaled_total *const kept = (fl_scaled_total *)((fl_record *)block->scratch + n);
  const bool grad = want & FL_WANT_GRAD;
  double *const v = want & FL_WANT_VALUE ? block->v : NULL;
  double *const h = want & FL_WANT_HESS ? block->h : NULL;
  fl_stretches late = fl_cut_stretches(block, kept);
  fl_stratum among = {0, 0};
  while (among.end < n) {
    among = fl_stratum_at(block, order, among.end);
    if (late.late) fl_gather_late(&cohort, among, &late, v, kept);
    else fl_gather_risk_sets(&cohort, among, v, grad ? kept : NULL);
    if (grad && late.late)
      fl_follow_late(&cohort, among, &late, block->scale, kept, block->g, h);
    else if (grad) fl_follow_hazard(&cohort, among, block->scale, kept, block->g, h);
  }
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_sequence_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .sequence = FL_KERNEL_SET,
    .counted = 1,
    .entry_scratch = sizeof(fl_record) + 5 * sizeof(fl_scaled_total)
                     + 3 * sizeof(int64_t)};
#endif

#undef FL_NAME
