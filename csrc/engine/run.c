/* run.c: from a job to its result: the plan, the divisor, then the pass over all
   blocks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"
#include "engine/engine.h"

static bool fl_is_outside(fl_domain domain, double z) {
  switch (domain) {
#define FL_DOMAIN(NAME, outside, bits, mask, message) \
  case FL_DOMAIN_##NAME: return outside;
#include "registry/domains.h"
    default: return false;
  }
}

bool fl_find_outside_of(const fl_plan *plan, int input, int64_t first, int64_t n,
                        const void *numbers, fl_type type, fl_weights weights,
                        fl_progress *progress) {
  if (plan->domain[input] == FL_DOMAIN_REAL) return false;
  for (int64_t i = 0; i < n; i++) {
    const double z = fl_number(numbers, i, type);
    const double weight = weights.wide     ? weights.wide[i]
                          : weights.narrow ? fl_number(weights.narrow, i, type)
                                           : 1;
    if (weight != 0 && fl_is_outside(plan->domain[input], z)) {
      progress->error = (fl_result){
          .status = FL_BAD_INPUT, .input = input, .index = first + i, .number = z};
      return true;
    }
  }
  return false;
}

bool fl_find_outside(const fl_plan *plan, int input, int64_t first, int64_t n,
                     const void *numbers, fl_weights weights, fl_progress *progress) {
  return fl_find_outside_of(plan, input, first, n, numbers, plan->job->type, weights,
                            progress);
}

void fl_load_weights(const fl_plan *plan, int64_t first, int64_t n, double *weights) {
  fl_load_f64(&plan->weight, first, n, weights);
  for (int64_t i = 0; plan->weigh != 1 && i < n; i++) weights[i] *= plan->weigh;
}

void fl_add_divisor(fl_progress *progress, fl_lanes *lanes, int64_t n,
                    const void *shares, fl_type type) {
  for (int64_t i = 0; i < n && !progress->any; i++)
    progress->any = fl_number(shares, i, type) != 0;
  fl_kernels(type)->tools->accumulate(lanes, n, shares, NULL);
}

/* In double precision, whose sums lose nothing, however many rows come together. */
static void fl_add_singles(fl_lanes *lanes, int64_t n, const float *values,
                           const double *weights) {
  const fl_block_tools *tools = fl_kernels(FL_TYPE_F64)->tools;
  enum { SOME = 4 * FL_FOUR };
  double wide[SOME];
  for (int64_t first = 0; first < n; first += SOME) {
    const int64_t some = n - first < SOME ? n - first : SOME;
    for (int64_t i = 0; i < some; i++) wide[i] = (double)values[first + i];
    tools->accumulate(lanes, some, wide, weights ? weights + first : NULL);
  }
}

void fl_put_values(const fl_plan *plan, int64_t first, int64_t n, fl_type type,
                   void *values, const double *weights, fl_progress *progress) {
  const fl_block_tools *tools = fl_kernels(type)->tools;
  if (plan->job->reduction != FL_NONE) {
    if (type == FL_TYPE_F32) fl_add_singles(&progress->lanes, n, values, weights);
    else tools->accumulate(&progress->lanes, n, values, weights);
    return;
  }
  if (weights) tools->scale(n, values, weights, 1, values);
  fl_store(&plan->value, first, n, type, values);
}

/* Powers of 2 of sums of weights whose products with anything stay in the range of a
   double. */
enum { FL_ORDINARY = 100 };

/* What a value is made of, and whether some weight is not 0. */
typedef struct {
  fl_sum sum, divisor;
  bool any;
} fl_made_of;

/* Weights of another sum are multiplied by a power of 2 first: the mean does not change
   by it. */
static bool fl_weighted_divisor(fl_plan *plan, fl_team *team, fl_result *result,
                                fl_made_of *made_of) {
  enum { LARGEST = 1000 };
  fl_outcome outcome;
  if (!fl_run_pass(plan, team, plan->driver->divisor, &outcome, result)) return false;
  if (fl_weighs(plan) && isinf(fl_sum_value(outcome.sum))) {
    plan->weigh = 0x1p-600;
    plan->direct = false;
    if (!fl_run_pass(plan, team, plan->driver->divisor, &outcome, result)) return false;
  }
  made_of->divisor = outcome.sum;
  made_of->any = outcome.any;
  const double divisor = fl_sum_value(outcome.sum);
  if (divisor == 0 || !isfinite(divisor)) return true;
  const int exponent = ilogb(divisor) - ilogb(plan->weigh);
  if (fl_weighs(plan) && abs(exponent) > FL_ORDINARY) {
    const double weigh = ldexp(1, exponent < -LARGEST  ? LARGEST
                                  : exponent > LARGEST ? -LARGEST
                                                       : -exponent);
    made_of->divisor.hi *= weigh / plan->weigh;
    made_of->divisor.lo *= weigh / plan->weigh;
    plan->weigh = weigh;
    plan->direct = false;
  }
  return true;
}

