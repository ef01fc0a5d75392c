/* Generalised IoU loss of two boxes (H. Rezatofighi, N. Tsoi, J. Gwak, A. Sadeghian, I. Reid
   and S. Savarese, Generalized intersection over union: a metric and a loss for bounding
   box regression, CVPR 2019): with the area C of the smallest box around both and their
   union U,

     l = 1 - IoU + (C - U)/(C + eps) */
#define FL_NAME giou
#include "losses/boxes/jets.h"

FL_INLINE fl_jet FL_LOCAL(penalty)(fl_boxes boxes, double eps) {
  const fl_jet around = fl_product(fl_around(boxes.x), fl_around(boxes.y));
  return fl_quotient(fl_minus(around, boxes.all), fl_plus(around, fl_constant(eps)));
}

#include "losses/boxes/boxes.h"
