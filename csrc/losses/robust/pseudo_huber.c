/* Pseudo-Huber loss of a label y and a prediction x, e = x - y, of a width
   delta > 0 (P. Charbonnier, L. Blanc-Feraud, G. Aubert and M. Barlaud,
   Deterministic edge-preserving regularization in computed imaging, IEEE Trans.
   Image Process. 6, 1997), with z = e/delta and w = sqrt(1 + z^2):

     l = delta^2 (w - 1) = e^2/(w + 1),  l' = e/w,  l'' = 1/w^3

   In f32 in double, with one quotient. In f64 what rounding takes from e, z, z^2,
   1 + z^2, w and w + 1 is carried along and given back to the quotients, and from
   FL_FAR on w is z to the last digit: l = delta |e|. */
#define FL_NAME pseudo_huber
#define FL_LONG
#include "losses/robust/scaled_residual.h"

#if defined(FL_DTYPE_f32)

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const double delta = (real)parameters[0], z = fl_scaled_of(delta, y, x);
  const fl_root root = fl_root_of_one_plus(z * z);
  const double size = delta * z, value = size * size * root.by_next;
  return (fl_point){
      .value = (real)fl_d_select(z == FL_Z_END, INFINITY, value),
      .grad = fl_copysign((real)(size * root.inverse), x - y),
      .hess = (real)(root.inverse * root.inverse * root.inverse),
  };
}

#else

#define FL_FAR 0x1p500

/* What rounding took from sum = a + b (D. E. Knuth's two-sum). */
FL_INLINE real fl_sum_tail(real sum, real a, real b) {
  const real part = sum - a;
  return (a - (sum - part)) + (b - part);
}

/* e/d for d + tail and e + e_tail, as a sum of two. */
typedef struct {
  real hi, lo;
} fl_quotient;

FL_INLINE fl_quotient fl_divide(real e, real e_tail, real d, real tail, real inverse) {
  const real hi = e * inverse;
  return (fl_quotient){hi, (FL_FMA(-hi, d, e) + (e_tail - hi * tail)) * inverse};
}

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real delta = (real)parameters[0];
  const real difference = x - y, e = fl_abs(difference);
  const real tail = fl_copysign(1, difference) * fl_sum_tail(difference, x, -y);
  const real outer = e / delta, z = fl_min(FL_FAR, outer);
  const bool near = outer < FL_FAR;
  const real e_tail = fl_where(near, tail);
  const real z_tail = fl_where(near, (FL_FMA(-z, delta, e) + e_tail) / delta);
  const real square = z * z, sum = 1 + square;
  const real square_tail = FL_FMA(z, z, -square) + 2 * z * z_tail;
  const real sum_tail = fl_sum_tail(sum, 1, square) + square_tail;
  const real w = __builtin_sqrt(sum), w_inverse = 1 / w;
  const real w_tail = (FL_FMA(-w, w, sum) + sum_tail) * ((real)0.5 * w_inverse);
  const real d = w + 1, d_tail = (1 - (d - w)) + w_tail;
  const fl_quotient mean = fl_divide(e, e_tail, d, d_tail, 1 / d);
  const fl_quotient slope = fl_divide(e, e_tail, w, w_tail, w_inverse);
  const real missing = FL_FMA(-w_inverse, w, 1) - w_inverse * w_tail;
  const real cube = w_inverse * w_inverse * w_inverse;
  return (fl_point){
      .value =
          near ? FL_FMA(e, mean.hi, FL_FMA(e, mean.lo, e_tail * mean.hi)) : e * delta,
      .grad = fl_copysign(near ? slope.hi + slope.lo : fl_min(delta, e), difference),
      .hess = FL_FMA(cube, 3 * missing, cube),
  };
}

#undef FL_FAR
#endif

#include "blocks/element_loops.h"
