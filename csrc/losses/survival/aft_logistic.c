/* Negative log-likelihood of a time t under the accelerated failure time model: log t
   is logistic about x, of scale sigma (J. D. Kalbfleisch and R. L. Prentice, The
   Statistical Analysis of Failure Time Data, 2nd ed. 2002, chapters 2 and 3). With z =
   (log t - x)/sigma, s(z) = 1/(1 + exp(-z)) and softplus(z) = log(1 + exp(z)), of a
   time known to be in [t1, t2], of z in [l, u],

     s(u) - s(l) = s(u) s(-l) (1 - exp(-(u - l)))
     l = softplus(-u) + softplus(l) - log(1 - exp(-(u - l)))
     dl/dx = (s(-u) - s(l))/sigma,  d2l/dx2 = (s'(u) + s'(l))/sigma^2

   and of a known time, u = l, log(sigma t) in the place of the last term of l.

   s(-u) - s(l) = (1 - exp(u + l)) s(-u) s(-l), or what it is with signs changed: no
   digits cancel. */
#define FL_NAME aft_logistic
#include "losses/survival/times.h"

/* exp(-|z|). */
FL_INLINE double FL_LOCAL(decay)(fl_standard_time z) {
  return fl_d_exp(-fl_d_abs(z.q), z.q < 0 ? z.lost : -z.lost);
}

FL_INLINE fl_point FL_POINT(real t1, real t2, real x, const double *parameters) {
  const double sigma = (real)parameters[0];
  const fl_time_bounds at = fl_time_bounds_of(t1, t2, x, sigma);
  const double l = at.low.q, u = at.high.q;
  const double a = FL_LOCAL(decay)(at.low), b = FL_LOCAL(decay)(at.high);
  const double more = a + b + a * b, both = 1 + more;
  const double inside = -fl_d_expm1_nonpositive(-at.width);
  const double outside = (1 - inside) - fl_d_exp(-at.width, 0);
  const double last =
      fl_d_log(at.known ? sigma : inside, at.known | (at.width < 1) ? 0 : outside);
  const double beyond = (l > 0 ? l : 0) + (u < 0 ? -u : 0);
  const double soft = beyond + fl_d_log(both, more - (both - 1));
  const double c = (l + u) + (at.low.lost + at.high.lost);
  const double tail = ((u > 0) & (c <= 0) ? b : 1) * ((l < 0) & (c > 0) ? a : 1) / both;
  const double pull = fl_d_expm1_nonpositive(-fl_d_abs(c)) * tail;
  const double curve = a / ((1 + a) * (1 + a)) + b / ((1 + b) * (1 + b));
  return (fl_point){
      .value = (real)(soft + (at.known ? at.log + last : -last)),
      .grad = (real)((c < 0 ? -pull : pull) / sigma),
      .hess = (real)(curve / sigma / sigma),
  };
}

#include "blocks/bounds_loops.h"
