/* Kullback-Leibler divergence of a row of labels q_j and a row of log-probabilities x_j,
   which need not be normalised.

     l = sum q_j (log(q_j) - x_j),  l'_j = -q_j,  l'' = 0

   0 log 0 = 0, and a label of 0 counts 0 also at x_j = -inf. */
#define FL_NAME kl_divergence_log
#include "blocks/terms.h"

FL_INLINE fl_term_point fl_relative_entropy_log(real q, real x,
                                                const double *parameters) {
  return (fl_term_point){
      .value = fl_masked(q, fl_log(q) - x),
      .grad = fl_unless_nan(x, 0 - q),
      .hess = fl_unless_nan(x, fl_unless_nan(q, 0)),
  };
}

#define FL_TERM fl_relative_entropy_log
#include "blocks/term_loss.h"
