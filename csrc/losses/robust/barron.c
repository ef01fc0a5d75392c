/* Barron's general loss of a label y and a prediction x, z = (x - y)/c, of a
   shape alpha <= 2 and a width c > 0 (J. T. Barron, A general and adaptive
   robust loss function, CVPR 2019), with a = 2 - alpha, b = z^2/a and u = 1 +
   b:

     l = a/alpha (u^(alpha/2) - 1)
     l' = z/c u^(alpha/2 - 1),  l'' = 1/c^2 u^(alpha/2 - 1) (1 + (alpha - 1)
   b)/u

   and the limits z^2/2 for alpha = 2, log(1 + z^2/2) for 0, 1 - exp(-z^2/2) for
   -inf. Powers are exponentials of t = alpha/2 log(u) and t - log(u), sums of
   two numbers; the logarithm is the power of alpha = 2^-70. */
#define FL_NAME barron
#define FL_LONG
#include "losses/robust/scaled_residual.h"

/* exp(x + tail) as (1 + below) * half * other, where only the product may be out of
   range. */
typedef struct {
  double below, half, other;
} fl_exp_parts;

FL_INLINE fl_exp_parts fl_exp_parts_of(double x, double tail) {
  const double low = x < -1400 ? -1400 : x, bounded = low > 1400 ? 1400 : low;
  double magic_n;
  const double lost = fl_d_select(fl_d_abs(x) < 1400, tail, 0);
  const double below = fl_d_expm1_reduced(bounded, lost, &magic_n);
  const uint64_t n = fl_d_bits(magic_n) - fl_d_bits(FL_D_MAGIC) + 8184, h = n >> 1;
  return (fl_exp_parts){.below = below,
                        .half = fl_d_from_bits((h - 3069) << 52),
                        .other = fl_d_from_bits((n - h - 3069) << 52)};
}

/* What depends on alpha alone, in numbers, so that a loop has one way through: the
   exponents are half log(u) - (1 - power) z^2/2 and that - power log(u), the last factor
   of l'' is (1 + rise b)/(1 + b) or, for a power of 0, 1 + rise b, and `limit` is c l' of
   an infinite z. */
enum { FL_RATIO, FL_C, FL_RISE, FL_LIMIT, FL_HALF, FL_A, FL_POWER, FL_SQUARE };

FL_OUTLINE void FL_LOCAL(setup)(double *parameters) {
  const double given = (real)parameters[0];
  const bool square = given == 2, flat = given == -INFINITY;
  const double alpha = given > -0x1p-70 && given < 0x1p-70 ? 0x1p-70 : given;
  parameters[FL_RATIO] = flat ? -1 : (2 - alpha) / alpha;
  parameters[FL_RISE] = flat ? -1 : given - 1;
  parameters[FL_LIMIT] = given > 1 ? INFINITY : given == 1;
  parameters[FL_HALF] = flat ? 0 : 0.5 * alpha;
  parameters[FL_A] = square || flat ? 1 : 2 - given;
  parameters[FL_POWER] = !flat;
  parameters[FL_SQUARE] = square;
}
#define FL_SETUP FL_LOCAL(setup)

/* ratio (exp(x + tail) - 1) */
FL_INLINE double fl_scaled_expm1(double ratio, double x, double tail) {
  const fl_exp_parts e = fl_exp_parts_of(x, tail);
  const double power = e.half * e.other;
  const double near = ratio * FL_FMA_F64(power, e.below, power - 1);
  const double far = (1 + e.below) * ratio * e.half * e.other - ratio;
  return fl_d_select(fl_d_abs(x) < 40, near, far);
}

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real c = (real)parameters[FL_C], a = (real)parameters[FL_A];
  const real half = (real)parameters[FL_HALF], keep = (real)parameters[FL_POWER];
  const bool squared = parameters[FL_SQUARE] != 0;
  const fl_scaled_residual r = fl_scaled_residual_of(fl_width_of(c), y, x);
  const fl_pair b = fl_pair_over(r.w, a);
  const fl_pair log_u = fl_pair_log(r.one, b), full = fl_plus_ln2(log_u, r.offset);
  const bool ended = r.scale == 0;
  const fl_pair log = {fl_select(ended, (real)0x1p100, full.hi),
                       fl_where(!ended, full.lo)};
  const real product = half * log.hi, less = keep * log_u.hi, slope = product - less;
  const real rest = fl_tail_of_product(half, log.hi, product) + half * log.lo;
  const real slope_rest =
      fl_difference_tail(product, less, slope) + (rest - keep * log_u.lo);
  const double one = r.one, scale = r.scale, w = r.w.hi, beta = b.hi;
  const bool far = one == 0, end = scale == 0;
  const double power = parameters[FL_POWER], fall = 0.5 * (power - 1);
  const double ratio = parameters[FL_RATIO], rise = parameters[FL_RISE];
  const double limit = parameters[FL_LIMIT];
  const double gauss = fall * fl_d_select(far, 4000, w);
  const double gauss_rest = fall * fl_d_select(far, 0, (double)r.w.lo);
  const double outer =
      fl_scaled_expm1(ratio, (double)product + gauss, (double)rest + gauss_rest);
  const fl_exp_parts p =
      fl_exp_parts_of((double)slope + gauss, (double)slope_rest + gauss_rest);
  const double whole = w + (double)r.w.lo, near = 0.5 * whole * (1 - 0.25 * whole);
  const bool small = w < FL_SMALL * one * (a < 1 ? a : 1);
  const double square = 0.5 * whole / scale / scale, z = (double)r.e.hi / c;
  const double slope_z = z * p.half * scale * (1 + p.below) * p.other;
  const double bend = (one + rise * beta) / (power * (one + beta) + (1 - power));
  const double curve = p.half * scale * (1 + p.below) * bend * p.other * scale;
  const double value = fl_d_select(squared, square, fl_d_select(small, near, outer));
  const double inner = fl_d_select(squared, z / scale, slope_z);
  const double grad = fl_d_select(end, limit, inner) / c;
  const double hess = fl_d_select(squared, 1, curve) / c / c;
  return (fl_point){
      .value = fl_unless_nan(r.w.hi, (real)value),
      .grad = fl_copysign((real)grad, x - y),
      .hess = fl_unless_nan(r.w.hi, (real)hess),
  };
}

#include "blocks/element_loops.h"
