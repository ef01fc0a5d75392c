/* focal.h: the focal loss of a label y in [0, 1] and a probability p (T.-Y. Lin, P. Goyal,
   R. Girshick, K. He and P. Dollar, Focal loss for dense object detection, 2017):

     l = w u^gamma ce,  u = 1 - p_t,  w = alpha y + (1 - alpha)(1 - y), or 1 for alpha < 0

   p_t is the arithmetic mean y p + (1 - y)(1 - p), or the geometric one exp(-ce), which
   are alike for hard labels. In double, as the power multiplies errors of u by gamma. */
#ifndef FL_BINARY_FOCAL_H
#define FL_BINARY_FOCAL_H

#include "losses/binary/sides.h"

typedef struct {
  double gamma, alpha;
  bool geometric;
} fl_focal_options;

FL_INLINE fl_focal_options fl_focal_options_of(const double *parameters) {
  return (fl_focal_options){(real)parameters[0], (real)parameters[1],
                            parameters[2] != 0};
}

/* w, of the label as it was given. */
FL_INLINE double fl_focal_weight(double y, fl_focal_options options) {
  const double alpha = options.alpha;
  return alpha < 0 ? 1 : alpha * y + (1 - alpha) * (1 - y);
}

/* exp(-ce) FL_WIDE, and 1 - exp(-ce). */
typedef struct {
  double likelihood, rest;
} fl_geometric;

FL_INLINE fl_geometric fl_geometric_of(double ce) {
  return (fl_geometric){fl_wide_exp(ce).hi, -fl_d_expm1_nonpositive(-ce)};
}

#endif
