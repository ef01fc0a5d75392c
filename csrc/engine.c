/* engine.c: from a job to its result: the plan, the divisor, then the pass over all
   blocks. */
#define _DEFAULT_SOURCE /* mincore */
#include "engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>
#endif

/* Derivatives larger than this do not stay in a last-level cache anyway; but the pages
   of a new array have just been zeroed there, where plain stores find them. */
enum { FL_STREAM_BYTES = 28 << 20 };

bool fl_find_outside(fl_progress *progress, fl_status status, fl_domain domain,
                     int64_t first, int64_t n, fl_type type, const void *numbers,
                     fl_weights weights) {
  for (int64_t i = 0; i < n; i++) {
    const double z = fl_number(numbers, i, type);
    const bool outside = domain == FL_UNIT   ? z < 0 || z > 1
                         : domain == FL_SIGN ? z == z && z != 1 && z != -1
                                             : false;
    const double weight = weights.wide     ? weights.wide[i]
                          : weights.narrow ? fl_number(weights.narrow, i, type)
                                           : 1;
    if (outside && weight != 0) {
      progress->error =
          (fl_result){.status = status, .index = first + i, .number = z};
      return true;
    }
  }
  return false;
}

void fl_load_weights(const fl_plan *plan, int64_t first, int64_t n, double *weights) {
  fl_load_f64(&plan->weight, first, n, weights);
  for (int64_t i = 0; plan->weigh != 1 && i < n; i++) weights[i] *= plan->weigh;
}

void fl_add_divisor(fl_progress *progress, int64_t n, const void *shares,
                    fl_type type) {
  for (int64_t i = 0; i < n && !progress->any; i++)
    progress->any = fl_number(shares, i, type) != 0;
  fl_kernels(type)->tools->accumulate(&progress->lanes, n, shares, NULL);
}

void fl_view_of(fl_view *view, bool *plain, const fl_array *array, int ndim,
                const fl_job *job) {
  if (plain) *plain = false;
  view->data = NULL;
  if (!array->data) return;
  fl_view_init(view, array, ndim, job->shape);
  if (plain) *plain = fl_view_is_plain(view, job->type);
}

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

static const int fl_wants[] = {FL_WANT_VALUE, FL_WANT_GRAD,
                               FL_WANT_VALUE | FL_WANT_GRAD,
                               FL_WANT_GRAD | FL_WANT_HESS};

static const fl_driver *const fl_drivers[] = {[FL_ELEMENTWISE] = &fl_element_driver,
                                              [FL_SPARSE] = &fl_row_driver,
                                              [FL_DENSE] = &fl_row_driver};

