/* engine_elementwise.c: the driver of the element-wise kind. An item is an element; a
   block goes from arrays to arrays, through buffers where a kernel cannot use their
   memory. */
#include "engine.h"

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
static bool fl_in_place(const fl_job *job, const fl_array *output) {
  bool shared = output->data == job->y_pred.data || output->data == job->y_true.data
                || output->data == job->weight.data;
  for (int k = 0; k < job->n_extra; k++) shared |= output->data == job->extra[k].data;
  return output->data && shared;
}

/* Whether the kernel can write to the arrays themselves. */
static bool fl_outputs_are_plain(const fl_plan *plan) {
  return (plan->plain_value || !plan->value.data) && (plan->plain_grad || !plan->grad.data)
         && (plan->plain_hess || !plan->hess.data);
}

/* Buffers for what kernels cannot use where it is, cut from scratch memory. */
typedef struct {
  void *in[2 + FL_MAX_EXTRA], *v, *g, *h;
  double *weights;
  void *kernel;
  int64_t used;
} fl_buffers;

static fl_buffers fl_cut_buffers(const fl_plan *plan, char *memory) {
  const fl_job *job = plan->job;
  const int64_t size = FL_BLOCK * fl_type_size(job->type);
  fl_buffers b = {.used = 0};
  if (!plan->plain_true) b.in[0] = fl_cut(memory, &b.used, size);
  if (!plan->plain_pred) b.in[1] = fl_cut(memory, &b.used, size);
  for (int k = 0; k < job->n_extra; k++)
    if (!plan->plain_extra[k]) b.in[2 + k] = fl_cut(memory, &b.used, size);
  if (plan->value.data && !plan->plain_value) b.v = fl_cut(memory, &b.used, size);
  if (plan->grad.data && !plan->plain_grad) b.g = fl_cut(memory, &b.used, size);
  if (plan->hess.data && !plan->plain_hess) b.h = fl_cut(memory, &b.used, size);
  if (fl_weighs(plan))
    b.weights = fl_cut(memory, &b.used, FL_BLOCK * (int64_t)sizeof(double));
  b.kernel = fl_cut(memory, &b.used, plan->kernels->scratch);
  return b;
}

static void fl_prepare_elements(fl_plan *plan) {
  const fl_job *job = plan->job;
  const int full = job->ndim;
  plan->items = plan->classes = plan->entries = 1;
  for (int axis = 0; axis < full; axis++) plan->items *= job->shape[axis];
  plan->block = FL_BLOCK;
  plan->chunk = fl_chunk_elements(plan->items);
  plan->gathers = false;
  fl_view_of(&plan->y_true, &plan->plain_true, &job->y_true, full, job);
  fl_view_of(&plan->y_pred, &plan->plain_pred, &job->y_pred, full, job);
  fl_view_of(&plan->weight, NULL, &job->weight, full, job);
  fl_view_of(&plan->value, &plan->plain_value, &job->value, full, job);
  fl_view_of(&plan->grad, &plan->plain_grad, &job->grad, full, job);
  fl_view_of(&plan->hess, &plan->plain_hess, &job->hess, full, job);
  plan->plain_value &= !fl_in_place(job, &job->value);
  plan->plain_grad &= !fl_in_place(job, &job->grad);
  plan->plain_hess &= !fl_in_place(job, &job->hess);
  plan->plain_weight = plan->weight.data
                       && (fl_view_is_plain(&plan->weight, job->type)
                           || fl_view_is_plain(&plan->weight, FL_TYPE_F64));
  plan->direct = (!job->weight.data || plan->plain_weight) && plan->plain_true
                 && plan->plain_pred && fl_outputs_are_plain(plan);
  for (int k = 0; k < job->n_extra; k++) {
    fl_view_of(&plan->extra[k], &plan->plain_extra[k], &job->extra[k], full, job);
    plan->direct &= plan->plain_extra[k];
  }
  plan->scratch = fl_cut_buffers(plan, NULL).used;
}

