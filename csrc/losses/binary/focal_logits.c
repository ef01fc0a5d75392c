/* Focal loss (focal.h) of a label y in [0, 1] and a logit x. With p = sigma(x), q = 1 - p,
   delta = p - y and r = u'/u:

     l'  = w u^gamma (gamma r ce + delta)
     l'' = w u^gamma (gamma ce (gamma r^2 + k) + 2 gamma r delta + p q)

   where k = u''/u - r^2. Arithmetic: u = p + y (q - p), r = (1 - 2y) p q/u and
   k = r (y q/u - p); geometric: with P = exp(-ce), u = 1 - P, r = P delta/u and
   k = P/u (p q - delta^2/u). A hard label y = 0 has u = p, r = q and k = -p q in both, and
   l'' is negative where gamma ce (p - gamma q) > (2 gamma + 1) p. What l'' is the product
   of with ce may be below the normal numbers: it is FL_WIDE times as large until the end. */
#define FL_NAME focal_logits
#define FL_LONG
#include "blocks/element.h"
#include "losses/binary/focal.h"

#define FL_SETUP fl_focal_setup

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const fl_sides at = fl_sides_of_logit(y, x);
  const fl_geometric mean = fl_geometric_of(at.ce);
  const bool geometric = parameters[FL_GEOMETRIC] * at.y != 0;
  const double u = geometric ? mean.rest : at.p + at.y * (at.q - at.p);
  const double u_wide = at.p_wide + at.y * (at.q_wide - at.p_wide);
  const double share_wide =
      u_wide == 0 ? at.q_wide : at.slope_wide * FL_WIDE / u_wide; /* p q/u */
  const double y_u = at.y == 0 ? 0 : at.y / u;
  const double apart = at.delta / u, likelihood = mean.likelihood;
  const double pq = at.slope_wide * (1 / FL_WIDE), bare = 1 - 2 * at.y;
  const double r_wide = geometric ? likelihood * apart : bare * share_wide;
  const double r = r_wide * (1 / FL_WIDE);
  const double k =
      geometric ? likelihood * (pq / u - apart * apart) : r_wide * (y_u * at.q - at.p);
  const double gamma = parameters[FL_GAMMA];
  const double power = fl_power_short_in_f32(parameters[FL_ZERO], u, gamma);
  const double finite = at.ce < FL_CERTAIN ? gamma * at.ce : 0;
  const double bend = finite * (gamma * r * r_wide + k) + 2 * gamma * r_wide * at.delta;
  const double factor = fl_focal_weight(y, parameters) * power;
  return (fl_point){
      .value = (real)(factor == 0 ? 0 : factor * at.ce),
      .grad = (real)(at.sign * factor * (finite * r + at.delta)),
      .hess = (real)(factor * (bend + at.slope_wide) * (1 / FL_WIDE)),
  };
}

#include "blocks/element_loops.h"
