/* Barron's general loss of a label y and a prediction x, z = (x - y)/c, of a
   shape alpha <= 2 and a width c > 0 (J. T. Barron, A general and adaptive
   robust loss function, CVPR 2019), with a = 2 - alpha, b = z^2/a and u = 1 +
   b:

     l = a/alpha (u^(alpha/2) - 1)
     l' = z/c u^(alpha/2 - 1),  l'' = 1/c^2 u^(alpha/2 - 1) (1 + (alpha - 1)
   b)/u

   and the limits z^2/2 for alpha = 2, log(1 + z^2/2) for 0, 1 - exp(-z^2/2) for
   -inf. In f64 powers are exponentials of t = alpha/2 log(u) and t - log(u), sums of
   two numbers, in f32 short ones of t and a quotient by u, for alpha = 1 a root; the
   logarithm is the power of alpha = 2^-70. */
#define FL_NAME barron
#define FL_LONG
#include "losses/robust/scaled_residual.h"
#include "math/short_power.h"

/* What depends on alpha alone, in numbers, so that a loop has one way through: the
   exponents are half log(u) - (1 - power) z^2/2 and that - power log(u), the last factor
   of l'' is (1 + rise b)/(1 + b) or, for a power of 0, 1 + rise b, and `limit` is c l' of
   an infinite z. For alpha = 2 the ratio is that of the power 1 to w/2. */
enum { FL_RATIO, FL_C, FL_RISE, FL_LIMIT, FL_HALF, FL_A, FL_POWER, FL_SQUARE };

FL_OUTLINE void FL_LOCAL(setup)(double *parameters) {
  const double given = (real)parameters[0];
  const bool square = given == 2, flat = given == -INFINITY;
  const double alpha = given > -0x1p-70 && given < 0x1p-70 ? 0x1p-70 : given;
  parameters[FL_RATIO] = flat ? -1 : (square ? 0.5 : (2 - alpha) / alpha);
  parameters[FL_RISE] = flat ? -1 : given - 1;
  parameters[FL_LIMIT] = given > 1 ? INFINITY : given == 1;
  parameters[FL_HALF] = flat ? 0 : 0.5 * alpha;
  parameters[FL_A] = square || flat ? 1 : 2 - given;
  parameters[FL_POWER] = !flat;
  parameters[FL_SQUARE] = square;
}
#define FL_SETUP FL_LOCAL(setup)

FL_INLINE real FL_LOCAL(number_ahead)(int want, fl_case is, real y, real x,
                                      const double *parameters) {
  return x - y;
}
#define FL_AHEAD FL_LOCAL(number_ahead)

/* l, c l' and c^2 l'' for alpha < 2, but for the slope of an infinite z; whether z is. */
typedef struct {
  double value, slope, curve;
  bool end;
} fl_barron;

#define FL_PLAIN(parameters) ((parameters)[FL_LIMIT] == 1)
#define FL_NOT_HARD(y, x) 1

#if defined(FL_DTYPE_f32)

/* u^(alpha/2) - 1 and u^(alpha/2 - 1). */
typedef struct {
  double rise, below;
} fl_barron_power;

FL_INLINE fl_barron_power fl_root_of(double b) {
  const fl_root root = fl_root_of_one_plus(b);
  return (fl_barron_power){b * root.by_next, root.inverse};
}

FL_INLINE fl_barron_power fl_barron_power_of(double w, double u, double b, bool end,
                                             const double *parameters) {
  const double log = fl_d_select(end, 0x1p100, fl_d_short_log_of(u, b).log);
  const double power = parameters[FL_POWER], fall = 0.5 * (power - 1);
  const double half = (real)parameters[FL_HALF];
  const fl_short_exp t = fl_d_short_exp(FL_FMA_F64(fall, w, half * log));
  return (fl_barron_power){t.rise, t.power / FL_FMA_F64(power, b, 1)};
}

FL_INLINE fl_barron fl_barron_of(fl_case is, real y, real x, real r,
                                 const double *parameters) {
  const bool end = fl_abs(r) == (real)INFINITY;
  const double c = (real)parameters[FL_C];
  const double by_a = 1 / (double)(real)parameters[FL_A];
  const double z = fl_scaled_of(c, y, x);
  const double w = z * z, b = w * by_a, u = 1 + b;
  const fl_barron_power p = is == FL_IS_GENERAL
                                ? fl_barron_power_of(w, u, b, end, parameters)
                                : fl_root_of(b);
  const double bend = FL_FMA_F64(parameters[FL_RISE], b, 1);
  const double curve = p.below * (bend / FL_FMA_F64(parameters[FL_POWER], b, 1));
  return (fl_barron){.value = parameters[FL_RATIO] * p.rise,
                     .slope = z * p.below,
                     .curve = fl_d_select(end, 0, curve),
                     .end = end};
}

