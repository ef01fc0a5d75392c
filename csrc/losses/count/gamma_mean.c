/* Gamma loss of an amount y > 0 and its mean m > 0 (gamma.c):

     l = log(m) + y/m,  l' = (m - y)/m^2,  l'' = (2y - m)/m^3

   2y may be infinite and m/2 inexact: the difference is taken of one or the other. */
#define FL_NAME gamma_mean
#include "blocks/element.h"
#include "math/vecmath.h"

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real m,
                                      const double *parameters) {
  return fl_log(m);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real m, real log,
                            const double *parameters) {
  const real unit = y > 1 ? (real)0.5 : 1, rise = 2 * unit * y - unit * m;
  return (fl_point){
      .value = log + y / m,
      .grad = (m - y) / m / m,
      .hess = rise / m / m / m / unit,
  };
}

#include "blocks/element_loops.h"
