/* overlap.c: the driver of losses of regions, which need no more of a region than a few
   sums over its entries. The input behind the predictions says how many entries make a
   region and how many regions a sample, and in which order the axes are read: those of the
   samples, that of their regions, if they have several, and those of their entries.

   Short samples are items: a block of them is added up and differentiated while it is in
   a cache. The regions of long ones are cut into pieces of a length that depends on the
   region alone: a first pass adds up the pieces, then come the values, and a second pass
   goes through the entries again. */
#include <stdlib.h>

#include "engine/drivers/arrays.h"

/* Entries of a block, and of a piece. */
enum { FL_REGION_ENTRIES = 16384 };

typedef struct {
  int64_t samples, joined, n; /* regions of a sample, and entries of a region */
  bool whole; /* samples are items */
  int64_t pieces; /* of a region */
  int64_t length; /* entries of a piece but for the last */
  fl_overlap *sums; /* of all pieces */
  fl_overlap_point *points; /* of their regions */
} fl_overlap_plan;

static fl_overlap_plan *fl_own(const fl_plan *plan) { return plan->own; }

/* What a block needs, cut from scratch memory. */
typedef struct {
  double *shares, *weights, *factor, *v; /* weights of samples and of their regions */
  fl_overlap *sums;
  fl_overlap_point *points;
  void *y, *x, *g, *h;
  int64_t used;
} fl_regions;

static void *fl_cut_matrix(const fl_plan *plan, const fl_view *view, char *memory,
                           int64_t *used) {
  if (!view->data || view->plain) return NULL;
  const fl_overlap_plan *own = plan->own;
  const int64_t regions = own->whole ? plan->block * own->joined : 1;
  const int64_t entries = regions * own->length;
  return fl_cut(memory, used, entries * fl_type_size(plan->job->type));
}

static fl_regions fl_cut_regions(const fl_plan *plan, char *memory) {
  const int64_t n = plan->block * fl_own(plan)->joined;
  const int64_t numbers = n * (int64_t)sizeof(double);
  fl_regions b = {.used = 0};
  b.shares = fl_cut(memory, &b.used, numbers);
  b.weights = fl_cut(memory, &b.used, numbers);
  b.factor = fl_cut(memory, &b.used, numbers);
  b.v = fl_cut(memory, &b.used, numbers);
  b.sums = fl_cut(memory, &b.used, n * (int64_t)sizeof *b.sums);
  b.points = fl_cut(memory, &b.used, n * (int64_t)sizeof *b.points);
  b.y = fl_cut_matrix(plan, &plan->in[0], memory, &b.used);
  b.x = fl_cut_matrix(plan, &plan->in[1], memory, &b.used);
  b.g = fl_cut_matrix(plan, &plan->grad[0], memory, &b.used);
  b.h = fl_cut_matrix(plan, &plan->hess[0], memory, &b.used);
  return b;
}

/* An array that has the axes of the samples alone. */
static void fl_view_samples(const fl_plan *plan, const fl_array *array,
                            const int *order, fl_view *view) {
  int64_t shape[FL_MAX_DIMS];
  int same[FL_MAX_DIMS];
  for (int axis = 0; array->data && axis < array->ndim; axis++) {
    shape[axis] = plan->job->shape[order[axis]];
    same[axis] = axis;
  }
  fl_view_init(view, array, shape, same, array->ndim, plan->job->type);
}

