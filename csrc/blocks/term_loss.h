/* term_loss.h: the kernels of a loss of dense labels that is a sum of terms and nothing
   else, made by a loss file that has defined FL_NAME and FL_TERM. */
#include "blocks/term_rows.h"

typedef fl_terms FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_term_rows(want, FL_LOCAL(entries), block, 0, block->rows, block->scratch);
}

#define FL_DIAGONAL
#include "blocks/row_loops.h"
