/* Tweedie loss of an amount y >= 0 and the logarithm x of its mean, for the variance
   mean^rho, the negative log-likelihood over the dispersion without the terms of y alone
   (B. Jorgensen, Exponential dispersion models, J. R. Stat. Soc. B 49, 1987), with
   a = 2 - rho, b = 1 - rho, A = exp(a x) and B = y exp(b x):

     l = A/a - B/b,  l' = A - B,  l'' = a A - b B

   where A/a is x for a = 0 and B/b is y x for b = 0: gamma and Poisson. In double, as
   products with x are exponents; rho is 0 or at least 1, for which a and b are exact. Of
   two infinite terms the one that grows faster counts: A for x > 0, else B. */
#define FL_NAME tweedie
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/tweedie.h"

#define FL_FAR 0x1p900 /* instead of an infinite x, whose product with 0 is none */

#define FL_SETUP fl_tweedie_setup

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double a = parameters[FL_A], b = parameters[FL_B];
  const double at = fl_d_clip(FL_FAR, x);
  double mean = fl_d_times_power(1, a, at), label = fl_d_times_power(y, b, at);
  const bool both = mean == INFINITY && label == INFINITY;
  mean = both && x <= 0 ? 0 : mean;
  label = both && x > 0 ? 0 : label;
  const bool no_a = fl_d_abs(at) < parameters[FL_NO_A];
  const bool no_b = fl_d_abs(at) < parameters[FL_NO_B];
  const double x_low = x < -FL_FAR ? -FL_FAR : x, x_high = x > FL_FAR ? FL_FAR : x;
  const double of_label = no_b ? (y == 0 ? 0 : y * x_high) : label / b;
  return (fl_point){
      .value = (real)((no_a ? x_low : mean / a) - of_label),
      .grad = (real)(mean - label),
      .hess = (real)(a * mean - b * label),
  };
}

#include "blocks/element_loops.h"
#undef FL_FAR
