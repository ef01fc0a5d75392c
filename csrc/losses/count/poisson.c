/* Poisson loss of a count y >= 0 and the logarithm x of its mean, the negative
   log-likelihood without the terms of y alone (J. A. Nelder and R. W. M. Wedderburn,
   Generalized linear models, J. R. Stat. Soc. A 135, 1972):

     l = exp(x) - y x,  l' = exp(x) - y,  l'' = exp(x)

   Where exp(x) is infinite so is l, and a product with y = 0 is 0. */
#define FL_NAME poisson
#include "blocks/element.h"
#include "math/vecmath.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  return fl_exp(x);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real mean,
                            const double *parameters) {
  const real finite = fl_where(y != 0, fl_min(FL_EXP_OVERFLOW, x));
  return (fl_point){
      .value = FL_FMA_ONCE(-y, finite, mean),
      .grad = mean - y,
      .hess = fl_unless_nan(y, mean),
  };
}

#include "blocks/element_loops.h"
