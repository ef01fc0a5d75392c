/* Triplet margin loss of an anchor a, a positive p and a negative n (V. Balntas, E. Riba,
   D. Ponsa and K. Mikolajczyk, Learning shallow convolutional feature descriptors with
   triplet losses, BMVC 2016):

     l = max(0, margin + d(a, p) - d(a, n)),  d(x, z) = |x - z + eps|
     dd/dx = u,  d2d/dx_i^2 = (1 - u_i^2)/d,  u = r/d with r = x - z + eps

   or, of the norm of absolute values, u = sign(r) and 0. With `swap`, d(p, n) takes the
   place of d(a, n) where it is smaller. Where margin + d(a, p) = d(a, n), derivatives are
   0, as are those of a distance of 0. */
#define FL_NAME triplet
#define FL_ROWS 3
#define FL_SUMS 3
#define FL_VARIANTS 4
#include "blocks/pair.h"

enum { FL_ABSOLUTE = 1, FL_SWAP = 2 }; /* the bits of a variant */

FL_INLINE int FL_LOCAL(variant)(const double *parameters) {
  return (parameters[1] == 1 ? FL_ABSOLUTE : 0) | (parameters[2] != 0 ? FL_SWAP : 0);
}

FL_INLINE double FL_LOCAL(power)(int variant, double r) {
  return variant & FL_ABSOLUTE ? __builtin_fabs(r) : r * r;
}

FL_INLINE void FL_LOCAL(terms)(int variant, double a, double p, double n,
                               const double *parameters, double *term) {
  const double eps = (double)(real)parameters[3];
  term[0] = FL_LOCAL(power)(variant, a - p + eps);
  term[1] = FL_LOCAL(power)(variant, a - n + eps);
  term[2] = variant & FL_SWAP ? FL_LOCAL(power)(variant, p - n + eps) : 0;
}

/* What derivatives of a distance have as a factor: 0 of one that does not count. */
FL_INLINE double FL_LOCAL(inverse)(int variant, bool counts, double d) {
  return !counts || d == 0 ? 0 : variant & FL_ABSOLUTE ? 1 : 1 / d;
}

/* The numbers are those of d(a, p), d(a, n) and d(p, n). */
FL_INLINE fl_pair_state FL_LOCAL(state)(int variant, const double *sums, double label,
                                        const double *parameters) {
  (void)label;
  double d[FL_SUMS];
  for (int s = 0; s < FL_SUMS; s++)
    d[s] = variant & FL_ABSOLUTE ? sums[s] : __builtin_sqrt(sums[s]);
  const bool swaps = variant & FL_SWAP && d[2] < d[1];
  const double excess = (double)(real)parameters[0] + d[0] - d[swaps ? 2 : 1];
  const bool active = !(excess <= 0);
  return (fl_pair_state){
      .value = active ? excess : 0,
      .number = {FL_LOCAL(inverse)(variant, active, d[0]),
                 FL_LOCAL(inverse)(variant, active && !swaps, d[1]),
                 FL_LOCAL(inverse)(variant, active && swaps, d[2])},
  };
}

/* The derivative of a distance by the first of its rows. */
FL_INLINE double FL_LOCAL(slope)(int variant, double inverse, double r) {
  const double direction = r > 0 ? 1 : r < 0 ? -1 : r;
  return fl_weighted(inverse, variant & FL_ABSOLUTE ? direction : r);
}

FL_INLINE double FL_LOCAL(curvature)(int variant, double inverse, double r) {
  if (variant & FL_ABSOLUTE) return 0;
  const double u = fl_weighted(inverse, r);
  return inverse * ((1 - u) * (1 + u));
}

FL_INLINE fl_pair_point FL_LOCAL(point)(int want, int variant, double a, double p,
                                        double n, const fl_pair_state *state,
                                        const double *parameters) {
  const double eps = (double)(real)parameters[3];
  const double *inverse = state->number;
  const double ap = a - p + eps, an = a - n + eps, pn = p - n + eps;
  const double s_ap = FL_LOCAL(slope)(variant, inverse[0], ap);
  const double s_an = FL_LOCAL(slope)(variant, inverse[1], an);
  const double s_pn = variant & FL_SWAP ? FL_LOCAL(slope)(variant, inverse[2], pn) : 0;
  const double c_ap = FL_LOCAL(curvature)(variant, inverse[0], ap);
  const double c_an = FL_LOCAL(curvature)(variant, inverse[1], an);
  const double c_pn =
      variant & FL_SWAP ? FL_LOCAL(curvature)(variant, inverse[2], pn) : 0;
  return (fl_pair_point){
      .grad = {s_ap - s_an, 0 - (s_ap + s_pn), s_an + s_pn},
      .hess = {c_ap - c_an, c_ap - c_pn, 0 - (c_an + c_pn)},
  };
}

#include "blocks/pair_loops.h"
