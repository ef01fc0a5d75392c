/* softmax_exp.h: exponentials of a row of logits x_j relative to its maximum m, with no
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
#else
#define FL_FAR 2048.0
enum { FL_EXP_SCALE = 64 };
#define FL_TOP 0x1p64
#endif
#define FL_LN2 ((real)0.69314718055994530942)

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
      .lowest = (n - range) * FL_LN2 + c,
      .c = c,
      .magic = FL_ROUND_MAGIC + (range - n),
  };
}

/* 1.1 ulp. The polynomial is that of fl_expm1_reduced. 2^n is a factor, not a sum of
   exponents, for the sake of NaN. */
FL_INLINE real fl_exp_in(real x, fl_frame row) {
  const real d = fl_max(row.lowest, x - row.shift);
  const real magic_n = FL_FMA(d - row.c, FL_LOG2E, row.magic);
  const real n = magic_n - row.magic;
  const real r = FL_FMA(n, -FL_LN2_HI, d) - FL_FMA(n, FL_LN2_LO, row.c);
  const real scale = fl_from_bits(fl_bits(magic_n) << FL_MANTISSA_BITS);
  const real r2 = r * r;
#if defined(FL_DTYPE_f32)
  const real p01 = FL_FMA(0x1.5554dcp-3f, r, 0x1p-1f);
  const real p23 = FL_FMA(0x1.120c86p-7f, r, 0x1.55556ap-5f);
  const real p = FL_FMA(FL_FMA(0x1.6cad1cp-10f, r2, p23), r2, p01);
#else
  const real r4 = r2 * r2;
  const real p01 = FL_FMA(0x1.5555555555558p-3, r, 0x1.0000000000001p-1);
  const real p23 = FL_FMA(0x1.111111110f8bp-7, r, 0x1.5555555553c81p-5);
  const real p45 = FL_FMA(0x1.a01a01afd4ae9p-13, r, 0x1.6c16c178d46fdp-10);
  const real p67 = FL_FMA(0x1.71ddf72531796p-19, r, 0x1.a019b80d6948p-16);
  const real p89 = FL_FMA(0x1.af628bc1ed99p-26, r, 0x1.2892a3e41f698p-22);
  const real p4to9 = FL_FMA(FL_FMA(p89, r2, p67), r2, p45);
  const real p = FL_FMA(p4to9, r4, FL_FMA(p23, r2, p01));
#endif
  return FL_FMA(FL_FMA(p, r2, r), scale, scale);
}

/* x - m for m = inf: a certain class. */
FL_INLINE real fl_below_infinity(real x) {
  return x == (real)INFINITY ? 0 : x - (real)INFINITY;
}
