/* Cross-entropy of a class y and a row of probabilities p_j: probabilities.h with q = 1
   at y. Only p_y is read.

     l = -log(p_y),  l'_j = -[j = y]/p_y,  l''_j = [j = y]/p_y^2 */
#define FL_NAME sparse_categorical_crossentropy
#include "blocks/targets.h"

typedef fl_targets FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_target_rows(want, false, block, 0, block->rows, block->labels,
                        block->scratch);
}

#include "blocks/row_loops.h"
