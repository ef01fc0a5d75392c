/* short_polynomials.h: what exponentials and logarithms of short_power.h are made of,
   by tools/coefficients.py: as many digits as float32 results need. The error is that
   of the polynomial with its rounded coefficients, relative to the function. */
#ifndef FL_SHORT_POLYNOMIALS_H
#define FL_SHORT_POLYNOMIALS_H

#include "isa/isa.h"

/* (exp(u) - 1 - u)/u^2, on [-0.3475, 0.3475]: 2^-28.4 */
FL_INLINE double fl_d_short_exp_polynomial(double u) {
  const double u2 = u * u;
  const double p0_u2 = FL_FMA_F64(0x1.555555269d3e4p-3, u, 0x1.0000000bb4685p-1);
  const double p1_u2 = FL_FMA_F64(0x1.11114c47eed11p-7, u, 0x1.5554e81f7ba98p-5);
  const double p2_u2 = FL_FMA_F64(0x1.a073811cba7d3p-13, u, 0x1.6d4474c167c41p-10);
  const double u4 = u2 * u2;
  const double p0_u4 = FL_FMA_F64(p1_u2, u2, p0_u2);
  return FL_FMA_F64(p2_u2, u4, p0_u4);
}

/* (u - log(1 + u))/u^2, on [-0.2929, 0.4143]: 2^-32.3 */
FL_INLINE double fl_d_short_log_polynomial(double u) {
  const double u2 = u * u;
  const double p0_u2 = FL_FMA_F64(-0x1.55555588f68ecp-2, u, 0x1.0000000051d6fp-1);
  const double p1_u2 = FL_FMA_F64(-0x1.999947e86f6a3p-3, u, 0x1.fffffd66b231ep-3);
  const double p2_u2 = FL_FMA_F64(-0x1.24a4b58e3484ep-3, u, 0x1.5555fe1c11e72p-3);
  const double p3_u2 = FL_FMA_F64(-0x1.c3b5e35c9fb61p-4, u, 0x1.fff79bb737ab7p-4);
  const double p4_u2 = FL_FMA_F64(-0x1.961fb9b1264dp-4, u, 0x1.967b41508975ep-4);
  const double p5_u2 = FL_FMA_F64(-0x1.c0343bf98422p-5, u, 0x1.9286530be6d56p-4);
  const double u4 = u2 * u2;
  const double p0_u4 = FL_FMA_F64(p1_u2, u2, p0_u2);
  const double p1_u4 = FL_FMA_F64(p3_u2, u2, p2_u2);
  const double p2_u4 = FL_FMA_F64(p5_u2, u2, p4_u2);
  const double u8 = u4 * u4;
  const double p0_u8 = FL_FMA_F64(p1_u4, u4, p0_u4);
  return FL_FMA_F64(p2_u4, u8, p0_u8);
}

#endif
