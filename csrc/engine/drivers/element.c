/* element.c: the driver of element-wise losses. An item is an element; a
   block goes from arrays to arrays, through buffers where a kernel cannot use their
   memory. The divisor of a value alone is added up along with it: its weights are in L1
   or L2 then; derivatives need it before. */
#include "engine/drivers/arrays.h"

/* Chunks where there are enough of them for the threads, and their longest then. */
enum { FL_MANY_CHUNKS = 64, FL_LONG_CHUNK = 32768 };

/* Elements in a chunk. 2, 4 or 8 threads get as many chunks each. */
static int64_t fl_chunk_elements(int64_t n) {
  int64_t length = n / FL_MANY_CHUNKS;
  if (length < FL_CHUNK_ENTRIES) length = FL_CHUNK_ENTRIES;
  if (length > FL_LONG_CHUNK) length = FL_LONG_CHUNK;
  if (length < fl_ratio_up(n, FL_MAX_CHUNKS)) length = fl_ratio_up(n, FL_MAX_CHUNKS);
  if (n <= length) return length;
  const int64_t least = fl_ratio_up(n, length);
  const int64_t share = least > 4 ? 8 : least > 2 ? 4 : 2;
  const int64_t chunks = fl_ratio_up(least, share) * share;
  return fl_ratio_up(fl_ratio_up(n, chunks), FL_FOUR) * FL_FOUR;
}

/* Kernels are compiled for outputs apart from their inputs. */
static void fl_apart_from_inputs(const fl_job *job, fl_view *output) {
  if (output->data == job->weight.data) output->plain = false;
  for (int k = 0; k < job->inputs; k++)
    if (output->data == job->in[k].data) output->plain = false;
}

static bool fl_needs_buffer(const fl_view *view) { return view->data && !view->plain; }

/* Whether the kernel can write to the arrays themselves. */
static bool fl_outputs_are_plain(const fl_plan *plan) {
  bool plain = !fl_needs_buffer(&plan->value);
  for (int k = 0; k < plan->job->heads; k++)
    plain &= !fl_needs_buffer(&plan->grad[k]) && !fl_needs_buffer(&plan->hess[k]);
  return plain;
}

/* Buffers for what kernels cannot use where it is, cut from scratch memory. */
typedef struct {
  void *in[FL_MAX_INPUTS], *v, *g[FL_MAX_HEADS], *h[FL_MAX_HEADS];
  double *weights;
  void *kernel;
  int64_t used;
} fl_buffers;

static void *fl_cut_buffer(const fl_plan *plan, const fl_view *view, char *memory,
                           int64_t *used) {
  const int64_t bytes = plan->block * fl_type_size(plan->job->type);
  return fl_needs_buffer(view) ? fl_cut(memory, used, bytes) : NULL;
}

static fl_buffers fl_cut_buffers(const fl_plan *plan, char *memory) {
  const fl_job *job = plan->job;
  fl_buffers b = {.used = 0};
  for (int k = 0; k < job->inputs; k++)
    b.in[k] = fl_cut_buffer(plan, &plan->in[k], memory, &b.used);
  b.v = fl_cut_buffer(plan, &plan->value, memory, &b.used);
  for (int k = 0; k < job->heads; k++) {
    b.g[k] = fl_cut_buffer(plan, &plan->grad[k], memory, &b.used);
    b.h[k] = fl_cut_buffer(plan, &plan->hess[k], memory, &b.used);
  }
  if (fl_weighs(plan))
    b.weights = fl_cut(memory, &b.used, plan->block * (int64_t)sizeof(double));
  b.kernel = fl_cut(memory, &b.used, plan->kernels->scratch);
  return b;
}

/* Elements in a block that goes through buffers: many, as each block has costs of its
   own, few enough for L1; where a matrix lies across the others, enough of its runs for
   whole cache lines. */
static int64_t fl_block_elements(const fl_plan *plan) {
  enum { BYTES = 16384, CROSSED_BYTES = 65536 };
  const fl_job *job = plan->job;
  bool crossed = plan->weight.crossed || plan->value.crossed;
  for (int k = 0; k < job->inputs; k++) crossed |= plan->in[k].crossed;
  for (int k = 0; k < job->heads; k++)
    crossed |= plan->grad[k].crossed || plan->hess[k].crossed;
  const int64_t most = (crossed ? CROSSED_BYTES : BYTES) / fl_type_size(job->type);
  return plan->items < most ? plan->items : most;
}

