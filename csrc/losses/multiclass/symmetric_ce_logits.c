/* Symmetric cross-entropy of a class y and a row of logits: symmetric_ce.c with
   p = softmax(x)_y. */
#define FL_NAME symmetric_ce_logits
#include "losses/multiclass/poly1.h"

FL_INLINE fl_class_point fl_symmetric_share(fl_class_share at,
                                            const double *parameters) {
  return fl_poly1_of_share(at, parameters[0], -parameters[1] * parameters[2]);
}

#define FL_CLASS_POINT fl_symmetric_share
#include "blocks/softmax/rows.h"
