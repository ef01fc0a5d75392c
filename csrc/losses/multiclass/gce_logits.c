/* Generalised cross-entropy of a class y and a row of logits: gce.h, p = softmax(x)_y. */
#define FL_NAME gce_logits
#include "blocks/softmax/softmax.h"
#include "losses/multiclass/gce.h"

FL_INLINE fl_class_point fl_gce_share(fl_class_share at, const double *parameters) {
  const double log = (double)at.gap + (double)at.log_total;
  const fl_gce_point point = fl_gce(log, parameters[0]);
  return (fl_class_point){.value = (real)point.value,
                          .slope = point.slope,
                          .bend = at.rest == 0 ? 0 : at.rest * point.curve};
}

#define FL_DENSE 0
#define FL_CLASS_POINT fl_gce_share
#define FL_BENDS 1
#include "blocks/softmax/rows.h"
