/* Cross-entropy of a class y and a row of logits x_j: softmax.h with q = 1 at y.

     l = (m - x_y) + log1p(S'),  l'_j = e_j / S - [j = y],  l''_j = e_j (S - e_j) / S^2

   (J. S. Bridle, Probabilistic interpretation of feedforward classification network
   outputs, 1990.) */
#include "../softmax.h"

FL_INLINE int FL_ROWS(int want, const fl_row_block *block) {
  return fl_softmax(want, false, block);
}

#define FL_NAME sparse_categorical_crossentropy_logits
#include "../rowwise_loops.h"
