/* Cross-entropy of a class y and a row of logits x_j: softmax.h with q = 1 at y.

     l = (m - x_y) + log1p(S'),  l'_j = e_j / S - [j = y],  l''_j = e_j (S - e_j) / S^2

   (J. S. Bridle, Probabilistic interpretation of feedforward classification network
   outputs, 1990), and with z-loss z lse(x)^2 more. */
#define FL_NAME sparse_categorical_crossentropy_logits
#include "blocks/softmax/products.h"

typedef fl_softmax_scratch FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_softmax_rows(want, false, NULL, fl_z_of(block), block);
}

FL_INLINE int FL_LOCAL(products)(const fl_row_block *block) {
  return fl_crossentropy_products(false, 1, fl_z_of(block), block);
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
