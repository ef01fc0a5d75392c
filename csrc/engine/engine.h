/* engine.h: what the parts of the engine share: engine.c makes a plan of a job,
   schedule.c cuts it into turns for threads, the driver of its kind does a block. */
#ifndef FL_ENGINE_H
#define FL_ENGINE_H

#include "fastloss.h"
#include "blocks/kernels.h"
#include "registry/enums.h"
#include "math/sums.h"
#include "io/views.h"

/* A chunk of items has a sum of its own, which costs some 80 ns: at least so many
   entries, and few enough chunks for a table of their sums. */
enum { FL_CHUNK_ENTRIES = 8192, FL_MAX_CHUNKS = 4096 };

typedef struct fl_plan fl_plan;

/* What a thread adds up in a turn, where it met an error, and its scratch memory. */
typedef struct {
  fl_lanes lanes;  /* values, or shares of the divisor */
  fl_lanes shares; /* of the divisor, where they are added up along with values */
  fl_lanes lanes_before, shares_before; /* of grains that have ended */
  bool ended; /* some have */
  bool any; /* a divisor's: some weight is not zero */
  fl_result error;
  char *scratch;
} fl_progress;

/* Items first ... first + n - 1. false: progress->error is set. */
typedef bool fl_block_fn(const fl_plan *plan, int64_t first, int64_t n,
                         fl_progress *progress);

typedef struct fl_team fl_team;

/* What a pass over all items has come to. */
typedef struct {
  fl_sum sum, shares;
  bool any;
} fl_outcome;

/* All of the passes of a kind that needs more than one; false: result->status is set. */
typedef bool fl_passes_fn(const fl_plan *plan, fl_team *team, fl_outcome *outcome,
                          fl_result *result);

/* What differs between the kinds of losses. */
typedef struct {
  size_t size;                /* bytes of what it keeps in plan->own */
  int fixed_axes; /* the last axes, which items have whole; the others have any order */
  int64_t (*extra)(const fl_job *job); /* more of them, of a job; NULL: none */
  void (*prepare)(fl_plan *plan); /* items, blocks, chunks, scratch, and its own */
  fl_block_fn *block; /* loads, kernel, outputs, and their part of the sum */
  fl_block_fn *divisor; /* the sum of what the values count */
  fl_passes_fn *passes; /* NULL: one pass of `block` */
  bool products; /* of a Hessian and vectors, which are its last inputs */
} fl_driver;

/* A job with everything looked up that stays the same for all of its blocks. */
struct fl_plan {
  const fl_job *job;
  const fl_driver *driver;
  void *own; /* the driver's part */
  const fl_block_tools *tools;
  const fl_loss_kernels *kernels;
  fl_domain domain[FL_MAX_INPUTS];
  int want;
  double weigh; /* a power of 2 by which weights are multiplied */
  double scale; /* of the derivatives */
  bool stream; /* derivatives are written past the caches */
  bool reordered; /* items are not in C order */
  fl_view in[FL_MAX_INPUTS], weight, value, grad[FL_MAX_HEADS], hess[FL_MAX_HEADS];

  /* What `prepare` sets. */
  int64_t items; /* what has a value each */
  int64_t entries; /* what an item costs, in entries read one after the other */
  int64_t block; /* items of one block */
  int64_t chunk; /* items with a sum of their own */
  bool counts_all; /* the divisor of a mean is the number of items */
  bool direct; /* no buffers: a chunk may be one block */
  bool along; /* `block` adds up the divisor as well */
  int64_t scratch; /* bytes a thread needs */
};

extern const int fl_wants[FL_OUTPUT_SETS]; /* FL_WANT_... of each */

/* The kind of a loss and its domains, FL_DOMAIN_NONE behind the last; by number. */
typedef struct {
  fl_kind kind;
  fl_domain labels[FL_MAX_HEADS], predictions[FL_MAX_HEADS];
} fl_loss_domains;
extern const fl_loss_domains fl_losses[];

const fl_driver *fl_driver_of(const fl_job *job);

/* NULL: no memory. The index of an error is of the order of items. */
fl_plan *fl_plan_of(const fl_job *job, bool c_order);

static inline int64_t fl_ratio_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/* Whether rows or elements have weights of their own. */
static inline bool fl_weighs(const fl_plan *plan) { return plan->job->weight.data; }
void fl_load_weights(const fl_plan *plan, int64_t first, int64_t n, double *weights);

