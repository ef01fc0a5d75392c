/* Focal loss of a class y and a row of probabilities: focal.h at p = p_y clipped to
   [eps, 1-eps], the only one that is read.

     dl/dp = -l'/p,  d2l/dp2 = (l' + l'')/p^2 */
#define FL_NAME categorical_focal
#include "blocks/picks.h"
#include "losses/multiclass/focal.h"

FL_INLINE fl_term_point fl_focal_of_class(real x, const double *parameters) {
  const real p = fl_clip(x, parameters[1]);
  const double exact = (double)p, log = -fl_log_short_in_f32(exact, 0);
  const fl_focal_point point = fl_focal(log, exact, 1 - exact, parameters[0]);
  return (fl_term_point){
      .value = (real)point.value,
      .grad = (real)(-point.slope / exact),
      .hess = (real)((point.slope + point.curve) / exact / exact),
  };
}

#define FL_PICK_POINT fl_focal_of_class
#include "blocks/pick_loss.h"
