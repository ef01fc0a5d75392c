/* Focal loss of a class y and a row of logits: focal.h with p_y = softmax(x)_y. */
#define FL_NAME categorical_focal_logits
#include "blocks/share_products.h"
#include "losses/multiclass/focal.h"

FL_INLINE fl_class_point fl_focal_of_share(fl_class_share at,
                                           const double *parameters) {
  const fl_focal_point point = fl_focal(at.log, at.p, at.rest, parameters[0]);
  return (fl_class_point){
      .value = (real)point.value,
      .slope = point.slope,
      .bend = at.rest == 0 ? 0 : at.rest * point.curve,
  };
}

#define FL_CLASS_POINT fl_focal_of_share
#include "blocks/softmax/rows.h"
