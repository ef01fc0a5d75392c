/* Lovasz-Softmax loss of a region, the entries of a class, of its probabilities p (M.
   Berman, A. R. Triki and M. B. Blaschko, The Lovasz-Softmax loss, CVPR 2018): lovasz.h,
   with

     e = |t - p|,  de/dp = 1 - 2t */
#define FL_NAME lovasz_softmax
#include "blocks/group.h"
#include "math/sort.h"

FL_INLINE double FL_LOCAL(slope)(double t) { return t != 0 ? -1 : 1; }

FL_INLINE double FL_LOCAL(error)(double t, double p) { return t != 0 ? 1 - p : p; }

#include "losses/segmentation/lovasz.h"
