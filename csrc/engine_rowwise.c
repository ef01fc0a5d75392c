/* engine_rowwise.c: a block of rows, from arrays to arrays: labels are read once into
   locals and checked there, smoothing and class weights become label weights q. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { FL_ROW_BLOCK = 1024 };

/* The labels of a block's rows, their weights and shares of the divisor, which are read
   where rows weigh, and the factors of their derivatives. */
typedef struct {
  int64_t labels[FL_ROW_BLOCK];
  double weights[FL_ROW_BLOCK], shares[FL_ROW_BLOCK], factor[FL_ROW_BLOCK];
  const double *weight; /* the weights, or NULL */
} fl_row_items;

static bool fl_report_label(fl_progress *progress, int64_t row, int64_t label) {
  progress->error.status = FL_BAD_LABEL;
  progress->error.index = row;
  progress->error.label = label;
  return false;
}

/* Whether rows may weigh something else than 1; if not, nobody asks for a divisor. */
static bool fl_weighs_rows(const fl_job *job) {
  return job->weight.data || job->has_ignore || job->class_weight;
}

/* An ignored row weighs nothing and counts as class 0. */
static bool fl_read_labels(const fl_plan *plan, int64_t first, int64_t n,
                           fl_row_items *items, fl_progress *progress) {
  const fl_job *job = plan->job;
  fl_load_i64(&plan->y_true, first, n, items->labels);
  if (!job->has_ignore && !job->class_weight
      && !plan->tools->labels_outside(n, items->labels, plan->classes))
    return true;
  for (int64_t r = 0; r < n; r++) {
    const int64_t label = items->labels[r];
    const bool too_large = job->y_true.type == FL_TYPE_U64 && label < 0;
    if (job->has_ignore && label == job->ignore_class && !too_large) {
      items->labels[r] = 0;
      items->weights[r] = items->shares[r] = 0;
    } else if (label < 0 || label >= plan->classes) {
      return fl_report_label(progress, first + r, label);
    } else if (job->class_weight) {
      if (job->reduction == FL_MEAN) items->shares[r] *= job->class_weight[label];
      if (plan->kind == FL_SPARSE) items->weights[r] *= job->class_weight[label];
    }
  }
  return true;
}

static bool fl_read_items(const fl_plan *plan, int64_t first, int64_t n,
                          fl_row_items *items, fl_progress *progress) {
  const fl_job *job = plan->job;
  items->weight = fl_weighs_rows(job) ? items->weights : NULL;
  if (items->weight) {
    const bool count = job->reduction == FL_SUM_OVER_BATCH_SIZE;
    if (job->weight.data) fl_load_f64(&plan->weight, first, n, items->weights);
    else
      for (int64_t r = 0; r < n; r++) items->weights[r] = 1;
    for (int64_t r = 0; r < n; r++) items->shares[r] = count ? 1 : items->weights[r];
  }
  return !job->integer_labels || fl_read_labels(plan, first, n, items, progress);
}

static double fl_number(const void *data, int64_t i, fl_type type) {
  return type == FL_TYPE_F32 ? (double)((const float *)data)[i]
                             : ((const double *)data)[i];
}

static void fl_set_number(void *data, int64_t i, fl_type type, double x) {
  if (type == FL_TYPE_F32) ((float *)data)[i] = (float)x;
  else ((double *)data)[i] = x;
}

/* Label weights q that are not the labels themselves. */
static bool fl_transforms(const fl_job *job) {
  return job->integer_labels || job->label_smoothing != 0 || job->class_weight;
}

static double fl_class_weight(const fl_job *job, int64_t j) {
  return job->class_weight ? job->class_weight[j] : 1;
}

/* q_j = w_j (y_j (1-s) + s/C), y one-hot for integer labels. */
static void fl_label_weights(const fl_plan *plan, int64_t n, const fl_row_items *items,
                             void *q) {
  const fl_job *job = plan->job;
  const int64_t classes = plan->classes;
  const double keep = 1 - job->label_smoothing;
  const double spread = job->label_smoothing / (double)classes;
  for (int64_t r = 0; r < n; r++)
    for (int64_t j = 0; j < classes; j++) {
      const int64_t i = r * classes + j;
      const double y = job->integer_labels ? (double)(items->labels[r] == j)
                                           : fl_number(q, i, job->type);
      fl_set_number(q, i, job->type, fl_class_weight(job, j) * (y * keep + spread));
    }
}

/* A matrix whose rows the kernel can read or write where they are: its distance of
   rows in elements, or 0. */
