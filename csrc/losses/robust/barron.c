/* Barron's general loss of a label y and a prediction x, z = (x - y)/c, of a
   shape alpha <= 2 and a width c > 0 (J. T. Barron, A general and adaptive
   robust loss function, CVPR 2019), with a = 2 - alpha, b = z^2/a and u = 1 +
   b:

     l = a/alpha (u^(alpha/2) - 1)
     l' = z/c u^(alpha/2 - 1),  l'' = 1/c^2 u^(alpha/2 - 1) (1 + (alpha - 1)
   b)/u

   and the limits z^2/2 for alpha = 2, log(1 + z^2/2) for 0, 1 - exp(-z^2/2) for
   -inf. Powers are exponentials of t = alpha/2 log(u) and t - log(u), sums of
   two numbers. */
#define FL_NAME barron
#include "losses/robust/scaled_residual.h"

/* exp(x + tail) as (1 + below) * half * other, where only the product may be out of
   range. */
typedef struct {
  double below, half, other;
} fl_exp_parts;

FL_INLINE fl_exp_parts fl_exp_parts_of(double x, double tail) {
  const bool inner = fl_d_abs(x) < 1400;
  const double bounded = inner ? x : (x < 0 ? -1400 : 1400);
  double magic_n;
  const double below = fl_d_expm1_reduced(bounded, inner ? tail : 0, &magic_n);
  const uint64_t n = fl_d_bits(magic_n) - fl_d_bits(FL_D_MAGIC) + 8184, h = n >> 1;
  return (fl_exp_parts){.below = below,
                        .half = fl_d_from_bits((h - 3069) << 52),
                        .other = fl_d_from_bits((n - h - 3069) << 52)};
}

/* What depends on alpha alone: alpha/2, a where b is finite, a/alpha, and which
   limit it is. */
typedef struct {
  double alpha, ratio;
  real half, a;
  bool square, logarithm, flat;
} fl_shape;

FL_INLINE fl_shape fl_shape_of(double alpha) {
  const bool square = alpha == 2, flat = alpha == -INFINITY;
  const bool logarithm = alpha > -0x1p-70 && alpha < 0x1p-70;
  return (fl_shape){
      .alpha = alpha,
      .ratio = flat | logarithm ? -1 : (2 - alpha) / alpha,
      .half = flat ? 0 : (real)(0.5 * alpha),
      .a = square | flat ? 1 : (real)(2 - alpha),
      .square = square,
      .logarithm = logarithm,
      .flat = flat,
  };
}

/* ratio (exp(x + tail) - 1) */
FL_INLINE double fl_scaled_expm1(double ratio, double x, double tail) {
  const fl_exp_parts e = fl_exp_parts_of(x, tail);
  const double power = e.half * e.other;
  const double near = ratio * FL_FMA_F64(power, e.below, power - 1);
  const double far = (1 + e.below) * ratio * e.half * e.other - ratio;
  return fl_d_abs(x) < 40 ? near : far;
}

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const fl_shape is = fl_shape_of((double)(real)parameters[0]);
  const real c = (real)parameters[1];
  const fl_scaled_residual r = fl_scaled_residual_of(c, y, x);
  const bool far = r.one == 0, end = r.scale == 0;
  const fl_pair b = fl_pair_over(r.w, is.a);
  const fl_pair log_u = fl_pair_log(r.one, b), full = fl_plus_ln2(log_u, r.offset);
  const fl_pair log = {end ? (real)0x1p100 : full.hi, fl_where(!end, full.lo)};
  const real product = is.half * log.hi, slope = product - log_u.hi;
  const real rest = fl_tail_of_product(is.half, log.hi, product) + is.half * log.lo;
  const real slope_rest =
      fl_difference_tail(product, log_u.hi, slope) + (rest - log_u.lo);
  const double gauss = far ? -2000 : -0.5 * (double)r.w.hi;
  const double gauss_rest = far ? 0 : -0.5 * (double)r.w.lo;
  const double power = fl_scaled_expm1(is.ratio, is.flat ? gauss : (double)product,
                                       is.flat ? gauss_rest : (double)rest);
  const double outer = end & (is.alpha >= 0) ? INFINITY
                       : is.logarithm        ? (double)log.hi
                                             : power;
  const fl_exp_parts p = fl_exp_parts_of(is.flat ? gauss : (double)slope,
                                         is.flat ? gauss_rest : (double)slope_rest);
  const double w = (double)r.w.hi, near = 0.5 * w * (1 - 0.25 * w);
  const bool small = r.w.hi < FL_SMALL * r.one * fl_min(1, is.a);
  const double square = 0.5 * w / (double)r.scale / (double)r.scale;
  const double limit = is.alpha > 1 ? INFINITY : is.alpha == 1;
  const double z = (double)r.e.hi / c;
  const double scale = (double)r.scale;
  const double slope_z =
      is.square ? z / scale : z * p.half * scale * (1 + p.below) * p.other;
  const double one = (double)r.one, beta = (double)b.hi;
  const double bend = (one + (is.alpha - 1) * beta) / (one + beta);
  const double curve =
      p.half * scale * (1 + p.below) * (is.flat ? one - w : bend) * p.other * scale;
  return (fl_point){
      .value = fl_unless_nan(r.w.hi, (real)(is.square ? square
                                            : small   ? near
                                                      : outer)),
      .grad = fl_copysign((real)((end ? limit : slope_z) / c), x - y),
      .hess = fl_unless_nan(r.w.hi, (real)((is.square ? 1 : curve) / c / c)),
  };
}

#include "blocks/element_loops.h"
