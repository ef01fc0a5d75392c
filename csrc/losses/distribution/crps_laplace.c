/* Continuous ranked probability score of a label y under a Laplace distribution of
   location m and scale b, q = |m - y|/b (A. Jordan, F. Krueger and S. Lerch, Evaluating
   probabilistic forecasts with scoringRules, J. Stat. Software 90(12), 2019):

     l = |m - y| + b (exp(-q) - 3/4)
     dl/dm = sign(m - y)(1 - exp(-q)),  d2l/dm2 = exp(-q)/b
     dl/db = (1 + q) exp(-q) - 3/4,  d2l/db2 = q^2 exp(-q)/b
     d2l/dm db = -(m - y)/b exp(-q)/b

   with the limit |m - y| at b = 0. */
#define FL_NAME crps_laplace
#include "blocks/heads.h"
#include "losses/distribution/standard.h"

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const fl_standard of = fl_standardised(x, y, z);
  const fl_decay decay = fl_decay_of(of);
  const double q = decay.q, curve = fl_per_scale(decay.t, z);
  return (fl_heads_point){
      .value = (real)FL_FMA_F64(z, decay.t - 0.75, fl_d_abs(of.r)),
      .grad = {(real)fl_d_copysign(decay.minus_one, of.r),
               (real)(FL_FMA_F64(q, decay.t, decay.t) - 0.75)},
      .hess = {(real)curve, (real)(decay.square * curve)},
      .mixed = (real)(-of.q * curve),
  };
}

#include "blocks/heads_loops.h"
