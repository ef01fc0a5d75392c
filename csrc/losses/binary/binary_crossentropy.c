/* Binary cross-entropy of a label y in [0, 1] and a probability p (I. J. Good, Rational
   decisions, J. R. Stat. Soc. B 14, 1952):

     a = (1-y)(1-s) + s/2,  b = P (y (1-s) + s/2)     smoothing s, positive weight P
     l = -(a log(1-p) + b log(p)),  l' = a/(1-p) - b/p,  l'' = a/(1-p)^2 + b/p^2

   at p and 1-p clipped to [eps, 1-eps], where 1-p is not taken from 1-eps, which may
   round to 1. A negative eps means the machine epsilon of the dtype. What rounding
   takes from p and 1-p goes into their logarithms, what it takes from 1-y into a. A term
   with the factor 0 counts 0 also where its logarithm is infinite; without smoothing a
   hard label leaves one term, one logarithm and one quotient. */
#define FL_NAME binary_crossentropy
#include "blocks/element.h"
#include "blocks/probabilities.h"

/* No smoothing, and no probability below the normal numbers. */
#define FL_PLAIN(parameters) \
  (parameters[0] == 0 && (parameters[2] < 0 || parameters[2] >= FL_SMALLEST_NORMAL))
/* SSE2 does not vectorise the comparisons of f64; in f32 they are faster. */
#if defined(FL_DTYPE_f64)
#define FL_NOT_HARD(y, x) fl_bits(y * (1 - y))
#else
#define FL_NOT_HARD(y, x) ((fl_uint) !((y == 0) | (y == 1)))
#endif

typedef struct {
  real p, q; /* q = 1 - p, both rounded */
} fl_pair;

FL_INLINE fl_pair fl_pair_of(real x, const double *parameters) {
  const real eps = fl_eps(parameters[2]), low = fl_max(eps, x);
  return (fl_pair){fl_min(1 - eps, low), fl_max(eps, 1 - low)};
}

/* What rounding took from a = 1 - b (T. J. Dekker's fast two-sum). */
FL_INLINE real fl_tail(real a, real b) { return (1 - a) - b; }

/* For the value: the logarithm of p or, of a hard label 0, of 1-p. */
FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  if (!(want & FL_WANT_VALUE)) return 0;
  const fl_pair at = fl_pair_of(x, parameters);
  if (is != FL_IS_HARD) return fl_log_tail(at.p, fl_tail(at.p, at.q));
  const real u = fl_select(y != 0, at.p, at.q), rest = fl_select(y != 0, at.q, at.p);
  const real log_u = fl_log_sum(u, fl_tail(u, rest), 0);
  return fl_unless_nan(u, log_u);
}
#define FL_AHEAD FL_LOCAL(number_ahead)

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real log_ahead,
                            const double *parameters) {
  const double keep = 1 - parameters[0], half = 0.5 * parameters[0];
  const double positive = parameters[1];
  const fl_pair at = fl_pair_of(x, parameters);
  if (is == FL_IS_HARD) {
    const real factor = fl_select(y != 0, (real)positive, 1);
    const real argument = fl_select(y != 0, at.p, at.q);
    const real slope = fl_where(factor != 0, factor / argument);
    return (fl_point){
        .value = -fl_masked(factor, log_ahead),
        .grad = fl_where(y == 0, slope) - fl_where(y != 0, slope),
        .hess = fl_where(factor != 0, slope / argument),
    };
  }
  const real rest = 1 - y, tail = fl_tail(rest, y);
  const real a = FL_FMA_ONCE(rest, (real)keep, FL_FMA(tail, (real)keep, (real)half));
  const real b = FL_FMA_ONCE(y, (real)(positive * keep), (real)(positive * half));
  const real log_q = fl_log_tail(at.q, fl_tail(at.q, at.p));
  const real a_q = fl_where(a != 0, a / at.q), b_p = fl_where(b != 0, b / at.p);
  return (fl_point){
      .value = -FL_FMA_ONCE(b, fl_where(b != 0, log_ahead), fl_masked(a, log_q)),
      .grad = a_q - b_p,
      .hess = fl_where(a != 0, a_q / at.q) + fl_where(b != 0, b_p / at.p),
  };
}

#include "blocks/element_loops.h"
