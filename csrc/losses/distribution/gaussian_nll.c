/* Negative log-likelihood of a label y under a normal distribution of mean m and variance
   v, r = m - y (D. A. Nix and A. S. Weigend, Estimating the mean and variance of the
   target probability distribution, ICNN 1994):

     l = (log v + r^2/v)/2, and log(2 pi)/2 more if `full`
     dl/dm = r/v,  d2l/dm2 = 1/v
     dl/dv = (v - r^2)/(2 v^2),  d2l/dv2 = (2 r^2 - v)/(2 v^3)

   v is at least `eps`; derivatives are those at the clipped variance.

   v - r^2 and 2 r^2 - v, which cancel where the variance is right, are rounded once and
   take what rounding took from r. Where r^2 may overflow, the variance hardly matters
   beside it, and they are formed from r/v. The two terms of the value cancel for v < 1. */
#define FL_NAME gaussian_nll
#include "blocks/heads.h"

#if defined(FL_DTYPE_f32)
#define FL_SQUARABLE 0x1p62f
#else
#define FL_SQUARABLE 0x1p510
#endif

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const real constant = parameters[0] != 0 ? (real)0.91893853320467274178 : 0;
  const real v = fl_max((real)parameters[1], z);
  const real r = x - y, q = r / v, inverse = 1 / v;
  const bool near = (fl_abs(r) < FL_SQUARABLE) & (v < (real)INFINITY);
  const real tail = fl_where(near, r * fl_difference_tail(x, y, r));
  const real excess = FL_FMA(-r, r, v) - 2 * tail;
  const real lack = FL_FMA(2 * r, r, -v) + 4 * tail;
  return (fl_heads_point){
      .value = FL_FMA((real)0.5, fl_log(v) + r * q, constant),
      .grad = {q, (real)0.5 * fl_select(near, excess / v / v, inverse - q * q)},
      .hess = {inverse,
               (real)0.5 * fl_select(near, lack / v / v, 2 * q * q - inverse) / v},
  };
}

#include "blocks/heads_loops.h"
#undef FL_SQUARABLE
