/* Negative log-likelihood of a time t under the accelerated failure time model: log t
   is normal about x, of standard deviation sigma (J. D. Kalbfleisch and R. L. Prentice,
   The Statistical Analysis of Failure Time Data, 2nd ed. 2002, chapters 2 and 3). With
   z = (log t - x)/sigma, of a time known to be between two, z in [z1, z2], and of a
   known one:

     l = -log(Phi(z2) - Phi(z1)),  l = z^2/2 + log(2 pi)/2 + log(sigma t)
     dl/dx = -E/sigma,  d2l/dx2 = (1 - V)/sigma^2

   with the mean E and the variance V of a normal number that is known to be in [z1,
   z2]; E = z and V = 0 of a known one.

   Bounds w <= 1 apart, with |m| w <= 2 for their middle m, and known times: with h =
   w/2, phi(m + s) = phi(m) sum (-s)^n He_n(m)/n! is integrated term by term, and so are
   its products with s and s^2; b_n = He_n(m) h^n/n! (M. Abramowitz and I. A. Stegun,
   Handbook of Mathematical Functions, 22.7.14).

   Others: by symmetry the nearer bound is u and the farther one -t, |u| <= t. With e =
   exp(-(t^2 - u^2)/2), R(t) = exp(t^2/2) (1 - Phi(t)) and K(t) = 1/sqrt(2 pi) - t R(t),
   the moments of order 0 and 1 of exp(-t s - s^2/2)/sqrt(2 pi) over s > 0:

     u > 0:  Phi(u) - Phi(-t) = 1 - exp(-u^2/2) (R(u) + e R(t))
     u <= 0: exp(-u^2/2) D,  D = R(-u) - e R(t),
             1 - V = ((1 - e) (K(-u) - e (K(t) + w R(t)))/D + e w)/(sqrt(2 pi) D)

   where a subtraction leaves at least a fifth of what it begins with. */
#define FL_NAME aft_normal
#include "losses/survival/times.h"
#include "math/normal.h"

#define FL_LOG_SQRT_2PI 0x1.d67f1c864beb5p-1

/* The integral of phi over the bounds divided by w phi(m), E - m and V. */
typedef struct {
  double share, shift, variance;
} fl_narrow;

FL_INLINE fl_narrow FL_LOCAL(narrow)(double m, double h) {
  enum { TERMS = 20 };
  const double mh = m * h, square = h * h;
  double before = 0, b = 1, share = 0, first = 0, second = 0;
  _Pragma("GCC unroll 20")
  for (int n = 0; n < TERMS; n++) {
    if (n % 2 == 0) share += b * (1.0 / (n + 1)), second += b * (1.0 / (n + 3));
    else first += b * (1.0 / (n + 2));
    const double next = (mh * b - square * before) * (1.0 / (n + 1));
    before = b, b = next;
  }
  const double shift = -h * first / share;
  return (fl_narrow){share, shift, square * second / share - shift * shift};
}

/* R(t), t >= 0, and K(t), which makes up for what rounding takes from t + 4 as R does.
   */
typedef struct {
  double tail, moment;
} fl_tail_moments;

FL_INLINE fl_tail_moments FL_LOCAL(tail_moments)(double t) {
  const fl_normal_tail of = fl_d_normal_tail(t);
  const double tail = of.p / of.s, lost = t < 0x1p20 ? t - (of.s - 4) : 0;
  const double k = fl_d_normal_moment_polynomial(1 - 8 / of.s) / of.s / of.s;
  const double moment = k - lost * (tail - t * k);
  const bool far = (t > 2) & (t < 0x1p20); /* the difference hides the errors of K */
  return (fl_tail_moments){far ? (FL_1_SQRT_2PI - moment) / t : tail, moment};
}

/* What a wide interval comes to: Phi(z2) - Phi(z1) or D as a sum of two, |E|, 1 - V. */
typedef struct {
  double share, lost, mean, rest;
} fl_wide;

/* lost: what rounding took from u; apart: t - u, by which two tails differ. */
FL_INLINE fl_wide FL_LOCAL(wide)(double u, double lost, double t, double apart,
                                 double w) {
  const bool upper = u > 0;
  const fl_tail_moments near = FL_LOCAL(tail_moments)(fl_d_abs(u));
  const fl_tail_moments far = FL_LOCAL(tail_moments)(t);
  const double y = 0.5 * w * apart, e = fl_d_exp(-y, 0);
  const double less = -fl_d_expm1_nonpositive(-y);
  const double height = upper ? fl_d_gauss(u, lost, 0.5) : 1;
  const double outside = height * FL_FMA_F64(e, far.tail, near.tail), all = 1 - outside;
  const double share = upper ? all : FL_FMA_F64(-e, far.tail, near.tail);
  const double density = FL_1_SQRT_2PI * height / share, mean = less * density;
  const double moment = near.moment - e * FL_FMA_F64(w, far.tail, far.moment);
  const double above = mean * mean + density * FL_FMA_F64(t, e, u);
  const double below = density * (less * (moment / share) + e * w);
  /* for u far down V is 1/u^2 or less */
  const double rest = u < -0x1p60 ? 1 : (upper ? above : below);
  return (fl_wide){share, upper ? (1 - all) - outside : 0, mean, rest};
}

FL_INLINE fl_point FL_POINT(real t1, real t2, real x, const double *parameters) {
  const double sigma = (real)parameters[0];
  const fl_time_bounds at = fl_time_bounds_of(t1, t2, x, sigma);
  const double half = 0.5 * at.low.q, other = 0.5 * at.high.q, m = half + other;
  const double lost = (half - (m - other)) + 0.5 * (at.low.lost + at.high.lost);
  const double tail = fl_d_abs(m) < (double)INFINITY ? lost : 0;
  const bool near = at.known | ((at.width <= 1) & (fl_d_abs(m) * at.width <= 2));
  const fl_narrow narrow =
      FL_LOCAL(narrow)(near & !at.known ? m : 0, near ? 0.5 * at.width : 0);
  const double u = m > 0 ? -at.low.q : at.high.q, t = m > 0 ? at.high.q : -at.low.q;
  const double nearer = m > 0 ? -at.low.lost : at.high.lost;
  const double farther = m > 0 ? at.high.lost : -at.low.lost;
  const bool beyond = t > FL_FAR_TIME;
  const double end = beyond ? FL_FAR_TIME : t;
  const double apart = (end - u) + (beyond ? 0 : farther - nearer);
  const fl_wide wide = FL_LOCAL(wide)(u, nearer, end, apart, at.width);
  const double log =
      fl_d_log(at.known ? sigma : (near ? at.width * narrow.share : wide.share),
               near ? 0 : wide.lost);
  const fl_standard_time z = {near ? m : u, near ? tail : nearer};
  const double square = !near & (u > 0) ? 0 : 0.5 * fl_square_of_time(z);
  const double constant = near ? FL_LOG_SQRT_2PI : 0;
  const double mean = near ? (m + tail) + narrow.shift : fl_d_copysign(wide.mean, m);
  return (fl_point){
      .value = (real)((square + constant) + (at.known ? at.log + log : -log)),
      .grad = (real)(-mean / sigma),
      .hess = (real)((near ? (m == m ? 1 - narrow.variance : m) : wide.rest) / sigma
                     / sigma),
  };
}

#include "blocks/bounds_loops.h"
#undef FL_LOG_SQRT_2PI
