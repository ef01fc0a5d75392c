/* Circle loss of the rows of a batch (Y. Sun et al., Circle loss: a unified perspective of
   pair similarity optimization, CVPR 2020), for a row with similarities x to others of its
   class (P) and of other classes (N), s(d) = 1/(1 + exp(-d)):

     l = log(1 + sum_P exp(z) sum_N exp(z)) = log(1 + exp(L_P + L_N))
     z = -gamma a (x - 1 + m) with a = max(0, 1 + m - x) in P,
         gamma a (x - m) with a = max(0, x + m) in N
     dl/dx = -s(L_P + L_N) gamma a exp(z - L_P),  s(L_P + L_N) gamma a exp(z - L_N)

   where the weights a are constants, as in the paper. */
#define FL_NAME circle
#define FL_SWEEPS 1
#define FL_DIVIDES(parameters) true
#include "blocks/batch.h"

/* -gamma a or gamma a. */
FL_INLINE real FL_LOCAL(factor)(bool same, real x, const real *p) {
  const real a = fl_max(0, fl_select(same, (1 + p[0]) - x, x + p[0]));
  return fl_select(same, -p[1], p[1]) * a;
}

FL_INLINE real FL_LOCAL(exponent)(bool same, real x, const real *p) {
  return FL_LOCAL(factor)(same, x, p) * (x - fl_select(same, 1 - p[0], p[0]));
}

FL_INLINE double FL_LOCAL(counts)(double same, double other) {
  return (same > 0) & (other > 0);
}

/* The numbers are L_P, L_N and s(L_P + L_N). */
FL_INLINE fl_batch_state FL_LOCAL(state)(const fl_batch_sums *sums, double same,
                                         double other, const double *parameters) {
  (void)same, (void)other, (void)parameters;
  const double own = fl_log_of_side(sums, 0), others = fl_log_of_side(sums, 1);
  return (fl_batch_state){.value = fl_softplus_of(own + others),
                          .number = {own, others, fl_sigmoid_of(own + others)}};
}

FL_INLINE real FL_LOCAL(slope)(bool same, real x, const real *number, const real *p) {
  const real z = FL_LOCAL(exponent)(same, x, p);
  const real share = fl_exp_nonpositive(z - fl_select(same, number[0], number[1]));
  return number[2] * FL_LOCAL(factor)(same, x, p) * share;
}

#include "blocks/batch_loops.h"
