/* Tweedie loss of an amount y >= 0 and the logarithm x of its mean, for the variance
   mean^rho, the negative log-likelihood over the dispersion without the terms of y alone
   (B. Jorgensen, Exponential dispersion models, J. R. Stat. Soc. B 49, 1987), with
   a = 2 - rho, b = 1 - rho, A = exp(a x) and B = y exp(b x):

     l = A/a - B/b,  l' = A - B,  l'' = a A - b B

   where A/a is x for a = 0 and B/b is y x for b = 0: gamma and Poisson. rho is 0 or at
   least 1, for which a and b are exact. Of two infinite terms the one that grows faster
   counts: A for x > 0, else B. In f32 exponentials are short, and for a = -b = 1/2 one is
   the inverse of the other. */
#define FL_NAME tweedie
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/tweedie.h"
#include "math/short_power.h"

#define FL_FAR \
  (FL_HUGE / 2) /* instead of an infinite x, whose product with 0 is none */

#define FL_SETUP fl_tweedie_setup

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  return fl_min(FL_FAR, fl_max(-FL_FAR, x));
}
#define FL_AHEAD FL_LOCAL(number_ahead)

/* y exp(c x) */
#if defined(FL_DTYPE_f32)
#define FL_PLAIN(parameters) ((parameters)[FL_B] == -0.5)
#define FL_NOT_HARD(y, x) 1

FL_INLINE double fl_tweedie_term(double y, double c, double x) {
  const double t = c * x, power = fl_d_short_exp(t).power;
  return fl_d_select(y > 0, y * fl_d_select(t > FL_SHORT_MOST, INFINITY, power), y);
}
#else
FL_INLINE double fl_tweedie_term(double y, double c, double x) {
  return fl_times_power(y, c, x);
}
#endif

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real at,
                            const double *parameters) {
  const double a = (real)parameters[FL_A], b = (real)parameters[FL_B];
  const double x_low = fl_max(-FL_FAR, x), x_high = fl_min(FL_FAR, x), amount = y;
  const double growth = fl_tweedie_term(1, a, at);
  const bool general = is == FL_IS_GENERAL;
  const double fall = general ? fl_tweedie_term(amount, b, at) : amount / growth;
  const bool both = general & (growth == INFINITY) & (fall == INFINITY);
  const double mean = fl_d_select(both & ((double)x <= 0), 0, growth);
  const double label = fl_d_select(both & ((double)x > 0), 0, fall);
  const double size = fl_d_abs(at);
  const bool no_a = general & (size < parameters[FL_NO_A]);
  const bool no_b = general & (size < parameters[FL_NO_B]);
  const double logs = fl_d_select(amount != 0, amount * x_high, 0);
  const double of_label = fl_d_select(no_b, logs, fl_d_by_inverse(label, b, 1 / b));
  const double of_mean = fl_d_select(no_a, x_low, fl_d_by_inverse(mean, a, 1 / a));
  return (fl_point){
      .value = (real)(of_mean - of_label),
      .grad = (real)(mean - label),
      .hess = (real)(a * mean - b * label),
  };
}

#include "blocks/element_loops.h"
#undef FL_FAR