static int64_t fl_row_distance(const fl_view *view, fl_type type, int64_t classes) {
  const int64_t size = fl_type_size(type);
  if (fl_view_is_plain(view, type)) return classes;
  const bool rows = view->ndim == 2 && view->shape[1] == classes;
  const bool plain = view->type == type && !view->swapped
                     && (uintptr_t)view->data % (size_t)size == 0;
  if (!rows || !plain || view->strides[1] != size || view->strides[0] % size) return 0;
  return view->strides[0] / size;
}

static void *fl_matrix(const fl_view *view, fl_type type, int64_t first, int64_t n,
                       int64_t classes, int64_t *ld, void **scratch) {
  *ld = fl_row_distance(view, type, classes);
  if (*ld) return view->data + first * *ld * fl_type_size(type);
  *ld = classes;
  *scratch = malloc((size_t)(n * classes * fl_type_size(type)));
  return *scratch;
}

/* Rows that weigh nothing are exactly zero, whatever they hold. */
static void fl_clear_rows(int64_t n, int64_t classes, const fl_row_items *items,
                          char *rows, int64_t ld, fl_type type) {
  for (int64_t r = 0; items->weight && r < n; r++)
    if (items->factor[r] == 0)
      memset(rows + r * ld * fl_type_size(type), 0,
             (size_t)(classes * fl_type_size(type)));
}

/* The kernel met something outside its domain: names the first, as read. */
static bool fl_report_rows(fl_progress *progress, const fl_plan *plan, int64_t first,
                           const fl_row_block *block) {
  const fl_type type = plan->job->type;
  const int64_t classes = plan->classes;
  for (int64_t r = 0; r < block->rows; r++) {
    const int64_t start = (first + r) * classes;
    if (block->q && !fl_transforms(plan->job)
        && fl_find_outside(progress, FL_BAD_LABEL, plan->labels, start, classes, type,
                           fl_at(block->q, r * block->ldq, type)))
      return true;
    if (fl_find_outside(progress, FL_BAD_PREDICTION, plan->predictions, start, classes,
                        type, fl_at(block->x, r * block->ldx, type)))
      return true;
  }
  progress->error.status = FL_CHANGED;
  return true;
}

typedef struct {
  void *x, *q, *g, *h;
} fl_scratch;

static void fl_free(fl_scratch *scratch) {
  free(scratch->x);
  free(scratch->q);
  free(scratch->g);
  free(scratch->h);
}

/* Label weights in scratch memory where smoothing, class weights, integer labels of a
   dense kernel or the layout ask for it; else where they are. */
static const void *fl_dense_labels(const fl_plan *plan, int64_t first, int64_t n,
                                   const fl_row_items *items, int64_t *ld,
                                   fl_scratch *scratch, fl_progress *progress) {
  const fl_job *job = plan->job;
  if (!fl_transforms(job)) {
    const void *q =
        fl_matrix(&plan->y_true, job->type, first, n, plan->classes, ld, &scratch->q);
    if (scratch->q)
      fl_load(&plan->y_true, first * plan->classes, n * plan->classes, job->type,
              scratch->q);
    return q;
  }
  const int64_t count = n * plan->classes;
  *ld = plan->classes;
  scratch->q = malloc((size_t)(count * fl_type_size(job->type)));
  if (!scratch->q) return NULL;
  if (!job->integer_labels) {
    fl_load(&plan->y_true, first * plan->classes, count, job->type, scratch->q);
    if (fl_find_outside(progress, FL_BAD_LABEL, FL_UNIT, first * plan->classes, count,
                        job->type, scratch->q))
      return scratch->q;
  }
  fl_label_weights(plan, n, items, scratch->q);
  return scratch->q;
}

/* Adds the values of rows, as many at a time and in a sum as if each chunk had been a
   block. */
static void fl_add_rows(const fl_plan *plan, int64_t n, const void *v, const double *w,
                        fl_progress *progress) {
  const fl_type type = plan->job->type;
  if (!progress->sums) {
    plan->tools->accumulate(&progress->lanes, n, v, w);
    return;
  }
  if (progress->chunk == 1) {
    for (int64_t r = 0; r < n; r++)
      progress->sums[r] =
          (fl_sum){0 + fl_weighted(w ? w[r] : 1, fl_number(v, r, type)), 0};
    return;
  }
  for (int64_t start = 0; start < n; start += progress->chunk) {
    const int64_t end = start + progress->chunk < n ? start + progress->chunk : n;
    fl_lanes lanes = {{0}, {0}};
    for (int64_t r = start; r < end; r += plan->block)
      plan->tools->accumulate(&lanes, end - r < plan->block ? end - r : plan->block,
                              fl_at(v, r, type), w ? w + r : NULL);
    *progress->sums++ = fl_chunk_sum(&lanes, end - start);
  }
}

