/* Multiclass margin loss of a class y and a row of decision values: contest.h with the one
   right class y, k = p. (J. Weston and C. Watkins, Support vector machines for multi-class
   pattern recognition, 1999.) */
#define FL_NAME multi_margin
#include "blocks/contest.h"

typedef char FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const fl_contest contest = {block->parameters[0], block->parameters[1] == 2};
  for (int64_t r = 0; r < block->rows; r++) fl_contest_row(want, contest, block, r, 0);
  return 0;
}

#include "blocks/row_loops.h"
