/* Brier score of a row of labels q_j and a row of probabilities p_j.

     l = sum (p_j - q_j)^2,  l'_j = 2 (p_j - q_j),  l''_j = 2

   (G. W. Brier, Verification of forecasts expressed in terms of probability, Monthly
   Weather Review 78, 1950.) */
#define FL_NAME categorical_brier
#include "blocks/terms.h"

FL_INLINE fl_term_point fl_squared_distance(real q, real p, const double *parameters) {
  const real d = p - q;
  return (fl_term_point){.value = d * d, .grad = 2 * d, .hess = fl_unless_nan(d, 2)};
}

#define FL_TERM fl_squared_distance
#include "blocks/term_loss.h"
