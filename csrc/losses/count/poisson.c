/* Poisson loss of a count y >= 0 and the logarithm x of its mean, the negative
   log-likelihood without the terms of y alone (J. A. Nelder and R. W. M. Wedderburn,
   Generalized linear models, J. R. Stat. Soc. A 135, 1972):

     l = exp(x) - y x,  l' = exp(x) - y,  l'' = exp(x) */
#define FL_NAME poisson
#include "blocks/element.h"
#include "losses/count/poisson.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  return fl_exp(x);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real mean,
                            const double *parameters) {
  return fl_poisson_of_log(y, x, mean);
}

#include "blocks/element_loops.h"
