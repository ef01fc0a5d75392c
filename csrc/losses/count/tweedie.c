/* Tweedie loss of an amount y >= 0 and the logarithm x of its mean, for the variance
   mean^rho, the negative log-likelihood over the dispersion without the terms of y alone
   (B. Jorgensen, Exponential dispersion models, J. R. Stat. Soc. B 49, 1987), with
   a = 2 - rho, b = 1 - rho, A = exp(a x) and B = y exp(b x):

     l = A/a - B/b,  l' = A - B,  l'' = a A - b B

   where A/a is x for a = 0 and B/b is y x for b = 0: gamma and Poisson. rho is 0 or at
   least 1, for which a and b are exact. Of two infinite terms the one that grows faster
   counts: A for x > 0, else B. */
#define FL_NAME tweedie
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/tweedie.h"

#define FL_FAR \
  (FL_HUGE / 2) /* instead of an infinite x, whose product with 0 is none */

#define FL_SETUP fl_tweedie_setup

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real a = (real)parameters[FL_A], b = (real)parameters[FL_B];
  const real x_low = fl_max(-FL_FAR, x), x_high = fl_min(FL_FAR, x);
  const real at = fl_min(FL_FAR, x_low);
  const real growth = fl_times_power(1, a, at), fall = fl_times_power(y, b, at);
  const bool both = (growth == (real)INFINITY) & (fall == (real)INFINITY);
  const real mean = fl_where(!(both & (x <= 0)), growth);
  const real label = fl_where(!(both & (x > 0)), fall);
  const bool no_a = fl_abs(at) < (real)parameters[FL_NO_A];
  const bool no_b = fl_abs(at) < (real)parameters[FL_NO_B];
  const real of_label = fl_select(no_b, fl_where(y != 0, y * x_high), label / b);
  return (fl_point){
      .value = fl_select(no_a, x_low, mean / a) - of_label,
      .grad = mean - label,
      .hess = a * mean - b * label,
  };
}

#include "blocks/element_loops.h"
#undef FL_FAR
