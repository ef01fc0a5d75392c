/* Tweedie loss of an amount y >= 0 and its mean m > 0 (tweedie.c), with a = 2 - rho,
   b = 1 - rho and P = m^b:

     l = P (m/a - y/b),  l' = P (m - y)/m,  l'' = P (b + rho y/m)/m

   where P m/a is log(m) for a = 0 and P/b for b = 0. In f64 P may be out of range where a
   result is not, and quotients below the normal numbers have lost digits that P brings
   back: of small numbers 2^200 times as much is made, of a large mean 2^-200 times, and P
   is a product of two numbers. A mean may be so small that y/m is infinite, where P/m comes
   first. For rho = 3/2 P is the inverse of a root. */
#define FL_NAME tweedie_mean
#define FL_LONG
#include "blocks/element.h"
#include "losses/count/tweedie.h"
#include "math/short_power.h"

#if defined(FL_DTYPE_f32)
#define FL_LARGEST 0x1.fffffep127f
#else
#define FL_LARGEST 0x1.fffffffffffffp1023
#endif

/* 1/a, 1/b, or 0 for 1/0; whether a is 0 and minus whether b is. */
enum { FL_BY_A = FL_NO_RHO + 1, FL_BY_B, FL_LOG, FL_LABEL_LOG };

FL_INLINE void FL_LOCAL(setup)(double *parameters) {
  fl_tweedie_setup(parameters);
  const double a = parameters[FL_A], b = parameters[FL_B];
  parameters[FL_BY_A] = a == 0 ? 0 : 1 / a;
  parameters[FL_BY_B] = b == 0 ? 0 : 1 / b;
  parameters[FL_LOG] = a == 0;
  parameters[FL_LABEL_LOG] = -(b == 0);
}
#define FL_SETUP FL_LOCAL(setup)

#define FL_PLAIN(parameters) ((parameters)[FL_B] == -0.5)
#define FL_NOT_HARD(y, x) 1

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real m,
                                      const double *parameters) {
  return fl_select(m == (real)INFINITY, FL_LARGEST, m);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real m, real finite,
                            const double *parameters) {
  const double rho = parameters[FL_RHO], b = parameters[FL_B], label = y, mean = finite;
  const bool is_root = is != FL_IS_GENERAL, wide = sizeof(real) == sizeof(double);
  const bool small = wide && !is_root && mean + label < 0x1p-500;
  const bool large = wide && !is_root && mean > 0x1p500;
  const double step = small ? 200 : (large ? -200 : 0);
  const double unit = small ? 0x1p200 : (large ? 0x1p-200 : 1);
  const double root = 1 / __builtin_sqrt(mean);
  const double inverse = is_root ? root * root : 1 / mean;
  const fl_power_parts power =
      is_root ? (fl_power_parts){0, root, 1} : fl_power_parts_of(mean, b, step);
  const double of_mean = mean * unit * parameters[FL_BY_A];
  const double terms = of_mean - label * unit * parameters[FL_BY_B];
  const double logs = parameters[FL_LOG] + parameters[FL_LABEL_LOG] * label;
  const double value = power.half * terms * power.other + power.log * logs;
  const double ratio = fl_d_by_inverse(mean - label, mean, inverse);
  const double slope = power.half * ratio * unit * power.other;
  const double first = power.half * unit * power.other / mean * (mean - label);
  const double share = rho * fl_d_by_inverse(label, mean, inverse);
  const double bend = b + (wide && mean < parameters[FL_NO_RHO] ? 0 : share);
  const double curve = fl_d_by_inverse(power.half * bend, mean, inverse);
  return (fl_point){
      .value = (real)fl_d_select((double)m == INFINITY,
                                 parameters[FL_A] < 0 ? 0 : INFINITY, value),
      .grad = (real)(wide && ratio - ratio != 0 ? first : slope),
      .hess = (real)(curve * unit * power.other),
  };
}

#include "blocks/element_loops.h"
#undef FL_LARGEST
