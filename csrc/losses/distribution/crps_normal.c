/* Continuous ranked probability score of a label y under a normal distribution of mean m
   and standard deviation s, w = (m - y)/s (T. Gneiting and A. E. Raftery, Strictly proper
   scoring rules, prediction, and estimation, JASA 102, 2007):

     l = s (w (2 Phi(w) - 1) + 2 phi(w) - 1/sqrt(pi))
     dl/dm = 2 Phi(w) - 1,  d2l/dm2 = 2 phi(w)/s
     dl/ds = 2 phi(w) - 1/sqrt(pi),  d2l/ds2 = 2 w^2 phi(w)/s
     d2l/dm ds = -2 w phi(w)/s

   with the limit |m - y| at s = 0. */
#define FL_NAME crps_normal
#include "blocks/heads.h"
#include "losses/distribution/standard.h"
#include "math/normal.h"

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const fl_standard of = fl_standardised(x, y, z);
  const double w = fl_d_abs(of.q) > 40 ? fl_d_copysign(40, of.q) : of.q;
  const double density = 2 * FL_1_SQRT_2PI * fl_d_gauss(of.q, of.lost, 0.5);
  const double sided = fl_d_erf(0x1.6a09e667f3bcdp-1 * w);
  const double slope = density - 0x1.20dd750429b6dp-1; /* 1/sqrt(pi) */
  const double curve = fl_per_scale(density, z);
  return (fl_heads_point){
      .value = (real)FL_FMA_F64(of.r, sided, z * slope),
      .grad = {(real)sided, (real)slope},
      .hess = {(real)curve, (real)(fl_square_of(w, of.lost) * curve)},
      .mixed = (real)(-w * curve),
  };
}

#include "blocks/heads_loops.h"
