/* Cross-entropy of a row of label weights q_j and a row of probabilities p_j:
   probabilities.h, summed over the row.

     l = -sum q_j log(p_j),  l'_j = -q_j/p_j,  l''_j = q_j/p_j^2 */
#include "blocks/one_hot.h"
#include "losses/multiclass/crossentropy.h"
#define FL_NAME categorical_crossentropy

/* Labels of one-hot rows, and what they or a piece of others need. */
typedef struct {
  int64_t labels[FL_ROWS];
  fl_picks picks;
  fl_terms terms;
} FL_LOCAL(scratch);

/* Probabilities that no class picks are read for their domain alone. */
FL_OUTLINE int fl_outside_rows(int64_t rows, int64_t classes, const real *x,
                               int64_t ld) {
  const int64_t spans = ld == classes ? 1 : rows, span = rows * classes / spans;
  fl_int outside = 0;
  for (int64_t r = 0; r < spans; r++)
    for (int64_t j = 0; j < span; j++) outside |= fl_outside_unit(x[r * ld + j]);
  return outside != 0;
}

/* One-hot rows need one logarithm each. Two classes are less work than the look at them,
   and so are derivatives alone. */
FL_OUTLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const int64_t classes = block->classes, height = fl_rows_together(classes);
  FL_LOCAL(scratch) *const scratch = block->scratch;
  if (!(want & FL_WANT_VALUE) || classes == 2 || block->weights)
    return fl_term_rows(want, FL_LOCAL(entries), block, 0, block->rows,
                        &scratch->terms);
  int64_t *const labels = scratch->labels;
  int outside = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    const real *x = (const real *)block->x + row * block->ldx;
    const real *y = (const real *)block->y + row * block->ldy;
    outside |=
        fl_one_hot(rows, classes, y, block->ldy, labels)
            ? fl_outside_rows(rows, classes, x, block->ldx)
                  | fl_pick_rows(want, true, FL_LOCAL(points), block, row, rows, labels,
                                 &scratch->picks)
            : fl_term_rows(want, FL_LOCAL(entries), block, row, rows, &scratch->terms);
  }
  return outside;
}

#define FL_DIAGONAL
#include "blocks/row_loops.h"
