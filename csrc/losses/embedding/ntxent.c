/* Normalised temperature-scaled cross-entropy of the rows of a batch (T. Chen, S. Kornblith,
   M. Norouzi and G. Hinton, A simple framework for contrastive learning of visual
   representations, ICML 2020), for a row with similarities x to others of its class (P) and
   of other classes (N), z = scale x, L = log sum_N exp z_n:

     l = sum_P log(1 + exp(L - z_p)),  s(d) = 1/(1 + exp(-d))
     dl/dx_p = -scale s(L - z_p),  dl/dx_n = scale exp(z_n - L) sum_P s(L - z_p)

   or, decoupled, without the positive in its denominator (C.-H. Yeh et al., Decoupled
   contrastive learning, ECCV 2022):

     l = sum_P L - z_p,  dl/dx_p = -scale,  dl/dx_n = scale exp(z_n - L) |P|

   Without negatives both are 0. */
#define FL_NAME ntxent
#define FL_SWEEPS 2
#define FL_DIVIDES(parameters) ((parameters)[1] != 0)
#include "blocks/batch.h"

FL_INLINE real FL_LOCAL(exponent)(bool same, real x, const real *p) {
  (void)same;
  return x * p[0];
}

FL_INLINE double FL_LOCAL(counts)(double same, double other) {
  (void)other;
  return same;
}

/* With u = exp(-|L - z|): softplus and sigmoid of L - z. */
FL_INLINE fl_batch_cost FL_LOCAL(cost)(real x, real others, const real *p) {
  const real d = others - x * p[0], u = fl_exp_nonpositive(-fl_abs(d));
  const real softplus = fl_max(0, d) + fl_log1p_unit(u);
  const real sigmoid = fl_select(d < 0, u, 1) / (1 + u);
  const bool decoupled = (p[2] != 0) & (others > -(real)INFINITY);
  return (fl_batch_cost){fl_select(decoupled, d, softplus),
                         fl_select(decoupled, 1, sigmoid)};
}

/* The numbers are L and the sum of the slopes. */
FL_INLINE fl_batch_state FL_LOCAL(state)(const fl_batch_sums *sums, double same,
                                         double other, const double *parameters) {
  (void)same, (void)other, (void)parameters;
  return (fl_batch_state){.value = sums->cost,
                          .number = {fl_log_of_side(sums, 1), sums->share}};
}

FL_INLINE real FL_LOCAL(slope)(bool same, real x, const real *number, const real *p) {
  const real d = number[0] - x * p[0], u = fl_exp_nonpositive(-fl_abs(d));
  const real sigmoid = fl_select(d < 0, u, 1) / (1 + u);
  const bool decoupled = (p[2] != 0) & (number[0] > -(real)INFINITY);
  const real positive = fl_select(decoupled, 1, sigmoid);
  return fl_select(same, -positive, u * number[1]) * p[0];
}

#include "blocks/batch_loops.h"
