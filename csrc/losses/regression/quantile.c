/* Quantile loss of a label y and a prediction x, r = x - y, of a level q in (0, 1)
   (R. Koenker and G. Bassett, Regression quantiles, Econometrica 46, 1978):

     l = w |r|,  w = 1 - q for r > 0, q for r < 0
     l' = w sign(r) with l'(0) = 0,  l'' = 0

   With a width delta > 0, w times the smooth L1 loss of beta = delta (W. Dabney,
   M. Rowland, M. G. Bellemare and R. Munos, Distributional reinforcement learning with
   quantile regression, AAAI 2018). */
#define FL_NAME quantile
#include "losses/robust/smooth_l1.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real q = (real)parameters[0], delta = (real)parameters[1];
  const fl_point even = fl_smooth_l1(delta, y, x);
  const real w = x > y ? 1 - q : q;
  return (fl_point){
      .value = w * even.value, .grad = w * even.grad, .hess = w * even.hess};
}

#include "blocks/element_loops.h"
