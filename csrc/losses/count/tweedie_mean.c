/* Tweedie loss of an amount y >= 0 and its mean m > 0 (tweedie.c), with a = 2 - rho,
   b = 1 - rho and P = m^b:

     l = P (m/a - y/b),  l' = P (m - y)/m,  l'' = P (b + rho y/m)/m

   where P m/a is log(m) for a = 0 and P/b for b = 0. A mean may be so small that y/m is
   infinite, where P/m comes first. */
#define FL_NAME tweedie_mean
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/tweedie.h"
#include "math/power.h"

#define FL_MOST 0x1.fffffffffffffp1023
#define FL_SETUP fl_tweedie_setup

FL_INLINE fl_point FL_POINT(real y, real m, const double *parameters) {
  const double rho = parameters[FL_RHO], a = parameters[FL_A], b = parameters[FL_B];
  const double mean = m, label = y, finite = mean > FL_MOST ? FL_MOST : mean;
  const double log = fl_d_log(mean, 0), power = fl_d_power_from(0, finite, b);
  const double value = finite < parameters[FL_NO_A]   ? log - label * (power / b)
                       : finite < parameters[FL_NO_B] ? power * mean / a - label * log
                                                      : power * (mean / a - label / b);
  const double ratio = (mean - label) / mean, slope = power / mean;
  const double bend = b + (finite < parameters[FL_NO_RHO] ? 0 : rho * (label / mean));
  const bool tiny = ratio - ratio != 0;
  return (fl_point){
      .value = (real)value,
      .grad = (real)(tiny ? slope * (mean - label) : power * ratio),
      .hess = (real)(tiny ? slope * bend : power * bend / mean),
  };
}

#include "blocks/element_loops.h"
#undef FL_MOST
