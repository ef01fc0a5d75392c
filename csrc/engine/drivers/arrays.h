/* arrays.h: what kernels read and write of arrays: where it is, or in buffers, and how
   rows are cut into blocks. */
#ifndef FL_ARRAYS_H
#define FL_ARRAYS_H

#include <string.h>

#include "engine/engine.h"

/* Entries of an input: where they are, or loaded into their copy. */
static inline const void *fl_entries_of(const fl_view *view, int64_t first, int64_t n,
                                        fl_type type, void *copy) {
  if (!copy) return fl_at(view->data, first, type);
  fl_load(view, first, n, type, copy);
  return copy;
}

/* Where a kernel puts entries of an output, if that is wanted. */
static inline void *fl_target(const fl_view *view, int64_t first, fl_type type,
                              void *copy) {
  if (!view->data) return NULL;
  return copy ? copy : view->data + first * fl_type_size(type);
}

/* The distance in entries of the rows of a matrix where a kernel can use them where they
   are, or 0. */
static inline int64_t fl_row_distance(const fl_view *view, fl_type type,
                                      int64_t width) {
  const int64_t size = fl_type_size(type);
  if (!view->data) return 0;
  if (view->plain) return width;
  const bool rows = view->ndim == 2 && view->shape[1] == width;
  const bool plain =
      view->type == type && !view->swapped && (uintptr_t)view->data % (size_t)size == 0;
  if (!rows || !plain || view->strides[1] != size || view->strides[0] % size) return 0;
  return view->strides[0] / size;
}

/* Rows of a matrix: where they are, or their copy; and their distance. */
static inline void *fl_rows_at(const fl_view *view, int64_t width, int64_t distance,
                               int64_t first, fl_type type, void *copy, int64_t *ld) {
  *ld = copy ? width : distance;
  return fl_target(view, first * distance, type, copy);
}

/* Derivatives of rows that weigh nothing are exactly zero, whatever they hold. These rows
   are listed first: a jump a row could not be foreseen. */
static inline void fl_clear_rows(int64_t n, int64_t width, const double *weights,
                                 char *out, int64_t ld, fl_type type) {
  enum { PIECE = 256 };
  const int64_t size = fl_type_size(type);
  uint8_t rows[PIECE];
  for (int64_t first = 0; weights && first < n; first += PIECE) {
    int count = 0;
    for (int r = 0; r < PIECE && first + r < n; r++) {
      rows[count] = (uint8_t)r;
      count += weights[first + r] == 0;
    }
    for (int k = 0; k < count; k++)
      memset(out + (first + rows[k]) * ld * size, 0, (size_t)(width * size));
  }
}

/* Rows of a block: few enough entries for a second-level cache. */
static inline int64_t fl_block_rows(int64_t width, int64_t entries) {
  int64_t rows = FL_BLOCK;
  while (width > 1 && rows > 1 && width > entries / rows) rows /= 2;
  return rows;
}

/* Rows of a chunk: whole blocks. */
static inline int64_t fl_chunk_of_blocks(const fl_plan *plan) {
  const int64_t blocks = fl_ratio_up(plan->items, plan->block);
  int64_t bundle = fl_ratio_up(FL_CHUNK_ENTRIES, plan->entries > 0 ? plan->entries : 1);
  bundle = fl_ratio_up(bundle, plan->block);
  const int64_t least = fl_ratio_up(blocks, FL_MAX_CHUNKS);
  return (bundle < least ? least : bundle) * plan->block;
}

#endif
