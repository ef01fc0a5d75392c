/* matrix.h: rows of an array that a kernel can use where they are, and buffers for those
   it cannot. */
#ifndef FL_MATRIX_H
#define FL_MATRIX_H

#include "engine/engine.h"

/* The distance of the rows of a matrix in entries, or 0 if they need a copy. */
static inline int64_t fl_row_distance_of(const fl_view *view, fl_type type,
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
