/* poly1.h: cross-entropy L = -log p of a class of probability p and the rest c = 1 - p, as
   a function of L:

     l = alpha L + epsilon c,  l' = alpha + epsilon p,  l'' = -epsilon p

   (Z. Leng, M. Tan, C. Liu, E. D. Cubuk, X. Shi, S. Cheng and D. Anguelov, PolyLoss: a
   polynomial expansion perspective of classification loss functions, 2022; Y. Wang, X. Ma,
   Z. Chen, Y. Luo, J. Yi and J. Bailey, Symmetric cross entropy for robust learning with
   noisy labels, 2019.) */
#ifndef FL_POLY1_H
#define FL_POLY1_H

#include "blocks/picks.h"
#include "blocks/share_products.h"

/* Of p = p_y clipped to [eps, 1-eps]: dl/dp = -l'/p, d2l/dp2 = (l' + l'')/p^2. */
FL_INLINE fl_term_point fl_poly1_of_class(real p, double alpha, double epsilon) {
  const double log = -(double)fl_log(p), exact = (double)p;
  return (fl_term_point){
      .value = (real)((alpha == 0 ? 0 : alpha * log) + epsilon * (1 - exact)),
      .grad = (real)(0 - alpha / exact - epsilon),
      .hess = (real)(alpha / exact / exact),
  };
}

FL_INLINE fl_class_point fl_poly1_of_share(fl_class_share at, double alpha,
                                           double epsilon) {
  return (fl_class_point){
      .value = (real)((alpha == 0 ? 0 : alpha * at.log) + epsilon * at.rest),
      .slope = alpha + epsilon * at.p,
      .bend = -epsilon * at.p * at.rest,
  };
}

#endif
