/* Cross-entropy of a row of label weights q_j and a row of logits x_j: softmax.h.

     l = sum q_j (lse(x) - x_j),  l'_j = s e_j / S - q_j,  l''_j = s e_j (S - e_j) / S^2

   (J. S. Bridle, Probabilistic interpretation of feedforward classification network
   outputs, 1990), and with z-loss z lse(x)^2 beside lse(x) - x_j. */
#define FL_NAME categorical_crossentropy_logits
#include "blocks/softmax/products.h"

typedef fl_softmax_scratch FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_softmax_rows(want, true, NULL, fl_z_of(block), block);
}

FL_INLINE int FL_LOCAL(products)(const fl_row_block *block) {
  return fl_crossentropy_products(true, 1, fl_z_of(block), block);
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