#else

/* ratio (exp(x + tail) - 1) */
FL_INLINE double fl_scaled_expm1(double ratio, double x, double tail) {
  const fl_exp_parts e = fl_exp_parts_of(x, tail, 0);
  const double power = e.half * e.other;
  const double near = ratio * FL_FMA_F64(power, e.below, power - 1);
  const double far = (1 + e.below) * ratio * e.half * e.other - ratio;
  return fl_d_select(fl_d_abs(x) < 40, near, far);
}

/* Of alpha = 1; what rounding took from the root is given back to the quotients. */
FL_INLINE fl_barron fl_root_of(fl_scaled_residual r, double c) {
  const fl_pair u = fl_one_plus(r.one, r.w);
  const double root = __builtin_sqrt(u.hi), inverse = 1 / root;
  const fl_pair v = {root, (fl_remainder(u.hi, root, root) + u.lo) * (0.5 * inverse)};
  const fl_pair d = fl_one_plus(r.one, v), l = fl_pair_quotient(r.w, d, 1 / d.hi);
  const double missing = fl_missing(v, inverse), z = r.e.hi / c;
  const double cube = inverse * inverse * inverse, scale = r.scale;
  const double back = fl_d_select(scale == 0, INFINITY, 1 / FL_SHRINK);
  const double slope_rest = FL_FMA_F64(z, missing, r.e.lo / c) * inverse;
  return (fl_barron){
      .value = (l.hi + l.lo) * fl_d_select(scale == 1, 1, back),
      .slope = FL_FMA_F64(z, inverse, slope_rest),
      .curve = FL_FMA_F64(cube, 3 * missing, cube) * scale * scale * scale,
      .end = scale == 0,
  };
}

FL_INLINE fl_barron fl_barron_of(fl_case is, real y, real x, real residual,
                                 const double *parameters) {
  const real c = (real)parameters[FL_C], a = (real)parameters[FL_A];
  const real half = (real)parameters[FL_HALF], keep = (real)parameters[FL_POWER];
  const bool squared = parameters[FL_SQUARE] != 0;
  const fl_scaled_residual r = fl_scaled_residual_of(fl_width_of(c), y, x);
  if (is != FL_IS_GENERAL) return fl_root_of(r, c);
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
  const bool far = one == 0;
  const double power = parameters[FL_POWER], fall = 0.5 * (power - 1);
  const double ratio = parameters[FL_RATIO], rise = parameters[FL_RISE];
  const double gauss = fall * fl_d_select(far, 4000, w);
  const double gauss_rest = fall * fl_d_select(far, 0, r.w.lo);
  const double outer = fl_scaled_expm1(ratio, product + gauss, rest + gauss_rest);
  const fl_exp_parts p = fl_exp_parts_of(slope + gauss, slope_rest + gauss_rest, 0);
  const double whole = w + r.w.lo, near = 0.5 * whole * (1 - 0.25 * whole);
  const bool small = w < FL_SMALL * one * (a < 1 ? a : 1);
  const double square = 0.5 * whole / scale / scale, z = r.e.hi / c;
  const double slope_z = z * p.half * scale * (1 + p.below) * p.other;
  const double bend = (one + rise * beta) / (power * (one + beta) + (1 - power));
  const double curve = p.half * scale * (1 + p.below) * bend * p.other * scale;
  const double value = fl_d_select(squared, square, fl_d_select(small, near, outer));
  return (fl_barron){.value = fl_unless_nan(w, value),
                     .slope = fl_d_select(squared, z / scale, slope_z),
                     .curve = fl_unless_nan(w, curve),
                     .end = scale == 0};
}

#endif

FL_INLINE fl_point FL_POINT(fl_case is, real y, real x, real r,
                            const double *parameters) {
  const fl_barron l = fl_barron_of(is, y, x, r, parameters);
  const double c = (real)parameters[FL_C], by_c = 1 / c;
  const double slope = fl_d_select(l.end, parameters[FL_LIMIT], l.slope);
  const double curve =
      fl_d_select(parameters[FL_SQUARE] != 0, fl_unless_nan(r, (real)1), l.curve);
  const double bent = fl_d_by_inverse(curve, c, by_c);
  return (fl_point){
      .value = (real)l.value,
      .grad = fl_copysign((real)fl_d_by_inverse(slope, c, by_c), r),
      .hess = (real)fl_d_by_inverse(bent, c, by_c),
  };
}

#include "blocks/element_loops.h"
