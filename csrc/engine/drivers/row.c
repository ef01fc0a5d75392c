/* row.c: the driver of row-wise losses. An item is a row; labels are read
   once into scratch memory and checked there, smoothing and class weights become label
   weights q. */
#include <math.h>
#include <string.h>

#include "engine/engine.h"

/* Entries in a block of rows. */
enum { FL_ROW_ENTRIES = 32768 };

/* An entry picked out of a row costs as much as some in a row. */
enum { FL_PICKED = 32 };

/* What the driver keeps in a plan. */
typedef struct {
  int64_t classes;
  int64_t ldx, ldq, ldg, ldh; /* distances of rows, in entries; 0: they need a copy */
  bool sparse;                /* the kernel takes classes, not rows of label weights */
  bool integer_labels;        /* labels are classes */
} fl_row_plan;

static const fl_row_plan *fl_own(const fl_plan *plan) { return plan->own; }

/* Label weights q that are not the labels themselves. */
static bool fl_transforms(const fl_plan *plan) {
  const fl_target_options *targets = &plan->job->targets;
  return fl_own(plan)->integer_labels || targets->smoothing != 0
         || targets->class_weight;
}

/* Whether rows may weigh something else than 1; if not, nobody asks for a divisor. */
static bool fl_weighs_rows(const fl_job *job) {
  return job->weight.data || job->targets.has_ignore || job->targets.class_weight;
}

/* The distance of the rows of a matrix where the kernel can use them where they are,
   or 0. */
static int64_t fl_row_distance(const fl_view *view, fl_type type, int64_t classes) {
  const int64_t size = fl_type_size(type);
  if (!view->data) return 0;
  if (view->plain) return classes;
  const bool rows = view->ndim == 2 && view->shape[1] == classes;
  const bool plain = view->type == type && !view->swapped
                     && (uintptr_t)view->data % (size_t)size == 0;
  if (!rows || !plain || view->strides[1] != size || view->strides[0] % size) return 0;
  return view->strides[0] / size;
}

/* What a block of rows needs, cut from scratch memory: the labels of its rows, their
   weights and shares of the divisor, which are read where rows weigh, the factors of
   their derivatives, their values, and matrices that a kernel cannot use where they
   are. */
typedef struct {
  int64_t *labels;
  double *weights, *shares, *factor, *v;
  const double *weight; /* the weights, or NULL */
  void *x, *q, *g, *h, *kernel;
  int64_t used;
} fl_rows;

static fl_rows fl_cut_rows(const fl_plan *plan, char *memory) {
  const fl_job *job = plan->job;
  const fl_row_plan *own = plan->own;
  const int64_t numbers = plan->block * (int64_t)sizeof(double);
  fl_rows rows = {.used = 0};
  rows.labels = fl_cut(memory, &rows.used, numbers);
  rows.weights = fl_cut(memory, &rows.used, numbers);
  rows.shares = fl_cut(memory, &rows.used, numbers);
  rows.factor = fl_cut(memory, &rows.used, numbers);
  rows.v = fl_cut(memory, &rows.used, numbers);
  rows.kernel = fl_cut(memory, &rows.used, plan->kernels->scratch);
  const int64_t matrix = plan->block * own->classes * fl_type_size(job->type);
  if (!own->ldx) rows.x = fl_cut(memory, &rows.used, matrix);
  if (!own->ldq && !own->sparse) rows.q = fl_cut(memory, &rows.used, matrix);
  if (!own->ldg && job->grad[0].data) rows.g = fl_cut(memory, &rows.used, matrix);
  if (!own->ldh && job->hess[0].data) rows.h = fl_cut(memory, &rows.used, matrix);
  return rows;
}

/* Rows in a chunk: whole blocks. */
static int64_t fl_chunk_rows(const fl_plan *plan, int64_t classes) {
  const int64_t blocks = fl_ratio_up(plan->items, plan->block);
  int64_t bundle = fl_ratio_up(FL_CHUNK_ENTRIES, classes);
  bundle = fl_ratio_up(bundle, plan->block);
  const int64_t least = fl_ratio_up(blocks, FL_MAX_CHUNKS);
  if (bundle < least) bundle = least;
  return bundle * plan->block;
}

