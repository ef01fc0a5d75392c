/* row.c: the driver of row-wise losses. An item is a row of predictions. */
#include "custom/program.h"
#include "engine/drivers/arrays.h"

/* Entries in a block of rows; but rows as many as a cache line of a column, and as lanes
   of a sum, so that the bits do not depend on the length of blocks. */
enum { FL_ROW_ENTRIES = 32768, FL_BLOCK_ROWS = FL_LANES };

/* Rows of a chunk, and chunks that a job is cut into as long as they have fewer: what is
   read of a row may be one entry, and a chunk costs as much as some. */
enum { FL_CHUNK_ROWS = 32, FL_CHUNKS_OF_ROWS = 32 };

/* What the driver keeps in a plan. */
typedef struct {
  int64_t classes;
  int64_t ldx, ldy, ldg, ldh; /* distances of rows, in entries; 0: they need a copy */
  int64_t ldu;                /* that of a product's vector, the last input */
  bool sparse;                /* the kernel takes classes, not rows of labels */
  bool softens, weighs_labels; /* logits, labels are not read as they are (links.h) */
  fl_label_weights label_weights;
  const fl_label_weights *weights; /* these, or NULL: labels weigh what they say */
} fl_row_plan;

static const fl_row_plan *fl_own(const fl_plan *plan) { return plan->own; }

/* What a block of rows needs, cut from scratch memory: what its rows weigh, the factors
   of their derivatives, their values, and matrices that a kernel cannot use where they
   are. */
typedef struct {
  fl_row_weights targets;
  double *factor, *v;
  void *x, *y, *g, *h, *u, *kernel;
  int64_t used;
} fl_rows;

static int64_t fl_kernel_scratch(const fl_plan *plan) {
  const fl_job *job = plan->job;
  if (!job->program) return plan->kernels->scratch;
  return fl_program_scratch(job->program, fl_own(plan)->classes,
                            fl_type_size(job->type));
}

static fl_rows fl_cut_rows(const fl_plan *plan, char *memory) {
  const fl_job *job = plan->job;
  const fl_row_plan *own = plan->own;
  const int64_t numbers = plan->block * (int64_t)sizeof(double);
  fl_rows rows = {.used = 0};
  rows.targets.labels = fl_cut(memory, &rows.used, numbers);
  rows.targets.weights = fl_cut(memory, &rows.used, numbers);
  rows.targets.shares = fl_cut(memory, &rows.used, numbers);
  rows.factor = fl_cut(memory, &rows.used, numbers);
  rows.v = fl_cut(memory, &rows.used, numbers);
  rows.kernel = fl_cut(memory, &rows.used, fl_kernel_scratch(plan));
  const int64_t matrix = plan->block * own->classes * fl_type_size(job->type);
  if (!own->ldx) rows.x = fl_cut(memory, &rows.used, matrix);
  if (!own->ldy && !own->sparse) rows.y = fl_cut(memory, &rows.used, matrix);
  if (!own->ldg && job->grad[0].data) rows.g = fl_cut(memory, &rows.used, matrix);
  if (!own->ldh && (job->hess[0].data || job->outputs == FL_HV))
    rows.h = fl_cut(memory, &rows.used, matrix);
  if (!own->ldu && job->outputs == FL_HV) rows.u = fl_cut(memory, &rows.used, matrix);
  return rows;
}

static int64_t fl_least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t fl_most(int64_t a, int64_t b) { return a < b ? b : a; }

/* Rows of blocks and chunks, of the size alone. */
static void fl_cut_items(fl_plan *plan, int64_t classes) {
  int64_t unit = FL_BLOCK;
  while (unit > 1 && classes > FL_ROW_ENTRIES / unit) unit /= 2;
  int64_t chunk = fl_ratio_up(FL_CHUNK_ENTRIES, classes);
  chunk = fl_most(chunk, fl_least(FL_CHUNK_ROWS, plan->items / FL_CHUNKS_OF_ROWS));
  chunk = fl_most(chunk, fl_ratio_up(plan->items, FL_MAX_CHUNKS));
  plan->chunk = fl_ratio_up(chunk, unit) * unit;
  plan->block = fl_most(unit, fl_least(plan->chunk, FL_BLOCK_ROWS));
}

