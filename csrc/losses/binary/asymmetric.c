/* Asymmetric loss of a label y in [0, 1] and a logit x (T. Ridnik, E. Ben-Baruch,
   N. Zamir, A. Noy, I. Friedman, M. Protter and L. Zelnik-Manor, Asymmetric loss for
   multi-label classification, ICCV 2021), with p = sigma(x), q = 1 - p and
   v = max(0, p - margin):

     l = y q^g+ (-log p) + (1 - y) v^g- (-log(1 - v))

   The first term has the derivatives of a focal loss, of L = -log p:
     -q^g (g p L + q),  q^g p (g L (g p - q) + (2 g + 1) q)
   the second one, with L = -log(1 - v), c = p q/(1 - v) and d = p q/v:
     v^g (g d L + c),  v^g (g L d ((g - 1) d + q - p) + 2 g d c + c (c + q - p))
   all 0 for p <= margin, where the second derivative jumps. In double, as powers multiply
   errors of their bases. */
#define FL_NAME asymmetric
#define FL_LONG
#include "blocks/element.h"
#include "losses/binary/sides.h"

typedef struct {
  double value, grad, hess;
} fl_asymmetric_term;

/* What depends on parameters alone, in numbers, so that a loop has one way through. */
enum { FL_GAMMA_POS, FL_GAMMA_NEG, FL_MARGIN, FL_BARE, FL_ZERO_POS, FL_ZERO_NEG };

FL_INLINE void FL_LOCAL(setup)(double *parameters) {
  for (int k = 0; k < FL_BARE; k++) parameters[k] = (real)parameters[k];
  parameters[FL_BARE] = parameters[FL_MARGIN] == 0 ? 2 : 0;
  parameters[FL_ZERO_POS] = fl_zero_power(parameters[FL_GAMMA_POS]);
  parameters[FL_ZERO_NEG] = fl_zero_power(parameters[FL_GAMMA_NEG]);
}

/* The first term, without y, of a label 0 and the logit -x. */
FL_INLINE fl_asymmetric_term fl_asymmetric_positive(fl_sides at,
                                                    const double *parameters) {
  const double g = parameters[FL_GAMMA_POS];
  const double power = fl_power_short_in_f32(parameters[FL_ZERO_POS], at.p, g);
  const double finite = at.ce < FL_CERTAIN ? g * at.ce : 0;
  const double bend = finite * (g * at.q - at.p) + (2 * g + 1) * at.p;
  return (fl_asymmetric_term){
      .value = power == 0 ? 0 : power * at.ce,
      .grad = -power * (finite * at.q + at.p),
      .hess = power * at.q_wide * bend * (1 / FL_WIDE),
  };
}

/* The second one, without 1 - y. 1 - v = q + margin is taken from the smaller of p and
   q; without a margin, where all q are below FL_BARE, it is q. */
FL_INLINE fl_asymmetric_term fl_asymmetric_negative(fl_sides at,
                                                    const double *parameters) {
  const double g = parameters[FL_GAMMA_NEG], margin = parameters[FL_MARGIN];
  const bool active = at.p > margin, small = at.p < 0.5;
  const bool bare = at.q < parameters[FL_BARE];
  const double v = active ? at.p - margin : 0.5, rest = small ? 1 - v : at.q + margin;
  const double tail = small ? (1 - rest) - v : margin - (rest - at.q);
  const double log = bare ? at.ce : -fl_log_short_in_f32(rest, tail);
  const double full = fl_power_short_in_f32(parameters[FL_ZERO_NEG], v, g);
  const double power = active ? full : 0, bend = at.q - at.p;
  const double c_wide = at.p * (bare ? FL_WIDE : at.q_wide / rest);
  const double d_wide = at.p / v * at.q_wide, c = c_wide * (1 / FL_WIDE);
  const double d = d_wide * (1 / FL_WIDE), finite = log < FL_CERTAIN ? g * log : 0;
  const double curve = finite * d_wide * ((g - 1) * d + bend) + 2 * g * d_wide * c;
  return (fl_asymmetric_term){
      .value = active ? power * log : 0,
      .grad = power * (finite * d + c),
      .hess = power * (curve + c_wide * (c + bend)) * (1 / FL_WIDE),
  };
}

#define FL_SETUP FL_LOCAL(setup)

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double a = y, b = 1 - a;
  const fl_asymmetric_term positive =
      fl_asymmetric_positive(fl_sides_of_logit(0, -x), parameters);
  const fl_asymmetric_term negative =
      fl_asymmetric_negative(fl_sides_of_logit(0, x), parameters);
  const double value =
      (a == 0 ? 0 : a * positive.value) + (b == 0 ? 0 : b * negative.value);
  return (fl_point){
      .value = (real)value,
      .grad = (real)(a * positive.grad + b * negative.grad),
      .hess = (real)(a * positive.hess + b * negative.hess),
  };
}

#include "blocks/element_loops.h"
