/* Negative log-likelihood of a class y and a row of log-probabilities x_j, which need not
   be normalised.

     l = -x_y,  l'_j = -[j = y],  l'' = 0 */
#define FL_NAME nll
#include "blocks/picks.h"

FL_INLINE fl_term_point fl_minus_log(real x, const double *parameters) {
  return (fl_term_point){
      .value = 0 - x, /* 0, not -0, of a certain class */
      .grad = fl_unless_nan(x, -1),
      .hess = fl_unless_nan(x, 0),
  };
}

#define FL_PICK_POINT fl_minus_log
#include "blocks/pick_loss.h"
