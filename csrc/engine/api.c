/* api.c: the table of fastloss.h for other extensions, whose jobs nobody has checked. */
#include <string.h>

#include "bridge.h"
#include "engine/engine.h"

static int fl_listed(const fl_domain *domains) {
  int count = 0;
  while (count < FL_MAX_HEADS && domains[count] != FL_DOMAIN_NONE) count++;
  return count;
}

static int fl_find(const char *loss) {
  for (int number = 0; number < fl_loss_count(); number++)
    if (strcmp(fl_loss_at(number)->name, loss) == 0) return number;
  return -1;
}

static bool fl_is_loss(int loss) { return loss >= 0 && loss < fl_loss_count(); }

static const fl_loss_row *fl_row(int loss) {
  return fl_is_loss(loss) ? fl_loss_at(loss) : NULL;
}

static const char *fl_domain_of(int loss, int input) {
  if (!fl_is_loss(loss) || input < 0) return NULL;
  const fl_domain *labels = fl_losses[loss].labels;
  const fl_domain *predictions = fl_losses[loss].predictions;
  const int count = fl_listed(labels), prediction = input - count;
  if (prediction >= fl_listed(predictions)) return NULL;
  const fl_domain domain = prediction < 0 ? labels[input] : predictions[prediction];
  return fl_domain_message((int)domain - 1);
}

static bool fl_is_sound_array(const fl_array *array, int ndim) {
  return (unsigned)array->type <= FL_TYPE_F64 && array->ndim >= 0 && array->ndim <= ndim
         && (array->strides || array->ndim == 0);
}

/* Whether nothing is missing that the engine reads or writes. */
static bool fl_is_sound(const fl_job *job) {
  if (!fl_is_loss(job->loss) || !job->parameters || !job->shape) return false;
  if (job->type != FL_TYPE_F32 && job->type != FL_TYPE_F64) return false;
  if ((unsigned)job->outputs >= FL_OUTPUT_SETS) return false;
  if ((unsigned)job->reduction > FL_SUM_OVER_BATCH_SIZE) return false;
  if (job->ndim < 1 || job->ndim > FL_MAX_DIMS || job->threads < 1) return false;
  if (job->labels < fl_listed(fl_losses[job->loss].labels)) return false;
  if (job->heads != fl_listed(fl_losses[job->loss].predictions)) return false;
  const int vectors = job->outputs == FL_HV ? job->heads : 0;
  if (job->inputs < job->labels + job->heads + vectors || job->inputs > FL_MAX_INPUTS)
    return false;
  if (vectors && !fl_driver_of(job)->products) return false;
  for (int axis = 0; axis < job->ndim; axis++)
    if (job->shape[axis] < 0) return false;
  for (int k = 0; k < job->inputs; k++)
    if (!job->in[k].data || !fl_is_sound_array(&job->in[k], job->ndim)) return false;
  const bool derives = job->outputs != FL_V, bends = job->outputs == FL_GH;
  for (int k = 0; k < job->heads; k++) {
    const fl_array *grad = &job->grad[k], *hess = &job->hess[k];
    if (derives && (!grad->data || !fl_is_sound_array(grad, job->ndim))) return false;
    if (bends && (!hess->data || !fl_is_sound_array(hess, job->ndim))) return false;
  }
  const bool values = job->reduction == FL_NONE && (!derives || job->outputs == FL_VG);
  if (values && (!job->value.data || !fl_is_sound_array(&job->value, job->ndim)))
    return false;
  return !job->weight.data || fl_is_sound_array(&job->weight, job->ndim);
}

static void fl_run_checked(const fl_job *job, fl_result *result) {
  *result = (fl_result){.status = FL_BAD_JOB};
  if (fl_is_sound(job)) fl_run(job, result);
}

const fl_api fl_api_table = {FL_API_VERSION,     fl_find,       fl_row, fl_domain_of,
                             fl_default_threads, fl_run_checked};
