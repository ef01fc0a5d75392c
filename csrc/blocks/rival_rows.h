/* rival_rows.h: the kernels of one loss of a class and its rival (rival.h), made by a loss
   file that has defined FL_NAME and, with `grad` the derivative by the rival,

     fl_term_point FL_RIVAL_POINT(real rival, real own, const double *parameters)  */

FL_OUTLINE void FL_LOCAL(points)(int64_t rows, const double *restrict parameters,
                                 const double *restrict factor,
                                 fl_rivals *restrict rivals) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_term_point point =
        FL_RIVAL_POINT(rivals->rival[r], rivals->own[r], parameters);
    rivals->value[r] = point.value;
    rivals->grad[r] = (real)((double)point.grad * factor[r]);
    rivals->hess[r] = (real)((double)point.hess * factor[r]);
  }
}

typedef fl_rivals FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_rival_rows(want, FL_LOCAL(points), block);
}

#undef FL_RIVAL_POINT
#define FL_DIAGONAL
#include "blocks/row_loops.h"
