/* Contrastive loss of two rows a and b, which are alike (y = 1) or not (y = 0)
   (R. Hadsell, S. Chopra and Y. LeCun, Dimensionality reduction by learning an invariant
   mapping, CVPR 2006, where 1 - y is the label):

     l = y d^2/2 + (1 - y) max(0, margin - d)^2/2,  d = |r|,  r = a - b
     dl/da = y r - (1 - y) (margin - d) u,  u = r/d
     d2l/da_i^2 = y + (1 - y) (u_i^2 - (margin - d) (1 - u_i^2)/d)

   those of the second term for d < margin, else 0, and 0 where d = 0. */
#define FL_NAME contrastive
#define FL_ROWS 2
#define FL_SUMS 1
#define FL_VARIANTS 1
#include "blocks/pair.h"

FL_INLINE int FL_LOCAL(variant)(const double *parameters) {
  (void)parameters;
  return 0;
}

FL_INLINE void FL_LOCAL(terms)(int variant, double a, double b, double c,
                               const double *parameters, double *term) {
  (void)variant, (void)c, (void)parameters;
  term[0] = (a - b) * (a - b);
}

/* The numbers are y, (1 - y) (margin - d)/d, 1/d and 1 - y, the last three 0 where only
   the first term counts. */
FL_INLINE fl_pair_state FL_LOCAL(state)(int variant, const double *sums, double label,
                                        const double *parameters) {
  (void)variant;
  const double square = sums[0], d = __builtin_sqrt(square);
  const double lack = (double)(real)parameters[0] - d, other = 1 - label;
  const bool near = !(lack <= 0), moves = near && d != 0;
  return (fl_pair_state){
      .value = 0.5 * (label * square + (near ? other * (lack * lack) : 0)),
      .number = {label, moves ? other * lack / d : 0, moves ? 1 / d : 0,
                 moves ? other : 0},
  };
}

FL_INLINE fl_pair_point FL_LOCAL(point)(int want, int variant, double a, double b,
                                        double c, const fl_pair_state *state,
                                        const double *parameters) {
  (void)want, (void)variant, (void)c, (void)parameters;
  const double *n = state->number;
  const double r = a - b, u = r * n[2];
  const double slope = (n[0] - n[1]) * r;
  const double curvature = n[0] + (n[3] * (u * u) - n[1] * ((1 - u) * (1 + u)));
  return (fl_pair_point){.grad = {slope, -slope}, .hess = {curvature, curvature}};
}

#include "blocks/pair_loops.h"