static void fl_prepare_rows(fl_plan *plan) {
  const fl_job *job = plan->job;
  const int last = job->ndim - 1;
  const int64_t classes = job->shape[last];
  fl_row_plan *own = plan->own;
  plan->items = 1;
  for (int axis = 0; axis < last; axis++) plan->items *= job->shape[axis];
  plan->entries = classes;
  fl_cut_items(plan, classes);
  plan->counts_all = fl_counts_all_rows(job);
  own->classes = classes;
  own->sparse = plan->domain[0] == FL_DOMAIN_CLASS;
  own->softens = job->targets.temperature != 0 || job->targets.softcap != 0;
  own->weighs_labels = job->targets.label_form != FL_LABEL_WEIGHTS;
  own->ldx = own->softens ? 0 : fl_row_distance(&plan->in[1], job->type, classes);
  own->ldy = own->sparse || own->weighs_labels
                 ? 0
                 : fl_row_distance(&plan->in[0], job->type, classes);
  own->ldg = fl_row_distance(&plan->grad[0], job->type, classes);
  own->ldh = fl_row_distance(&plan->hess[0], job->type, classes);
  own->ldu = own->softens || job->outputs != FL_HV
                 ? 0
                 : fl_row_distance(&plan->in[job->inputs - 1], job->type, classes);
  own->weights = fl_label_weights_of(plan, own + 1, &own->label_weights);
  plan->scratch = fl_cut_rows(plan, NULL).used;
}

/* The kernel met something outside its domain, or a sum of labels that it doubts: names
   the first, as read. Rows of weight 0 may hold anything. */
static bool fl_report_rows(fl_progress *progress, const fl_plan *plan, int64_t first,
                           int flags, const fl_row_block *block, const fl_rows *rows) {
  const fl_type type = plan->job->type;
  const double *weight = rows->targets.weight;
  bool excused = !(flags & FL_OUTSIDE_DOMAIN);
  for (int64_t r = 0; r < block->rows; r++) {
    const int64_t row = first + r, entry = row * block->classes;
    if (weight && weight[r] == 0) {
      excused = true;
      continue;
    }
    if (block->y
        && fl_find_bad_target(plan, row, fl_at(block->y, r * block->ldy, type),
                              progress))
      return true;
    if (fl_find_outside(plan, 1, entry, block->classes,
                        fl_at(block->x, r * block->ldx, type), (fl_weights){0},
                        progress))
      return true;
  }
  if (!excused) progress->error.status = FL_CHANGED;
  return !excused;
}

/* Whether a matrix of any layout has entries that the tools can take as they are. */
static bool fl_is_lattice(const fl_view *view, fl_type type, int64_t classes) {
  const int64_t size = fl_type_size(type);
  if (view->type != type || view->swapped || (uintptr_t)view->data % (size_t)size
      || view->ndim < 2 || view->shape[view->ndim - 1] != classes || classes == 1)
    return false;
  for (int axis = 0; axis < view->ndim; axis++)
    if (view->strides[axis] % size) return false;
  return true;
}

/* Rows of a lattice from `row` on that are equally far from each other. */
typedef struct {
  char *data;
  int64_t rows, step;
} fl_row_run;

static fl_row_run fl_run_at(const fl_view *view, int64_t row, int64_t rows) {
  const int last = view->ndim - 2;
  const int64_t left = view->shape[last] - row % view->shape[last];
  fl_row_run run = {view->data, left < rows ? left : rows, view->strides[last]};
  for (int axis = last; axis >= 0; axis--) {
    run.data += (axis ? row % view->shape[axis] : row) * view->strides[axis];
    row /= view->shape[axis];
  }
  return run;
}