/* Memory of an input the kernel can read: its own, or the buffer. */
static const void *fl_block_of(const fl_view *view, int64_t first, int64_t n,
                               fl_type type, void *buffer) {
  if (!buffer) return fl_at(view->data, first, type);
  fl_load(view, first, n, type, buffer);
  return buffer;
}

/* Where the kernel puts an output. */
static void *fl_target(const fl_view *view, bool plain, int64_t first, fl_type type,
                       void *buffer) {
  return plain ? view->data + first * fl_type_size(type) : buffer;
}

/* Weights where they are, or loaded into the buffer. */
static fl_weights fl_weights_of(const fl_plan *plan, int64_t first, int64_t n,
                                double *buffer) {
  const fl_type type = plan->weight.type;
  if (!buffer) return (fl_weights){0};
  if (!plan->plain_weight || plan->weigh != 1) {
    fl_load_weights(plan, first, n, buffer);
    return (fl_weights){.wide = buffer};
  }
  const void *weights = fl_at(plan->weight.data, first, type);
  return type == FL_TYPE_F64 ? (fl_weights){.wide = weights}
                             : (fl_weights){.narrow = weights};
}

static bool fl_run_elements(const fl_plan *plan, int64_t first, int64_t n,
                             fl_progress *progress, fl_sum *sums) {
  (void)sums;
  const fl_job *job = plan->job;
  const fl_type type = job->type;
  const fl_buffers buffers = fl_cut_buffers(plan, progress->scratch);
  const void *in[2 + FL_MAX_EXTRA];
  in[0] = fl_block_of(&plan->y_true, first, n, type, buffers.in[0]);
  in[1] = fl_block_of(&plan->y_pred, first, n, type, buffers.in[1]);
  for (int k = 0; k < job->n_extra; k++)
    in[2 + k] = fl_block_of(&plan->extra[k], first, n, type, buffers.in[2 + k]);
  const fl_weights weights = fl_weights_of(plan, first, n, buffers.weights);

  const fl_element_block block = {
      .n = n,
      .in = in,
      .parameters = job->program ? job->program : job->parameters,
      .weights = weights,
      .scale = plan->scale,
      .lanes = job->reduction == FL_NONE ? NULL : &progress->lanes,
      .v = fl_target(&plan->value, plan->plain_value, first, type, buffers.v),
      .g = fl_target(&plan->grad, plan->plain_grad, first, type, buffers.g),
      .h = fl_target(&plan->hess, plan->plain_hess, first, type, buffers.h),
      .stream = plan->stream && fl_outputs_are_plain(plan),
      .scratch = buffers.kernel,
  };
  if (plan->kernels->elementwise[job->outputs](&block)
      && (fl_find_outside(progress, FL_BAD_LABEL, plan->labels, first, n, type, in[0],
                          weights)
          || fl_find_outside(progress, FL_BAD_PREDICTION, plan->predictions, first, n,
                             type, in[1], weights)))
    return false;
  if (buffers.v) fl_store(&plan->value, first, n, type, buffers.v);
  if (buffers.g) fl_store(&plan->grad, first, n, type, buffers.g);
  if (buffers.h) fl_store(&plan->hess, first, n, type, buffers.h);
  return true;
}

static bool fl_add_weights(const fl_plan *plan, int64_t first, int64_t n,
                               fl_progress *progress, fl_sum *sums) {
  (void)sums;
  double *buffer = fl_cut_buffers(plan, progress->scratch).weights;
  const fl_weights weights = fl_weights_of(plan, first, n, buffer);
  if (weights.wide) fl_add_divisor(progress, n, weights.wide, FL_TYPE_F64);
  else fl_add_divisor(progress, n, weights.narrow, plan->job->type);
  return true;
}

const fl_driver fl_element_driver = {fl_prepare_elements, fl_run_elements,
                                     fl_add_weights};
