/* Poly-1 loss of a class y and a row of logits: poly1.h with p = softmax(x)_y, alpha = 1. */
#define FL_NAME categorical_poly1_logits
#include "losses/multiclass/poly1.h"

FL_INLINE fl_class_point fl_poly1_share(fl_class_share at, const double *parameters) {
  return fl_poly1_of_share(at, 1, parameters[0]);
}

#define FL_CLASS_POINT fl_poly1_share
#include "blocks/softmax/rows.h"
