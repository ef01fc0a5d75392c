/* Lovasz hinge loss of a region, of logits x (M. Berman, A. R. Triki and M. B. Blaschko,
   The Lovasz-Softmax loss, CVPR 2018): lovasz.h, with

     e = 1 - s x,  de/dx = -s,  s = 2t - 1 */
#define FL_NAME lovasz_hinge
#include "blocks/group.h"
#include "math/sort.h"

FL_INLINE double FL_LOCAL(slope)(double t) { return t != 0 ? -1 : 1; }

FL_INLINE double FL_LOCAL(error)(double t, double x) { return t != 0 ? 1 - x : 1 + x; }

#include "losses/segmentation/lovasz.h"
