/* targets.c: what rows and their entries weigh. Ignored classes, class weights and
   smoothing end here: the driver knows rows that weigh something, the kernels label
   weights q_j = keep_j y_j + spread_j. With class weights w and smoothing s of C classes,

     q_j = w_j ((1 - s) y_j + s / C)

   (C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, Rethinking the inception
   architecture for computer vision, 2016). Without smoothing a sparse label has one q
   that is not 0, which is a factor of its row. */
#include <math.h>

#include "engine/engine.h"

static bool fl_is_sparse(const fl_plan *plan) {
  return plan->domain[0] == FL_DOMAIN_CLASS;
}

/* Whether class weights are factors of rows. */
static bool fl_weighs_classes(const fl_plan *plan) {
  return plan->job->targets.class_weight && fl_is_sparse(plan)
         && plan->job->targets.smoothing == 0;
}

bool fl_weighs_rows(const fl_job *job) {
  return job->weight.data || job->targets.has_ignore || job->targets.class_weight;
}

bool fl_counts_all_rows(const fl_job *job) {
  return !fl_weighs_rows(job)
         || (job->reduction == FL_SUM_OVER_BATCH_SIZE && !job->targets.has_ignore);
}

static int64_t fl_classes(const fl_job *job) { return job->shape[job->ndim - 1]; }

int64_t fl_label_weights_bytes(const fl_job *job) {
  const bool any = job->targets.smoothing != 0 || job->targets.class_weight;
  return any ? 2 * fl_classes(job) * fl_type_size(job->type) : 0;
}

static void fl_fill(void *data, int64_t n, fl_type type, double x) {
  if (type == FL_TYPE_F32)
    for (int64_t j = 0; j < n; j++) ((float *)data)[j] = (float)x;
  else
    for (int64_t j = 0; j < n; j++) ((double *)data)[j] = x;
}

static void fl_weigh_classes(const fl_job *job, double keep, double spread,
                             fl_label_weights *weights) {
  const int64_t size = fl_type_size(job->type);
  double largest = 0;
  for (int64_t j = 0; j < fl_classes(job); j++) {
    const double w = job->targets.class_weight[j];
    fl_fill((char *)weights->keep + j * size, 1, job->type, w * keep);
    fl_fill((char *)weights->spread + j * size, 1, job->type, w * spread);
    const double part = fl_number(weights->spread, j, job->type);
    fl_two_sum(&weights->total.hi, &weights->total.lo, part);
    largest = part > largest ? part : largest;
  }
  weights->light = largest <= 0.5 * fl_sum_value(weights->total);
}

const fl_label_weights *fl_label_weights_of(const fl_plan *plan, void *memory,
                                            fl_label_weights *weights) {
  const fl_job *job = plan->job;
  const fl_target_options *options = &job->targets;
  if (!fl_label_weights_bytes(job) || fl_weighs_classes(plan)) return NULL;
  const int64_t classes = fl_classes(job);
  const double keep = 1 - options->smoothing;
  const double spread = options->smoothing / (double)classes;
  char *const parts = (char *)memory + classes * fl_type_size(job->type);
  *weights = (fl_label_weights){.keep = memory, .spread = parts};
  if (options->class_weight) {
    fl_weigh_classes(job, keep, spread, weights);
    return weights;
  }
  fl_fill(memory, classes, job->type, keep);
  fl_fill(parts, classes, job->type, spread);
  const double part = fl_number(parts, 0, job->type), total = part * (double)classes;
  weights->total = (fl_sum){total, fma(part, (double)classes, -total)};
  weights->light = classes > 1;
  return weights;
}

static bool fl_report_label(fl_progress *progress, int64_t row, int64_t label) {
  progress->error = (fl_result){
      .status = FL_BAD_INPUT, .input = 0, .index = row, .number = (double)label};
  return false;
}

/* An ignored row weighs nothing and counts as class 0. Labels of uint64 above all of int64
   are read as negative ones and are no ignored class. */
static void fl_ignore_rows(const fl_job *job, int64_t n, const fl_row_weights *rows) {
  const int64_t ignored = job->targets.ignore_class;
  if (job->in[0].type == FL_TYPE_U64 && ignored < 0) return;
  for (int64_t r = 0; r < n; r++) {
    const bool counts = rows->labels[r] != ignored;
    rows->labels[r] = counts ? rows->labels[r] : 0;
    rows->weights[r] = counts ? rows->weights[r] : 0;
    if (rows->shares) rows->shares[r] = counts ? rows->shares[r] : 0;
  }
}

