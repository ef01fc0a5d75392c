/* exp.h: exponentials of a row of logits x_j relative to its maximum m, with no
   rounded x_j - m, of which exp would multiply the error by m - x_j. With
   m = N ln 2 + c each logit is reduced by its own multiple of ln 2:

     e_j = 2^K exp(x_j - m) = 2^(K+n-N) exp((x_j - n ln 2) - c),
     n   = round((x_j - c) / ln 2)

   e of m is 2^K. Scaled by that, e_j is a normal number or 0, which it is below
   2^-(K+bias) of the largest, so that logits of -inf are exactly 0.

   Where |m| is large, every logit that matters lies between m/2 and 2m, x_j - m is
   exact (P. H. Sterbenz, Floating-Point Computation, 1974) and takes the place of x_j.
   Part of softmax.h. */

#if defined(FL_DTYPE_f32)
#define FL_FAR 256.0f /* > 2 (K+bias) ln 2, and n ln 2 stays exact up to twice that */
enum { FL_EXP_SCALE = 40 };
#define FL_TOP 0x1p40f
#define FL_LARGEST 0x1.fffffep127
#else
#define FL_FAR 2048.0
enum { FL_EXP_SCALE = 64 };
#define FL_TOP 0x1p64
#define FL_LARGEST 0x1.fffffffffffffp1023
#endif

/* How the exponentials of one row are taken: of x - shift, at least `lowest`; c is
   subtracted after the reduction; `magic` rounds to integers and leaves the biased
   exponent K+n-N in the lowest bits. */
typedef struct {
  real shift, lowest, c, magic;
} fl_frame;

FL_INLINE fl_frame fl_frame_of(real m) {
  const bool far = fl_abs(m) > FL_FAR;
  const real d = far ? 0 : m;
  const real n = FL_FMA(d, FL_LOG2E, FL_ROUND_MAGIC) - FL_ROUND_MAGIC;
  const real c = FL_FMA(n, -FL_LN2_LO, FL_FMA(n, -FL_LN2_HI, d));
  const real range = FL_EXPONENT_BIAS + FL_EXP_SCALE;
  return (fl_frame){
      .shift = far ? m : 0,
      .lowest = (n - range) * (real)0x1.62e42fefa39efp-1 + c,
      .c = c,
      .magic = FL_ROUND_MAGIC + (range - n),
  };
}

/* 1.1 ulp. 2^n is a factor, not a sum of exponents, for the sake of NaN. */
FL_INLINE real fl_exp_in(real x, fl_frame row) {
  const real d = fl_max(row.lowest, x - row.shift);
  const real magic_n = FL_FMA(d - row.c, FL_LOG2E, row.magic);
  const real n = magic_n - row.magic;
  const real r = FL_FMA(n, -FL_LN2_HI, d) - FL_FMA(n, FL_LN2_LO, row.c);
  const real scale = fl_from_bits(fl_bits(magic_n) << FL_MANTISSA_BITS);
  return FL_FMA(fl_expm1_polynomial(r), scale, scale);
}

/* x - m for m = inf: a certain class. */
FL_INLINE real fl_below_infinity(real x) {
  return x == (real)INFINITY ? 0 : x - (real)INFINITY;
}
