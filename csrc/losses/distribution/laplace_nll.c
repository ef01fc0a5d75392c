/* Negative log-likelihood of a label y under a Laplace distribution of location m and
   scale b, q = |m - y|/b:

     l = log b + q, and log 2 more if `full`
     dl/dm = sign(m - y)/b, 0 at m = y;  d2l/dm2 = 0
     dl/db = (1 - q)/b,  d2l/db2 = (2 q - 1)/b^2
     d2l/dm db = -sign(m - y)/b^2

   b is at least `eps`; derivatives are those at the clipped scale. */
#define FL_NAME laplace_nll
#include "blocks/heads.h"
#include "losses/distribution/standard.h"

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const double constant = parameters[0] != 0 ? 0x1.62e42fefa39efp-1 : 0;
  const double b = fl_max((real)parameters[1], z), inverse = 1 / b;
  const fl_standard of = fl_standardised(x, y, b);
  const double q = fl_d_abs(of.q);
  const double sign = of.r == 0 ? 0 : fl_d_copysign(inverse, of.r);
  return (fl_heads_point){
      .value = (real)((fl_d_log(b, 0) + q) + constant),
      .grad = {(real)(q == q ? sign : q), (real)((1 - q) * inverse)},
      .hess = {(real)(q == q ? 0 : q), (real)((2 * q - 1) * inverse * inverse)},
      .mixed = (real)(q == q ? -sign * inverse : q),
  };
}

#include "blocks/heads_loops.h"
