/* Total variation distance of a row of labels q_j and a row of probabilities p_j.

     l = 1/2 sum |p_j - q_j|,  l'_j = 1/2 sign(p_j - q_j), 0 where they are equal, l'' = 0 */
#define FL_NAME total_variation
#include "blocks/terms.h"

FL_INLINE fl_term_point fl_half_distance(real q, real p, const double *parameters) {
  const real d = p - q;
  const real side = (d > 0 ? (real)0.5 : 0) - (d < 0 ? (real)0.5 : 0);
  return (fl_term_point){.value = (real)0.5 * fl_abs(d),
                         .grad = fl_unless_nan(d, side),
                         .hess = fl_unless_nan(d, 0)};
}

#define FL_TERM fl_half_distance
#include "blocks/term_loss.h"