static void fl_prepare_rows(fl_plan *plan) {
  const fl_job *job = plan->job;
  const int last = job->ndim - 1;
  const int64_t classes = job->shape[last];
  fl_row_plan *own = plan->own;
  plan->items = 1;
  for (int axis = 0; axis < last; axis++) plan->items *= job->shape[axis];
  plan->entries = classes;
  plan->block = FL_BLOCK;
  while (classes > 1 && plan->block > 1 && classes > FL_ROW_ENTRIES / plan->block)
    plan->block /= 2;
  plan->chunk = fl_chunk_rows(plan, classes);
  plan->counts_all = !fl_weighs_rows(job)
                     || (job->reduction == FL_SUM_OVER_BATCH_SIZE
                         && !job->targets.has_ignore);
  own->classes = classes;
  own->sparse = plan->domain[0] == FL_DOMAIN_CLASS;
  own->integer_labels = job->in[0].ndim == last;
  own->ldx = fl_row_distance(&plan->in[1], job->type, classes);
  own->ldq = fl_row_distance(&plan->in[0], job->type, classes);
  own->ldg = fl_row_distance(&plan->grad[0], job->type, classes);
  own->ldh = fl_row_distance(&plan->hess[0], job->type, classes);
  if (fl_transforms(plan)) own->ldq = 0;
  plan->scratch = fl_cut_rows(plan, NULL).used;
}

static bool fl_report_label(fl_progress *progress, int64_t row, int64_t label) {
  progress->error = (fl_result){.status = FL_BAD_INPUT, .input = 0, .index = row,
                                .number = (double)label};
  return false;
}

/* An ignored row weighs nothing and counts as class 0, as does the label of a row of
   weight 0 that is no class. */
static bool fl_read_labels(const fl_plan *plan, int64_t first, int64_t n,
                           const fl_rows *rows, fl_progress *progress) {
  const fl_job *job = plan->job;
  fl_load_i64(&plan->in[0], first, n, rows->labels);
  if (!job->targets.has_ignore && !job->targets.class_weight
      && !plan->tools->labels_outside(n, rows->labels, fl_own(plan)->classes))
    return true;
  for (int64_t r = 0; r < n; r++) {
    const int64_t label = rows->labels[r];
    const bool too_large = job->in[0].type == FL_TYPE_U64 && label < 0;
    if (job->targets.has_ignore && label == job->targets.ignore_class && !too_large) {
      rows->labels[r] = 0;
      rows->weights[r] = rows->shares[r] = 0;
    } else if (label < 0 || label >= fl_own(plan)->classes) {
      if (!rows->weight || rows->weight[r] != 0)
        return fl_report_label(progress, first + r, label);
      rows->labels[r] = 0;
    } else if (job->targets.class_weight) {
      if (job->reduction == FL_MEAN) rows->shares[r] *= job->targets.class_weight[label];
      if (fl_own(plan)->sparse) rows->weights[r] *= job->targets.class_weight[label];
    }
  }
  return true;
}

static bool fl_read_rows(const fl_plan *plan, int64_t first, int64_t n, fl_rows *rows,
                         fl_progress *progress) {
  const fl_job *job = plan->job;
  rows->weight = fl_weighs_rows(job) ? rows->weights : NULL;
  if (rows->weight) {
    const bool count = job->reduction == FL_SUM_OVER_BATCH_SIZE;
    if (job->weight.data) fl_load_weights(plan, first, n, rows->weights);
    else
      for (int64_t r = 0; r < n; r++) rows->weights[r] = 1;
    for (int64_t r = 0; r < n; r++) rows->shares[r] = count ? 1 : rows->weights[r];
  }
  return !fl_own(plan)->integer_labels || fl_read_labels(plan, first, n, rows, progress);
}

static void fl_set_number(void *data, int64_t i, fl_type type, double x) {
  if (type == FL_TYPE_F32) ((float *)data)[i] = (float)x;
  else ((double *)data)[i] = x;
}

static double fl_class_weight(const fl_job *job, int64_t j) {
  return job->targets.class_weight ? job->targets.class_weight[j] : 1;
}

/* q_j = w_j (y_j (1-s) + s/C), y one-hot for integer labels. */
static void fl_label_weights(const fl_plan *plan, int64_t n, const fl_rows *rows) {
  const fl_job *job = plan->job;
  const int64_t classes = fl_own(plan)->classes;
  const double keep = 1 - job->targets.smoothing;
  const double spread = job->targets.smoothing / (double)classes;
  for (int64_t r = 0; r < n; r++)
    for (int64_t j = 0; j < classes; j++) {
      const int64_t i = r * classes + j;
      const double y = fl_own(plan)->integer_labels ? (double)(rows->labels[r] == j)
                                           : fl_number(rows->q, i, job->type);
      const double q = fl_class_weight(job, j) * (y * keep + spread);
      fl_set_number(rows->q, i, job->type, q);
    }
}

