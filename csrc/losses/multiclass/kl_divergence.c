/* Kullback-Leibler divergence of a row of labels q_j and a row of probabilities p_j,
   clipped to [eps, 1-eps].

     l = sum q_j (log(q_j) - log(p_j)),  l'_j = -q_j/p_j,  l''_j = q_j/p_j^2

   0 log 0 = 0, with derivatives 0. (S. Kullback and R. A. Leibler, On information and
   sufficiency, Ann. Math. Statist. 22, 1951.) */
#define FL_NAME kl_divergence
#include "blocks/terms.h"

FL_INLINE fl_term_point fl_relative_entropy(real q, real x, const double *parameters) {
  fl_term_point point = fl_log_probability(q, x, parameters);
  point.value += fl_masked(q, fl_log(q));
  return point;
}

#define FL_TERM fl_relative_entropy
#include "blocks/term_loss.h"