/* Kernels read weights where they are in the job's dtype or in double precision. */
static void fl_prepare_elements(fl_plan *plan) {
  const fl_job *job = plan->job;
  plan->items = plan->entries = 1;
  for (int axis = 0; axis < job->ndim; axis++) plan->items *= job->shape[axis];
  plan->block = fl_block_elements(plan);
  plan->chunk = fl_chunk_elements(plan->items);
  plan->counts_all = !job->weight.data || job->reduction == FL_SUM_OVER_BATCH_SIZE;
  plan->along = !plan->counts_all && job->reduction == FL_MEAN && job->outputs == FL_V;
  plan->weight.plain |= fl_view_is_plain(&plan->weight, FL_TYPE_F64);
  fl_apart_from_inputs(job, &plan->value);
  for (int k = 0; k < job->heads; k++) {
    fl_apart_from_inputs(job, &plan->grad[k]);
    fl_apart_from_inputs(job, &plan->hess[k]);
  }
  plan->direct = !fl_needs_buffer(&plan->weight) && fl_outputs_are_plain(plan);
  for (int k = 0; k < job->inputs; k++) plan->direct &= plan->in[k].plain;
  plan->scratch = fl_cut_buffers(plan, NULL).used;
}

/* Weights where they are, or loaded into the buffer. */
static fl_weights fl_weights_of(const fl_plan *plan, int64_t first, int64_t n,
                                double *buffer) {
  const fl_type type = plan->weight.type;
  if (!buffer) return (fl_weights){0};
  if (!plan->weight.plain || plan->weigh != 1) {
    fl_load_weights(plan, first, n, buffer);
    return (fl_weights){.wide = buffer};
  }
  const void *weights = fl_at(plan->weight.data, first, type);
  return type == FL_TYPE_F64 ? (fl_weights){.wide = weights}
                             : (fl_weights){.narrow = weights};
}

/* The first input with an element outside its domain is the one that is named. */
static bool fl_find_bad_input(const fl_plan *plan, const fl_element_block *block,
                              int64_t first, fl_progress *progress) {
  for (int k = 0; k < plan->job->inputs; k++)
    if (fl_find_outside(plan, k, first, block->n, block->in[k], block->weights,
                        progress))
      return true;
  return false;
}

static void fl_add_shares(const fl_plan *plan, int64_t n, fl_weights weights,
                          fl_progress *progress, fl_lanes *lanes) {
  if (weights.wide) fl_add_divisor(progress, lanes, n, weights.wide, FL_TYPE_F64);
  else fl_add_divisor(progress, lanes, n, weights.narrow, plan->job->type);
}

static bool fl_run_elements(const fl_plan *plan, int64_t first, int64_t n,
                            fl_progress *progress) {
  const fl_job *job = plan->job;
  const fl_type type = job->type;
  const fl_buffers buffers = fl_cut_buffers(plan, progress->scratch);
  const void *in[FL_MAX_INPUTS];
  for (int k = 0; k < job->inputs; k++)
    in[k] = fl_entries_of(&plan->in[k], first, n, type, buffers.in[k]);
  fl_element_block block = {
      .n = n,
      .in = in,
      .parameters = job->program ? job->program : job->parameters,
      .weights = fl_weights_of(plan, first, n, buffers.weights),
      .scale = plan->scale,
      .lanes = job->reduction == FL_NONE ? NULL : &progress->lanes,
      .v = fl_target(&plan->value, first, type, buffers.v),
      .stream = plan->stream && fl_outputs_are_plain(plan),
      .scratch = buffers.kernel,
  };
  for (int k = 0; k < job->heads; k++) {
    block.g[k] = fl_target(&plan->grad[k], first, type, buffers.g[k]);
    block.h[k] = fl_target(&plan->hess[k], first, type, buffers.h[k]);
  }
  if (plan->along) fl_add_shares(plan, n, block.weights, progress, &progress->shares);
  if (plan->kernels->elementwise[job->outputs](&block)
      && fl_find_bad_input(plan, &block, first, progress))
    return false;
  if (buffers.v) fl_store(&plan->value, first, n, type, buffers.v);
  for (int k = 0; k < job->heads; k++) {
    if (buffers.g[k]) fl_store(&plan->grad[k], first, n, type, buffers.g[k]);
    if (buffers.h[k]) fl_store(&plan->hess[k], first, n, type, buffers.h[k]);
  }
  return true;
}

static bool fl_add_weights(const fl_plan *plan, int64_t first, int64_t n,
                           fl_progress *progress) {
  double *buffer = fl_cut_buffers(plan, progress->scratch).weights;
  const fl_weights weights = fl_weights_of(plan, first, n, buffer);
  fl_add_shares(plan, n, weights, progress, &progress->lanes);
  return true;
}

const fl_driver fl_element_driver = {.prepare = fl_prepare_elements,
                                     .block = fl_run_elements,
                                     .divisor = fl_add_weights};
