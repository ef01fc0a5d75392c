/* Tweedie loss of an amount y >= 0 and the logarithm x of its mean, for the variance
   mean^rho, the negative log-likelihood over the dispersion without the terms of y alone
   (B. Jorgensen, Exponential dispersion models, J. R. Stat. Soc. B 49, 1987), with
   a = 2 - rho, b = 1 - rho, A = exp(a x) and B = y exp(b x):

     l = A/a - B/b,  l' = A - B,  l'' = a A - b B

   where A/a is x for a = 0 and B/b is y x for b = 0: gamma and Poisson. rho is 0 or at
   least 1, for which a and b are exact. Of two infinite terms the one that grows faster
   counts: A for x > 0, else B. In f32 exponentials are short. */
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

#define FL_PLAIN(parameters) ((parameters)[FL_B] == -0.5)
#define FL_NOT_HARD(y, x) 1

/* A and B; for a = -b = 1/2 of one exponential. */
typedef struct {
  double growth, fall;
} fl_tweedie_terms;

#if defined(FL_DTYPE_f32)
FL_INLINE double fl_tweedie_term(double y, double c, double x) {
  const double t = c * x, power = fl_d_short_exp(t).power;
  return fl_d_select(y > 0, y * fl_d_select(t > FL_SHORT_MOST, INFINITY, power), y);
}

FL_INLINE fl_tweedie_terms fl_tweedie_inverses(double y, double x) {
  const double growth = fl_tweedie_term(1, 0.5, x);
  return (fl_tweedie_terms){growth, y / growth};
}
#else
FL_INLINE double fl_tweedie_term(double y, double c, double x) {
  return fl_times_power(y, c, x);
}

FL_INLINE double fl_inverse_power_of_two(double x) {
  return fl_d_from_bits(((uint64_t)2046 << 52) - fl_d_bits(x));
}

/* Where B is what counts, y is multiplied by a large power of 2 first: a subnormal y keeps
   its digits. */
FL_INLINE fl_tweedie_terms fl_tweedie_inverses(double y, double x) {
  const fl_exp_parts exp = fl_exp_parts_of(0.5 * x, 0, 0);
  const double m = 1 + exp.below, scaled = y * fl_inverse_power_of_two(exp.half);
  return (fl_tweedie_terms){m * exp.half * exp.other,
                            scaled / m * fl_inverse_power_of_two(exp.other)};
}
#endif

FL_INLINE fl_tweedie_terms fl_tweedie_terms_of(double y, double a, double b, double x) {
  return (fl_tweedie_terms){fl_tweedie_term(1, a, x), fl_tweedie_term(y, b, x)};
}

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real at,
                            const double *parameters) {
  const bool general = is == FL_IS_GENERAL;
  const double a = general ? (real)parameters[FL_A] : 0.5;
  const double b = general ? (real)parameters[FL_B] : -0.5;
  const double x_low = fl_max(-FL_FAR, x), x_high = fl_min(FL_FAR, x), amount = y;
  const fl_tweedie_terms terms =
      general ? fl_tweedie_terms_of(amount, a, b, at) : fl_tweedie_inverses(amount, at);
  const double growth = terms.growth, fall = terms.fall;
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
