/* Focal loss (focal.h) of a label y in [0, 1] and a probability p, clipped to
   [eps, 1-eps] with a negative eps for the machine epsilon of the dtype. With q = 1 - p,
   ce' = q^-1 (1 - y) - p^-1 y, ce'' = q^-2 (1 - y) + p^-2 y and r = u'/u:

     l'  = w u^gamma (gamma r ce + ce')
     l'' = w u^(gamma-1) (gamma (u'' + (gamma - 1) r u') ce + 2 gamma u' ce' + u ce'')

   Arithmetic: u = p + y (q - p), u' = 1 - 2y, u'' = 0; geometric: with P = exp(-ce),
   u = 1 - P, u' = P ce' and u'' = P (ce'' - ce'^2). What rounding takes from q goes into
   its logarithm. */
#define FL_NAME focal
#define FL_LONG
#include "blocks/element.h"
#include "blocks/probabilities.h"
#include "losses/binary/focal.h"

#define FL_SETUP fl_focal_setup

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const fl_probability_sides at =
      fl_sides_of_probability(y, x, fl_eps(parameters[FL_EPS]));
  const double first = at.ce1, second = at.ce2;
  const fl_geometric mean = fl_geometric_of(at.ce);
  const bool geometric = parameters[FL_GEOMETRIC] * at.y != 0;
  const double u = geometric ? mean.rest : at.p + at.y * (at.q - at.p);
  const double likelihood = mean.likelihood * (1 / FL_WIDE);
  const double rise = geometric ? likelihood * first : 1 - 2 * at.y;
  const double bend = geometric ? likelihood * (second - first * first) : 0;
  const double gamma = parameters[FL_GAMMA];
  const double power = fl_power_short_in_f32(parameters[FL_ZERO], u, gamma);
  const double below = u == 0 ? parameters[FL_ZERO_BELOW] : power / u;
  const double ce_u = u == 0 ? 1 : at.ce / u;
  const double w = fl_focal_weight(y, parameters);
  const double curve =
      (gamma - 1) * rise * rise * ce_u + bend * at.ce + 2 * rise * first;
  return (fl_point){
      .value = (real)(w * (power == 0 ? 0 : power * at.ce)),
      .grad = (real)(at.sign * w * power * (gamma * rise * ce_u + first)),
      .hess = (real)(w * ((gamma == 0 ? 0 : gamma * below * curve) + power * second)),
  };
}

#include "blocks/element_loops.h"