/* What rows weigh: their classes, where they have one, their weights and their shares of
   the divisor, which are read where rows weigh. */
typedef struct {
  int64_t *labels;
  double *weights, *shares;
  const double *weight; /* the weights, or NULL: all are 1 */
} fl_row_weights;

/* Targets (targets.c): whether rows may weigh something else than 1, whether each counts
   as much as any other in the divisor, what their labels weigh. */
bool fl_weighs_rows(const fl_job *job);
bool fl_counts_all_rows(const fl_job *job);
int64_t fl_label_weights_bytes(const fl_job *job);
/* In memory of so many bytes; NULL: as much as they say. */
const fl_label_weights *fl_label_weights_of(const fl_plan *plan, void *memory,
                                            fl_label_weights *weights);
/* Of rows first ... first + n - 1; false: progress->error is set. */
bool fl_read_targets(const fl_plan *plan, int64_t first, int64_t n,
                     fl_row_weights *rows, fl_progress *progress);
bool fl_read_shares(const fl_plan *plan, int64_t first, int64_t n, fl_row_weights *rows,
                    fl_progress *progress);
/* What is left of a kernel's flags where label weights may have any sum. */
int fl_target_flags(const fl_plan *plan, int flags);
/* Looks for a label of a row outside its domain, or a sum of them that is not 1 (NaN is
   data), and sets progress->error. */
bool fl_find_bad_target(const fl_plan *plan, int64_t row, const void *y,
                        fl_progress *progress);

/* Elements whose float32 terms are added up plainly. Sums of grains lose nothing, and
   grains begin at multiples of this number, so that neither the number of elements nor
   the order of grains changes a bit. */
enum { FL_GRAIN = 8192 };

/* Ends a grain: its sums join those of the ones before. */
static inline void fl_end_grain(fl_lanes *restrict lanes, fl_lanes *restrict before) {
  for (int j = 0; j < FL_LANES; j++) before->lo[j] += lanes->lo[j];
  for (int j = 0; j < FL_LANES; j++)
    fl_two_sum(&before->hi[j], &before->lo[j], lanes->hi[j]);
  *lanes = (fl_lanes){{0}, {0}};
}

/* Adds n shares of the divisor to a turn. */
void fl_add_divisor(fl_progress *progress, fl_lanes *lanes, int64_t n,
                    const void *shares, fl_type type);

/* Values of n items on their way out: added to the turn or, where they are asked for one
   by one, stored; times their weights, if there are any. */
void fl_put_values(const fl_plan *plan, int64_t first, int64_t n, fl_type type,
                   void *values, const double *weights, fl_progress *progress);

/* More bytes than any memory has: where counting them ends. */
static const int64_t fl_too_many = (int64_t)1 << 56;

/* A piece of scratch memory behind the *used bytes, whole cache lines; NULL without
   memory, which is how the bytes needed are counted. */
static inline void *fl_cut(char *memory, int64_t *used, int64_t bytes) {
  char *piece = memory ? memory + *used : NULL;
  if (bytes < fl_too_many - *used) *used += fl_ratio_up(bytes, FL_LINE) * FL_LINE;
  else *used = fl_too_many;
  return piece;
}

/* Looks for the first of n numbers outside the domain of an input whose weight is not 0
   and sets progress->error. */
bool fl_find_outside(const fl_plan *plan, int input, int64_t first, int64_t n,
                     const void *numbers, fl_weights weights, fl_progress *progress);

/* The same of numbers of another type than the job's. */
bool fl_find_outside_of(const fl_plan *plan, int input, int64_t first, int64_t n,
                        const void *numbers, fl_type type, fl_weights weights,
                        fl_progress *progress);

static inline double fl_number(const void *data, int64_t i, fl_type type) {
  return type == FL_TYPE_F32 ? (double)((const float *)data)[i]
                             : ((const double *)data)[i];
}

static inline const char *fl_at(const void *data, int64_t index, fl_type type) {
  return (const char *)data + index * fl_type_size(type);
}

/* Memory for the passes of a plan: threads, their scratch, the sums of chunks. */
fl_team *fl_team_of(const fl_plan *plan);
void fl_team_end(fl_team *team);

/* Runs `block` over all items of the plan; false: result->status is set. */
bool fl_run_pass(const fl_plan *plan, fl_team *team, fl_block_fn *block,
                 fl_outcome *outcome, fl_result *result);

#endif
