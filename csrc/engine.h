/* engine.h: what the element-wise and the row-wise half of the engine share. */
#ifndef FL_ENGINE_H
#define FL_ENGINE_H

#include "fastloss.h"
#include "kernels.h"
#include "registry_enum.h"
#include "sums.h"
#include "views.h"

/* A job with everything looked up that stays the same for all of its blocks. */
typedef struct fl_plan {
  const fl_job *job;
  fl_kind kind;
  fl_domain labels, predictions;
  const fl_block_tools *tools;
  fl_elementwise_fn *elementwise;
  fl_rowwise_fn *rowwise;
  fl_view y_true, y_pred, weight, value, grad, hess;
  fl_view extra[FL_MAX_EXTRA];
  bool plain_true, plain_pred, plain_value, plain_grad, plain_hess;
  bool plain_extra[FL_MAX_EXTRA];
  int want;
  int64_t items, classes; /* elements, or rows and their length */
  int64_t block;          /* items of one block */
  bool direct;            /* no buffers: a chunk may be one block */
  bool stream;            /* derivatives are written past the caches */
  double scale;           /* of the derivatives */
} fl_plan;

/* What a thread adds up, and where it met an error. If a block has the items of several
   chunks, `sums` is where theirs go, one after the other. */
typedef struct {
  fl_lanes lanes;
  fl_result error;
  int64_t chunk; /* items */
  fl_sum *sums;
} fl_progress;

/* One block: kernel, outputs, and its part of the sum. false: progress->error is set. */
bool fl_elementwise_block(const fl_plan *plan, int64_t first, int64_t n,
                          fl_progress *progress);
bool fl_rowwise_block(const fl_plan *plan, int64_t first, int64_t n,
                      fl_progress *progress);

/* Whether the kernel of an element-wise loss can write to the arrays themselves. */
bool fl_outputs_are_plain(const fl_plan *plan);

/* The sum of a chunk of that many items; one, such as a row of 32000 classes, is its own
   total: no lanes to add. */
static inline fl_sum fl_chunk_sum(const fl_lanes *lanes, int64_t items) {
  return items > 1 ? fl_lanes_total(lanes) : (fl_sum){0 + lanes->hi[0], lanes->lo[0]};
}

/* The divisor's part of one block; *any: some weight is not zero. */
bool fl_elementwise_divisor(const fl_plan *plan, int64_t first, int64_t n,
                            fl_progress *progress, bool *any);
bool fl_rowwise_divisor(const fl_plan *plan, int64_t first, int64_t n,
                        fl_progress *progress, bool *any);

/* Looks for the first of n numbers outside `domain` and sets progress->error. */
bool fl_find_outside(fl_progress *progress, fl_status status, fl_domain domain,
                     int64_t first, int64_t n, fl_type type, const void *numbers);

static inline const char *fl_at(const void *data, int64_t index, fl_type type) {
  return (const char *)data + index * fl_type_size(type);
}

#endif
