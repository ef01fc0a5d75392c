/* element.c: the driver of element-wise losses. An item is an element; a
   block goes from arrays to arrays, through buffers where a kernel cannot use their
   memory. The divisor of a value alone is added up along with it: its weights are in L1
   or L2 then; derivatives need it before. */
#include "engine/drivers/arrays.h"

/* Chunks where there are enough of them for the threads, and their longest then. */
enum { FL_MANY_CHUNKS = 64, FL_LONG_CHUNK = 32768 };

/* Elements in a chunk, a multiple of `unit`. 2, 4 or 8 threads get as many chunks each,
   or nearly. */
static int64_t fl_chunk_elements(int64_t n, int64_t unit) {
  int64_t length = n / FL_MANY_CHUNKS;
  if (length < FL_CHUNK_ENTRIES) length = FL_CHUNK_ENTRIES;
  if (length > FL_LONG_CHUNK) length = FL_LONG_CHUNK;
  if (n <= length) return length;
  const int64_t least = fl_ratio_up(n, length);
  const int64_t share = least > 4 ? 8 : least > 2 ? 4 : 2;
  const int64_t chunks = fl_ratio_up(least, share) * share;
  const int64_t even = fl_ratio_up(n, chunks), most = fl_ratio_up(n, FL_MAX_CHUNKS);
  const int64_t units = (even + unit / 2) / unit, least_units = fl_ratio_up(most, unit);
  return (units < least_units ? least_units : units) * unit;
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

/* Whether products are those with a diagonal, which a kernel stores in a buffer. */
static bool fl_multiplies(const fl_plan *plan) {
  return plan->job->outputs == FL_HV && !plan->kernels->elementwise[FL_HV];
}

/* Buffers for what kernels cannot use where it is, cut from scratch memory. */
typedef struct {
  void *in[FL_MAX_INPUTS], *v, *g[FL_MAX_HEADS], *h[FL_MAX_HEADS];
  double *weights;
  void *diagonal, *kernel;
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
  if (fl_multiplies(plan))
    b.diagonal = fl_cut(memory, &b.used, plan->block * fl_type_size(plan->job->type));
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
  const bool single = job->type == FL_TYPE_F32;
  plan->chunk = fl_chunk_elements(plan->items, single ? FL_GRAIN : FL_FOUR);
  plan->counts_all = !job->weight.data || job->reduction == FL_SUM_OVER_BATCH_SIZE;
  plan->along = !plan->counts_all && job->reduction == FL_MEAN && job->outputs == FL_V;
  plan->weight.plain |= fl_view_is_plain(&plan->weight, FL_TYPE_F64);
  fl_apart_from_inputs(job, &plan->value);
  for (int k = 0; k < job->heads; k++) {
    fl_apart_from_inputs(job, &plan->grad[k]);
    fl_apart_from_inputs(job, &plan->hess[k]);
  }
  plan->direct = !fl_needs_buffer(&plan->weight) && fl_outputs_are_plain(plan)
                 && !fl_multiplies(plan);
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

/* Elements first ... of a block up to the end of their grain; sums of float32 begin anew
   with each. */
static int64_t fl_begin_grain(const fl_plan *plan, int64_t first, int64_t n,
                              fl_progress *progress) {
  if (plan->job->type != FL_TYPE_F32) return n;
  if (first % plan->chunk != 0 && first % FL_GRAIN == 0) {
    fl_end_grain(&progress->lanes, &progress->lanes_before);
    if (plan->along) fl_end_grain(&progress->shares, &progress->shares_before);
    progress->ended = true;
  }
  return n < FL_GRAIN ? n : FL_GRAIN;
}

/* The elements of a block behind its first n. */
static void fl_skip_elements(const fl_job *job, int64_t n, const void **in,
                             fl_element_block *block) {
  const int64_t bytes = n * fl_type_size(job->type);
  for (int k = 0; k < job->inputs; k++) in[k] = (const char *)in[k] + bytes;
  if (block->weights.wide) block->weights.wide += n;
  if (block->weights.narrow)
    block->weights.narrow = (const char *)block->weights.narrow + bytes;
  if (block->v) block->v = (char *)block->v + bytes;
  for (int k = 0; k < job->heads; k++) {
    if (block->g[k]) block->g[k] = (char *)block->g[k] + bytes;
    if (block->h[k]) block->h[k] = (char *)block->h[k] + bytes;
  }
}

/* Non-zero: something may be outside its domain. */
static int fl_call_kernel(const fl_plan *plan, fl_element_block *block,
                          void *diagonal) {
  fl_elementwise_fn *const *kernels = plan->kernels->elementwise;
  if (!diagonal) return kernels[plan->job->outputs](block);
  block->stream = false;
  block->h[0] = diagonal;
  const int outside = kernels[FL_GH](block);
  plan->tools->multiply(block->n, diagonal, block->in[plan->job->inputs - 1],
                        block->g[0]);
  return outside;
}

/* Runs the kernel on a block, grain by grain where it adds up values. */
static int fl_run_kernel(const fl_plan *plan, int64_t first, fl_element_block block,
                         void *diagonal, fl_progress *progress) {
  const fl_job *job = plan->job;
  const void *in[FL_MAX_INPUTS];
  for (int k = 0; k < job->inputs; k++) in[k] = block.in[k];
  const int64_t end = first + block.n;
  const bool sums = plan->want & FL_WANT_VALUE && block.lanes;
  int outside = 0;
  block.in = in;
  for (;;) {
    if (sums) block.n = fl_begin_grain(plan, first, end - first, progress);
    if (plan->along)
      fl_add_shares(plan, block.n, block.weights, progress, &progress->shares);
    outside |= fl_call_kernel(plan, &block, diagonal);
    first += block.n;
    if (first == end) return outside;
    fl_skip_elements(job, block.n, in, &block);
  }
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
  if (fl_run_kernel(plan, first, block, buffers.diagonal, progress)
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
  for (int64_t some; n > 0; first += some, n -= some) {
    some = fl_begin_grain(plan, first, n, progress);
    const fl_weights weights = fl_weights_of(plan, first, some, buffer);
    fl_add_shares(plan, some, weights, progress, &progress->lanes);
  }
  return true;
}

const fl_driver fl_element_driver = {.prepare = fl_prepare_elements,
                                     .block = fl_run_elements,
                                     .divisor = fl_add_weights,
                                     .products = true};
