/* probabilities.h: the clip of a probability, and minus its logarithm times a label
   weight q, the mathematics of both cross-entropies on rows of probabilities.

     l = -q log(p),  l' = -q/p,  l'' = q/p^2     at p clipped to [eps, 1-eps]

   A negative eps means the machine epsilon of the dtype. q = 0 counts 0 also at p = 0.
   (I. J. Good, Rational decisions, J. R. Stat. Soc. B 14, 1952.) */
#ifndef FL_PROBABILITIES_H
#define FL_PROBABILITIES_H

#include "registry/enums.h"
#include "blocks/results.h"
#include "math/vecmath.h"

typedef struct {
  real value, grad, hess;
} fl_term_point;

/* Masks choose eps: GCC compares each element with both when it sees a conditional. */
FL_INLINE real fl_eps(double eps_parameter) {
  return fl_select(eps_parameter < 0, FL_EPSILON, (real)eps_parameter);
}

FL_INLINE real fl_clip(real x, double eps_parameter) {
  const real eps = fl_eps(eps_parameter);
  return fl_min(1 - eps, fl_max(eps, x));
}

FL_INLINE fl_term_point fl_log_probability(real q, real x, const double *parameters) {
  const real p = fl_clip(x, parameters[0]);
  const real inverse = fl_where(q != 0, q / p);
  return (fl_term_point){
      .value = -fl_masked(q, fl_log(p)),
      .grad = 0 - inverse, /* 0, not -0, for q = 0 */
      .hess = fl_where(q != 0, inverse / p),
  };
}

/* Of the only class. */
FL_INLINE fl_term_point fl_log_of_class(real x, const double *parameters) {
  return fl_log_probability(1, x, parameters);
}

/* Non-zero outside [0, 1]; a NaN is data and passes. */
FL_INLINE fl_int fl_outside_unit(real z) { return -(fl_int)((z < 0) | (z > 1)); }

#endif