static void fl_prepare_regions(fl_plan *plan) {
  const fl_job *job = plan->job;
  fl_overlap_plan *own = plan->own;
  const int64_t *index = job->in[job->labels + job->heads].data;
  int64_t entries = 1;
  int order[FL_MAX_DIMS];
  for (int axis = 0; axis < job->ndim; axis++) {
    order[axis] = (int)index[2 + axis];
    entries *= job->shape[axis];
  }
  fl_view_init(&plan->in[0], &job->in[0], job->shape, order, job->ndim, job->type);
  fl_view_init(&plan->in[1], &job->in[1], job->shape, order, job->ndim, job->type);
  fl_view_init(&plan->grad[0], &job->grad[0], job->shape, order, job->ndim, job->type);
  fl_view_init(&plan->hess[0], &job->hess[0], job->shape, order, job->ndim, job->type);
  fl_view_samples(plan, &job->weight, order, &plan->weight);
  fl_view_samples(plan, &job->value, order, &plan->value);
  own->n = index[0];
  own->joined = index[1];
  own->samples = entries / own->n / own->joined;
  own->whole = own->n * own->joined <= FL_REGION_ENTRIES;
  own->length = own->n;
  if (own->n > FL_REGION_ENTRIES) {
    own->length = fl_ratio_up(own->n, FL_MAX_CHUNKS);
    if (own->length < FL_REGION_ENTRIES) own->length = FL_REGION_ENTRIES;
    own->length = fl_ratio_up(own->length, FL_BLOCK) * FL_BLOCK;
  }
  own->pieces = fl_ratio_up(own->n, own->length);
  own->sums = NULL;
  const int64_t width = own->n * own->joined;
  plan->items = own->samples * (own->whole ? 1 : own->joined * own->pieces);
  plan->entries = own->whole ? width : own->length;
  plan->block = own->whole ? fl_block_rows(width, FL_REGION_ENTRIES) : 1;
  plan->chunk = fl_chunk_of_blocks(plan);
  plan->counts_all =
      own->whole && (!job->weight.data || job->reduction == FL_SUM_OVER_BATCH_SIZE);
  plan->scratch = fl_cut_regions(plan, NULL).used;
}

/* Entries first ... of whole regions, or of a piece of one. */
static fl_overlap_block fl_block_of(const fl_plan *plan, int64_t first, int64_t regions,
                                    int64_t n, const fl_regions *b) {
  const fl_type type = plan->job->type;
  return (fl_overlap_block){
      .regions = regions,
      .n = n,
      .factor = b->factor,
      .parameters = plan->job->parameters,
      .y = fl_entries_of(&plan->in[0], first, regions * n, type, b->y),
      .x = fl_entries_of(&plan->in[1], first, regions * n, type, b->x),
      .g = fl_target(&plan->grad[0], first, type, b->g),
      .h = fl_target(&plan->hess[0], first, type, b->h)};
}

/* Of n samples. */
static void fl_read_region_weights(const fl_plan *plan, int64_t first, int64_t n,
                                   const fl_regions *b) {
  const int64_t joined = fl_own(plan)->joined;
  if (fl_weighs(plan)) fl_load_weights(plan, first, n, b->shares);
  else
    for (int64_t s = 0; s < n; s++) b->shares[s] = 1;
  for (int64_t s = 0; s < n; s++)
    for (int64_t r = s * joined; r < (s + 1) * joined; r++) {
      b->weights[r] = b->shares[s];
      b->factor[r] = b->shares[s] * plan->scale;
    }
}

/* Sums of a block; false: something of a region that weighs something is outside its
   domain. */
static bool fl_add_up(const fl_plan *plan, int64_t first, const fl_overlap_block *block,
                      const double *weights, fl_overlap *sums, fl_progress *progress) {
  if (!plan->kernels->overlap.sums(block, sums)) return true;
  const fl_type type = plan->job->type;
  for (int64_t r = 0; r < block->regions; r++)
    for (int k = 0; weights[r] != 0 && k < 2; k++) {
      const void *numbers = fl_at(k ? block->x : block->y, r * block->n, type);
      if (fl_find_outside(plan, k, first + r * block->n, block->n, numbers,
                          (fl_weights){0}, progress))
        return false;
    }
  return true;
}

static void fl_finish_entries(const fl_plan *plan, const fl_view *view, int64_t first,
                              const fl_overlap_block *block, const double *weights,
                              char *out, const void *copy) {
  const int64_t n = block->n;
  if (!out) return;
  fl_clear_rows(block->regions, n, weights, out, n, plan->job->type);
  if (copy) fl_store(view, first, block->regions * n, plan->job->type, copy);
}

