/* Tversky loss of a region (S. S. M. Salehi, D. Erdogmus and A. Gholipour, Tversky loss
   function for image segmentation using 3D fully convolutional deep networks, MLMI 2017),
   with the power gamma of its focal form (N. Abraham and N. M. Khan, A novel focal Tversky
   loss function with improved attention U-Net for lesion segmentation, ISBI 2019), of the
   sums of overlap.h, M = alpha prediction + beta label and U = both + M + smooth:

     l = r^gamma,  r = 1 - (both + smooth)/U = M/U
     dr/dp = alpha (U - M)/U^2 for t = 0, -(beta (U - M) + M)/U^2 for t = 1

   and in proportion between; with U' = alpha for t = 0 and 1 - beta for t = 1,

     d2r/dp_i dp_j = -(U'_i dr/dp_j + U'_j dr/dp_i)/U

   A region of which nothing is left, U = 0, has the loss 0. Where r = 0 a derivative that
   r^(gamma - 1) or r^(gamma - 2) makes infinite is 0, as at any lowest point. */
#define FL_NAME tversky
#include "blocks/overlap.h"
#include "custom/vecmath.h"

#define FL_ABSOLUTE(parameters) ((parameters)[1] != 0)

/* r^power, 0 where that is infinite. */
FL_INLINE double FL_LOCAL(power)(double r, double power) {
  return r == 0 && power < 0 ? 0
         : power == 0        ? 1
         : power == 1        ? r
                             : fl_d_power(r, power);
}

FL_INLINE double FL_LOCAL(total)(double a, double b, double c) {
  fl_sum sum = {a, 0};
  fl_two_sum(&sum.hi, &sum.lo, b);
  fl_two_sum(&sum.hi, &sum.lo, c);
  return fl_sum_value(sum);
}

FL_INLINE fl_overlap_point FL_LOCAL(region)(fl_overlap sum, const double *parameters) {
  const double alpha = parameters[2], beta = parameters[3], gamma = parameters[4];
  const double extra = alpha * sum.prediction, lost = beta * sum.label;
  const double missed = extra + lost, found = sum.both + parameters[0];
  const double all = FL_LOCAL(total)(found, extra, lost);
  if (all == 0) return (fl_overlap_point){0};
  const double r = missed / all;
  const double none = alpha * (found / all) / all;
  const double full = -(beta * found + missed) / all / all;
  const double up_none = alpha / all, up_full = (1 - beta) / all;
  const double slope = gamma * FL_LOCAL(power)(r, gamma - 1);
  const double curve =
      gamma == 1 ? 0 : gamma * (gamma - 1) * FL_LOCAL(power)(r, gamma - 2);
  return (fl_overlap_point){
      .value = FL_LOCAL(power)(r, gamma),
      .grad = {slope * none, slope * full},
      .hess = {curve * none * none - 2 * slope * up_none * none,
               curve * none * full - slope * (up_none * full + up_full * none),
               curve * full * full - 2 * slope * up_full * full},
  };
}

#include "blocks/overlap_loops.h"
