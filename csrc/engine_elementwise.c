/* engine_elementwise.c: a block of an element-wise loss, from arrays to arrays. */
#include "engine.h"

static const void *fl_block_of(const fl_view *view, bool plain, int64_t first, int64_t n,
                               fl_type type, double *buffer) {
  if (plain) return fl_at(view->data, first, type);
  fl_load(view, first, n, type, buffer);
  return buffer;
}

/* Where the kernel puts an output: the array itself, or a buffer on the way to it. */
static void *fl_target(const fl_view *view, bool plain, int64_t first, fl_type type,
                       double *buffer) {
  return plain ? view->data + first * fl_type_size(type) : (void *)buffer;
}

bool fl_outputs_are_plain(const fl_plan *plan) {
  return (plan->plain_value || !plan->value.data) && (plan->plain_grad || !plan->grad.data)
         && (plan->plain_hess || !plan->hess.data);
}

bool fl_elementwise_block(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress) {
  const fl_job *job = plan->job;
  _Alignas(64) double inputs[2 + FL_MAX_EXTRA][FL_BLOCK];
  _Alignas(64) double weights[FL_BLOCK], v[FL_BLOCK], g[FL_BLOCK], h[FL_BLOCK];
  const void *in[2 + FL_MAX_EXTRA];
  in[0] = fl_block_of(&plan->y_true, plan->plain_true, first, n, job->type, inputs[0]);
  in[1] = fl_block_of(&plan->y_pred, plan->plain_pred, first, n, job->type, inputs[1]);
  for (int k = 0; k < job->n_extra; k++)
    in[2 + k] = fl_block_of(&plan->extra[k], plan->plain_extra[k], first, n, job->type,
                            inputs[2 + k]);
  if (job->weight.data) fl_load_f64(&plan->weight, first, n, weights);

  const fl_element_block block = {
      .n = n,
      .in = in,
      .parameters = job->loss == FL_CUSTOM ? job->program : job->parameters,
      .weight = job->weight.data ? weights : NULL,
      .scale = plan->scale,
      .lanes = job->reduction == FL_NONE ? NULL : &progress->lanes,
      .v = fl_target(&plan->value, plan->plain_value, first, job->type, v),
      .g = fl_target(&plan->grad, plan->plain_grad, first, job->type, g),
      .h = fl_target(&plan->hess, plan->plain_hess, first, job->type, h),
      .stream = plan->stream && fl_outputs_are_plain(plan),
  };
  if (plan->elementwise(&block)
      && (fl_find_outside(progress, FL_BAD_LABEL, plan->labels, first, n, job->type, in[0])
          || fl_find_outside(progress, FL_BAD_PREDICTION, plan->predictions, first, n,
                             job->type, in[1])))
    return false;
  if (plan->value.data && !plan->plain_value)
    fl_store(&plan->value, first, n, job->type, v);
  if (plan->grad.data && !plan->plain_grad)
    fl_store(&plan->grad, first, n, job->type, g);
  if (plan->hess.data && !plan->plain_hess)
    fl_store(&plan->hess, first, n, job->type, h);
  return true;
}

bool fl_elementwise_divisor(const fl_plan *plan, int64_t first, int64_t n,
                            fl_progress *progress, bool *any) {
  double weights[FL_BLOCK];
  fl_load_f64(&plan->weight, first, n, weights);
  bool some = false;
  for (int64_t i = 0; i < n; i++) some |= weights[i] != 0;
  *any |= some;
  fl_kernels(FL_TYPE_F64)->tools->accumulate(&progress->lanes, n, weights, NULL);
  return true;
}
