/* Squared logarithmic error of a label y > -1 and a prediction x > -1, the squared error
   of log(1 + y) and log(1 + x):

     d = log(1 + x) - log(1 + y)
     l = d^2,  l' = 2 d/(1 + x),  l'' = 2 (1 - d)/(1 + x)^2

   With 1 + x = 2^i a and 1 + y = 2^j b, d = (i - j) ln 2 + log(a/b), and the logarithm is
   taken of (m + n)/(m - n), n = a - b, m = a + b: for i = j a power of 2 times x - y, so
   that nothing cancels. */
#define FL_NAME mean_squared_logarithmic_error
#define FL_LONG
#include "blocks/element.h"
#include "math/pairs.h"

/* 2^exponent (hi + lo), hi in [1, 2). */
typedef struct {
  fl_pair m;
  real exponent;
} fl_scientific;

FL_INLINE fl_scientific fl_scientific_of(fl_pair u) {
  const fl_uint one = (fl_uint)FL_EXPONENT_BIAS << FL_MANTISSA_BITS;
  const fl_uint j = (fl_bits(u.hi) >> FL_MANTISSA_BITS) - FL_EXPONENT_BIAS;
  const real inverse = fl_from_bits(one - (j << FL_MANTISSA_BITS));
  return (fl_scientific){
      .m = {fl_from_bits(fl_bits(u.hi) - (j << FL_MANTISSA_BITS)), u.lo * inverse},
      .exponent = fl_from_bits(fl_bits(FL_ROUND_MAGIC) + j) - FL_ROUND_MAGIC,
  };
}

FL_INLINE fl_pair fl_half_if(bool condition, fl_pair p) {
  const real factor = condition ? (real)0.5 : 1;
  return (fl_pair){p.hi * factor, p.lo * factor};
}

/* log(u/v): a/b is in [sqrt(1/2), sqrt(2)]. */
FL_INLINE fl_pair fl_log_quotient(fl_pair u, fl_pair v) {
  const real root = (real)1.41421356237309504880;
  const fl_scientific over = fl_scientific_of(u), under = fl_scientific_of(v);
  const bool up = over.m.hi > root * under.m.hi, down = under.m.hi > root * over.m.hi;
  const fl_pair a = fl_half_if(up, over.m), b = fl_half_if(down, under.m);
  const real rest = a.lo - b.lo, sum = a.hi + b.hi;
  const fl_pair n = fl_fast_sum(a.hi - b.hi, rest);
  const fl_pair log = fl_log_of_ratio(
      (fl_pair){n.hi, n.lo + fl_difference_tail(a.lo, b.lo, rest)},
      (fl_pair){sum, fl_difference_tail(a.hi, -b.hi, sum) + (a.lo + b.lo)});
  return fl_plus_ln2(log, (over.exponent - under.exponent) + (real)(up - down));
}

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  (void)parameters;
  const real r = x - y;
  const bool finite = fl_abs(r) < (real)INFINITY, end = x < (real)INFINITY;
  const fl_pair u = fl_one_plus(1, (fl_pair){x, 0});
  const fl_pair log = fl_log_quotient(u, fl_one_plus(1, (fl_pair){y, 0}));
  const fl_pair d = {finite ? log.hi : r, fl_where(finite, log.lo)};
  const fl_pair near = {fl_min(FL_HUGE, u.hi), u.lo};
  const real inverse = 1 / near.hi, missing = fl_missing(near, inverse);
  const real half = d.hi / u.hi;
  const real rest = (fl_remainder(d.hi, half, near.hi) + d.lo) * inverse;
  const real slope = half + (fl_where(u.hi < FL_HUGE, rest) - half * (u.lo * inverse));
  const real curve =
      ((1 - d.hi) - d.lo) * inverse * FL_FMA(inverse, 2 * missing, inverse);
  return (fl_point){
      .value = fl_square_times(d, 1),
      .grad = fl_unless_nan(r, fl_where(end, 2 * slope)),
      .hess = fl_unless_nan(r, fl_where(end, 2 * curve)),
  };
}

#include "blocks/element_loops.h"