static bool fl_counts(const fl_rows *rows, int64_t r) {
  return !rows->weight || rows->weight[r] != 0;
}

/* Looks for the first of a row's numbers outside their domain. */
static bool fl_find_in_row(const fl_plan *plan, fl_progress *progress, int input,
                           int64_t row, const void *numbers) {
  const int64_t classes = fl_own(plan)->classes;
  return fl_find_outside(plan, input, row * classes, classes, numbers, (fl_weights){0},
                         progress);
}

/* Labels of a row outside [0, 1], or with a sum that is not 1; NaN is data. */
static bool fl_find_bad_labels(const fl_plan *plan, fl_progress *progress, int64_t row,
                               const void *q) {
  if (fl_find_in_row(plan, progress, 0, row, q)) return true;
  if (plan->job->targets.any_sum) return false;
  double sum = 0;
  for (int64_t j = 0; j < fl_own(plan)->classes; j++) sum += fl_number(q, j, plan->job->type);
  if (!(fabs(sum - 1) > FL_LABEL_SUM_TOLERANCE)) return false;
  progress->error =
      (fl_result){.status = FL_BAD_LABEL_SUM, .index = row, .number = sum};
  return true;
}

/* The kernel met something outside its domain, or a sum of labels that it doubts: names
   the first, as read. Rows of weight 0 may hold anything. */
static bool fl_report_rows(fl_progress *progress, const fl_plan *plan, int64_t first,
                           int flags, const fl_row_block *block, const fl_rows *rows) {
  const fl_type type = plan->job->type;
  bool excused = !(flags & FL_OUTSIDE_DOMAIN);
  for (int64_t r = 0; r < block->rows; r++) {
    if (!fl_counts(rows, r)) {
      excused = true;
      continue;
    }
    if (block->q && !fl_transforms(plan)
        && fl_find_bad_labels(plan, progress, first + r,
                              fl_at(block->q, r * block->ldq, type)))
      return true;
    if (fl_find_in_row(plan, progress, 1, first + r,
                       fl_at(block->x, r * block->ldx, type)))
      return true;
  }
  if (!excused) progress->error.status = FL_CHANGED;
  return !excused;
}

/* A matrix of a block: where it is, or its copy in scratch memory. */
static void *fl_matrix(const fl_plan *plan, const fl_view *view, int64_t distance,
                       int64_t first, void *copy, int64_t *ld) {
  *ld = copy ? fl_own(plan)->classes : distance;
  return copy ? copy : view->data + first * distance * fl_type_size(plan->job->type);
}

/* Label weights, in scratch memory where smoothing, class weights, integer labels of a
   dense kernel or the layout ask for it; else where they are. false: a label is outside
   its domain. */
static bool fl_read_label_weights(const fl_plan *plan, int64_t first, int64_t n,
                                  const fl_rows *rows, fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t classes = fl_own(plan)->classes;
  if (!rows->q) return true;
  if (!fl_own(plan)->integer_labels)
    fl_load(&plan->in[0], first * classes, n * classes, job->type, rows->q);
  if (!fl_transforms(plan)) return true;
  for (int64_t r = 0; !fl_own(plan)->integer_labels && r < n; r++)
    if (fl_counts(rows, r)
        && fl_find_bad_labels(plan, progress, first + r,
                              fl_at(rows->q, r * classes, job->type)))
      return false;
  fl_label_weights(plan, n, rows);
  return true;
}

/* A derivative on its way out: rows that weigh nothing are exactly zero, whatever they
   hold. */
static void fl_finish_rows(const fl_plan *plan, const fl_view *view, int64_t first,
                           int64_t n, const fl_rows *rows, char *out, int64_t ld,
                           const void *copy) {
  const int64_t size = fl_type_size(plan->job->type), classes = fl_own(plan)->classes;
  for (int64_t r = 0; rows->weight && r < n; r++)
    if (rows->factor[r] == 0)
      memset(out + r * ld * size, 0, (size_t)(classes * size));
  if (copy) fl_store(view, first * classes, n * classes, plan->job->type, copy);
}

