/* Negative log-likelihood of a count y under a negative binomial distribution of mean m
   and r = `total_count`, its variance m + m^2/r (J. M. Hilbe, Negative Binomial
   Regression, 2nd ed. 2011). With n = r + y, d = (m - y)/n and Binet's function B of
   gamma.h, whose differences are small where those of lgamma would cancel
   (C. Loader, Fast and accurate computation of binomial probabilities, 2000):

     l = r log(1 + d) + log(1 + y/r)/2 + B(r) - B(n)
         + y log((r + m)/(m n)) + y,
         and lgamma(y + 1) more if `full`: the last line is then
         y log(1 + r (y - m)/(m n)) + B(y) + log(2 pi y)/2
     dl/dm = r (m - y)/(m (r + m)),  d2l/dm2 = y/m^2 - n/(r + m)^2
     dl/dr = log(1 + d) - d/(1 + d) - y/(2 r n) + B'(r) - B'(n)
     d2l/dr2 = -(m - y)^2/(n (r + m)^2) + y (r + n)/(2 r^2 n^2) + B''(r) - B''(n)
     d2l/dm dr = (m - y)/(r + m)^2

   m and r are at least `eps`; derivatives are those at the clipped numbers. */
#define FL_NAME negative_binomial
#include "blocks/heads.h"
#include "math/gamma.h"

/* The last line of the value. u = (r + m)/n. */
FL_INLINE double FL_LOCAL(counted)(bool full, double y, double m, double r, double n,
                                   double u) {
  const double ratio = y / m, excess = (y - m) / m * (r / n);
  const double rest = fl_d_binet(y).value + FL_LOG_SQRT_2PI + 0.5 * fl_d_log(y, 0);
  const double all = FL_FMA_F64(y, fl_d_log_of(ratio * u, excess).log, rest);
  const double part = FL_FMA_F64(y, fl_d_log(u / m, 0), y);
  return y == 0 ? 0 : (full ? all : part);
}

FL_INLINE fl_heads_point FL_POINT(real y_given, real x, real z,
                                  const double *parameters) {
  const bool full = parameters[0] != 0;
  const double y = y_given, m = fl_max((real)parameters[1], x);
  const double count = fl_max((real)parameters[1], z);
  const double r = count > 0x1p1000 ? 0x1p1000 : count; /* Poisson's */
  const double n = r + y, mean = r + m, d = (m - y) / n, u = mean / n;
  const fl_log_of log = fl_d_log_of(u, d);
  const fl_binet at_r = fl_d_binet(r), at_n = fl_d_binet(n);
  const double half = 0.5 * fl_d_log_of(n / r, y / r).log;
  const double change = half + (at_r.value - at_n.value);
  /* log(1 + d) - d + d^2/(1 + d) */
  const double excess = log.curve + d * ((m - y) / mean);
  const double spread = 0.5 * (y / n) / r, pull = (m - y) / mean;
  const double off = y == 0 ? 1 : (m - y) / m;
  return (fl_heads_point){
      .value = (real)(FL_FMA_F64(r, log.log, change)
                      + FL_LOCAL(counted)(full, y, m, r, n, u)),
      .grad = {(real)(off * (r / mean)),
               (real)(excess - spread + (at_r.slope - at_n.slope))},
      .hess = {(real)((y == 0 ? 0 : y / m / m) - n / mean / mean),
               (real)(spread * ((r + n) / r / n) - pull * pull / n
                      + (at_r.curve - at_n.curve))},
      .mixed = (real)(pull / mean),
  };
}

#include "blocks/heads_loops.h"
