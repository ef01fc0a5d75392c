/* Cross-entropy of a row of label weights q_j and a row of logits x_j: softmax.h.

     l = sum q_j (lse(x) - x_j),  l'_j = s e_j / S - q_j,  l''_j = s e_j (S - e_j) / S^2

   (J. S. Bridle, Probabilistic interpretation of feedforward classification network
   outputs, 1990.) */
#define FL_NAME categorical_crossentropy_logits
#include "blocks/softmax/softmax.h"

#define FL_DENSE 1
#define FL_CLASS_POINT fl_log_loss
#define FL_BENDS 0
#include "blocks/softmax/rows.h"
