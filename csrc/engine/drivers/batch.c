/* batch.c: the driver of losses of a batch against itself or another one: the loss of a row
   depends on its similarities with all rows, which are never all in memory. An item is a
   row. A block of rows meets the columns a tile at a time, in their order: a first pass
   adds up what the values and slopes need of each row, and a second one, for each
   prediction, goes through the similarities again for the gradients. By a row of a batch
   against itself that is what it does as a row and as a column of the others.

   The input behind the predictions says how many rows they have and of which class these
   are, integers from 0 on. A row of weight 0 is no part of the batch. */
#include <math.h>

#include "engine/drivers/arrays.h"

enum { FL_NO_CLASS = -1 };

/* Of all rows of a prediction. */
typedef struct {
  int64_t n;
  int64_t *classes;
  void *narrow; /* the same in integers of the size of the job's type */
  double *inverse; /* one over the length, or 1; 0: no part of the batch */
} fl_side;

typedef struct {
  int64_t width, ld;
  int64_t head; /* whose derivatives a pass computes */
  bool divides; /* by lengths */
  int64_t *same, *other; /* columns of a row's class, and of others */
  double *weights;
  void *factors, *numbers[FL_BATCH_NUMBERS]; /* of the values' rows, for the slopes */
  fl_side side[2];
  int64_t columns; /* the side that is met */
} fl_batch_plan;

static fl_batch_plan *fl_own(const fl_plan *plan) { return plan->own; }

/* Room for whole tiles. */
static int64_t fl_padded_rows(int64_t n) { return n + FL_BATCH_COLUMNS; }

static const int64_t *fl_index_of(const fl_job *job) {
  return job->in[job->heads].data;
}

/* Cuts what all rows need from memory of a plan, and returns how many bytes. */
static int64_t fl_cut_sides(const fl_job *job, fl_batch_plan *own, char *memory) {
  const int64_t size = fl_type_size(job->type), *index = fl_index_of(job);
  int64_t used = 0;
  for (int k = 0; k < job->heads; k++) {
    const int64_t rows = fl_padded_rows(index[k]);
    own->side[k] =
        (fl_side){.n = index[k],
                  .classes = fl_cut(memory, &used, rows * (int64_t)sizeof(int64_t)),
                  .narrow = fl_cut(memory, &used, rows * size),
                  .inverse = fl_cut(memory, &used, rows * (int64_t)sizeof(double))};
  }
  const int64_t rows = fl_padded_rows(index[0]);
  own->same = fl_cut(memory, &used, rows * (int64_t)sizeof(int64_t));
  own->other = fl_cut(memory, &used, rows * (int64_t)sizeof(int64_t));
  own->weights = fl_cut(memory, &used, rows * (int64_t)sizeof(double));
  own->factors = fl_cut(memory, &used, rows * size);
  for (int k = 0; k < FL_BATCH_NUMBERS; k++)
    own->numbers[k] = fl_cut(memory, &used, rows * size);
  return used;
}

static int64_t fl_batch_bytes(const fl_job *job) {
  fl_batch_plan own;
  return fl_cut_sides(job, &own, NULL) + FL_LINE;
}

/* What a block needs, cut from scratch memory. */
typedef struct {
  void *raw, *x, *others, *across, *similarity, *gradient;
  double *pull, *v, *weights;
  fl_batch_sums *sums;
  int64_t used;
} fl_tiles;

static fl_tiles fl_cut_tiles(const fl_plan *plan, char *memory) {
  enum { ROWS = FL_BATCH_ROWS, COLUMNS = FL_BATCH_COLUMNS };
  const fl_batch_plan *own = plan->own;
  const int64_t size = fl_type_size(plan->job->type), ld = own->ld;
  fl_tiles t = {.used = 0};
  t.raw = fl_cut(memory, &t.used, COLUMNS * own->width * size);
  t.x = fl_cut(memory, &t.used, ROWS * ld * size);
  t.others = fl_cut(memory, &t.used, COLUMNS * ld * size);
  t.across = fl_cut(memory, &t.used, COLUMNS * own->width * size);
  t.similarity = fl_cut(memory, &t.used, ROWS * COLUMNS * size);
  t.gradient = fl_cut(memory, &t.used, ROWS * own->width * size);
  t.pull = fl_cut(memory, &t.used, ROWS * ld * (int64_t)sizeof(double));
  t.v = fl_cut(memory, &t.used, ROWS * (int64_t)sizeof(double));
  t.weights = fl_cut(memory, &t.used, ROWS * (int64_t)sizeof(double));
  t.sums = fl_cut(memory, &t.used, ROWS * (int64_t)sizeof *t.sums);
  return t;
}

