/* Symmetric cross-entropy of a class y and a row of probabilities: alpha times
   cross-entropy and beta times the reverse one, in which log 0 is A: poly1.h with
   epsilon = -beta A. */
#define FL_NAME symmetric_ce
#include "losses/multiclass/poly1.h"

FL_INLINE fl_term_point fl_symmetric_pick(real x, const double *parameters) {
  const double reverse = -parameters[1] * parameters[2];
  return fl_poly1_of_class(fl_clip(x, parameters[3]), parameters[0], reverse);
}

#define FL_PICK_POINT fl_symmetric_pick
#include "blocks/pick_loss.h"
