/* Multi-similarity loss of the rows of a batch, without its choice of pairs (X. Wang, X. Han,
   W. Huang, D. Dong and M. R. Scott, Multi-similarity loss with general pair weighting for
   deep metric learning, CVPR 2019), for a row with similarities x to others of its class
   (P) and of other classes (N):

     l = log(1 + sum_P exp(-alpha (x - base)))/alpha
         + log(1 + sum_N exp(beta (x - base)))/beta
     dl/dx = -exp(-alpha (x - base))/(1 + sum_P),  exp(beta (x - base))/(1 + sum_N) */
#define FL_NAME multi_similarity
#define FL_SWEEPS 1
#define FL_DIVIDES(parameters) true
#include "blocks/batch.h"

FL_INLINE real FL_LOCAL(exponent)(bool same, real x, const real *p) {
  const real excess = x - p[2];
  return fl_select(same, -p[0], p[1]) * excess;
}

FL_INLINE double FL_LOCAL(counts)(double same, double other) {
  return same + other > 0;
}

/* The numbers are the logarithms of 1 + the sums of both sides. */
FL_INLINE fl_batch_state FL_LOCAL(state)(const fl_batch_sums *sums, double same,
                                         double other, const double *parameters) {
  const double own = same > 0 ? fl_softplus_of(fl_log_of_side(sums, 0)) : 0;
  const double others = other > 0 ? fl_softplus_of(fl_log_of_side(sums, 1)) : 0;
  return (fl_batch_state){
      .value = own / (double)(real)parameters[0] + others / (double)(real)parameters[1],
      .number = {own, others}};
}

FL_INLINE real FL_LOCAL(slope)(bool same, real x, const real *number, const real *p) {
  const real z = FL_LOCAL(exponent)(same, x, p);
  const real share = fl_exp_nonpositive(z - fl_select(same, number[0], number[1]));
  return fl_select(same, -share, share);
}

#include "blocks/batch_loops.h"