/* Classes of all rows; of those that weigh nothing, none. */
static void fl_read_classes(const fl_plan *plan, int k, const int64_t *classes) {
  const fl_batch_plan *own = plan->own;
  const fl_side *side = &own->side[k];
  for (int64_t i = 0; i < fl_padded_rows(side->n); i++) {
    const bool absent = i >= side->n || (i < own->side[0].n && own->weights[i] == 0);
    side->classes[i] = absent ? FL_NO_CLASS : classes[i];
    if (plan->job->type == FL_TYPE_F32)
      ((int32_t *)side->narrow)[i] = (int32_t)side->classes[i];
    else ((int64_t *)side->narrow)[i] = side->classes[i];
  }
}

/* How many columns are of the class of a row, and how many of others; `count` has room for
   all classes. */
static void fl_count_columns(fl_batch_plan *own, bool itself, int64_t classes,
                             int64_t *count) {
  const fl_side *columns = &own->side[own->columns];
  int64_t all = 0;
  memset(count, 0, (size_t)classes * sizeof *count);
  for (int64_t j = 0; j < columns->n; j++) {
    if (columns->classes[j] == FL_NO_CLASS) continue;
    count[columns->classes[j]]++;
    all++;
  }
  for (int64_t i = 0; i < own->side[0].n; i++) {
    const int64_t c = own->side[0].classes[i];
    own->same[i] = c == FL_NO_CLASS ? 0 : count[c] - itself;
    own->other[i] = c == FL_NO_CLASS ? 0 : all - count[c];
  }
}

static void fl_view_rows(fl_plan *plan, int k) {
  const fl_job *job = plan->job;
  const int64_t shape[] = {fl_own(plan)->side[k].n, fl_own(plan)->width};
  const int order[] = {0, 1};
  fl_view_init(&plan->in[k], &job->in[k], shape, order, 2, job->type);
  fl_view_init(&plan->grad[k], &job->grad[k], shape, order, 2, job->type);
}

static void fl_prepare_batch(fl_plan *plan) {
  const fl_job *job = plan->job;
  fl_batch_plan *own = plan->own;
  const int64_t *index = fl_index_of(job), *classes = index + job->heads;
  char *const memory = (char *)(own + 1);
  fl_cut_sides(job, own, memory + (-(uintptr_t)memory & (FL_LINE - 1)));
  own->width = job->shape[1];
  own->ld = fl_ratio_up(own->width, FL_BATCH_STEP) * FL_BATCH_STEP;
  own->divides = plan->kernels->batch.divides(job->parameters);
  own->columns = job->heads - 1;
  for (int k = 0; k < job->heads; k++) fl_view_rows(plan, k);
  for (int64_t i = 0; i < own->side[0].n; i++) own->weights[i] = 1;
  if (fl_weighs(plan)) fl_load_weights(plan, 0, own->side[0].n, own->weights);
  for (int k = 0; k < job->heads; k++)
    fl_read_classes(plan, k, classes + (k ? index[0] : 0));
  const int64_t last = index[job->heads - 1];
  plan->items = last > index[0] ? last : index[0];
  /* The histogram goes where the lengths will be. */
  fl_count_columns(own, job->heads == 1, last,
                   (int64_t *)own->side[own->columns].inverse);
  plan->entries = own->width * own->side[own->columns].n;
  plan->block = FL_BATCH_ROWS;
  plan->chunk = fl_ratio_up(fl_ratio_up(plan->items, FL_BATCH_ROWS), FL_MAX_CHUNKS)
                * FL_BATCH_ROWS;
  plan->counts_all = false;
  plan->scratch = fl_cut_tiles(plan, NULL).used;
}

/* Rows first ... of a side in the kernels' type. */
static const void *fl_raw_rows(const fl_plan *plan, int64_t side, int64_t first,
                               int64_t n, const fl_tiles *t) {
  const fl_view *view = &plan->in[side];
  const int64_t width = fl_own(plan)->width;
  return fl_entries_of(view, first * width, n * width, plan->job->type,
                       view->plain ? NULL : t->raw);
}

/* So many of the rows first ... first + n - 1 as a side has. */
static int64_t fl_rows_there(const fl_side *side, int64_t first, int64_t n) {
  const int64_t left = side->n - first;
  return left < 0 ? 0 : left < n ? left : n;
}

