/* Soft Dice loss of a region (F. Milletari, N. Navab and S.-A. Ahmadi, V-Net: fully
   convolutional neural networks for volumetric medical image segmentation, 3DV 2016), of
   the sums of overlap.h, M = prediction + label and Q = 2 both + M + smooth, which is
   sum p + sum t + smooth:

     l = 1 - (2 both + smooth)/Q = M/Q
     dl/dp = ((2 both + smooth)/Q - 2t)/Q,  d2l/dp2 = -2/Q dl/dp

   where t is 0 or 1, and in proportion between. A region of which nothing is left,
   Q = 0, has the loss 0. */
#define FL_NAME dice
#include "blocks/overlap.h"

#define FL_ABSOLUTE(parameters) ((parameters)[1] != 0)

FL_INLINE fl_overlap_point FL_LOCAL(region)(fl_overlap sum, const double *parameters) {
  const double missed = sum.prediction + sum.label;
  const double found = 2 * sum.both + (double)(real)parameters[0];
  const double all = missed + found;
  if (all == 0) return (fl_overlap_point){0};
  const double none = found / all / all;
  const double full = -(found + 2 * missed) / all / all;
  return (fl_overlap_point){
      .value = missed / all,
      .grad = {none, full},
      .hess = {-2 * none / all, -(none + full) / all, -2 * full / all},
  };
}

#include "blocks/overlap_loops.h"
