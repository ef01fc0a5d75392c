/* Generalised cross-entropy of a class y and a row of probabilities: gce.h at p = p_y
   clipped to [eps, 1-eps], the only one that is read.

     dl/dp = -l'/p,  d2l/dp2 = (1 - q) p^q/p^2 */
#define FL_NAME gce
#include "blocks/picks.h"
#include "losses/multiclass/gce.h"

FL_INLINE fl_term_point fl_gce_pick(real x, const double *parameters) {
  const real p = fl_clip(x, parameters[1]);
  const double exact = (double)p;
  const fl_gce_point point = fl_gce(-(double)fl_log(p), parameters[0]);
  return (fl_term_point){
      .value = (real)point.value,
      .grad = (real)(0 - point.slope / exact),
      .hess = (real)((1 - parameters[0]) * point.slope / exact / exact),
  };
}

#define FL_PICK_POINT fl_gce_pick
#include "blocks/pick_loss.h"
