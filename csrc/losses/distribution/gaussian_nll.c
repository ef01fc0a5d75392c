/* Negative log-likelihood of a label y under a normal distribution of mean m and variance
   v, r = m - y (D. A. Nix and A. S. Weigend, Estimating the mean and variance of the
   target probability distribution, ICNN 1994):

     l = (log v + r^2/v)/2, and log(2 pi)/2 more if `full`
     dl/dm = r/v,  d2l/dm2 = 1/v
     dl/dv = (v - r^2)/(2 v^2),  d2l/dv2 = (2 r^2 - v)/(2 v^3)
     d2l/dm dv = -r/v^2

   v is at least `eps`; derivatives are those at the clipped variance.

   v - r^2 and 2 r^2 - v, which cancel where the variance is right, take what rounding took
   from r and from its square. Where r^2 may overflow, the variance hardly matters beside
   it, and they are formed from r/v. The two terms of the value cancel for v < 1. */
#define FL_NAME gaussian_nll
#include "blocks/heads.h"

#if defined(FL_DTYPE_f32)
#define FL_SQUARABLE 0x1p62f
#else
#define FL_SQUARABLE 0x1p510
#endif

/* v - k (x - y)^2 for k = 1 or 2, r = fl(x - y): in double precision or with what rounding
   took from r and from its square. Without a fused multiply-add that is made of products
   of halves (T. J. Dekker, A floating-point technique for extending the available
   precision, 1971). */
FL_INLINE real FL_LOCAL(less_squares)(real v, real k, real y, real x, real r) {
#if defined(FL_DTYPE_f32)
  const double exact = (double)x - (double)y;
  return (real)((double)v - (double)k * (exact * exact));
#else
  const real twice = 2 * r * fl_difference_tail(x, y, r);
#if defined(FL_ISA_baseline)
  const real c = 134217729 * r, high = c - (c - r), low = r - high, square = r * r;
  const real tail = ((high * high - square) + 2 * high * low) + low * low;
  return (v - k * square) - k * (twice + tail);
#else
  return FL_FMA(-k * r, r, v) - k * twice;
#endif
#endif
}

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const real constant = parameters[0] != 0 ? (real)0.91893853320467274178 : 0;
  const real v = fl_max((real)parameters[1], z);
  const real r = x - y, q = r / v, inverse = 1 / v;
  const bool near = (fl_abs(r) < FL_SQUARABLE) & (v < (real)INFINITY);
  const real excess = FL_LOCAL(less_squares)(v, 1, y, x, r);
  const real lack = -FL_LOCAL(less_squares)(v, 2, y, x, r);
  return (fl_heads_point){
      .value = FL_FMA((real)0.5, fl_log(v) + r * q, constant),
      .grad = {q, (real)0.5 * fl_select(near, excess / v / v, inverse - q * q)},
      .hess = {inverse,
               (real)0.5 * fl_select(near, lack / v / v, 2 * q * q - inverse) / v},
      .mixed = -q / v,
  };
}

#include "blocks/heads_loops.h"
#undef FL_SQUARABLE
