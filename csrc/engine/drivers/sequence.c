/* sequence.c: the driver of losses that sort or cumulate. An item is a sequence, the
   entries along the last axis, and goes to one thread as a whole: what depends on an order
   is done in that order. Numbers come as copies in double precision. */
#include <math.h>
#include <string.h>

#include "engine/engine.h"

typedef struct {
  int64_t n;                      /* entries of a sequence */
  const fl_loss_kernels *kernels; /* in double precision */
} fl_sequence_plan;

static const fl_sequence_plan *fl_own(const fl_plan *plan) { return plan->own; }

/* What a sequence needs, cut from scratch memory. */
typedef struct {
  double *in[FL_MAX_INPUTS], *weights, *v, *g, *h;
  void *kernel;
  int64_t used;
} fl_copies;

static fl_copies fl_cut_copies(const fl_plan *plan, char *memory) {
  const int64_t bytes = fl_own(plan)->n * (int64_t)sizeof(double);
  fl_copies b = {.used = 0};
  for (int k = 0; k < plan->job->inputs; k++) b.in[k] = fl_cut(memory, &b.used, bytes);
  if (fl_weighs(plan)) b.weights = fl_cut(memory, &b.used, bytes);
  if (plan->want & FL_WANT_VALUE) b.v = fl_cut(memory, &b.used, bytes);
  if (plan->want & FL_WANT_GRAD) b.g = fl_cut(memory, &b.used, bytes);
  if (plan->want & FL_WANT_HESS) b.h = fl_cut(memory, &b.used, bytes);
  b.kernel =
      fl_cut(memory, &b.used, fl_own(plan)->n * fl_own(plan)->kernels->entry_scratch);
  return b;
}

static void fl_prepare_sequences(fl_plan *plan) {
  const fl_job *job = plan->job;
  fl_sequence_plan *own = plan->own;
  own->n = job->shape[job->ndim - 1];
  own->kernels = fl_kernels(FL_TYPE_F64)->losses[job->loss];
  plan->items = 1;
  for (int axis = 0; axis < job->ndim - 1; axis++) plan->items *= job->shape[axis];
  plan->entries = own->n;
  plan->block = 1;
  plan->chunk = fl_ratio_up(plan->items, FL_MAX_CHUNKS);
  plan->counts_all = false;
  plan->scratch = fl_cut_copies(plan, NULL).used;
}

/* Labels, weights and predictions; false: something that weighs something is outside its
   domain. */
static bool fl_read_sequence(const fl_plan *plan, int64_t first, const fl_copies *b,
                             fl_progress *progress) {
  const int64_t n = fl_own(plan)->n;
  if (b->weights) fl_load_weights(plan, first, n, b->weights);
  for (int k = 0; k < plan->job->inputs; k++) {
    fl_load_f64(&plan->in[k], first, n, b->in[k]);
    if (fl_find_outside_of(plan, k, first, n, b->in[k], FL_TYPE_F64,
                           (fl_weights){.wide = b->weights}, progress))
      return false;
  }
  return true;
}

/* A derivative on its way out: exactly zero for entries that weigh nothing. */
static void fl_finish_derivative(const fl_plan *plan, const fl_view *view,
                                 int64_t first, const double *weights,
                                 double *derivative) {
  const int64_t n = fl_own(plan)->n;
  if (!derivative) return;
  for (int64_t i = 0; weights && i < n; i++)
    if (weights[i] == 0) derivative[i] = 0;
  fl_store(view, first, n, FL_TYPE_F64, derivative);
}

static bool fl_run_sequence(const fl_plan *plan, int64_t item, fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t n = fl_own(plan)->n, first = item * n;
  const fl_copies b = fl_cut_copies(plan, progress->scratch);
  if (!fl_read_sequence(plan, first, &b, progress)) return false;
  fl_sequence_block block = {.n = n,
                             .weights = b.weights,
                             .weigh = plan->weigh == 1 ? 0 : ilogb(plan->weigh),
                             .scale = plan->scale,
                             .parameters = job->parameters,
                             .v = b.v,
                             .g = b.g,
                             .h = b.h,
                             .scratch = b.kernel};
  memcpy(block.in, b.in, sizeof b.in);
  fl_own(plan)->kernels->sequence[job->outputs](&block);
  if (b.v) fl_put_values(plan, first, n, FL_TYPE_F64, b.v, NULL, progress);
  fl_finish_derivative(plan, &plan->grad[0], first, b.weights, b.g);
  fl_finish_derivative(plan, &plan->hess[0], first, b.weights, b.h);
  return true;
}

static bool fl_run_sequences(const fl_plan *plan, int64_t first, int64_t n,
                             fl_progress *progress) {
  for (int64_t item = first; item < first + n; item++)
    if (!fl_run_sequence(plan, item, progress)) return false;
  return true;
}

/* What a mean counts: entries, or those a label names, times their weights. */
static bool fl_add_counted(const fl_plan *plan, int64_t first, int64_t n,
                           fl_progress *progress) {
  const int64_t length = fl_own(plan)->n;
  const int counted = fl_own(plan)->kernels->counted;
  const bool every = plan->job->reduction == FL_SUM_OVER_BATCH_SIZE;
  const fl_copies b = fl_cut_copies(plan, progress->scratch);
  double *const shares = b.in[0];
  for (int64_t item = first; item < first + n; item++) {
    if (fl_weighs(plan) && !every) fl_load_weights(plan, item * length, length, shares);
    else
      for (int64_t i = 0; i < length; i++) shares[i] = 1;
    if (counted && !every) {
      fl_load_f64(&plan->in[counted], item * length, length, b.in[counted]);
      for (int64_t i = 0; i < length; i++)
        shares[i] = fl_weighted(shares[i], b.in[counted][i]);
    }
    fl_add_divisor(progress, &progress->lanes, length, shares, FL_TYPE_F64);
  }
  return true;
}

const fl_driver fl_sequence_driver = {.size = sizeof(fl_sequence_plan),
                                      .fixed_axes = FL_MAX_DIMS,
                                      .prepare = fl_prepare_sequences,
                                      .block = fl_run_sequences,
                                      .divisor = fl_add_counted};
