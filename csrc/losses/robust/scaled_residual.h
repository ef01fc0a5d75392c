/* scaled_residual.h: what the losses of z = |x - y|/c share, for a width c > 0: in float32
   z in double, in float64 |x - y| and w = z^2 as sums of two, where z^2 may be out of
   range. */
#ifndef FL_SCALED_RESIDUAL_H
#define FL_SCALED_RESIDUAL_H

#include "blocks/element.h"
#include "math/pairs.h"

#if defined(FL_DTYPE_f32)

#include "math/short_power.h"

/* z, or FL_Z_END for an infinite one: z of floats is below 2^278, and powers of either
   are doubles. */
#define FL_Z_END 0x1p300

FL_INLINE double fl_scaled_of(double c, real y, real x) {
  const double z = fl_d_abs((double)x - y) * (1 / c);
  return z > FL_Z_END ? FL_Z_END : z;
}

/* 1/sqrt(1 + w) and 1/(sqrt(1 + w) + 1), of one quotient. */
typedef struct {
  double inverse, by_next;
} fl_root;

FL_INLINE fl_root fl_root_of_one_plus(double w) {
  const double root = __builtin_sqrt(1 + w), next = root + 1;
  const double both = 1 / (root * next);
  return (fl_root){next * both, root * both};
}

#else

/* Below FL_SMALL w^2/3 is nothing beside 1. From FL_FAR_OUT on 1 is nothing
   beside z^2, and e and z are multiplied by FL_SHRINK = 2^-FL_SHRINK_BITS. */
#define FL_SMALL 0x1p-26
#define FL_FAR_OUT 0x1p450
#define FL_SHRINK 0x1p-600
#define FL_SHRINK_BITS 600

/* A width c, and its inverse as 2^k (hi + lo), of which neither factor is out of range,
   whatever c is. */
typedef struct {
  real c, unit;
  fl_pair inverse;
} fl_width;

FL_INLINE fl_width fl_width_of(real c) {
  const fl_uint k = fl_bits(c) >> FL_MANTISSA_BITS, most = 2 * FL_EXPONENT_BIAS;
  const real unit = fl_from_bits((most - k + (k == most)) << FL_MANTISSA_BITS);
  const real m = c * unit, inverse = 1 / m;
  return (fl_width){c, unit, {inverse, fl_remainder(1, inverse, m) / m}};
}

/* p/c; an infinite p has no rest. */
FL_INLINE fl_pair fl_over_width(fl_pair p, fl_width width) {
  const fl_pair units = {p.hi * width.unit, p.lo * width.unit};
  const fl_pair z = fl_pair_product(units, width.inverse);
  return (fl_pair){z.hi, fl_where(z.hi < FL_HUGE, z.lo)};
}

/* Of a residual far out e is |r| scale, w is z^2 scale^2, `one` stands for
   scale^2 and offset ln 2 for -log(scale^2); of an infinite one e is c, w is 1
   and the scale is 0. */
typedef struct {
  fl_pair e, w;
  real scale, one, offset;
} fl_scaled_residual;

FL_INLINE fl_scaled_residual fl_scaled_residual_of(fl_width width, real y, real x) {
  const fl_pair r = fl_residual(y, x);
  const bool far = r.hi >= width.c * FL_FAR_OUT, end = r.hi == (real)INFINITY;
  const real scale = fl_select(end, 0, fl_select(far, FL_SHRINK, 1));
  const fl_pair e = {fl_select(end, width.c, r.hi * scale), r.lo * scale};
  return (fl_scaled_residual){e, fl_square(fl_over_width(e, width)), scale,
                              fl_where(!far, 1), fl_where(far, 2 * FL_SHRINK_BITS)};
}

/* r^2/2 (1 - w/2) for w < FL_SMALL, which is what c^2/2 log(1 + w) and
   c^2/2 (1 - exp(-w)) begin with. */
FL_INLINE real fl_near_zero(fl_scaled_residual r) {
  return fl_square_times(r.e, FL_FMA((real)-0.25, r.w.hi, (real)0.5));
}

#endif

#endif
