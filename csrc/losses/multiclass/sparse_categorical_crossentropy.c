/* Cross-entropy of a class y and a row of probabilities p_j: probabilities.h with q = 1
   at y. Only p_y is read, unless label weights are spread over all classes.

     l = -log(p_y),  l'_j = -[j = y]/p_y,  l''_j = [j = y]/p_y^2 */
#define FL_NAME sparse_categorical_crossentropy
#include "blocks/picks.h"
#include "blocks/terms.h"

#define FL_TERM fl_log_probability
#define FL_PICK_POINT fl_log_of_class
#include "blocks/pick_rows.h"
#include "blocks/term_rows.h"

typedef union {
  fl_picks picks;
  fl_terms terms;
} FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  FL_LOCAL(scratch) *const scratch = block->scratch;
  return block->weights
             ? FL_LOCAL(term_rows)(want, block, 0, block->rows, &scratch->terms)
             : FL_LOCAL(pick_rows)(want, false, block, 0, block->rows, block->labels,
                                   &scratch->picks);
}

#undef FL_TERM
#undef FL_PICK_POINT
#include "blocks/row_loops.h"