/* Rows of a matrix to its copy, or back. */
static void fl_move_rows(const fl_plan *plan, const fl_view *view, int64_t first,
                         int64_t n, void *copy, bool in) {
  const fl_type type = plan->job->type;
  const int64_t classes = fl_own(plan)->classes, size = fl_type_size(type);
  if (!fl_is_lattice(view, type, classes)) {
    if (in) fl_load(view, first * classes, n * classes, type, copy);
    else fl_store(view, first * classes, n * classes, type, copy);
    return;
  }
  const int64_t column = view->strides[view->ndim - 1] / size;
  char *at = copy;
  while (n > 0) {
    const fl_row_run run = fl_run_at(view, first, n);
    const int64_t row = run.step / size;
    if (in) plan->tools->gather(run.rows, classes, run.data, row, column, at);
    else plan->tools->scatter(run.rows, classes, at, run.data, row, column);
    at += run.rows * classes * size;
    first += run.rows;
    n -= run.rows;
  }
}

/* Rows of an input: where they are, or read into their copy. */
static const void *fl_input(const fl_plan *plan, int input, int64_t distance,
                            int64_t first, int64_t n, void *copy, int64_t *ld) {
  const fl_view *view = &plan->in[input];
  if (copy) fl_move_rows(plan, view, first, n, copy, true);
  return fl_rows_at(view, fl_own(plan)->classes, distance, first, plan->job->type, copy,
                    ld);
}

static void fl_finish_rows(const fl_plan *plan, const fl_view *view, int64_t first,
                           int64_t n, const fl_rows *rows, char *out, int64_t ld,
                           void *copy) {
  if (rows->targets.weight)
    fl_clear_rows(n, fl_own(plan)->classes, rows->factor, out, ld, plan->job->type);
  if (copy) fl_move_rows(plan, view, first, n, copy, false);
}

/* What kernels read of logits and labels takes the place of their copies. */
static void fl_read_links(const fl_plan *plan, int64_t n, const fl_rows *rows) {
  const fl_row_plan *own = plan->own;
  const fl_target_options *options = &plan->job->targets;
  const int64_t row = own->classes * fl_type_size(plan->job->type);
  if (own->softens) plan->tools->soften(options, n * own->classes, rows->x);
  for (int64_t r = 0; own->weighs_labels && r < n; r++)
    plan->tools->weigh_labels(options, own->classes, (char *)rows->y + r * row);
}

/* Derivatives by what kernels read of logits become those by the logits. */
static void fl_chain_rule(const fl_plan *plan, const fl_row_block *block) {
  const bool hess = plan->want & FL_WANT_HESS;
  const int64_t size = fl_type_size(plan->job->type);
  for (int64_t r = 0; r < block->rows; r++)
    plan->tools->harden(&plan->job->targets, block->classes,
                        (const char *)block->x + r * block->ldx * size,
                        (char *)block->g + r * block->ldg * size,
                        hess ? (char *)block->h + r * block->ldh * size : NULL);
}

/* The product by a kernel of it, or with a diagonal; then that by the logits. */
static int fl_run_products(const fl_plan *plan, fl_row_block *block,
                           const fl_rows *rows) {
  const fl_row_plan *own = plan->own;
  const fl_target_options *options = &plan->job->targets;
  const int64_t n = own->classes, size = fl_type_size(plan->job->type);
  fl_rowwise_fn *const *kernels = plan->kernels->rowwise;
  const bool diagonal = !kernels[FL_HV], caps = own->softens && options->softcap != 0;
  if (own->softens)
    plan->tools->soften_vector(options, block->rows * n, block->x, rows->u);
  block->stream = false;
  block->h = rows->h;
  block->ldh = n;
  const int flags = kernels[diagonal ? FL_GH : FL_HV](block);
  for (int64_t r = 0; diagonal && r < block->rows; r++)
    plan->tools->multiply(n, fl_at(rows->h, r * n, plan->job->type),
                          fl_at(block->u, r * block->ldu, plan->job->type),
                          (char *)block->g + r * block->ldg * size);
  if (!own->softens) return flags;
  fl_row_block slopes = *block;
  slopes.g = rows->h;
  slopes.ldg = n;
  if (caps) kernels[FL_G](&slopes);
  for (int64_t r = 0; r < block->rows; r++)
    plan->tools->harden_product(options, n, fl_at(block->x, r * n, plan->job->type),
                                fl_at(rows->u, r * n, plan->job->type),
                                fl_at(rows->h, r * n, plan->job->type),
                                (char *)block->g + r * block->ldg * size);
  return flags;
}

