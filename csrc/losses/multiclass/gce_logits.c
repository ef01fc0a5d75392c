/* Generalised cross-entropy of a class y and a row of logits: gce.h with p = softmax(x)_y,

     p^q = exp(-q (m - x_y) - q log(S)) */
#define FL_NAME gce_logits
#include "blocks/share_products.h"
#include "losses/multiclass/gce.h"

FL_INLINE fl_class_point fl_gce_share(fl_class_share at, const double *parameters) {
  const double q = (double)(real)parameters[0];
  const fl_log_pair log = fl_d_log_pair(at.total);
  double far = at.gap, lost = at.gap_tail + log.lo;
  fl_two_sum(&far, &lost, log.hi);
  const double power = fl_gce_power(-q, far, lost);
  return (fl_class_point){.value = (real)fl_gce(-q * at.log, power, q),
                          .slope = power,
                          .bend = -q * power * at.rest};
}

#define FL_CLASS_POINT fl_gce_share
#include "blocks/softmax/rows.h"
