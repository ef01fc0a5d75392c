/* Cross-entropy of a row of label weights q_j and a row of logits x_j: softmax.h.

     l = sum q_j (lse(x) - x_j),  l'_j = s e_j / S - q_j,  l''_j = s e_j (S - e_j) / S^2

   (J. S. Bridle, Probabilistic interpretation of feedforward classification network
   outputs, 1990.) */
#include "../softmax.h"

FL_INLINE int FL_ROWS(int want, const fl_row_block *block) {
  return fl_softmax(want, true, block);
}

#define FL_NAME categorical_crossentropy_logits
#include "../rowwise_loops.h"