/* Lengths, factors of the slopes, zeros behind the end. */
static bool fl_measure_rows(const fl_plan *plan, int64_t first, int64_t n,
                            fl_progress *progress) {
  fl_batch_plan *own = fl_own(plan);
  const fl_batch_fns *kernels = &plan->kernels->batch;
  const fl_tiles t = fl_cut_tiles(plan, progress->scratch);
  for (int k = 0; k < plan->job->heads; k++) {
    const fl_side *side = &own->side[k];
    const int64_t rows = fl_rows_there(side, first, n);
    double *inverse = side->inverse + first;
    if (own->divides)
      kernels->measure(rows, own->width, fl_raw_rows(plan, k, first, rows, &t),
                       inverse);
    for (int64_t r = 0; r < rows; r++) {
      if (!own->divides) inverse[r] = 1;
      if (side->classes[first + r] == FL_NO_CLASS) inverse[r] = 0;
    }
  }
  return true;
}

/* Rows first ... of a side, divided by their lengths, and zeros up to `most` of them. */
static void fl_load_rows(const fl_plan *plan, int64_t number, int64_t first,
                         int64_t most, const fl_tiles *t, void *to) {
  const fl_batch_plan *own = plan->own;
  const fl_side *side = &own->side[number];
  const int64_t size = fl_type_size(plan->job->type);
  const int64_t n = fl_rows_there(side, first, most);
  plan->kernels->batch.scale(n, own->width, fl_raw_rows(plan, number, first, n, t),
                             side->inverse + first, own->ld, to);
  memset((char *)to + n * own->ld * size, 0, (size_t)((most - n) * own->ld * size));
}

/* A block of rows of one side against the columns of another. */
static fl_batch_tile fl_tile_of(const fl_plan *plan, int64_t side, int64_t first,
                                int64_t rows, const fl_tiles *t) {
  const fl_batch_plan *own = plan->own;
  fl_load_rows(plan, side, first, FL_BATCH_ROWS, t, t->x);
  return (fl_batch_tile){
      .rows = rows,
      .width = own->width,
      .ld = own->ld,
      .x = t->x,
      .others = t->others,
      .across = t->across,
      .row_classes = fl_at(own->side[side].narrow, first, plan->job->type),
      .parameters = plan->job->parameters,
      .similarity = t->similarity,
      .sums = t->sums,
      .pull = t->pull};
}

/* The columns from `at` on; their entries are not read yet. */
static void fl_point_at_columns(const fl_plan *plan, int64_t side, int64_t first,
                                int64_t at, fl_batch_tile *tile) {
  const bool itself = plan->job->heads == 1;
  tile->self = itself ? first - at : -FL_BATCH_ROWS;
  tile->column_classes = fl_at(fl_own(plan)->side[side].narrow, at, plan->job->type);
}

static void fl_read_columns(const fl_plan *plan, int64_t side, int64_t at,
                            const fl_tiles *t) {
  const fl_batch_plan *own = plan->own;
  fl_load_rows(plan, side, at, FL_BATCH_COLUMNS, t, t->others);
  plan->kernels->batch.turn(own->width, own->ld, t->others, t->across);
}

static void fl_put_rows(const fl_plan *plan, int64_t first, int64_t rows,
                        const fl_tiles *t, fl_progress *progress) {
  fl_batch_plan *own = fl_own(plan);
  const fl_type type = plan->job->type;
  fl_batch_rows block = {.n = rows,
                         .same = own->same + first,
                         .other = own->other + first,
                         .parameters = plan->job->parameters,
                         .v = t->v};
  for (int k = 0; k < FL_BATCH_NUMBERS; k++)
    block.numbers[k] = (char *)own->numbers[k] + first * fl_type_size(type);
  plan->kernels->batch.states(&block, t->sums);
  for (int64_t r = 0; r < rows; r++) {
    const int64_t i = first + r;
    t->weights[r] = own->weights[i] * plan->weigh;
    const bool counts =
        plan->kernels->batch.share((double)own->same[i], (double)own->other[i]) != 0;
    const double factor = counts ? t->weights[r] * plan->scale : 0;
    if (type == FL_TYPE_F32) ((float *)own->factors)[i] = (float)factor;
    else ((double *)own->factors)[i] = factor;
  }
  if (plan->want & FL_WANT_VALUE)
    fl_put_values(plan, first, rows, FL_TYPE_F64, t->v,
                  fl_weighs(plan) ? t->weights : NULL, progress);
}