static bool fl_run_rows(const fl_plan *plan, int64_t first, int64_t n,
                        const fl_row_items *items, fl_scratch *scratch,
                        fl_progress *progress) {
  const fl_job *job = plan->job;
  const int64_t classes = plan->classes, start = first * classes, count = n * classes;
  _Alignas(64) double v[FL_ROW_BLOCK];
  fl_row_block block = {.rows = n, .classes = classes, .labels = items->labels,
                        .factor = items->factor, .parameters = job->parameters,
                        .q_limit = fl_transforms(job) ? (double)INFINITY : 1, .v = v};
  block.x = fl_matrix(&plan->y_pred, job->type, first, n, classes, &block.ldx,
                      &scratch->x);
  if (block.x && scratch->x) fl_load(&plan->y_pred, start, count, job->type, scratch->x);
  if (plan->kind == FL_DENSE)
    block.q = fl_dense_labels(plan, first, n, items, &block.ldq, scratch, progress);
  if (plan->want & FL_WANT_GRAD)
    block.g = fl_matrix(&plan->grad, job->type, first, n, classes, &block.ldg,
                        &scratch->g);
  if (plan->want & FL_WANT_HESS)
    block.h = fl_matrix(&plan->hess, job->type, first, n, classes, &block.ldh,
                        &scratch->h);
  block.stream = plan->stream && !scratch->g && !scratch->h;
  if (!block.x || (plan->kind == FL_DENSE && !block.q)
      || (plan->want & FL_WANT_GRAD && !block.g)
      || (plan->want & FL_WANT_HESS && !block.h))
    progress->error.status = FL_NO_MEMORY;
  if (progress->error.status != FL_OK) return false;

  if (plan->rowwise(&block) && fl_report_rows(progress, plan, first, &block)) return false;

  if (plan->want & FL_WANT_VALUE) {
    if (job->reduction == FL_NONE) {
      if (items->weight) plan->tools->scale(n, v, items->weight, 1, v);
      fl_store(&plan->value, first, n, job->type, v);
    } else {
      fl_add_rows(plan, n, v, items->weight, progress);
    }
  }
  if (plan->want & FL_WANT_GRAD) {
    fl_clear_rows(n, classes, items, block.g, block.ldg, job->type);
    if (scratch->g) fl_store(&plan->grad, start, count, job->type, scratch->g);
  }
  if (plan->want & FL_WANT_HESS) {
    fl_clear_rows(n, classes, items, block.h, block.ldh, job->type);
    if (scratch->h) fl_store(&plan->hess, start, count, job->type, scratch->h);
  }
  return true;
}

bool fl_rowwise_block(const fl_plan *plan, int64_t first, int64_t n,
                      fl_progress *progress) {
  fl_row_items items;
  fl_scratch scratch = {0};
  if (!fl_read_items(plan, first, n, &items, progress)) return false;
  for (int64_t r = 0; plan->want & FL_WANT_GRAD && r < n; r++)
    items.factor[r] = items.weight ? items.weight[r] * plan->scale : plan->scale;
  const bool done = fl_run_rows(plan, first, n, &items, &scratch, progress);
  fl_free(&scratch);
  return done;
}

/* Shares are w for plain losses, w times the class weight of the labels with class
   weights, and 1 for every row not ignored under "sum_over_batch_size". */
bool fl_rowwise_divisor(const fl_plan *plan, int64_t first, int64_t n,
                        fl_progress *progress, bool *any) {
  const fl_job *job = plan->job;
  fl_row_items items;
  if (!fl_read_items(plan, first, n, &items, progress)) return false;
  if (!job->integer_labels && job->class_weight && job->reduction == FL_MEAN) {
    for (int64_t r = 0; r < n; r++) {
      double weight = 0, y[FL_BLOCK];
      for (int64_t j = 0; j < plan->classes; j += FL_BLOCK) {
        const int64_t left = plan->classes - j, size = left < FL_BLOCK ? left : FL_BLOCK;
        fl_load_f64(&plan->y_true, (first + r) * plan->classes + j, size, y);
        for (int64_t i = 0; i < size; i++) weight += job->class_weight[j + i] * y[i];
      }
      items.shares[r] *= weight;
    }
  }
  bool some = false;
  for (int64_t r = 0; r < n; r++) some |= items.shares[r] != 0;
  *any |= some;
  fl_kernels(FL_TYPE_F64)->tools->accumulate(&progress->lanes, n, items.shares, NULL);
  return true;
}