static void fl_finish_values(const fl_plan *plan, int64_t first, int64_t n,
                             const fl_rows *rows, fl_progress *progress) {
  if (plan->job->reduction != FL_NONE) {
    plan->tools->accumulate(&progress->lanes, n, rows->v, rows->weight);
    return;
  }
  if (rows->weight) plan->tools->scale(n, rows->v, rows->weight, 1, rows->v);
  fl_store(&plan->value, first, n, plan->job->type, rows->v);
}

static bool fl_run_rows(const fl_plan *plan, int64_t first, int64_t n,
                        fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t classes = fl_own(plan)->classes;
  const bool grad = plan->want & FL_WANT_GRAD, hess = plan->want & FL_WANT_HESS;
  fl_rows rows = fl_cut_rows(plan, progress->scratch);
  if (!fl_read_rows(plan, first, n, &rows, progress)) return false;
  for (int64_t r = 0; grad && r < n; r++)
    rows.factor[r] = rows.weight ? rows.weight[r] * plan->scale : plan->scale;
  fl_row_block block = {.rows = n, .classes = classes, .labels = rows.labels,
                        .factor = rows.factor, .parameters = job->parameters,
                        .q_limit = fl_transforms(plan) ? (double)INFINITY : 1,
                        .v = rows.v, .stream = plan->stream && !rows.g && !rows.h,
                        .scratch = rows.kernel};
  block.x = fl_matrix(plan, &plan->in[1], fl_own(plan)->ldx, first, rows.x, &block.ldx);
  if (rows.x)
    fl_load(&plan->in[1], first * classes, n * classes, job->type, rows.x);
  if (!fl_own(plan)->sparse) {
    if (!fl_read_label_weights(plan, first, n, &rows, progress)) return false;
    block.q = fl_matrix(plan, &plan->in[0], fl_own(plan)->ldq, first, rows.q, &block.ldq);
  }
  if (grad)
    block.g = fl_matrix(plan, &plan->grad[0], fl_own(plan)->ldg, first, rows.g, &block.ldg);
  if (hess)
    block.h = fl_matrix(plan, &plan->hess[0], fl_own(plan)->ldh, first, rows.h, &block.ldh);

  int flags = plan->kernels->rowwise[job->outputs](&block);
  if (job->targets.any_sum || fl_transforms(plan)) flags &= ~FL_LABEL_SUM;
  if (flags && fl_report_rows(progress, plan, first, flags, &block, &rows)) return false;

  if (plan->want & FL_WANT_VALUE)
    fl_finish_values(plan, first, n, &rows, progress);
  if (grad)
    fl_finish_rows(plan, &plan->grad[0], first, n, &rows, block.g, block.ldg, rows.g);
  if (hess)
    fl_finish_rows(plan, &plan->hess[0], first, n, &rows, block.h, block.ldh, rows.h);
  return true;
}

/* sum w_j y_j of the labels of a row. */
static double fl_target_weight(const fl_plan *plan, int64_t row) {
  const double *class_weight = plan->job->targets.class_weight;
  double weight = 0, y[256];
  enum { PIECE = sizeof y / sizeof *y };
  for (int64_t j = 0; j < fl_own(plan)->classes; j += PIECE) {
    const int64_t left = fl_own(plan)->classes - j, size = left < PIECE ? left : PIECE;
    fl_load_f64(&plan->in[0], row * fl_own(plan)->classes + j, size, y);
    for (int64_t i = 0; i < size; i++) weight += class_weight[j + i] * y[i];
  }
  return weight;
}

/* Shares are w for plain losses, w times the class weight of the labels with class
   weights, and 1 for every row not ignored under "sum_over_batch_size". */
static bool fl_add_shares(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress) {
  const fl_job *job = plan->job;
  fl_rows rows = fl_cut_rows(plan, progress->scratch);
  if (!fl_read_rows(plan, first, n, &rows, progress)) return false;
  const bool targets =
      !fl_own(plan)->integer_labels && job->targets.class_weight && job->reduction == FL_MEAN;
  for (int64_t r = 0; targets && r < n; r++)
    rows.shares[r] = fl_weighted(rows.shares[r], fl_target_weight(plan, first + r));
  fl_add_divisor(progress, &progress->lanes, n, rows.shares, FL_TYPE_F64);
  return true;
}

const fl_driver fl_row_driver = {.size = sizeof(fl_row_plan),
                                 .fixed_axes = 1,
                                 .prepare = fl_prepare_rows,
                                 .block = fl_run_rows,
                                 .divisor = fl_add_shares};
