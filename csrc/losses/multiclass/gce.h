/* gce.h: generalised cross-entropy of a class of probability p, with L = -log p, 0 < q <= 1,
   as a function of L:

     l = (1 - p^q)/q = -expm1(-q L)/q,  l' = p^q,  l'' = -q p^q

   From cross-entropy (q towards 0) to the mean absolute error 1 - p (q = 1). (Z. Zhang and
   M. R. Sabuncu, Generalized cross entropy loss for training deep neural networks with
   noisy labels, 2018.) In double. */
#ifndef FL_GCE_H
#define FL_GCE_H

#include "math/double.h"

/* exp(a (hi + lo)). */
FL_INLINE double fl_gce_power(double a, double hi, double lo) {
  const double z = a * hi, tail = fl_product_tail(a, hi, z) + a * lo;
  return fl_d_exp(z, z > -800 ? tail : 0);
}

/* l of z = -q L and p^q, which forgives no error of a large L. */
FL_INLINE double fl_gce(double z, double power, double q) {
  double magic_n;
  const double small = fl_d_expm1_reduced(z > -0.25 ? z : 0, 0, &magic_n);
  return -(z > -0.25 ? small : power - 1) / q;
}

#endif
