/* engine_rowwise.c: the driver of the row-wise kinds. An item is a row; labels are read
   once into scratch memory and checked there, smoothing and class weights become label
   weights q. */
#include <math.h>
#include <string.h>

#include "engine.h"

/* Entries in a block of rows. */
enum { FL_ROW_ENTRIES = 32768 };

/* An entry picked out of a row costs as much as some in a row. */
enum { FL_PICKED = 32 };

/* Label weights q that are not the labels themselves. */
static bool fl_transforms(const fl_job *job) {
  return job->integer_labels || job->label_smoothing != 0 || job->class_weight;
}

/* Whether rows may weigh something else than 1; if not, nobody asks for a divisor. */
static bool fl_weighs_rows(const fl_job *job) {
  return job->weight.data || job->has_ignore || job->class_weight;
}

/* The distance of the rows of a matrix where the kernel can use them where they are,
   or 0. */
static int64_t fl_row_distance(const fl_view *view, fl_type type, int64_t classes) {
  const int64_t size = fl_type_size(type);
  if (!view->data) return 0;
  if (fl_view_is_plain(view, type)) return classes;
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
  const int64_t count = plan->gathers ? FL_SEGMENT : plan->block;
  const int64_t numbers = count * (int64_t)sizeof(double);
  fl_rows rows = {.used = 0};
  rows.labels = fl_cut(memory, &rows.used, numbers);
  rows.weights = fl_cut(memory, &rows.used, numbers);
  rows.shares = fl_cut(memory, &rows.used, numbers);
  rows.factor = fl_cut(memory, &rows.used, numbers);
  rows.v = fl_cut(memory, &rows.used, numbers);
  rows.kernel = fl_cut(memory, &rows.used, plan->kernels->scratch);
  const int64_t matrix = plan->block * plan->classes * fl_type_size(job->type);
  if (!plan->ldx) rows.x = fl_cut(memory, &rows.used, matrix);
  if (!plan->ldq && plan->kind == FL_DENSE) rows.q = fl_cut(memory, &rows.used, matrix);
  if (!plan->ldg && job->grad.data) rows.g = fl_cut(memory, &rows.used, matrix);
  if (!plan->ldh && job->hess.data) rows.h = fl_cut(memory, &rows.used, matrix);
  return rows;
}

/* The value of a sparse loss on probabilities reads one entry a row. */
static bool fl_picks(const fl_plan *plan) {
  return plan->kind == FL_SPARSE && plan->predictions == FL_UNIT
         && plan->want == FL_WANT_VALUE;
}

/* Rows in a chunk: whole blocks. */
static int64_t fl_chunk_rows(const fl_plan *plan) {
  const int64_t blocks = fl_ratio_up(plan->items, plan->block);
  int64_t bundle = fl_ratio_up(FL_CHUNK_ENTRIES, plan->classes);
  bundle = fl_ratio_up(bundle, plan->block);
  const int64_t least = fl_ratio_up(blocks, FL_MAX_CHUNKS);
  if (bundle < least) bundle = least;
  return bundle * plan->block;
}

static void fl_prepare_rows(fl_plan *plan) {
  const fl_job *job = plan->job;
  const int full = job->ndim, items = full - 1;
  plan->items = 1;
  for (int axis = 0; axis < items; axis++) plan->items *= job->shape[axis];
  plan->classes = job->shape[items];
  const bool picks = fl_picks(plan);
  plan->entries = picks && plan->classes > FL_PICKED ? FL_PICKED : plan->classes;
  plan->block = FL_BLOCK;
  while (plan->classes > 1 && plan->block > 1
         && plan->classes > FL_ROW_ENTRIES / plan->block)
    plan->block /= 2;
  plan->chunk = fl_chunk_rows(plan);
  fl_view_of(&plan->y_true, &plan->plain_true, &job->y_true,
             job->integer_labels ? items : full, job);
  fl_view_of(&plan->y_pred, &plan->plain_pred, &job->y_pred, full, job);
  fl_view_of(&plan->weight, NULL, &job->weight, items, job);
  fl_view_of(&plan->value, &plan->plain_value, &job->value, items, job);
  fl_view_of(&plan->grad, &plan->plain_grad, &job->grad, full, job);
  fl_view_of(&plan->hess, &plan->plain_hess, &job->hess, full, job);
  plan->gathers = picks && plan->plain_pred && plan->chunk <= FL_SEGMENT / 2;
  plan->direct = false;
  plan->ldx = fl_row_distance(&plan->y_pred, job->type, plan->classes);
  plan->ldq = fl_row_distance(&plan->y_true, job->type, plan->classes);
  plan->ldg = fl_row_distance(&plan->grad, job->type, plan->classes);
  plan->ldh = fl_row_distance(&plan->hess, job->type, plan->classes);
  if (fl_transforms(job)) plan->ldq = 0;
  plan->scratch = fl_cut_rows(plan, NULL).used;
}

