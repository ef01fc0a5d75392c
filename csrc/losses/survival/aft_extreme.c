/* Negative log-likelihood of a time t under the accelerated failure time model: log t
   has the extreme value distribution of minima about x, of scale sigma, and t is
   Weibull's (J. D. Kalbfleisch and R. L. Prentice, The Statistical Analysis of Failure
   Time Data, 2nd ed. 2002, chapters 2 and 3). With z = (log t - x)/sigma, the chance of
   a later one is exp(-exp(z)). Of a time known to be between two, v = exp(z1), d =
   exp(z2) - exp(z1) and f(d) = d/(exp(d) - 1):

     l = v - log(1 - exp(-d))
     dl/dx = (f(d) - v)/sigma,  d2l/dx2 = (v + f(d) (f(d) + d - 1))/sigma^2

   and of a known time, d = 0 and f = 1, log(sigma t) - z in the place of the last term
   of l. Of a d that is too small for a number, the logarithm is z2 + log(1 - exp(z1 -
   z2)). */
#define FL_NAME aft_extreme
#include "losses/survival/times.h"

/* f(d) + d - 1 for 0 <= d < 1: d/2 + sum of B_2k d^2k/(2k)!, k = 1 ... 11, with
   Bernoulli's numbers; relative error 2^-60. */
FL_INLINE double FL_LOCAL(excess)(double d) {
  const double z = d * d;
  double p = 0x1.967e1f09c376fp-58;
  p = FL_FMA_F64(p, z, -0x1.f57d968caacf1p-53);
  p = FL_FMA_F64(p, z, 0x1.355871d652e9ep-47);
  p = FL_FMA_F64(p, z, -0x1.7da4e1f79955cp-42);
  p = FL_FMA_F64(p, z, 0x1.d6db2c4e09162p-37);
  p = FL_FMA_F64(p, z, -0x1.22805d644267fp-31);
  p = FL_FMA_F64(p, z, 0x1.66a8f2bf70ebep-26);
  p = FL_FMA_F64(p, z, -0x1.bbd779334ef0bp-21);
  p = FL_FMA_F64(p, z, 0x1.1566abc011567p-15);
  p = FL_FMA_F64(p, z, -0x1.6c16c16c16c17p-10);
  p = FL_FMA_F64(p, z, 0x1.5555555555555p-4);
  return FL_FMA_F64(p, z, 0.5 * d);
}

FL_INLINE fl_point FL_POINT(real t1, real t2, real x, const double *parameters) {
  const double sigma = (real)parameters[0];
  const fl_time_bounds at = fl_time_bounds_of(t1, t2, x, sigma);
  const double v = fl_d_exp(at.low.q, at.low.lost);
  const double share = -fl_d_expm1_nonpositive(-at.width);
  const double all = at.known ? 0 : share * fl_d_exp(at.high.q, at.high.lost);
  const double d = all > 800 ? 800 : all;
  const double e = fl_d_exp(-d, 0), inside = -fl_d_expm1_nonpositive(-d);
  const bool tiny = !at.known & (d < 0x1p-1000), far = d > 1;
  const double log =
      fl_d_log(at.known ? sigma : (tiny ? share : inside), far ? (1 - inside) - e : 0);
  const double z = at.low.q > 800 ? 800 : at.low.q; /* v is infinite there */
  const double last = at.known ? (at.log - z) + log : -log - (tiny ? at.high.q : 0);
  const double f = d < 0x1p-1000 ? 1 : d * e / inside;
  const double excess = d < 1 ? FL_LOCAL(excess)(d) : f + (d - 1);
  return (fl_point){
      .value = (real)(v + last),
      .grad = (real)((f - v) / sigma),
      .hess = (real)(FL_FMA_F64(f, excess, v) / sigma / sigma),
  };
}

#include "blocks/bounds_loops.h"
