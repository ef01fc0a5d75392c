/* Soft Jaccard loss, or intersection over union, of a region (M. A. Rahman and Y. Wang,
   Optimizing intersection-over-union in deep neural networks for image segmentation, ISVC
   2016), of the sums of overlap.h, M = prediction + label and U = both + M + smooth:

     l = 1 - (both + smooth)/U = M/U
     dl/dp = (U - M)/U^2 for t = 0, -1/U for t = 1, d2l/dp2 = -2 (1 - t)/U dl/dp

   and in proportion between. A region of which nothing is left, U = 0, has the loss 0. */
#define FL_NAME jaccard
#include "blocks/overlap.h"

#define FL_ABSOLUTE(parameters) ((parameters)[1] != 0)

FL_INLINE fl_overlap_point FL_LOCAL(region)(fl_overlap sum, const double *parameters) {
  const double missed = sum.prediction + sum.label;
  const double found = sum.both + parameters[0];
  const double all = missed + found;
  if (all == 0) return (fl_overlap_point){0};
  const double none = found / all / all;
  const double full = -1 / all;
  return (fl_overlap_point){
      .value = missed / all,
      .grad = {none, full},
      .hess = {-2 * none / all, -full / all, 0},
  };
}

#include "blocks/overlap_loops.h"
