/* group.c: the driver of losses of ragged groups, such as the documents of a query. An
   item is an entry, so that threads share groups of any size evenly; a block does the
   groups that begin among its entries. The input behind the predictions is the index of
   the groups: their number, then where each begins, then where the last one ends. A loss
   without kernels in single precision runs on copies in double precision. */
#include "engine/drivers/arrays.h"

/* Entries whose groups a kernel gets at once. */
enum { FL_GROUP_ENTRIES = 4096 };

typedef struct {
  int64_t groups;
  const int64_t *start; /* groups + 1 */
  int64_t most;         /* entries a kernel gets at once */
  int64_t batch;        /* and groups */
  const fl_loss_kernels *kernels;
  fl_type type; /* of the numbers that they take */
} fl_group_plan;

static const fl_group_plan *fl_own(const fl_plan *plan) { return plan->own; }

/* What a batch of groups needs, cut from scratch memory. */
typedef struct {
  int64_t *start;
  double *weights, *factor, *v;
  void *y, *x, *g, *h, *kernel;
  int64_t used;
} fl_groups;

static void *fl_cut_entries(const fl_plan *plan, const fl_view *view, char *memory,
                            int64_t *used) {
  const fl_group_plan *own = plan->own;
  if (!view->data || (view->plain && own->type == plan->job->type)) return NULL;
  return fl_cut(memory, used, own->most * fl_type_size(own->type));
}

static fl_groups fl_cut_groups(const fl_plan *plan, char *memory) {
  const int64_t batch = fl_own(plan)->batch;
  const int64_t numbers = batch * (int64_t)sizeof(double);
  fl_groups b = {.used = 0};
  b.start = fl_cut(memory, &b.used, (batch + 1) * (int64_t)sizeof *b.start);
  if (fl_weighs(plan)) b.weights = fl_cut(memory, &b.used, numbers);
  b.factor = fl_cut(memory, &b.used, numbers);
  b.v = fl_cut(memory, &b.used, numbers);
  b.y = fl_cut_entries(plan, &plan->in[0], memory, &b.used);
  b.x = fl_cut_entries(plan, &plan->in[1], memory, &b.used);
  b.g = fl_cut_entries(plan, &plan->grad[0], memory, &b.used);
  b.h = fl_cut_entries(plan, &plan->hess[0], memory, &b.used);
  b.kernel = fl_cut(memory, &b.used,
                    fl_own(plan)->most * fl_own(plan)->kernels->entry_scratch);
  return b;
}

static void fl_prepare_groups(fl_plan *plan) {
  const fl_job *job = plan->job;
  fl_group_plan *own = plan->own;
  const int64_t *index = job->in[job->labels + job->heads].data;
  const bool single = plan->kernels->groupwise[job->outputs];
  own->type = single ? job->type : FL_TYPE_F64;
  own->kernels = single ? plan->kernels : fl_kernels(FL_TYPE_F64)->losses[job->loss];
  own->groups = index[0];
  own->start = index + 1;
  own->most = FL_GROUP_ENTRIES;
  for (int64_t k = 0; k < own->groups; k++) {
    const int64_t length = own->start[k + 1] - own->start[k];
    if (own->most < length) own->most = length;
  }
  own->batch = own->groups < FL_BLOCK ? own->groups : FL_BLOCK;
  plan->items = job->shape[0];
  plan->entries = 1;
  plan->block = FL_GROUP_ENTRIES;
  plan->chunk = 2 * FL_GROUP_ENTRIES;
  const int64_t least = fl_ratio_up(plan->items, FL_MAX_CHUNKS);
  if (plan->chunk < least)
    plan->chunk = fl_ratio_up(least, FL_GROUP_ENTRIES) * FL_GROUP_ENTRIES;
  plan->counts_all = false;
  const int order[] = {0};
  fl_view_init(&plan->weight, &job->weight, &own->groups, order, 1, job->type);
  fl_view_init(&plan->value, &job->value, &own->groups, order, 1, job->type);
  plan->scratch = fl_cut_groups(plan, NULL).used;
}

/* The first group that begins at an entry or behind it; groups without entries begin
   where the next one does. */
