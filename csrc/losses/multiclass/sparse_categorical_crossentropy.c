/* Cross-entropy of a class y and a row of probabilities p_j: probabilities.h with q = 1
   at y. Only p_y is read, unless label weights are spread over all classes.

     l = -log(p_y),  l'_j = -[j = y]/p_y,  l''_j = [j = y]/p_y^2 */
#include "losses/multiclass/crossentropy.h"
#define FL_NAME sparse_categorical_crossentropy

typedef union {
  fl_picks picks;
  fl_terms terms;
} FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  FL_LOCAL(scratch) *const scratch = block->scratch;
  return block->weights
             ? fl_term_rows(want, fl_categorical_crossentropy_entries, block, 0,
                            block->rows, &scratch->terms)
             : fl_pick_rows(want, false, fl_categorical_crossentropy_points, block, 0,
                            block->rows, block->labels, &scratch->picks);
}

#define FL_DIAGONAL
#include "blocks/row_loops.h"