/* What the sum is divided by; 0 if every weight is 0. */
static bool fl_divisor(fl_plan *plan, fl_team *team, fl_result *result,
                       fl_made_of *made_of) {
  const fl_job *job = plan->job;
  const bool averages =
      job->reduction == FL_MEAN || job->reduction == FL_SUM_OVER_BATCH_SIZE;
  made_of->divisor.hi = averages ? (double)plan->items : 1;
  return !averages || plan->counts_all
         || fl_weighted_divisor(plan, team, result, made_of);
}

/* Values and divisor in one pass; false: the divisor needs a pass of its own. */
static bool fl_run_along(fl_plan *plan, fl_team *team, fl_result *result,
                         fl_made_of *made_of) {
  fl_outcome outcome;
  if (!fl_run_pass(plan, team, plan->driver->block, &outcome, result)) return true;
  const double divisor = fl_sum_value(outcome.shares);
  if (divisor == 0 || !isfinite(divisor) || abs(ilogb(divisor)) > FL_ORDINARY)
    return false;
  made_of->sum = outcome.sum;
  made_of->divisor = outcome.shares;
  return true;
}

/* Divisor, values and derivatives; false: result->status is set. */
static bool fl_run_passes(fl_plan *plan, fl_team *team, bool partial, fl_result *result,
                          fl_made_of *made_of) {
  if (plan->along && fl_run_along(plan, team, result, made_of))
    return result->status == FL_OK;
  plan->along = false;
  if (!fl_divisor(plan, team, result, made_of)) return false;
  const double divisor = fl_sum_value(made_of->divisor);
  if (divisor == 0 && made_of->any && !partial) {
    result->status = FL_BAD_WEIGHTS;
    return false;
  }
  plan->scale = divisor == 0 ? 0 : 1 / divisor;
  const fl_driver *driver = plan->driver;
  fl_outcome outcome;
  if (driver->passes ? !driver->passes(plan, team, &outcome, result)
                     : !fl_run_pass(plan, team, driver->block, &outcome, result))
    return false;
  made_of->sum = outcome.sum;
  return true;
}

static void fl_run_with(fl_plan *plan, fl_team *team, fl_result *result,
                        fl_parts *parts) {
  fl_made_of made_of = {.any = false};
  if (!fl_run_passes(plan, team, parts, result, &made_of)) return;
  const fl_sum sum = made_of.sum, divisor = made_of.divisor;
  const double by = fl_sum_value(divisor);
  result->value = by == 0 ? 0 : fl_sum_value(sum) / by;
  if (parts)
    *parts = (fl_parts){sum.hi,     sum.lo,      divisor.hi,
                        divisor.lo, plan->weigh, made_of.any || by != 0};
}

/* false: it met an error, whose index counts items that are not in C order. */
static bool fl_run_in(const fl_job *job, bool c_order, fl_result *result,
                      fl_parts *parts) {
  memset(result, 0, sizeof *result);
  fl_plan *plan = fl_plan_of(job, c_order);
  fl_team *team = plan ? fl_team_of(plan) : NULL;
  if (team) fl_run_with(plan, team, result, parts);
  else result->status = FL_NO_MEMORY;
  const bool indexed =
      result->status == FL_BAD_INPUT || result->status == FL_BAD_LABEL_SUM;
  const bool named = !indexed || !plan->reordered;
  fl_team_end(team);
  free(plan);
  return named;
}

void fl_run_parts(const fl_job *job, fl_result *result, fl_parts *parts) {
  if (!fl_run_in(job, false, result, parts)) fl_run_in(job, true, result, parts);
}

void fl_run(const fl_job *job, fl_result *result) { fl_run_parts(job, result, NULL); }

int64_t fl_block_length(void) { return FL_BLOCK; }

bool fl_run_small(int loss, fl_type type, int64_t n, const void *y_true,
                  const void *y_pred, const double *parameters, double divisor,
                  fl_output_set outputs, double *value, void *grad, void *hess) {
  fl_lanes lanes = {{0}, {0}};
  const fl_element_block block = {.n = n,
                                  .in = (const void *[]){y_true, y_pred},
                                  .parameters = parameters,
                                  .scale = 1 / divisor,
                                  .lanes = &lanes,
                                  .g = {grad},
                                  .h = {hess}};
  if (fl_kernels(type)->losses[loss]->elementwise[outputs](&block)) return false;
  if (fl_wants[outputs] & FL_WANT_VALUE)
    *value = fl_sum_value(fl_lanes_total(&lanes)) / divisor;
  return true;
}
