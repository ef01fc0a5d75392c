/* Distance IoU loss of two boxes (Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren,
   Distance-IoU loss: faster and better learning for bounding box regression, AAAI 2020):
   with the distance rho of their centres and the diagonal c of the smallest box around
   both,

     l = 1 - IoU + rho^2/(c^2 + eps) */
#define FL_NAME diou
#include "losses/boxes/jets.h"

FL_INLINE fl_jet FL_LOCAL(penalty)(fl_boxes boxes, double eps) {
  return fl_distance(boxes, eps);
}

#include "losses/boxes/boxes.h"