static const struct {
  fl_kind kind;
  fl_domain labels, predictions;
} fl_losses[] = {
#define FL_LOSS(name, kind, labels, predictions, parameters) \
  {FL_##kind, FL_##labels, FL_##predictions},
#include "registry.h"
};

static void fl_plan_init(fl_plan *plan, const fl_job *job, fl_view *extra) {
  const fl_kernel_table *table = fl_kernels(job->type);
  plan->job = job;
  plan->tools = table->tools;
  plan->want = fl_wants[job->outputs];
  if (job->loss == FL_CUSTOM) {
    plan->kind = FL_ELEMENTWISE;
    plan->labels = plan->predictions = FL_REAL;
    plan->kernels = table->programs;
  } else {
    plan->kind = fl_losses[job->loss].kind;
    plan->labels = fl_losses[job->loss].labels;
    plan->predictions = fl_losses[job->loss].predictions;
    plan->kernels = table->losses[job->loss];
  }
  plan->extra = extra;
  plan->weigh = 1;
  plan->driver = fl_drivers[plan->kind];
  plan->driver->prepare(plan);
  const int64_t size = fl_type_size(job->type);
  const bool large = plan->items * plan->classes >= FL_STREAM_BYTES / size;
  plan->stream = large
                 && !(job->grad.data
                      && fl_untouched(&job->grad, plan->items * plan->classes * size));
}

/* Weights whose sum is so large or small that products with it or its reciprocal would
   leave the range of a double are multiplied by a power of 2 first: the mean does not
   change by it. */
static bool fl_weighted_divisor(fl_plan *plan, fl_team *team, fl_result *result,
                                double *divisor) {
  enum { ORDINARY = 100, LARGEST = 1000 };
  fl_outcome outcome;
  if (!fl_run_pass(plan, team, plan->driver->divisor, &outcome, result)) return false;
  if (fl_weighs(plan) && isinf(fl_sum_value(outcome.sum))) {
    plan->weigh = 0x1p-600;
    plan->direct = false;
    if (!fl_run_pass(plan, team, plan->driver->divisor, &outcome, result)) return false;
  }
  *divisor = fl_sum_value(outcome.sum);
  if (*divisor == 0 && outcome.any) result->status = FL_BAD_WEIGHTS;
  if (*divisor == 0 || !isfinite(*divisor)) return result->status == FL_OK;
  const int exponent = ilogb(*divisor) - ilogb(plan->weigh);
  if (fl_weighs(plan) && abs(exponent) > ORDINARY) {
    const double weigh = ldexp(1, exponent < -LARGEST  ? LARGEST
                                  : exponent > LARGEST ? -LARGEST
                                                       : -exponent);
    *divisor *= weigh / plan->weigh;
    plan->weigh = weigh;
    plan->direct = false;
  }
  return true;
}

/* What the sum is divided by; 0 if every weight is 0. */
static bool fl_divisor(fl_plan *plan, fl_team *team, fl_result *result,
                       double *divisor) {
  const fl_job *job = plan->job;
  const bool averages = job->reduction == FL_MEAN
                        || job->reduction == FL_SUM_OVER_BATCH_SIZE;
  const bool counts_all =
      !job->has_ignore
      && (job->reduction == FL_SUM_OVER_BATCH_SIZE
          || (!job->weight.data && !job->class_weight));
  *divisor = averages ? (double)plan->items : 1;
  return !averages || counts_all || fl_weighted_divisor(plan, team, result, divisor);
}

static void fl_run_with(fl_plan *plan, fl_team *team, fl_result *result) {
  double divisor;
  if (!fl_divisor(plan, team, result, &divisor)) return;
  plan->scale = divisor == 0 ? 0 : 1 / divisor;
  fl_outcome outcome;
  if (!fl_run_pass(plan, team, plan->driver->block, &outcome, result)) return;
  result->value = divisor == 0 ? 0 : fl_sum_value(outcome.sum) / divisor;
}

static void fl_run_plan(const fl_job *job, fl_view *extra, fl_result *result) {
  fl_plan plan;
  fl_plan_init(&plan, job, extra);
  fl_team *team = fl_team_of(&plan);
  if (!team) {
    result->status = FL_NO_MEMORY;
    return;
  }
  fl_run_with(&plan, team, result);
  fl_team_end(team);
}

void fl_run(const fl_job *job, fl_result *result) {
  memset(result, 0, sizeof *result);
  fl_view *extra = NULL;
  if (job->n_extra) extra = malloc((size_t)job->n_extra * sizeof *extra);
  if (job->n_extra && !extra) result->status = FL_NO_MEMORY;
  else fl_run_plan(job, extra, result);
  free(extra);
}

int64_t fl_block_length(void) { return FL_BLOCK; }

bool fl_run_small(int loss, fl_type type, int64_t n, const void *y_true,
                  const void *y_pred, const double *parameters, double divisor,
                  fl_output_set outputs, double *value, void *grad, void *hess) {
  fl_lanes lanes = {{0}, {0}};
  const fl_element_block block = {.n = n, .in = (const void *[]){y_true, y_pred},
                                  .parameters = parameters, .scale = 1 / divisor,
                                  .lanes = &lanes, .g = grad, .h = hess};
  if (fl_kernels(type)->losses[loss]->elementwise[outputs](&block)) return false;
  if (fl_wants[outputs] & FL_WANT_VALUE)
    *value = fl_sum_value(fl_lanes_total(&lanes)) / divisor;
  return true;
}
