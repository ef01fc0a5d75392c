/* plan.c: a job with everything looked up. */
#define _DEFAULT_SOURCE /* mincore */
#include <stdlib.h>

#include "custom/program.h"
#include "engine/engine.h"

#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>
#endif

/* Derivatives larger than this do not stay in a last-level cache anyway; but the pages
   of a new array have just been zeroed there, where plain stores find them. */
enum { FL_STREAM_BYTES = 28 << 20 };

#define FL_KIND(NAME, name) extern const fl_driver fl_##name##_driver;
#include "registry/kinds.h"

static const fl_driver *const fl_drivers[] = {
#define FL_KIND(NAME, name) &fl_##name##_driver,
#include "registry/kinds.h"
};

const fl_loss_domains fl_losses[] = {
#define FL_LOSS(name, family, kind, labels, predictions, parameters) \
  {FL_KIND_##kind, {FL_LISTED labels}, {FL_LISTED predictions}},
#include "registry/losses.h"
};

const int fl_wants[FL_OUTPUT_SETS] = {FL_WANT_VALUE, FL_WANT_GRAD,
                                      FL_WANT_VALUE | FL_WANT_GRAD,
                                      FL_WANT_GRAD | FL_WANT_HESS, FL_WANT_PRODUCT};

/* Whether the page in the middle of an array is not there yet. */
static bool fl_untouched(const fl_array *array, int64_t bytes) {
#if defined(_WIN32)
  (void)array, (void)bytes;
  return false;
#else
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t middle = ((uintptr_t)array->data + (uintptr_t)bytes / 2) & -page;
  unsigned char resident;
  return mincore((void *)middle, 1, (void *)&resident) == 0 && !(resident & 1);
#endif
}

static bool fl_streams(const fl_job *job) {
  const int64_t size = fl_type_size(job->type);
  int64_t entries = 1;
  for (int axis = 0; axis < job->ndim; axis++) entries *= job->shape[axis];
  return entries >= FL_STREAM_BYTES / size
         && !(job->grad[0].data && fl_untouched(&job->grad[0], entries * size));
}

/* Items are taken as the predictions lie in memory, or in C order. */
static void fl_look_at_arrays(fl_plan *plan, bool c_order) {
  const fl_job *job = plan->job;
  int order[FL_MAX_DIMS];
  const int moving = c_order ? 0 : job->ndim - plan->driver->fixed_axes;
  plan->reordered =
      fl_memory_order(&job->in[job->labels], job->shape, moving, job->ndim, order);
#define FL_LOOK(name) \
  fl_view_init(&plan->name, &job->name, job->shape, order, job->ndim, job->type)
  for (int k = 0; k < job->inputs; k++) FL_LOOK(in[k]);
  FL_LOOK(weight);
  FL_LOOK(value);
  for (int k = 0; k < job->heads; k++) {
    FL_LOOK(grad[k]);
    FL_LOOK(hess[k]);
  }
#undef FL_LOOK
}

/* A custom loss is one of elements or of rows, of real numbers or of classes. */
const fl_driver *fl_driver_of(const fl_job *job) {
  const fl_program *program = job->program;
  if (job->loss != FL_CUSTOM) return fl_drivers[fl_losses[job->loss].kind];
  return fl_drivers[program->stages ? FL_KIND_ROW : FL_KIND_ELEMENT];
}

static fl_domain fl_custom_domain(const fl_program *program, int input) {
  return input == 0 && program->classes ? FL_DOMAIN_CLASS : FL_DOMAIN_REAL;
}

static void fl_look_up(fl_plan *plan) {
  const fl_job *job = plan->job;
  const fl_kernel_table *table = fl_kernels(job->type);
  const bool custom = job->loss == FL_CUSTOM;
  plan->tools = table->tools;
  plan->want = fl_wants[job->outputs];
  plan->kernels = custom ? table->programs : table->losses[job->loss];
  for (int k = 0; k < job->inputs; k++)
    plan->domain[k] = custom ? fl_custom_domain(job->program, k)
                      : k >= job->labels + job->heads ? FL_DOMAIN_REAL
                      : k < job->labels
                          ? fl_losses[job->loss].labels[k]
                          : fl_losses[job->loss].predictions[k - job->labels];
}

fl_plan *fl_plan_of(const fl_job *job, bool c_order) {
  const fl_driver *driver = fl_driver_of(job);
  const int64_t extra = driver->extra ? driver->extra(job) : 0;
  fl_plan *plan = malloc(sizeof *plan + driver->size + (size_t)extra);
  if (!plan) return NULL;
  plan->driver = driver;
  plan->job = job;
  plan->own = plan + 1;
  plan->weigh = 1;
  plan->direct = plan->along = false;
  fl_look_up(plan);
  fl_look_at_arrays(plan, c_order);
  plan->driver->prepare(plan);
  plan->stream = fl_streams(job);
  return plan;
}
