/* Binary cross-entropy of a label y in [0, 1] and a probability p (I. J. Good, Rational
   decisions, J. R. Stat. Soc. B 14, 1952):

     a = (1-y)(1-s) + s/2,  b = P (y (1-s) + s/2)     smoothing s, positive weight P
     l = -(a log(1-p) + b log(p)),  l' = a/(1-p) - b/p,  l'' = a/(1-p)^2 + b/p^2

   at p clipped to [eps, 1-eps]; a negative eps means the machine epsilon of the dtype.
   The smaller of p and 1-p is exact; its logarithm and log1p of minus it are the two.
   A term with the factor 0 counts 0 also where its logarithm is infinite. */
#include "../elementwise.h"

FL_INLINE real fl_clip(real x, const double *parameters) {
  const real eps = parameters[2] < 0 ? FL_EPSILON : (real)parameters[2];
  const real raised = fl_select(x < eps, eps, x);
  return fl_select(raised > 1 - eps, 1 - eps, raised);
}

/* The logarithm of the smaller of p and 1-p. */
FL_INLINE real FL_AHEAD(real x, const double *parameters) {
  const real p = fl_clip(x, parameters), q = 1 - p;
  return fl_log(fl_select(p > q, q, p));
}
#define FL_AHEAD FL_AHEAD

FL_INLINE fl_point FL_POINT(real y, real x, real log_smaller, const double *parameters) {
  const double keep = 1 - parameters[0], half = 0.5 * parameters[0];
  const double positive = parameters[1];
  const real a = FL_FMA(1 - y, (real)keep, (real)half);
  const real b = FL_FMA(y, (real)(positive * keep), (real)(positive * half));
  const real p = fl_clip(x, parameters), q = 1 - p;
  const real log_larger = fl_log1p_unit(-fl_select(p > q, q, p));
  const real log_p = fl_select(p > q, log_larger, log_smaller);
  const real log_q = fl_select(p > q, log_smaller, log_larger);
  const real a_q = fl_where(a != 0, a / q), b_p = fl_where(b != 0, b / p);
  return (fl_point){
      .value = -FL_FMA_ONCE(b, fl_where(b != 0, log_p), fl_masked(a, log_q)),
      .grad = a_q - b_p,
      .hess = fl_where(a != 0, a_q / q) + fl_where(b != 0, b_p / p),
  };
}

#define FL_NAME binary_crossentropy
#include "../elementwise_loops.h"
