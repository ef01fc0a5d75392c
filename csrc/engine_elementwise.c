/* engine_elementwise.c: a block of an element-wise loss, from arrays to arrays. */
#include <string.h>

#include "engine.h"

static const void *fl_block_of(const fl_view *view, bool plain, int64_t first, int64_t n,
                               fl_type type, double *buffer) {
  if (plain) return fl_at(view->data, first, type);
  fl_load(view, first, n, type, buffer);
  return buffer;
}

/* in times weights and scale, to where the view says. `in` is overwritten. */
static void fl_emit(const fl_plan *plan, const fl_view *view, bool plain, int64_t first,
                    int64_t n, const double *weight, double scale, void *in) {
  const fl_type type = plan->job->type;
  void *to = plain ? (void *)fl_at(view->data, first, type) : in;
  const bool stream = plain && plan->stream;
  if (weight || scale != 1) plan->tools->scale(n, in, weight, scale, stream ? in : to);
  else if (plain && !stream) memcpy(to, in, (size_t)(n * fl_type_size(type)));
  if (stream) plan->tools->stream(n * fl_type_size(type), in, to);
  if (!plain) fl_store(view, first, n, type, in);
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
  const double *weight = job->weight.data ? weights : NULL;
  if (weight) fl_load_f64(&plan->weight, first, n, weights);

  const void *parameters = job->loss == FL_CUSTOM ? job->program : job->parameters;
  if (plan->elementwise(n, in, parameters, v, g, h)) {
    if (!fl_find_outside(progress, FL_BAD_LABEL, plan->labels, first, n, job->type, in[0])
        && !fl_find_outside(progress, FL_BAD_PREDICTION, plan->predictions, first, n,
                            job->type, in[1]))
      progress->error.status = FL_CHANGED;
    return false;
  }

  if (plan->want & FL_WANT_VALUE) {
    if (job->reduction == FL_NONE)
      fl_emit(plan, &plan->value, plan->plain_value, first, n, weight, 1, v);
    else plan->tools->accumulate(&progress->lanes, n, v, weight);
  }
  if (plan->want & FL_WANT_GRAD)
    fl_emit(plan, &plan->grad, plan->plain_grad, first, n, weight, plan->scale, g);
  if (plan->want & FL_WANT_HESS)
    fl_emit(plan, &plan->hess, plan->plain_hess, first, n, weight, plan->scale, h);
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
