/* Continuous ranked probability score of a label y under a logistic distribution of
   location m and scale s, q = |m - y|/s, t = exp(-q) (A. Jordan, F. Krueger and S. Lerch,
   Evaluating probabilistic forecasts with scoringRules, J. Stat. Software 90(12), 2019):

     l = |m - y| + s (2 log(1 + t) - 1)
     dl/dm = sign(m - y)(1 - t)/(1 + t),  d2l/dm2 = 2 t/((1 + t)^2 s)
     dl/ds = 2 log(1 + t) - 1 + 2 q t/(1 + t),  d2l/ds2 = 2 q^2 t/((1 + t)^2 s)
     d2l/dm ds = -(m - y)/s 2 t/((1 + t)^2 s)

   with the limit |m - y| at s = 0. */
#define FL_NAME crps_logistic
#include "blocks/heads.h"
#include "losses/distribution/standard.h"

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const fl_standard of = fl_standardised(x, y, z);
  const fl_decay decay = fl_decay_of(of);
  const double q = decay.q, t = decay.t, inverse = 1 / (1 + t);
  const fl_d_log1p_parts log = fl_d_log1p_parts_of(t);
  const double excess = 2 * FL_FMA_F64(-log.s, log.rest, t) - 1;
  const double share = 2 * t * inverse;
  const double curve = fl_per_scale(2 * t / FL_FMA_F64(t, 2 + t, 1), z);
  return (fl_heads_point){
      .value = (real)FL_FMA_F64(z, excess, fl_d_abs(of.r)),
      .grad = {(real)fl_d_copysign(decay.minus_one * inverse, of.r),
               (real)FL_FMA_F64(q, share, excess)},
      .hess = {(real)curve, (real)(decay.square * curve)},
      .mixed = (real)(-of.q * curve),
  };
}

#include "blocks/heads_loops.h"
