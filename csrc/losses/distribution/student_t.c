/* Negative log-likelihood of a label y under Student's t distribution of nu degrees of
   freedom, location m and scale s (K. L. Lange, R. J. A. Little and J. M. G. Taylor,
   Robust statistical modeling using the t distribution, JASA 84, 1989). With
   q = (m - y)/s, h = q/(nu + q^2), c = nu/(nu + q^2) and k = q^2/(nu + q^2):

     l = log s + (nu + 1)/2 log(1 + q^2/nu), and the constant more if `full`
     dl/dm = (nu + 1) h/s,  d2l/dm2 = (nu + 1)/nu c (c - k)/s^2
     dl/ds = (c - nu k)/s,  d2l/ds2 = (nu k^2 + (3 nu + 1) c k - c^2)/s^2
     d2l/dm ds = -2 (nu + 1) h c/s^2

   s is at least `eps`; derivatives are those at the clipped scale. Where the square of
   q may overflow, nu does not count beside it. The constant is
   lgamma(nu/2) - lgamma((nu + 1)/2) + log(pi nu)/2, with Binet's B and a = nu/2

     log(2 pi)/2 + B(a) - B(a + 1/2) - (a log(1 + 1/(2 a)) - 1/2). */
#define FL_NAME student_t
#include "blocks/heads.h"
#include "losses/distribution/standard.h"
#include "math/gamma.h"

FL_OUTLINE void FL_LOCAL(setup)(double *parameters) {
  const double nu = (real)parameters[2], a = 0.5 * nu;
  const double log = fl_d_log_of((a + 0.5) / a, 0.5 / a).log;
  const double change = fl_d_binet(a).value - fl_d_binet(a + 0.5).value;
  const double constant = FL_LOG_SQRT_2PI + (change - FL_FMA_F64(a, log, -0.5));
  parameters[0] = parameters[0] != 0 ? constant : 0;
  parameters[2] = nu;
}
#define FL_SETUP FL_LOCAL(setup)

/* log(1 + square/nu), of a large |q| as 2 log(|q|/sqrt(nu)). */
FL_INLINE double FL_LOCAL(log)(bool large, double q, double square, double nu) {
  const double v = square / nu, u = 1 + v, c = u < 2 ? v - (u - 1) : 1 - (u - v);
  const double far = fl_d_abs(q) / __builtin_sqrt(nu);
  return (large ? 2 : 1) * fl_d_log(large ? far : u, large ? 0 : c);
}

FL_INLINE fl_heads_point FL_POINT(real y, real x, real z, const double *parameters) {
  const double constant = parameters[0], nu = parameters[2];
  const double s = fl_max((real)parameters[1], z);
  const fl_standard of = fl_standardised(x, y, s);
  const double q = of.q;
  const bool large = fl_d_abs(q) > 0x1p400;
  const double square = large ? 0 : fl_square_of(q, of.lost);
  const double total = large ? q : nu + square;
  const double h = (large ? 1 : q) / total, c = (large ? nu / q : nu) / total;
  const double k = (large ? q : square) / total;
  const double far = c * FL_FMA_F64(3 * nu + 1, k, -c), log = fl_d_log(s, 0);
  return (fl_heads_point){
      .value =
          (real)(FL_FMA_F64(0.5 * (nu + 1), FL_LOCAL(log)(large, q, square, nu), log)
                 + constant),
      .grad = {(real)((nu + 1) * h / s), (real)(FL_FMA_F64(-nu, k, c) / s)},
      .hess = {(real)((nu + 1) / nu * (c * (c - k)) / s / s),
               (real)(FL_FMA_F64(nu * k, k, far) / s / s)},
      .mixed = (real)(-2 * (nu + 1) * h * c / s / s),
  };
}

#include "blocks/heads_loops.h"
