/* softmax.h: the kernels of a loss that is the cross-entropy of a softmax over all
   similarities of a row with a uniform label on those of its class. FL_NAME is its name,
   its first parameter the factor of similarities in exponents. */
#define FL_SWEEPS 1
#define FL_DIVIDES(parameters) ((parameters)[1] != 0)
#include "blocks/batch.h"

FL_INLINE real FL_LOCAL(exponent)(bool same, real x, const real *p) {
  (void)same;
  return x * p[0];
}

FL_INLINE double FL_LOCAL(counts)(double same, double other) {
  (void)other;
  return same > 0;
}

/* With L_P and L_N the logarithms of the sums of both sides, the numbers are these, the
   share of the other side s = 1/(1 + exp(L_P - L_N)), and 1/|P|. */
FL_INLINE fl_batch_state FL_LOCAL(state)(const fl_batch_sums *sums, double same,
                                         double other, const double *parameters) {
  const double scale = (double)(real)parameters[0];
  const double own = fl_log_of_side(sums, 0), others = fl_log_of_side(sums, 1);
  const double rest = other > 0 ? fl_softplus_of(others - own) : 0;
  const double spread = same > 1 ? own - scale * sums->linear / same : 0;
  const double share = other > 0 ? fl_sigmoid_of(others - own) : 0;
  return (fl_batch_state){.value = rest + spread,
                          .number = {own, others, share, 1 / same}};
}

/* Of a row of the class, e - 1/|P| - e s with e = exp(z - L_P): of a single one that is
   exactly -s, and nothing is subtracted from 1. */
FL_INLINE real FL_LOCAL(slope)(bool same, real x, const real *number, const real *p) {
  const real z = x * p[0];
  const real e = fl_exp_nonpositive(z - fl_select(same, number[0], number[1]));
  const real share = e * number[2];
  return p[0] * fl_select(same, (e - number[3]) - share, share);
}

#include "blocks/batch_loops.h"
