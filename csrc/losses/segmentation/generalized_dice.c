/* Generalised Dice loss of the regions of a sample, such as those of its classes (C. H.
   Sudre, W. Li, T. Vercauteren, S. Ourselin and M. J. Cardoso, Generalised Dice overlap as
   a deep learning loss function for highly unbalanced segmentations, DLMIA 2017), of the
   sums of overlap.h. With weights w of the regions, which depend on their labels alone,
   M = sum w (prediction + label) and Q = 2 sum w both + M + smooth:

     l = 1 - (2 sum w both + smooth)/Q = M/Q
     dl/dp = w ((2 sum w both + smooth)/Q - 2t)/Q,  d2l/dp2 = -2 w/Q dl/dp

   The weight of a region whose labels sum to s is s^-2, s^-1 or 1. Where s = 0 it is the
   largest of the others, or 0 if there is none, as in MONAI. A sample of which nothing is
   left, Q = 0, has the loss 0. */
#define FL_NAME generalized_dice
#include "blocks/overlap.h"

#define FL_ABSOLUTE(parameters) ((parameters)[1] != 0)
#define FL_JOINED

/* s^-power, 0 for an s so small that this is not finite. */
FL_INLINE double FL_LOCAL(weight)(fl_overlap sum, const double *parameters) {
  const double labels = sum.both + sum.label, power = parameters[2];
  if (power == 0) return 1;
  const double weight = power == 1 ? 1 / labels : 1 / labels / labels;
  return weight - weight == 0 ? weight : 0;
}

FL_INLINE void FL_LOCAL(sample)(int64_t joined, const fl_overlap *sum,
                                const double *parameters, fl_overlap_point *point) {
  double largest = 0;
  fl_sum missed_sum = {0, 0}, found_sum = {parameters[0], 0};
  for (int64_t r = 0; r < joined; r++) {
    const double w = FL_LOCAL(weight)(sum[r], parameters);
    point[r].grad[0] = w;
    largest = w > largest ? w : largest;
  }
  for (int64_t r = 0; r < joined; r++) {
    const double w = point[r].grad[0] == 0 ? largest : point[r].grad[0];
    point[r].grad[0] = w;
    fl_two_sum(&missed_sum.hi, &missed_sum.lo, w * (sum[r].prediction + sum[r].label));
    fl_two_sum(&found_sum.hi, &found_sum.lo, 2 * (w * sum[r].both));
  }
  const double missed = fl_sum_value(missed_sum), found = fl_sum_value(found_sum);
  const double all = missed + found;
  for (int64_t r = 0; r < joined; r++) {
    const double w = all == 0 ? 0 : point[r].grad[0] / all;
    const double none = all == 0 ? 0 : w * (found / all);
    const double full = all == 0 ? 0 : -w * ((found + 2 * missed) / all);
    point[r] = (fl_overlap_point){
        .value = all == 0 ? 0 : missed / all,
        .grad = {none, full},
        .hess = {-2 * none * w, -(none + full) * w, -2 * full * w},
    };
  }
}

#include "blocks/overlap_loops.h"