static bool fl_report_label(fl_progress *progress, int64_t row, int64_t label) {
  progress->error.status = FL_BAD_LABEL;
  progress->error.index = row;
  progress->error.label = label;
  return false;
}

/* An ignored row weighs nothing and counts as class 0, as does the label of a row of
   weight 0 that is no class. */
static bool fl_read_labels(const fl_plan *plan, int64_t first, int64_t n,
                           const fl_rows *rows, fl_progress *progress) {
  const fl_job *job = plan->job;
  fl_load_i64(&plan->y_true, first, n, rows->labels);
  if (!job->has_ignore && !job->class_weight
      && !plan->tools->labels_outside(n, rows->labels, plan->classes))
    return true;
  for (int64_t r = 0; r < n; r++) {
    const int64_t label = rows->labels[r];
    const bool too_large = job->y_true.type == FL_TYPE_U64 && label < 0;
    if (job->has_ignore && label == job->ignore_class && !too_large) {
      rows->labels[r] = 0;
      rows->weights[r] = rows->shares[r] = 0;
    } else if (label < 0 || label >= plan->classes) {
      if (!rows->weight || rows->weight[r] != 0)
        return fl_report_label(progress, first + r, label);
      rows->labels[r] = 0;
    } else if (job->class_weight) {
      if (job->reduction == FL_MEAN) rows->shares[r] *= job->class_weight[label];
      if (plan->kind == FL_SPARSE) rows->weights[r] *= job->class_weight[label];
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
  return !job->integer_labels || fl_read_labels(plan, first, n, rows, progress);
}

static void fl_set_number(void *data, int64_t i, fl_type type, double x) {
  if (type == FL_TYPE_F32) ((float *)data)[i] = (float)x;
  else ((double *)data)[i] = x;
}

static double fl_class_weight(const fl_job *job, int64_t j) {
  return job->class_weight ? job->class_weight[j] : 1;
}

/* q_j = w_j (y_j (1-s) + s/C), y one-hot for integer labels. */
static void fl_label_weights(const fl_plan *plan, int64_t n, const fl_rows *rows) {
  const fl_job *job = plan->job;
  const int64_t classes = plan->classes;
  const double keep = 1 - job->label_smoothing;
  const double spread = job->label_smoothing / (double)classes;
  for (int64_t r = 0; r < n; r++)
    for (int64_t j = 0; j < classes; j++) {
      const int64_t i = r * classes + j;
      const double y = job->integer_labels ? (double)(rows->labels[r] == j)
                                           : fl_number(rows->q, i, job->type);
      const double q = fl_class_weight(job, j) * (y * keep + spread);
      fl_set_number(rows->q, i, job->type, q);
    }
}

static bool fl_counts(const fl_rows *rows, int64_t r) {
  return !rows->weight || rows->weight[r] != 0;
}

/* Looks for the first of a row's numbers outside `domain`, unless the row weighs 0. */
static bool fl_find_in_row(const fl_plan *plan, fl_progress *progress, fl_status status,
                           fl_domain domain, int64_t row, const void *numbers) {
  return fl_find_outside(progress, status, domain, row * plan->classes, plan->classes,
                         plan->job->type, numbers, (fl_weights){0});
}

/* Labels of a row outside [0, 1], or with a sum that is not 1; NaN is data. */
static bool fl_find_bad_labels(const fl_plan *plan, fl_progress *progress, int64_t row,
                               const void *q) {
  if (fl_find_in_row(plan, progress, FL_BAD_LABEL, FL_UNIT, row, q)) return true;
  if (plan->job->any_label_sum) return false;
  double sum = 0;
  for (int64_t j = 0; j < plan->classes; j++) sum += fl_number(q, j, plan->job->type);
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
    if (block->q && !fl_transforms(plan->job)
        && fl_find_bad_labels(plan, progress, first + r,
                              fl_at(block->q, r * block->ldq, type)))
      return true;
    if (fl_find_in_row(plan, progress, FL_BAD_PREDICTION, plan->predictions, first + r,
                       fl_at(block->x, r * block->ldx, type)))
      return true;
  }
  if (!excused) progress->error.status = FL_CHANGED;
  return !excused;
}

/* A matrix of a block: where it is, or its copy in scratch memory. */
static void *fl_matrix(const fl_plan *plan, const fl_view *view, int64_t distance,
                       int64_t first, void *copy, int64_t *ld) {
  *ld = copy ? plan->classes : distance;
  return copy ? copy : view->data + first * distance * fl_type_size(plan->job->type);
}

/* Label weights, in scratch memory where smoothing, class weights, integer labels of a
   dense kernel or the layout ask for it; else where they are. false: a label is outside
   its domain. */
static bool fl_read_label_weights(const fl_plan *plan, int64_t first, int64_t n,
                                  const fl_rows *rows, fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t classes = plan->classes;
  if (!rows->q) return true;
  if (!job->integer_labels)
    fl_load(&plan->y_true, first * classes, n * classes, job->type, rows->q);
  if (!fl_transforms(job)) return true;
  for (int64_t r = 0; !job->integer_labels && r < n; r++)
    if (fl_counts(rows, r)
        && fl_find_bad_labels(plan, progress, first + r,
                              fl_at(rows->q, r * classes, job->type)))
      return false;
  fl_label_weights(plan, n, rows);
  return true;
}

/* Adds the values of rows: to the lanes of the turn, or to the sums of their chunks. */
static void fl_add_rows(const fl_plan *plan, int64_t n, const fl_rows *rows,
                        fl_progress *progress, fl_sum *sums) {
  const fl_type type = plan->job->type;
  const double *w = rows->weight;
  if (!plan->gathers) {
    plan->tools->accumulate(&progress->lanes, n, rows->v, w);
    return;
  }
  if (plan->chunk == 1) {
    for (int64_t r = 0; r < n; r++)
      sums[r] = (fl_sum){0 + fl_weighted(w ? w[r] : 1, fl_number(rows->v, r, type)), 0};
    return;
  }
  for (int64_t start = 0; start < n; start += plan->chunk) {
    const int64_t end = start + plan->chunk < n ? start + plan->chunk : n;
    fl_lanes lanes = {{0}, {0}};
    for (int64_t r = start; r < end; r += plan->block)
      plan->tools->accumulate(&lanes, end - r < plan->block ? end - r : plan->block,
                              fl_at(rows->v, r, type), w ? w + r : NULL);
    *sums++ = fl_chunk_sum(&lanes, end - start);
  }
}

/* A derivative on its way out: rows that weigh nothing are exactly zero, whatever they
   hold. */
static void fl_finish_rows(const fl_plan *plan, const fl_view *view, int64_t first,
                           int64_t n, const fl_rows *rows, char *out, int64_t ld,
                           const void *copy) {
  const int64_t size = fl_type_size(plan->job->type), classes = plan->classes;
  for (int64_t r = 0; rows->weight && r < n; r++)
    if (rows->factor[r] == 0)
      memset(out + r * ld * size, 0, (size_t)(classes * size));
  if (copy) fl_store(view, first * classes, n * classes, plan->job->type, copy);
}

static void fl_finish_values(const fl_plan *plan, int64_t first, int64_t n,
                             const fl_rows *rows, fl_progress *progress, fl_sum *sums) {
  if (plan->job->reduction != FL_NONE) {
    fl_add_rows(plan, n, rows, progress, sums);
    return;
  }
  if (rows->weight) plan->tools->scale(n, rows->v, rows->weight, 1, rows->v);
  fl_store(&plan->value, first, n, plan->job->type, rows->v);
}

static bool fl_run_rows(const fl_plan *plan, int64_t first, int64_t n,
                        fl_progress *progress, fl_sum *sums) {
  const fl_job *job = plan->job;
  const int64_t classes = plan->classes;
  const bool grad = plan->want & FL_WANT_GRAD, hess = plan->want & FL_WANT_HESS;
  fl_rows rows = fl_cut_rows(plan, progress->scratch);
  if (!fl_read_rows(plan, first, n, &rows, progress)) return false;
  for (int64_t r = 0; grad && r < n; r++)
    rows.factor[r] = rows.weight ? rows.weight[r] * plan->scale : plan->scale;
  fl_row_block block = {.rows = n, .classes = classes, .labels = rows.labels,
                        .factor = rows.factor, .parameters = job->parameters,
                        .q_limit = fl_transforms(job) ? (double)INFINITY : 1,
                        .v = rows.v, .stream = plan->stream && !rows.g && !rows.h,
                        .scratch = rows.kernel};
  block.x = fl_matrix(plan, &plan->y_pred, plan->ldx, first, rows.x, &block.ldx);
  if (rows.x)
    fl_load(&plan->y_pred, first * classes, n * classes, job->type, rows.x);
  if (plan->kind == FL_DENSE) {
    if (!fl_read_label_weights(plan, first, n, &rows, progress)) return false;
    block.q = fl_matrix(plan, &plan->y_true, plan->ldq, first, rows.q, &block.ldq);
  }
  if (grad)
    block.g = fl_matrix(plan, &plan->grad, plan->ldg, first, rows.g, &block.ldg);
  if (hess)
    block.h = fl_matrix(plan, &plan->hess, plan->ldh, first, rows.h, &block.ldh);

  int flags = plan->kernels->rowwise[job->outputs](&block);
  if (job->any_label_sum || fl_transforms(job)) flags &= ~FL_LABEL_SUM;
  if (flags && fl_report_rows(progress, plan, first, flags, &block, &rows)) return false;

  if (plan->want & FL_WANT_VALUE)
    fl_finish_values(plan, first, n, &rows, progress, sums);
  if (grad)
    fl_finish_rows(plan, &plan->grad, first, n, &rows, block.g, block.ldg, rows.g);
  if (hess)
    fl_finish_rows(plan, &plan->hess, first, n, &rows, block.h, block.ldh, rows.h);
  return true;
}

/* sum w_j y_j of the labels of a row. */
static double fl_target_weight(const fl_plan *plan, int64_t row) {
  const double *class_weight = plan->job->class_weight;
  double weight = 0, y[256];
  enum { PIECE = sizeof y / sizeof *y };
  for (int64_t j = 0; j < plan->classes; j += PIECE) {
    const int64_t left = plan->classes - j, size = left < PIECE ? left : PIECE;
    fl_load_f64(&plan->y_true, row * plan->classes + j, size, y);
    for (int64_t i = 0; i < size; i++) weight += class_weight[j + i] * y[i];
  }
  return weight;
}

/* Shares are w for plain losses, w times the class weight of the labels with class
   weights, and 1 for every row not ignored under "sum_over_batch_size". */
static bool fl_add_shares(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress, fl_sum *sums) {
  (void)sums;
  const fl_job *job = plan->job;
  fl_rows rows = fl_cut_rows(plan, progress->scratch);
  if (!fl_read_rows(plan, first, n, &rows, progress)) return false;
  const bool targets =
      !job->integer_labels && job->class_weight && job->reduction == FL_MEAN;
  for (int64_t r = 0; targets && r < n; r++)
    rows.shares[r] = fl_weighted(rows.shares[r], fl_target_weight(plan, first + r));
  fl_add_divisor(progress, n, rows.shares, FL_TYPE_F64);
  return true;
}

const fl_driver fl_row_driver = {fl_prepare_rows, fl_run_rows, fl_add_shares};
