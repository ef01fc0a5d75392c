/* rows.h: the kernels of one loss of a class and a row of logits (softmax.h), made by a loss
   file that has defined FL_NAME and

     fl_class_point FL_CLASS_POINT(fl_class_share at, const double *parameters)  */

FL_INLINE void FL_LOCAL(points_of)(bool derive, int64_t rows,
                                   const double *restrict parameters,
                                   fl_own_classes *restrict own) {
  for (int64_t r = 0; r < rows; r++) {
    const fl_class_share at =
        fl_class_share_of(own->gap[r], own->gap_tail[r], own->e[r], own->rest[r]);
    const fl_class_point point = FL_CLASS_POINT(at, parameters);
    own->value[r] = point.value;
    if (derive) own->slope[r] = point.slope, own->bend[r] = point.bend;
  }
}

FL_OUTLINE void FL_LOCAL(points)(bool derive, int64_t rows, const double *parameters,
                                 fl_own_classes *own) {
  if (derive) FL_LOCAL(points_of)(true, rows, parameters, own);
  else FL_LOCAL(points_of)(false, rows, parameters, own);
}

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_softmax_rows(want, false, FL_LOCAL(points), 0, block);
}

FL_INLINE int FL_LOCAL(class_product)(const fl_row_block *block) {
  fl_class_points_fn *const points = FL_LOCAL(points);
  return fl_share_products_of(2, fl_products_of_class, &points, block);
}

typedef fl_logits_scratch FL_LOCAL(scratch);

#undef FL_CLASS_POINT
#define FL_PRODUCT FL_LOCAL(class_product)
#include "blocks/row_loops.h"
