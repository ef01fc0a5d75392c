/* Generalised cross-entropy of a class y and a row of probabilities: gce.h at p = p_y
   clipped to [eps, 1-eps], the only one that is read.

     dl/dp = -p^(q-1),  d2l/dp2 = (1 - q) p^(q-2) */
#define FL_NAME gce
#include "blocks/picks.h"
#include "losses/multiclass/gce.h"

FL_INLINE fl_term_point fl_gce_pick(real x, const double *parameters) {
  const double p = (double)fl_clip(x, parameters[1]), q = (double)(real)parameters[0];
  const fl_log_pair log = fl_d_log_pair(p);
  const double power = fl_gce_power(q - 1, log.hi, log.lo);
  const double slope = p > 0 ? power : q < 1 ? INFINITY : 1;
  return (fl_term_point){
      .value =
          fl_unless_nan(x, (real)fl_gce(q * fl_d_log(p, 0), p == 0 ? 0 : slope * p, q)),
      .grad = fl_unless_nan(x, (real)-slope),
      .hess = fl_unless_nan(x, (real)((1 - q) * slope / p)),
  };
}

#define FL_PICK_POINT fl_gce_pick
#include "blocks/pick_loss.h"
