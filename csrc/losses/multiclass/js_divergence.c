/* Jensen-Shannon divergence of a row of labels and a row of probabilities, clipped to
   [eps, 1-eps]: js.h, summed over the row. */
#define FL_NAME js_divergence
#include "blocks/terms.h"
#include "losses/multiclass/js.h"

FL_INLINE fl_term_point fl_js_of_probability(real q, real x, const double *parameters) {
  const real p = fl_clip(x, parameters[1]);
  const fl_js_point point =
      fl_js((double)q, (double)p, (double)q - (double)p, parameters[0]);
  return (fl_term_point){
      .value = (real)point.value, .grad = (real)point.grad, .hess = (real)point.hess};
}

#define FL_TERM fl_js_of_probability
#include "blocks/term_loss.h"
