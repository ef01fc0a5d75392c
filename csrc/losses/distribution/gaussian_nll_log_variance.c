/* The loss of gaussian_nll.c for a predicted logarithm s of the variance, q = r^2/exp(s)
   (A. Kendall and Y. Gal, What uncertainties do we need in Bayesian deep learning for
   computer vision?, NeurIPS 2017):

     l = (s + q)/2, and log(2 pi)/2 more if `full`
     dl/dm = r exp(-s),  d2l/dm2 = exp(-s)
     dl/ds = (1 - q)/2,  d2l/ds2 = q/2,  d2l/dm ds = -r exp(-s) */
#define FL_NAME gaussian_nll_log_variance
#include "blocks/heads.h"
#include "math/gamma.h"

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const double constant = parameters[0] != 0 ? FL_LOG_SQRT_2PI : 0;
  const double r = (double)x - (double)y, inverse = fl_d_exp(-z, 0);
  const double slope = r == 0 ? 0 : r * inverse, q = r == 0 ? 0 : r * slope;
  return (fl_heads_point){
      .value = (real)FL_FMA_F64(0.5, z + q, constant),
      .grad = {(real)slope, (real)FL_FMA_F64(-0.5, q, 0.5)},
      .hess = {(real)inverse, (real)(0.5 * q)},
      .mixed = (real)-slope,
  };
}

#include "blocks/heads_loops.h"
