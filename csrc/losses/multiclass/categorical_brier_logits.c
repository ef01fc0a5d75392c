/* Brier score of a row of labels q_j and p = softmax of a row of logits: shares.h with the
   terms (p_j - q_j)^2. (G. W. Brier, Verification of forecasts expressed in terms of
   probability, Monthly Weather Review 78, 1950.) */
#define FL_NAME categorical_brier_logits
#include "blocks/share_products.h"

FL_INLINE fl_share_term fl_brier_of_share(double q, double p, double d,
                                          const double *parameters) {
  return (fl_share_term){.value = d * d, .pull = 2 * p * d, .bend = 2 * p * p};
}

#define FL_SHARE_TERM fl_brier_of_share
#include "blocks/share_rows.h"
