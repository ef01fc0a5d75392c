/* js.h: a term of the Jensen-Shannon divergence of labels q_j and probabilities p_j, with
   m = beta q + (1-beta) p, 0 < beta <= 1:

     l   = beta q log(q/m) + (1-beta) p log(p/m)
     l'  = (1-beta) log(p/m)
     l'' = beta (1-beta) q / (p m)

   At beta = 1, where that is 0, it is divided by 1 - beta before the limit is taken: the
   reverse divergence p log(p/q) with l' = log(p/q) + 1, l'' = 1/p. With u = q - p the
   quotients are q/m = 1/(1 - (1-beta) u/q) and p/m = 1/(1 + beta u/p): no digit is lost
   where q is close to p. 0 log 0 = 0. (J. Lin, Divergence measures based on the Shannon
   entropy, IEEE Trans. Inf. Theory 37, 1991.) In double, as quotients leave f32. */
#ifndef FL_JS_H
#define FL_JS_H

#include "math/log_quotient.h"

typedef struct {
  double value, grad, hess, pull, bend; /* pull = p l', bend = p^2 l'' */
} fl_js_point;

/* log(1 + d/x) (log_quotient.h). Of f32 double precision is more than enough, so that two
   divisions will do; a quotient that leaves the range is taken of 2^54 x as there. */
FL_INLINE double fl_js_log(double d, double x) {
#if defined(FL_DTYPE_f32)
  const double scaled = d / (x * 0x1p54), direct = scaled * 0x1p54, w = 1 + direct;
  const bool far = !(direct < 0x1p1000);
  const double lost = direct - (w - 1); /* what rounding took from w */
  const double y = fl_d_log(far ? scaled : w, far ? 0 : lost);
  return d == 0 ? 0 : far ? y + 54 * 0x1.62e42fefa39efp-1 : y;
#else
  return fl_log1p_quotient(d, x);
#endif
}

FL_INLINE fl_js_point fl_js(double q, double p, double u, double beta) {
  const double rest = 1 - beta;
  const double weight = rest == 0 ? 1 : rest, one = rest == 0 ? 1 : 0;
  const double log_q = -fl_js_log(-rest * u, q);
  const double log_p = -fl_js_log(beta * u, p);
  const double m = beta * q + rest * p, share = rest == 0 ? 1 : beta * q / m;
  const double of_q = q == 0 ? 0 : beta * (q * log_q);
  const double of_p = p == 0 ? 0 : p * log_p;
  const double part = weight * (q == 0 && rest != 0 ? 0 : share);
  return (fl_js_point){
      .value = of_q + weight * of_p,
      .grad = weight * log_p + one,
      .hess = part == 0 ? 0 : part / p,
      .pull = weight * of_p + one * p,
      .bend = part * p,
  };
}

#endif