/* The label of a row of weight 0 that is no class counts as class 0, too. */
static bool fl_excuse_labels(int64_t first, int64_t n, int64_t classes,
                             const fl_row_weights *rows, fl_progress *progress) {
  for (int64_t r = 0; r < n; r++) {
    const int64_t label = rows->labels[r];
    if (label >= 0 && label < classes) continue;
    if (!rows->weight || rows->weight[r] != 0)
      return fl_report_label(progress, first + r, label);
    rows->labels[r] = 0;
  }
  return true;
}

static bool fl_read_labels(const fl_plan *plan, int64_t first, int64_t n,
                           const fl_row_weights *rows, fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t classes = fl_classes(job);
  const double *class_weight = job->targets.class_weight;
  fl_load_i64(&plan->in[0], first, n, rows->labels);
  if (job->targets.has_ignore) fl_ignore_rows(job, n, rows);
  if (plan->tools->labels_outside(n, rows->labels, classes)
      && !fl_excuse_labels(first, n, classes, rows, progress))
    return false;
  if (class_weight && rows->shares && job->reduction == FL_MEAN)
    for (int64_t r = 0; r < n; r++) rows->shares[r] *= class_weight[rows->labels[r]];
  if (fl_weighs_classes(plan))
    for (int64_t r = 0; r < n; r++) rows->weights[r] *= class_weight[rows->labels[r]];
  return true;
}

bool fl_read_targets(const fl_plan *plan, int64_t first, int64_t n,
                     fl_row_weights *rows, fl_progress *progress) {
  const fl_job *job = plan->job;
  rows->weight = fl_weighs_rows(job) ? rows->weights : NULL;
  if (rows->weight) {
    const bool count = job->reduction == FL_SUM_OVER_BATCH_SIZE;
    if (job->weight.data) fl_load_weights(plan, first, n, rows->weights);
    else
      for (int64_t r = 0; r < n; r++) rows->weights[r] = 1;
    for (int64_t r = 0; rows->shares && r < n; r++)
      rows->shares[r] = count ? 1 : rows->weights[r];
  }
  return !fl_is_sparse(plan) || fl_read_labels(plan, first, n, rows, progress);
}

/* sum w_j y_j of the labels of a row. */
static double fl_target_weight(const fl_plan *plan, int64_t row) {
  const double *class_weight = plan->job->targets.class_weight;
  const int64_t classes = fl_classes(plan->job);
  double weight = 0, y[256];
  enum { PIECE = sizeof y / sizeof *y };
  for (int64_t j = 0; j < classes; j += PIECE) {
    const int64_t left = classes - j, size = left < PIECE ? left : PIECE;
    fl_load_f64(&plan->in[0], row * classes + j, size, y);
    for (int64_t i = 0; i < size; i++) weight += class_weight[j + i] * y[i];
  }
  return weight;
}

/* Shares are w for plain losses, w times the class weight of the labels with class
   weights, and 1 for every row not ignored under "sum_over_batch_size". */
bool fl_read_shares(const fl_plan *plan, int64_t first, int64_t n, fl_row_weights *rows,
                    fl_progress *progress) {
  const fl_job *job = plan->job;
  if (!fl_read_targets(plan, first, n, rows, progress)) return false;
  if (fl_is_sparse(plan) || !job->targets.class_weight || job->reduction != FL_MEAN)
    return true;
  for (int64_t r = 0; r < n; r++)
    rows->shares[r] = fl_weighted(rows->shares[r], fl_target_weight(plan, first + r));
  return true;
}

int fl_target_flags(const fl_plan *plan, int flags) {
  return plan->job->targets.any_sum ? flags & ~FL_LABEL_SUM : flags;
}

bool fl_find_bad_target(const fl_plan *plan, int64_t row, const void *y,
                        fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t classes = fl_classes(job);
  if (fl_find_outside(plan, 0, row * classes, classes, y, (fl_weights){0}, progress))
    return true;
  if (job->targets.any_sum) return false;
  double sum = 0;
  for (int64_t j = 0; j < classes; j++) sum += fl_number(y, j, job->type);
  if (!(fabs(sum - 1) > FL_LABEL_SUM_TOLERANCE)) return false;
  progress->error =
      (fl_result){.status = FL_BAD_LABEL_SUM, .index = row, .number = sum};
  return true;
}
