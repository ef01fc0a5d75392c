/* gce.h: generalised cross-entropy of a class of probability p, with L = -log p, 0 < q <= 1,
   as a function of L:

     l = (1 - p^q)/q = -expm1(-q L)/q,  l' = p^q,  l'' = -q p^q

   From cross-entropy (q towards 0) to the mean absolute error 1 - p (q = 1). (Z. Zhang and
   M. R. Sabuncu, Generalized cross entropy loss for training deep neural networks with
   noisy labels, 2018.) In double: p^q of a small q forgives no error of L. */
#ifndef FL_GCE_H
#define FL_GCE_H

#include "math/double.h"

typedef struct {
  double value, slope, curve;
} fl_gce_point;

FL_INLINE fl_gce_point fl_gce(double log, double q) {
  const double z = -q * log, power = fl_d_exp(z, 0);
  double magic_n;
  const double small = fl_d_expm1_reduced(z > -0.25 ? z : 0, 0, &magic_n);
  const double change = z > -0.25 ? small : power - 1;
  return (fl_gce_point){-change / q, power, -q * power};
}

#endif