static int64_t fl_first_group(const fl_plan *plan, int64_t entry) {
  int64_t low = 0, high = fl_own(plan)->groups;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (fl_own(plan)->start[middle] < entry) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* The group behind those that begin among entries first ... first + n - 1. */
static int64_t fl_end_group(const fl_plan *plan, int64_t first, int64_t n) {
  const bool last = first + n == plan->items;
  return last ? fl_own(plan)->groups : fl_first_group(plan, first + n);
}

/* The end of a batch that begins with a group: at least that one. */
static int64_t fl_end_of_batch(const fl_plan *plan, int64_t group, int64_t end) {
  const fl_group_plan *own = plan->own;
  const int64_t begin = own->start[group];
  int64_t next = group + 1;
  while (next < end && next - group < own->batch
         && own->start[next + 1] - begin <= own->most)
    next++;
  return next;
}

/* Names the first label outside its domain of a group that weighs something. */
static bool fl_find_bad_label(const fl_plan *plan, int64_t first, int64_t groups,
                              const fl_group_block *block, const double *weights,
                              fl_progress *progress) {
  const fl_type type = fl_own(plan)->type;
  for (int64_t k = 0; k < groups; k++) {
    const int64_t at = block->start[k], n = block->start[k + 1] - at;
    if (weights && weights[k] == 0) continue;
    if (fl_find_outside_of(plan, 0, first + at, n, fl_at(block->y, at, type), type,
                           (fl_weights){0}, progress))
      return true;
  }
  return false;
}

/* Derivatives on their way out: groups that weigh nothing are exactly zero. */
static void fl_finish_entries(const fl_plan *plan, const fl_view *view, int64_t first,
                              const fl_group_block *block, const double *weights,
                              char *out, const void *copy) {
  const fl_type type = fl_own(plan)->type;
  const int64_t size = fl_type_size(type);
  if (!out) return;
  for (int64_t k = 0; weights && k < block->groups; k++)
    if (weights[k] == 0)
      memset(out + block->start[k] * size, 0,
             (size_t)((block->start[k + 1] - block->start[k]) * size));
  if (copy) fl_store(view, first, block->start[block->groups], type, copy);
}

static bool fl_run_batch(const fl_plan *plan, int64_t group, int64_t groups,
                         fl_progress *progress) {
  const fl_type type = fl_own(plan)->type;
  const int64_t *start = fl_own(plan)->start + group;
  const int64_t first = start[0], n = start[groups] - first;
  const fl_groups b = fl_cut_groups(plan, progress->scratch);
  if (b.weights) fl_load_weights(plan, group, groups, b.weights);
  for (int64_t k = 0; k <= groups; k++) b.start[k] = start[k] - first;
  for (int64_t k = 0; k < groups; k++)
    b.factor[k] = b.weights ? b.weights[k] * plan->scale : plan->scale;
  const fl_group_block block = {.groups = groups,
                                .start = b.start,
                                .y = fl_entries_of(&plan->in[0], first, n, type, b.y),
                                .x = fl_entries_of(&plan->in[1], first, n, type, b.x),
                                .factor = b.factor,
                                .parameters = plan->job->parameters,
                                .v = b.v,
                                .g = fl_target(&plan->grad[0], first, type, b.g),
                                .h = fl_target(&plan->hess[0], first, type, b.h),
                                .scratch = b.kernel};
  if (fl_find_bad_label(plan, first, groups, &block, b.weights, progress)) return false;
  fl_own(plan)->kernels->groupwise[plan->job->outputs](&block);
  fl_finish_entries(plan, &plan->grad[0], first, &block, b.weights, block.g, b.g);
  fl_finish_entries(plan, &plan->hess[0], first, &block, b.weights, block.h, b.h);
  /* As few at once as are added up one by one: which groups a batch has depends on where
     it begins. */
  for (int64_t k = 0; plan->want & FL_WANT_VALUE && k < groups; k += FL_LANES)
    fl_put_values(plan, group + k, groups - k < FL_LANES ? groups - k : FL_LANES,
                  FL_TYPE_F64, b.v + k, b.weights ? b.weights + k : NULL, progress);
  return true;
}

static bool fl_run_groups(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress) {
  const int64_t end = fl_end_group(plan, first, n);
  int64_t group = first == 0 ? 0 : fl_first_group(plan, first);
  while (group < end) {
    const int64_t next = fl_end_of_batch(plan, group, end);
    if (!fl_run_batch(plan, group, next - group, progress)) return false;
    group = next;
  }
  return true;
}

/* Each group counts, whatever its size. */
static bool fl_add_groups(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress) {
  const bool weighs = fl_weighs(plan) && plan->job->reduction == FL_MEAN;
  const int64_t end = fl_end_group(plan, first, n);
  double *shares = fl_cut_groups(plan, progress->scratch).v;
  int64_t group = first == 0 ? 0 : fl_first_group(plan, first);
  while (group < end) {
    const int64_t count = end - group < FL_LANES ? end - group : FL_LANES;
    if (weighs) fl_load_weights(plan, group, count, shares);
    else
      for (int64_t k = 0; k < count; k++) shares[k] = 1;
    fl_add_divisor(progress, &progress->lanes, count, shares, FL_TYPE_F64);
    group += count;
  }
  return true;
}

const fl_driver fl_group_driver = {.size = sizeof(fl_group_plan),
                                   .fixed_axes = FL_MAX_DIMS,
                                   .prepare = fl_prepare_groups,
                                   .block = fl_run_groups,
                                   .divisor = fl_add_groups};
