/* Cross-entropy of a class y and a row of probabilities p_j: probabilities.h with q = 1
   at y. Only p_y is read.

     l = -log(p_y),  l'_j = -[j = y]/p_y,  l''_j = [j = y]/p_y^2 */
#include "../targets.h"

FL_INLINE int FL_ROWS(int want, const fl_row_block *block) {
  int outside = 0;
  for (int64_t row = 0; row < block->rows; row += FL_TARGETS) {
    const int64_t left = block->rows - row;
    const int64_t rows = left < FL_TARGETS ? left : FL_TARGETS;
    outside |= fl_target_rows(want, false, block, row, rows, block->labels + row);
  }
  return outside;
}

#define FL_NAME sparse_categorical_crossentropy
#include "../rowwise_loops.h"
