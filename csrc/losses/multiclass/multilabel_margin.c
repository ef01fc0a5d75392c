/* Multilabel margin loss of a row of labels, 1 at the right classes, and a row of decision
   values: contest.h with margin 1, k = 1.

   (PyTorch's multilabel_margin_loss, which has the right classes as a list.) */
#define FL_NAME multilabel_margin
#include "blocks/contest.h"

typedef char FL_LOCAL(scratch);

FL_OUTLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const fl_contest contest = fl_contest_of(1, 1);
  fl_int outside = 0;
  for (int64_t r = 0; r < block->rows; r++) {
    const real *right = (const real *)block->y + r * block->ldy;
    for (int64_t j = 0; j < block->classes; j++) outside |= fl_outside_bit(right[j]);
    fl_contest_row(want, contest, block, r, right);
  }
  return outside != 0;
}

#define FL_DIAGONAL
#include "blocks/row_loops.h"