static bool fl_gather_rows(const fl_plan *plan, int64_t first, int64_t n,
                           fl_progress *progress) {
  const fl_batch_plan *own = plan->own;
  const fl_batch_fns *kernels = &plan->kernels->batch;
  const fl_tiles t = fl_cut_tiles(plan, progress->scratch);
  const int64_t rows = fl_rows_there(&own->side[0], first, n);
  const int64_t side = own->columns, columns = own->side[side].n;
  if (rows == 0) return true;
  fl_batch_tile tile = fl_tile_of(plan, 0, first, rows, &t);
  for (int64_t r = 0; r < rows; r++)
    t.sums[r] = (fl_batch_sums){.largest = {-(double)INFINITY, -(double)INFINITY}};
  for (int64_t at = 0; at < columns; at += FL_BATCH_COLUMNS) {
    fl_point_at_columns(plan, side, first, at, &tile);
    fl_read_columns(plan, side, at, &t);
    kernels->gather(&tile);
  }
  for (int64_t at = 0; kernels->costs && at < columns; at += FL_BATCH_COLUMNS) {
    fl_point_at_columns(plan, side, first, at, &tile);
    if (!kernels->meets(&tile)) continue;
    fl_read_columns(plan, side, at, &t);
    kernels->costs(&tile);
  }
  fl_put_rows(plan, first, rows, &t, progress);
  return true;
}

/* What slopes need: of rows, if these have values, and of columns, if those have. */
static void fl_point_at_numbers(const fl_plan *plan, int64_t first, int64_t at,
                                fl_batch_tile *tile) {
  const fl_batch_plan *own = plan->own;
  const fl_type type = plan->job->type;
  const bool rows = own->head == 0, columns = own->head > 0 || plan->job->heads == 1;
  tile->row_factors = rows ? fl_at(own->factors, first, type) : NULL;
  tile->column_factors = columns ? fl_at(own->factors, at, type) : NULL;
  for (int k = 0; k < FL_BATCH_NUMBERS; k++) {
    tile->row_numbers[k] = fl_at(own->numbers[k], rows ? first : 0, type);
    tile->column_numbers[k] = fl_at(own->numbers[k], columns ? at : 0, type);
  }
}

static bool fl_pull_rows(const fl_plan *plan, int64_t first, int64_t n,
                         fl_progress *progress) {
  const fl_batch_plan *own = plan->own;
  const fl_batch_fns *kernels = &plan->kernels->batch;
  const fl_tiles t = fl_cut_tiles(plan, progress->scratch);
  const fl_side *mine = &own->side[own->head];
  const int64_t rows = fl_rows_there(mine, first, n);
  const int64_t side = plan->job->heads - 1 - own->head, columns = own->side[side].n;
  const fl_view *view = &plan->grad[own->head];
  if (rows == 0) return true;
  fl_batch_tile tile = fl_tile_of(plan, own->head, first, rows, &t);
  memset(t.pull, 0, (size_t)(FL_BATCH_ROWS * own->ld) * sizeof *t.pull);
  for (int64_t at = 0; at < columns; at += FL_BATCH_COLUMNS) {
    fl_point_at_columns(plan, side, first, at, &tile);
    fl_point_at_numbers(plan, first, at, &tile);
    fl_read_columns(plan, side, at, &t);
    kernels->pull(&tile);
  }
  kernels->finish(own->divides, rows, own->width, own->ld, t.pull, t.x,
                  mine->inverse + first, t.gradient);
  fl_store(view, first * own->width, rows * own->width, plan->job->type, t.gradient);
  return true;
}

static bool fl_run_batch(const fl_plan *plan, fl_team *team, fl_outcome *outcome,
                         fl_result *result) {
  fl_batch_plan *own = fl_own(plan);
  fl_outcome none;
  if (!fl_run_pass(plan, team, fl_measure_rows, &none, result)
      || !fl_run_pass(plan, team, fl_gather_rows, outcome, result))
    return false;
  for (own->head = 0; own->head < plan->job->heads; own->head++)
    if (plan->want & FL_WANT_GRAD
        && !fl_run_pass(plan, team, fl_pull_rows, &none, result))
      return false;
  return true;
}

/* What rows count in a mean, times their weights; in one over the batch each counts 1. */
static bool fl_add_rows(const fl_plan *plan, int64_t first, int64_t n,
                        fl_progress *progress) {
  const fl_batch_plan *own = plan->own;
  const int64_t rows = fl_rows_there(&own->side[0], first, n);
  double *shares = fl_cut_tiles(plan, progress->scratch).v;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t i = first + r;
    const double share =
        plan->kernels->batch.share((double)own->same[i], (double)own->other[i]);
    shares[r] = plan->job->reduction == FL_SUM_OVER_BATCH_SIZE
                    ? 1
                    : own->weights[i] * plan->weigh * share;
  }
  fl_add_divisor(progress, &progress->lanes, rows, shares, FL_TYPE_F64);
  return true;
}

const fl_driver fl_batch_driver = {.size = sizeof(fl_batch_plan),
                                   .fixed_axes = FL_MAX_DIMS,
                                   .extra = fl_batch_bytes,
                                   .prepare = fl_prepare_batch,
                                   .block = fl_gather_rows,
                                   .divisor = fl_add_rows,
                                   .passes = fl_run_batch};
