/* rival_rows.h: rows of one loss of a class and its rival (rival.h), made by a loss file
   that has defined FL_NAME and FL_RIVAL_POINT. */

typedef fl_rivals FL_LOCAL(scratch);

FL_INLINE void FL_LOCAL(points)(int want, int64_t rows,
                                const double *restrict parameters,
                                const double *restrict factor,
                                fl_rivals *restrict rivals, real *restrict v) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_term_point point =
        FL_RIVAL_POINT(rivals->rival[r], rivals->own[r], parameters);
    if (want & FL_WANT_VALUE) v[r] = point.value;
    if (want & FL_WANT_GRAD) rivals->grad[r] = (real)((double)point.grad * factor[r]);
    if (want & FL_WANT_HESS) rivals->hess[r] = (real)((double)point.hess * factor[r]);
  }
}

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  fl_rivals *const rivals = block->scratch;
  const int64_t classes = block->classes, height = fl_rows_together(classes);
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    const int64_t *labels = block->labels + row;
    fl_find_rivals(block, row, rows, rivals);
    FL_LOCAL(points)(want, rows, block->parameters, block->factor + row, rivals,
                     (real *)block->v + row);
    if (want & FL_WANT_GRAD)
      fl_put_rivals(rows, classes, labels, rivals->at, rivals->grad, -1,
                    (real *)block->g + row * block->ldg, block->ldg);
    if (want & FL_WANT_HESS)
      fl_put_rivals(rows, classes, labels, rivals->at, rivals->hess, 1,
                    (real *)block->h + row * block->ldh, block->ldh);
  }
  return 0;
}

#undef FL_RIVAL_POINT
#include "blocks/row_loops.h"