static void fl_put_entries(const fl_plan *plan, int64_t first,
                           const fl_overlap_block *block, const fl_regions *b,
                           const fl_overlap_point *points) {
  if (!(plan->want & FL_WANT_GRAD)) return;
  plan->kernels->overlap.entries(block, points);
  fl_finish_entries(plan, &plan->grad[0], first, block, b->weights, block->g, b->g);
  fl_finish_entries(plan, &plan->hess[0], first, block, b->weights, block->h, b->h);
}

/* Values of samples, in the order of their numbers. */
static void fl_put_samples(const fl_plan *plan, int64_t first, int64_t n,
                           const fl_regions *b, const fl_overlap_point *points,
                           fl_progress *progress) {
  const int64_t joined = fl_own(plan)->joined;
  if (!(plan->want & FL_WANT_VALUE)) return;
  for (int64_t s = 0; s < n; s++) b->v[s] = points[s * joined].value;
  fl_put_values(plan, first, n, FL_TYPE_F64, b->v, b->shares, progress);
}

static bool fl_run_samples(const fl_plan *plan, int64_t first, int64_t n,
                           fl_progress *progress) {
  const fl_overlap_plan *own = plan->own;
  const fl_regions b = fl_cut_regions(plan, progress->scratch);
  const int64_t entry = first * own->joined * own->n;
  const fl_overlap_block block = fl_block_of(plan, entry, n * own->joined, own->n, &b);
  fl_read_region_weights(plan, first, n, &b);
  if (!fl_add_up(plan, entry, &block, b.weights, b.sums, progress)) return false;
  plan->kernels->overlap.point(n, own->joined, b.sums, plan->job->parameters, b.points);
  fl_put_samples(plan, first, n, &b, b.points, progress);
  fl_put_entries(plan, entry, &block, &b, b.points);
  return true;
}

/* A piece: its region, its first entry, and how many it has. */
typedef struct {
  int64_t region, first, n;
} fl_piece;

static fl_piece fl_piece_at(const fl_plan *plan, int64_t item) {
  const fl_overlap_plan *own = plan->own;
  const int64_t region = item / own->pieces;
  const int64_t at = (item % own->pieces) * own->length, left = own->n - at;
  return (fl_piece){region, region * own->n + at,
                    left < own->length ? left : own->length};
}

static bool fl_add_piece(const fl_plan *plan, int64_t item, int64_t n,
                         fl_progress *progress) {
  (void)n;
  const fl_piece piece = fl_piece_at(plan, item);
  const fl_regions b = fl_cut_regions(plan, progress->scratch);
  fl_read_region_weights(plan, piece.region / fl_own(plan)->joined, 1, &b);
  const fl_overlap_block block = fl_block_of(plan, piece.first, 1, piece.n, &b);
  return fl_add_up(plan, piece.first, &block, b.weights, &fl_own(plan)->sums[item],
                   progress);
}

static bool fl_differentiate_piece(const fl_plan *plan, int64_t item, int64_t n,
                                   fl_progress *progress) {
  (void)n;
  const fl_piece piece = fl_piece_at(plan, item);
  const fl_regions b = fl_cut_regions(plan, progress->scratch);
  fl_read_region_weights(plan, piece.region / fl_own(plan)->joined, 1, &b);
  const fl_overlap_block block = fl_block_of(plan, piece.first, 1, piece.n, &b);
  fl_put_entries(plan, piece.first, &block, &b, &fl_own(plan)->points[piece.region]);
  return true;
}

static double fl_total(int64_t n, const fl_overlap *sums, size_t member) {
  double hi = 0, lo = 0;
  for (int64_t k = 0; k < n; k++)
    fl_two_sum(&hi, &lo, *(const double *)((const char *)&sums[k] + member));
  return fl_sum_value((fl_sum){hi, lo});
}

