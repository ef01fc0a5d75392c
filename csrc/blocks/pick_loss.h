/* pick_loss.h: the kernels of a loss that reads one entry of each row and nothing else,
   made by a loss file that has defined FL_NAME and FL_PICK_POINT. */
#include "blocks/pick_rows.h"

typedef fl_picks FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_pick_rows(want, false, FL_LOCAL(points), block, 0, block->rows,
                      block->labels, block->scratch);
}

#define FL_DIAGONAL
#include "blocks/row_loops.h"
