/* Gamma loss of an amount y > 0 and the logarithm x of its mean: the negative
   log-likelihood of a gamma distribution over its shape, without the terms of y alone
   (P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed. 1989, chapter 8):

     l = x + y exp(-x),  l' = 1 - y exp(-x),  l'' = y exp(-x) */
#define FL_NAME gamma
#include "blocks/element.h"
#include "losses/count/powers.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  return fl_times_exp(y, -x, 0);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

/* The largest |x| at which y exp(-x) is neither 0 nor infinite for all y is below. */
#define FL_FAR 1500

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real ratio,
                            const double *parameters) {
  return (fl_point){
      .value = fl_max(-FL_FAR, x) + ratio,
      .grad = 1 - ratio,
      .hess = ratio,
  };
}

#include "blocks/element_loops.h"
#undef FL_FAR
