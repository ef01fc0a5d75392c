/* focal.h: the focal loss of a label y in [0, 1] and a probability p (T.-Y. Lin, P. Goyal,
   R. Girshick, K. He and P. Dollar, Focal loss for dense object detection, 2017):

     l = w u^gamma ce,  u = 1 - p_t,  w = alpha y + (1 - alpha)(1 - y), or 1 for alpha < 0

   p_t is the arithmetic mean y p + (1 - y)(1 - p), or the geometric one exp(-ce), which
   are alike for hard labels. In double, as the power multiplies errors of u by gamma. */
#ifndef FL_BINARY_FOCAL_H
#define FL_BINARY_FOCAL_H

#include "losses/binary/sides.h"

/* What depends on parameters alone, in numbers, so that a loop has one way through: w is
   FL_RIGHT y + FL_OTHER (1 - y); whether the mean is the geometric one; 0^gamma and
   0^(gamma - 1). */
enum { FL_GAMMA, FL_RIGHT, FL_GEOMETRIC, FL_EPS, FL_OTHER, FL_ZERO, FL_ZERO_BELOW };

FL_INLINE void fl_focal_setup(double *parameters) {
  const double gamma = (real)parameters[0], alpha = (real)parameters[1];
  const bool geometric = parameters[2] != 0;
  parameters[FL_GAMMA] = gamma;
  parameters[FL_RIGHT] = alpha < 0 ? 1 : alpha;
  parameters[FL_OTHER] = alpha < 0 ? 1 : 1 - alpha;
  parameters[FL_ZERO] = fl_zero_power(gamma);
  parameters[FL_ZERO_BELOW] = fl_zero_power(gamma - 1);
  parameters[FL_GEOMETRIC] = geometric;
}

/* w, of the label as it was given. */
FL_INLINE double fl_focal_weight(double y, const double *parameters) {
  return parameters[FL_RIGHT] * y + parameters[FL_OTHER] * (1 - y);
}

/* exp(-ce) FL_WIDE, and 1 - exp(-ce). */
typedef struct {
  double likelihood, rest;
} fl_geometric;

FL_INLINE fl_geometric fl_geometric_of(double ce) {
#if defined(FL_DTYPE_f32)
  const fl_short_exp exp = fl_d_short_exp(-ce);
  return (fl_geometric){exp.power * FL_WIDE, -exp.rise};
#else
  return (fl_geometric){fl_wide_exp(ce).hi, -fl_d_expm1_nonpositive(-ce)};
#endif
}

#endif
