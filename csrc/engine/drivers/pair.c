/* pair.c: the driver of losses of aligned rows: pairs and triplets. An item is a tuple of
   rows, one of each prediction, with a label of its own where the loss has labels. */
#include "engine/drivers/arrays.h"

/* Entries in a block of rows of one prediction. */
enum { FL_PAIR_ENTRIES = 16384 };

typedef struct {
  int64_t width;
  int64_t ldx[FL_MAX_HEADS], ldg[FL_MAX_HEADS], ldh[FL_MAX_HEADS]; /* 0: a copy */
} fl_pair_plan;

static const fl_pair_plan *fl_own(const fl_plan *plan) { return plan->own; }

/* What a block needs, cut from scratch memory: labels, weights, factors of derivatives,
   values, and the rows that a kernel cannot use where they are. */
typedef struct {
  void *labels[FL_MAX_HEADS];
  double *weights, *factor, *v;
  void *x[FL_MAX_HEADS], *g[FL_MAX_HEADS], *h[FL_MAX_HEADS];
  int64_t used;
} fl_tuples;

static fl_tuples fl_cut_tuples(const fl_plan *plan, char *memory) {
  const fl_job *job = plan->job;
  const fl_pair_plan *own = plan->own;
  const int64_t numbers = plan->block * (int64_t)sizeof(double);
  const int64_t matrix = plan->block * own->width * fl_type_size(job->type);
  fl_tuples t = {.used = 0};
  for (int k = 0; k < job->labels; k++) t.labels[k] = fl_cut(memory, &t.used, numbers);
  if (fl_weighs(plan)) t.weights = fl_cut(memory, &t.used, numbers);
  t.factor = fl_cut(memory, &t.used, numbers);
  t.v = fl_cut(memory, &t.used, numbers);
  for (int k = 0; k < job->heads; k++) {
    if (!own->ldx[k]) t.x[k] = fl_cut(memory, &t.used, matrix);
    if (!own->ldg[k] && job->grad[k].data) t.g[k] = fl_cut(memory, &t.used, matrix);
    if (!own->ldh[k] && job->hess[k].data) t.h[k] = fl_cut(memory, &t.used, matrix);
  }
  return t;
}

static void fl_prepare_pairs(fl_plan *plan) {
  const fl_job *job = plan->job;
  const int last = job->ndim - 1;
  fl_pair_plan *own = plan->own;
  own->width = job->shape[last];
  plan->items = 1;
  for (int axis = 0; axis < last; axis++) plan->items *= job->shape[axis];
  plan->entries = own->width * job->heads;
  plan->block = fl_block_rows(own->width, FL_PAIR_ENTRIES);
  plan->chunk = fl_chunk_of_blocks(plan);
  plan->counts_all = !job->weight.data || job->reduction == FL_SUM_OVER_BATCH_SIZE;
  for (int k = 0; k < job->heads; k++) {
    const fl_view *x = &plan->in[job->labels + k];
    own->ldx[k] = fl_row_distance(x, job->type, own->width);
    own->ldg[k] = fl_row_distance(&plan->grad[k], job->type, own->width);
    own->ldh[k] = fl_row_distance(&plan->hess[k], job->type, own->width);
  }
  plan->scratch = fl_cut_tuples(plan, NULL).used;
}

/* false: a label is outside its domain. */
static bool fl_read_tuples(const fl_plan *plan, int64_t first, int64_t n,
                           const fl_tuples *t, fl_pair_block *block,
                           fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t width = fl_own(plan)->width;
  if (t->weights) fl_load_weights(plan, first, n, t->weights);
  for (int64_t r = 0; r < n; r++)
    t->factor[r] = t->weights ? t->weights[r] * plan->scale : plan->scale;
  for (int k = 0; k < job->labels; k++) {
    block->labels[k] = t->labels[k];
    fl_load(&plan->in[k], first, n, job->type, t->labels[k]);
    if (fl_find_outside(plan, k, first, n, t->labels[k],
                        (fl_weights){.wide = t->weights}, progress))
      return false;
  }
  for (int k = 0; k < job->heads; k++) {
    const fl_view *x = &plan->in[job->labels + k];
    block->x[k] = fl_rows_at(x, width, fl_own(plan)->ldx[k], first, job->type, t->x[k],
                             &block->ldx[k]);
    if (t->x[k]) fl_load(x, first * width, n * width, job->type, t->x[k]);
  }
  return true;
}

static void fl_finish_tuples(const fl_plan *plan, const fl_view *view, int64_t first,
                             int64_t n, const double *weights, char *out, int64_t ld,
                             const void *copy) {
  const int64_t width = fl_own(plan)->width;
  if (!out) return;
  fl_clear_rows(n, width, weights, out, ld, plan->job->type);
  if (copy) fl_store(view, first * width, n * width, plan->job->type, copy);
}

static bool fl_run_tuples(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress) {
  const fl_job *job = plan->job;
  const fl_pair_plan *own = plan->own;
  const fl_tuples t = fl_cut_tuples(plan, progress->scratch);
  fl_pair_block block = {.rows = n,
                         .width = own->width,
                         .factor = t.factor,
                         .parameters = job->parameters,
                         .v = t.v};
  if (!fl_read_tuples(plan, first, n, &t, &block, progress)) return false;
  for (int k = 0; k < job->heads; k++) {
    block.g[k] = fl_rows_at(&plan->grad[k], own->width, own->ldg[k], first, job->type,
                            t.g[k], &block.ldg[k]);
    block.h[k] = fl_rows_at(&plan->hess[k], own->width, own->ldh[k], first, job->type,
                            t.h[k], &block.ldh[k]);
  }
  plan->kernels->pairwise[job->outputs](&block);
  if (plan->want & FL_WANT_VALUE)
    fl_put_values(plan, first, n, FL_TYPE_F64, t.v, t.weights, progress);
  for (int k = 0; k < job->heads; k++) {
    fl_finish_tuples(plan, &plan->grad[k], first, n, t.weights, block.g[k],
                     block.ldg[k], t.g[k]);
    fl_finish_tuples(plan, &plan->hess[k], first, n, t.weights, block.h[k],
                     block.ldh[k], t.h[k]);
  }
  return true;
}

static bool fl_add_tuple_weights(const fl_plan *plan, int64_t first, int64_t n,
                                 fl_progress *progress) {
  double *weights = fl_cut_tuples(plan, progress->scratch).weights;
  fl_load_weights(plan, first, n, weights);
  fl_add_divisor(progress, &progress->lanes, n, weights, FL_TYPE_F64);
  return true;
}

const fl_driver fl_pair_driver = {.size = sizeof(fl_pair_plan),
                                  .fixed_axes = 1,
                                  .prepare = fl_prepare_pairs,
                                  .block = fl_run_tuples,
                                  .divisor = fl_add_tuple_weights};
