/* Complete IoU loss of two boxes (Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren,
   Distance-IoU loss: faster and better learning for bounding box regression, AAAI 2020):
   the distance IoU loss and what the aspects of the boxes differ by,

     l = 1 - IoU + rho^2/(c^2 + eps) + alpha v,  alpha = v/(1 - IoU + v + eps)
     v = (2/pi (atan(w'/h') - atan(w/h)))^2
       = (2/pi atan((w' h - w h')/(h h' + w w')))^2

   where alpha is a constant for the derivatives, and v = 0 if both boxes are empty. */
#define FL_NAME ciou
#include "losses/boxes/jets.h"
#include "custom/vecmath.h"

FL_INLINE fl_jet FL_LOCAL(arctan)(fl_jet x) {
  const double slope = 1 / (1 + x.v * x.v), d = x.d * slope, e = x.e * slope;
  return (fl_jet){fl_d_arctan(x.v), d, e, x.h * slope - 2 * x.v * d * e};
}

FL_INLINE fl_jet FL_LOCAL(penalty)(fl_boxes boxes, double eps) {
  const fl_jet w = boxes.x.size, h = boxes.y.size;
  const fl_jet true_w = boxes.x.true_size, true_h = boxes.y.true_size;
  const fl_jet across = fl_minus(fl_product(true_w, h), fl_product(w, true_h));
  const fl_jet along = fl_plus(fl_product(true_h, h), fl_product(true_w, w));
  const fl_jet angle = FL_LOCAL(arctan)(fl_quotient(across, along));
  const fl_jet v = fl_scaled_jet(0x1.9f02f6222c72p-2, fl_product(angle, angle));
  const double all = boxes.loss.v + v.v + eps;
  const double alpha = all == 0 ? 0 : v.v / all;
  return fl_plus(fl_distance(boxes, eps), fl_scaled_jet(alpha, v));
}

#include "losses/boxes/boxes.h"
