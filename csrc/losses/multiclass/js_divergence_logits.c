/* Jensen-Shannon divergence of a row of labels and p = softmax of a row of logits: js.h,
   summed over the row. */
#define FL_NAME js_divergence_logits
#include "blocks/share_products.h"
#include "losses/multiclass/js.h"

FL_INLINE fl_share_term fl_js_of_share(double q, double p, double d,
                                       const double *parameters) {
  const fl_js_point point = fl_js(q, p, -d, parameters[0]);
  return (fl_share_term){point.value, point.pull, point.bend};
}

#define FL_SHARE_TERM fl_js_of_share
#include "blocks/share_rows.h"