/* The sums of the pieces of a region, added up in their order. */
static fl_overlap fl_total_of(int64_t pieces, const fl_overlap *sums) {
  return (fl_overlap){fl_total(pieces, sums, offsetof(fl_overlap, both)),
                      fl_total(pieces, sums, offsetof(fl_overlap, prediction)),
                      fl_total(pieces, sums, offsetof(fl_overlap, label)),
                      fl_total(pieces, sums, offsetof(fl_overlap, neither))};
}

/* The sums of whole regions, and what follows from them. */
static void fl_put_long_samples(const fl_plan *plan, fl_progress *progress) {
  fl_overlap_plan *own = fl_own(plan);
  const fl_regions b = fl_cut_regions(plan, progress->scratch);
  for (int64_t s = 0; s < own->samples; s++) {
    fl_overlap_point *const points = own->points + s * own->joined;
    for (int64_t r = 0; r < own->joined; r++)
      b.sums[r] =
          fl_total_of(own->pieces, own->sums + (s * own->joined + r) * own->pieces);
    fl_read_region_weights(plan, s, 1, &b);
    plan->kernels->overlap.point(1, own->joined, b.sums, plan->job->parameters, points);
    fl_put_samples(plan, s, 1, &b, points, progress);
  }
}

static bool fl_run_long_samples(const fl_plan *plan, fl_team *team, char *scratch,
                                fl_outcome *outcome, fl_result *result) {
  fl_progress progress = {.scratch = scratch};
  if (!fl_run_pass(plan, team, fl_add_piece, outcome, result)) return false;
  fl_put_long_samples(plan, &progress);
  if (plan->want & FL_WANT_GRAD
      && !fl_run_pass(plan, team, fl_differentiate_piece, outcome, result))
    return false;
  outcome->sum = fl_lanes_total(&progress.lanes);
  return true;
}

static bool fl_run_overlap(const fl_plan *plan, fl_team *team, fl_outcome *outcome,
                           fl_result *result) {
  fl_overlap_plan *own = fl_own(plan);
  if (own->whole) return fl_run_pass(plan, team, fl_run_samples, outcome, result);
  int64_t used = 0;
  fl_cut(NULL, &used, plan->items * (int64_t)sizeof *own->sums);
  fl_cut(NULL, &used, own->samples * own->joined * (int64_t)sizeof *own->points);
  fl_cut(NULL, &used, plan->scratch);
  char *memory = malloc((size_t)used);
  if (!memory) {
    result->status = FL_NO_MEMORY;
    return false;
  }
  used = 0;
  own->sums = fl_cut(memory, &used, plan->items * (int64_t)sizeof *own->sums);
  own->points =
      fl_cut(memory, &used, own->samples * own->joined * (int64_t)sizeof *own->points);
  const bool done = fl_run_long_samples(plan, team, memory + used, outcome, result);
  free(memory);
  return done;
}

/* Each sample counts once, with its first piece. */
static bool fl_add_samples(const fl_plan *plan, int64_t first, int64_t n,
                           fl_progress *progress) {
  const fl_regions b = fl_cut_regions(plan, progress->scratch);
  const fl_overlap_plan *own = plan->own;
  const int64_t pieces = own->whole ? 1 : own->joined * own->pieces;
  for (int64_t item = first; item < first + n; item++) {
    const bool counts = item % pieces == 0;
    fl_read_region_weights(plan, item / pieces, 1, &b);
    if (plan->job->reduction == FL_SUM_OVER_BATCH_SIZE) b.shares[0] = 1;
    if (counts) fl_add_divisor(progress, &progress->lanes, 1, b.shares, FL_TYPE_F64);
  }
  return true;
}

const fl_driver fl_overlap_driver = {.size = sizeof(fl_overlap_plan),
                                     .fixed_axes = FL_MAX_DIMS,
                                     .prepare = fl_prepare_regions,
                                     .block = fl_run_samples,
                                     .divisor = fl_add_samples,
                                     .passes = fl_run_overlap};
