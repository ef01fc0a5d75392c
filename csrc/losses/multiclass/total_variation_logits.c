/* Total variation distance of a row of labels q_j and p = softmax of a row of logits:
   shares.h with the terms |p_j - q_j|/2, of slope 0 where they are equal. */
#define FL_NAME total_variation_logits
#include "blocks/share_products.h"

FL_INLINE fl_share_term fl_distance_of_share(double q, double p, double d,
                                             const double *parameters) {
  const double side = (d > 0 ? 0.5 : 0) - (d < 0 ? 0.5 : 0);
  return (fl_share_term){
      .value = 0.5 * fl_d_abs(d), .pull = d == d ? p * side : d, .bend = 0};
}

#define FL_SHARE_TERM fl_distance_of_share
#include "blocks/share_rows.h"
