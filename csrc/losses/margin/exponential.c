/* Exponential loss of a label y in {-1, 1} and a decision value x (Y. Freund and
   R. E. Schapire, A decision-theoretic generalization of on-line learning and an
   application to boosting, J. Comput. Syst. Sci. 55, 1997):

     l = exp(-y x),  l' = -y exp(-y x),  l'' = exp(-y x) */
#define FL_NAME exponential
#include "blocks/element.h"
#include "math/vecmath.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  return fl_exp(-y * x);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real value,
                            const double *parameters) {
  return (fl_point){.value = value, .grad = -y * value, .hess = value};
}

#include "blocks/element_loops.h"
