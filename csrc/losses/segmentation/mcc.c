/* One minus the correlation coefficient of B. W. Matthews (Comparison of the predicted and
   observed secondary structure of T4 phage lysozyme, Biochimica et Biophysica Acta 405,
   1975) of a region (K. Abhishek and G. Hamarneh, Matthews correlation coefficient loss for
   deep convolutional networks: application to skin lesion segmentation, ISBI 2021). Of the
   sums of overlap.h, `smooth` more each, a = both, b = prediction, c = label, d = neither,
   with P = a + b, S = c + d, Q = a + c, R = b + d, n = P + S and D^2 = P Q R S:

     l = 1 - m,  m = (a d - b c)/D
     dl/dp = n/(2D) (a/P + c/S) for t = 0, -n/(2D) (d/S + b/P) for t = 1

   and in proportion between. No terms of two signs make the value near 0: with
   e = b/P + c/S = 1 - (a d - b c)/(P S) and f = c/Q + b/R, (1 - e)(1 - f) = m^2, and
   l = (e + f (1 - e))/(1 + m). Second derivatives follow from
   D' = D k with k = (1/P - 1/S)/2. Where predictions or labels are all on one side,
   D = 0, m counts as 0 and the derivatives are 0. */
#define FL_NAME mcc
#include "blocks/overlap.h"

#define FL_ABSOLUTE(parameters) ((parameters)[1] != 0)
#define FL_SUMS 4

FL_INLINE double FL_LOCAL(value)(double m, double e, double f) {
  return m < 0.5 ? 1 - m : (e + f * (1 - e)) / (1 + m);
}

FL_INLINE fl_overlap_point FL_LOCAL(region)(fl_overlap sum, const double *parameters) {
  const double a = sum.both + parameters[0], b = sum.prediction + parameters[0];
  const double c = sum.label + parameters[0], d = sum.neither + parameters[0];
  const double P = a + b, S = c + d, Q = a + c, R = b + d, n = P + S;
  if (!(P > 0 && S > 0 && Q > 0 && R > 0))
    return (fl_overlap_point){.value = n == n ? 1 : n};
  const double D = __builtin_sqrt(P * S) * __builtin_sqrt(Q * R);
  const double half = n / (2 * D);
  const double none = a / P + c / S, full = d / S + b / P;
  const double k = (1 / P - 1 / S) / 2;
  return (fl_overlap_point){
      .value = FL_LOCAL(value)((a * d - b * c) / D, b / P + c / S, c / Q + b / R),
      .grad = {half * none, -half * full},
      .hess = {half * ((c / S / S - a / P / P) - k * none),
               half * ((b / P / P - d / S / S) - k * none),
               half * ((b / P / P - d / S / S) + k * full)},
  };
}

#include "blocks/overlap_loops.h"
