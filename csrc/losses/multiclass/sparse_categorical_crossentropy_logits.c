/* Cross-entropy of a class y and a row of logits x_j: softmax.h with q = 1 at y.

     l = (m - x_y) + log1p(S'),  l'_j = e_j / S - [j = y],  l''_j = e_j (S - e_j) / S^2

   (J. S. Bridle, Probabilistic interpretation of feedforward classification network
   outputs, 1990.) */
#define FL_NAME sparse_categorical_crossentropy_logits
#include "blocks/softmax/softmax.h"

#define FL_DENSE 0
#define FL_CLASS_POINT fl_log_loss
#define FL_BENDS 0
#include "blocks/softmax/rows.h"