static int fl_run_kernel(const fl_plan *plan, fl_row_block *block,
                         const fl_rows *rows) {
  const fl_output_set outputs = plan->job->outputs;
  if (outputs == FL_HV) return fl_run_products(plan, block, rows);
  const int flags = plan->kernels->rowwise[outputs](block);
  if (fl_own(plan)->softens && outputs != FL_V) fl_chain_rule(plan, block);
  return flags;
}

static bool fl_run_rows(const fl_plan *plan, int64_t first, int64_t n,
                        fl_progress *progress) {
  const fl_job *job = plan->job;
  const fl_row_plan *own = plan->own;
  const bool grad = plan->want & (FL_WANT_GRAD | FL_WANT_PRODUCT);
  const bool hess = plan->want & FL_WANT_HESS;
  fl_rows rows = fl_cut_rows(plan, progress->scratch);
  rows.targets.shares = NULL;
  if (!fl_read_targets(plan, first, n, &rows.targets, progress)) return false;
  const double *weight = rows.targets.weight;
  for (int64_t r = 0; grad && r < n; r++)
    rows.factor[r] = weight ? weight[r] * plan->scale : plan->scale;
  const void *parameters = job->program ? job->program : job->parameters;
  fl_row_block block = {.rows = n,
                        .classes = own->classes,
                        .labels = rows.targets.labels,
                        .weights = own->weights,
                        .factor = rows.factor,
                        .parameters = parameters,
                        .v = rows.v,
                        .stream = plan->stream && !rows.g && !rows.h && !own->softens,
                        .scratch = rows.kernel};
  block.x = fl_input(plan, 1, own->ldx, first, n, rows.x, &block.ldx);
  if (!own->sparse) block.y = fl_input(plan, 0, own->ldy, first, n, rows.y, &block.ldy);
  fl_read_links(plan, n, &rows);
  block.g = fl_rows_at(&plan->grad[0], own->classes, own->ldg, first, job->type, rows.g,
                       &block.ldg);
  block.h = fl_rows_at(&plan->hess[0], own->classes, own->ldh, first, job->type, rows.h,
                       &block.ldh);

  if (job->outputs == FL_HV)
    block.u = fl_input(plan, job->inputs - 1, own->ldu, first, n, rows.u, &block.ldu);

  const int flags = fl_target_flags(plan, fl_run_kernel(plan, &block, &rows));
  if (flags && fl_report_rows(progress, plan, first, flags, &block, &rows))
    return false;
  if (plan->want & FL_WANT_VALUE)
    fl_put_values(plan, first, n, job->type, rows.v, weight, progress);
  if (grad)
    fl_finish_rows(plan, &plan->grad[0], first, n, &rows, block.g, block.ldg, rows.g);
  if (hess)
    fl_finish_rows(plan, &plan->hess[0], first, n, &rows, block.h, block.ldh, rows.h);
  return true;
}

static bool fl_add_shares(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress) {
  fl_rows rows = fl_cut_rows(plan, progress->scratch);
  if (!fl_read_shares(plan, first, n, &rows.targets, progress)) return false;
  fl_add_divisor(progress, &progress->lanes, n, rows.targets.shares, FL_TYPE_F64);
  return true;
}

const fl_driver fl_row_driver = {.size = sizeof(fl_row_plan),
                                 .extra = fl_label_weights_bytes,
                                 .fixed_axes = 1,
                                 .prepare = fl_prepare_rows,
                                 .block = fl_run_rows,
                                 .divisor = fl_add_shares,
                                 .products = true};
