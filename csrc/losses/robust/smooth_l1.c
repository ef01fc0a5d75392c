/* Smooth L1 loss of a label y and a prediction x, r = x - y, of a width beta >=
   0 (R. Girshick, Fast R-CNN, ICCV 2015):

     l = r^2/(2 beta) for |r| < beta, |r| - beta/2 from there on
     l' = max(-1, min(r/beta, 1)),  l'' = 1/beta for |r| < beta, 0 from there on
 */
#define FL_NAME smooth_l1
#include "losses/robust/smooth_l1.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  return fl_smooth_l1((real)parameters[0], y, x);
}

#include "blocks/element_loops.h"
