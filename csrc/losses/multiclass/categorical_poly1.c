/* Poly-1 loss of a class y and a row of probabilities: poly1.h with alpha = 1. */
#define FL_NAME categorical_poly1
#include "losses/multiclass/poly1.h"

FL_INLINE fl_term_point fl_poly1_pick(real x, const double *parameters) {
  return fl_poly1_of_class(fl_clip(x, parameters[1]), 1, parameters[0]);
}

#define FL_PICK_POINT fl_poly1_pick
#include "blocks/pick_loss.h"
