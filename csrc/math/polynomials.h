/* polynomials.h: what special functions are made of, by tools/coefficients.py. In
   double for both dtypes; the error given is that of the polynomial with its rounded
   coefficients, relative to the function or to the unit that is named. */
#ifndef FL_POLYNOMIALS_H
#define FL_POLYNOMIALS_H

#include "isa/isa.h"

/* (t + 4) exp(t^2/2) (1 - Phi(t)), u = (t - 4)/(t + 4), on [-1, 1]: 2^-53.9 */
FL_INLINE double fl_d_normal_tail_polynomial(double u) {
  double p = 0x1.82112f1bdf1a3p-34;
  p = FL_FMA_F64(p, u, 0x1.82285ad0b50e5p-32);
  p = FL_FMA_F64(p, u, -0x1.711e08937174dp-31);
  p = FL_FMA_F64(p, u, -0x1.04d04d5d36a5p-28);
  p = FL_FMA_F64(p, u, 0x1.01ae248717cd9p-30);
  p = FL_FMA_F64(p, u, 0x1.7303564d9cc38p-26);
  p = FL_FMA_F64(p, u, 0x1.08a6ec79c513dp-26);
  p = FL_FMA_F64(p, u, -0x1.762aa0f88b811p-24);
  p = FL_FMA_F64(p, u, -0x1.51be849ebeb2bp-23);
  p = FL_FMA_F64(p, u, 0x1.24cf3f92c626ap-22);
  p = FL_FMA_F64(p, u, 0x1.12a1169be72c6p-20);
  p = FL_FMA_F64(p, u, -0x1.52386c71cbae4p-21);
  p = FL_FMA_F64(p, u, -0x1.8d56dc8d686c4p-18);
  p = FL_FMA_F64(p, u, 0x1.80c944a110fdap-21);
  p = FL_FMA_F64(p, u, 0x1.26d10561edcd2p-15);
  p = FL_FMA_F64(p, u, -0x1.001f6bb8a76a9p-19);
  p = FL_FMA_F64(p, u, -0x1.e4a42a6453a8p-13);
  p = FL_FMA_F64(p, u, 0x1.17a4aebbee3afp-13);
  p = FL_FMA_F64(p, u, 0x1.ab825fd2c726ep-10);
  p = FL_FMA_F64(p, u, -0x1.c81719d5f3411p-9);
  p = FL_FMA_F64(p, u, -0x1.ee276104c5f7p-8);
  p = FL_FMA_F64(p, u, 0x1.eec4cc3e4d9ap-5);
  p = FL_FMA_F64(p, u, -0x1.7dff2bff68296p-3);
  p = FL_FMA_F64(p, u, 0x1.8c6dbf2cfc2bp-2);
  p = FL_FMA_F64(p, u, -0x1.373e3a893c28bp-1);
  return FL_FMA_F64(p, u, 0x1.82b4bb8c94dcep-1);
}

/* -(t + 4)^2 d/dt (exp(t^2/2) (1 - Phi(t))), u as above, on [-1, 1]: 2^-53.8 */
FL_INLINE double fl_d_normal_moment_polynomial(double u) {
  double p = -0x1.08c579f276a14p-30;
  p = FL_FMA_F64(p, u, 0x1.1590e97232d94p-28);
  p = FL_FMA_F64(p, u, 0x1.87f642120752bp-27);
  p = FL_FMA_F64(p, u, -0x1.298934f72772fp-25);
  p = FL_FMA_F64(p, u, -0x1.5ee17cd3abfedp-24);
  p = FL_FMA_F64(p, u, 0x1.1609f714c1f85p-23);
  p = FL_FMA_F64(p, u, 0x1.dc886625c1dbdp-22);
  p = FL_FMA_F64(p, u, -0x1.5860f651e00c5p-23);
  p = FL_FMA_F64(p, u, -0x1.05fc70150d21ep-19);
  p = FL_FMA_F64(p, u, -0x1.4a05f6c164202p-20);
  p = FL_FMA_F64(p, u, 0x1.ea6b27fae49c2p-18);
  p = FL_FMA_F64(p, u, 0x1.922d5d8fffbcdp-17);
  p = FL_FMA_F64(p, u, -0x1.9ff423d3d8ee4p-16);
  p = FL_FMA_F64(p, u, -0x1.36a5194581feap-14);
  p = FL_FMA_F64(p, u, 0x1.69e91c94e5dc1p-14);
  p = FL_FMA_F64(p, u, 0x1.b1343b69ac0f3p-12);
  p = FL_FMA_F64(p, u, -0x1.ab61f45f5a8c6p-12);
  p = FL_FMA_F64(p, u, -0x1.2c6648c410e4fp-9);
  p = FL_FMA_F64(p, u, 0x1.ade8f941e7e93p-9);
  p = FL_FMA_F64(p, u, 0x1.888dc9e67332bp-7);
  p = FL_FMA_F64(p, u, -0x1.250ea04245cd7p-5);
  p = FL_FMA_F64(p, u, -0x1.8f29be261f598p-6);
  p = FL_FMA_F64(p, u, 0x1.5bd6133b4d9d9p-2);
  p = FL_FMA_F64(p, u, -0x1.f9b05f0efbac5p-1);
  p = FL_FMA_F64(p, u, 0x1.b891ffe18432bp+0);
  p = FL_FMA_F64(p, u, -0x1.fd751a1fba3e1p+0);
  return FL_FMA_F64(p, u, 0x1.5cf97b0ae882cp+0);
}

/* sin(pi r)/r, u = r^2, on [0, 0.25]: 2^-53.4 */
FL_INLINE double fl_d_sinpi_polynomial(double u) {
  double p = -0x1.7eb49c1e154c1p-26;
  p = FL_FMA_F64(p, u, 0x1.aabac05b6a068p-21);
  p = FL_FMA_F64(p, u, -0x1.6fad443e79ad6p-16);
  p = FL_FMA_F64(p, u, 0x1.e8f4337c8f647p-12);
  p = FL_FMA_F64(p, u, -0x1.e3074fdc289d7p-8);
  p = FL_FMA_F64(p, u, 0x1.50783487ebdfcp-4);
  p = FL_FMA_F64(p, u, -0x1.32d2cce62bd51p-1);
  p = FL_FMA_F64(p, u, 0x1.466bc6775aae2p+1);
  p = FL_FMA_F64(p, u, -0x1.4abbce625be53p+2);
  return FL_FMA_F64(p, u, 0x1.921fb54442d18p+1);
}

/* (lgamma(2 + u) - (1 - gamma) u)/u^2, on [-0.5, 0.5]: 2^-53.1 */
FL_INLINE double fl_d_lgamma_2_polynomial(double u) {
  double p = 0x1.279af1f705688p-22;
  p = FL_FMA_F64(p, u, -0x1.33a393dd09cb9p-21);
  p = FL_FMA_F64(p, u, 0x1.efed7a88755e9p-21);
  p = FL_FMA_F64(p, u, -0x1.0a1361ce4b15ep-19);
  p = FL_FMA_F64(p, u, 0x1.2624ad30aca45p-18);
  p = FL_FMA_F64(p, u, -0x1.3d3098cc1ea3cp-17);
  p = FL_FMA_F64(p, u, 0x1.58087bc83e983p-16);
  p = FL_FMA_F64(p, u, -0x1.78da77bcb0cfep-15);
  p = FL_FMA_F64(p, u, 0x1.a127cf1062a4cp-14);
  p = FL_FMA_F64(p, u, -0x1.d3fd5f543fb1p-13);
  p = FL_FMA_F64(p, u, 0x1.0b36af566caf3p-11);
  p = FL_FMA_F64(p, u, -0x1.38ac5c13c89d5p-10);
  p = FL_FMA_F64(p, u, 0x1.7add6eae02cb5p-9);
  p = FL_FMA_F64(p, u, -0x1.e404fc21ab2d7p-8);
  p = FL_FMA_F64(p, u, 0x1.51322ac7d830ep-6);
  p = FL_FMA_F64(p, u, -0x1.13e001a5575e1p-4);
  return FL_FMA_F64(p, u, 0x1.4a34cc4a60fa6p-2);
}

/* digamma(r + u)/u, r = 1.4616..., on [-0.462, 0.539]: 2^-54.0 */
FL_INLINE double fl_d_digamma_root_polynomial(double u) {
  double p = 0x1.de6177397807ap-15;
  p = FL_FMA_F64(p, u, -0x1.1e88fe2d8ccdp-13);
  p = FL_FMA_F64(p, u, 0x1.19981e123e8cap-13);
  p = FL_FMA_F64(p, u, -0x1.09269e2684961p-13);
  p = FL_FMA_F64(p, u, 0x1.c597eab80fb51p-13);
  p = FL_FMA_F64(p, u, -0x1.759f821b98acap-12);
  p = FL_FMA_F64(p, u, 0x1.0cced31526ca4p-11);
  p = FL_FMA_F64(p, u, -0x1.81eade30170d8p-11);
  p = FL_FMA_F64(p, u, 0x1.1a57a7e5e2f9ep-10);
  p = FL_FMA_F64(p, u, -0x1.9d71695d4d1e3p-10);
  p = FL_FMA_F64(p, u, 0x1.2e2bf13a87425p-9);
  p = FL_FMA_F64(p, u, -0x1.b9af4ca6d1828p-9);
  p = FL_FMA_F64(p, u, 0x1.42e140f87e043p-8);
  p = FL_FMA_F64(p, u, -0x1.d828092f95375p-8);
  p = FL_FMA_F64(p, u, 0x1.5955ce13a6463p-7);
  p = FL_FMA_F64(p, u, -0x1.f9705094575fep-7);
  p = FL_FMA_F64(p, u, 0x1.723d67f67ea35p-6);
  p = FL_FMA_F64(p, u, -0x1.0fa7ec3680c3p-5);
  p = FL_FMA_F64(p, u, 0x1.8fce02b26e5e8p-5);
  p = FL_FMA_F64(p, u, -0x1.27baba261d485p-4);
  p = FL_FMA_F64(p, u, 0x1.b9a5b6370ee8ap-4);
  p = FL_FMA_F64(p, u, -0x1.4fc1317257d9dp-3);
  p = FL_FMA_F64(p, u, 0x1.08b4294d50382p-2);
  p = FL_FMA_F64(p, u, -0x1.c563b54aa1a35p-2);
  return FL_FMA_F64(p, u, 0x1.ef72bc8ee38acp-1);
}

/* x B(x) with Binet's function B, u = 1/x^2, on [0, 0.25]: 2^-51.2 */
FL_INLINE double fl_d_binet_polynomial(double u) {
  double p = 0x1.d6d3ed62a194ep+1;
  p = FL_FMA_F64(p, u, -0x1.d4f2f03a6dc5ap+2);
  p = FL_FMA_F64(p, u, 0x1.ae1cbda8274f7p+2);
  p = FL_FMA_F64(p, u, -0x1.e56fea0c98bb9p+1);
  p = FL_FMA_F64(p, u, 0x1.7e714703e94cfp+0);
  p = FL_FMA_F64(p, u, -0x1.ca12dabaf8113p-2);
  p = FL_FMA_F64(p, u, 0x1.c5ee300e05ef3p-4);
  p = FL_FMA_F64(p, u, -0x1.9f8a3a7f216p-6);
  p = FL_FMA_F64(p, u, 0x1.97254855e1346p-8);
  p = FL_FMA_F64(p, u, -0x1.f4e3f22fff47ap-10);
  p = FL_FMA_F64(p, u, 0x1.b93cbf56b0658p-11);
  p = FL_FMA_F64(p, u, -0x1.381333c18fb15p-11);
  p = FL_FMA_F64(p, u, 0x1.a01a0109489c1p-11);
  p = FL_FMA_F64(p, u, -0x1.6c16c16bf98d4p-9);
  return FL_FMA_F64(p, u, 0x1.5555555555553p-4);
}

/* -x^2 B'(x), u = 1/x^2, on [0, 0.25]: 2^-52.0 */
FL_INLINE double fl_d_binet_slope_polynomial(double u) {
  double p = -0x1.5b78cfd2c0179p+12;
  p = FL_FMA_F64(p, u, 0x1.938ad4e232347p+13);
  p = FL_FMA_F64(p, u, -0x1.b21ec8f5774f1p+13);
  p = FL_FMA_F64(p, u, 0x1.1fc396703aa72p+13);
  p = FL_FMA_F64(p, u, -0x1.0832996ed982p+12);
  p = FL_FMA_F64(p, u, 0x1.66e294df65dfdp+10);
  p = FL_FMA_F64(p, u, -0x1.7a033d6ebb7dep+8);
  p = FL_FMA_F64(p, u, 0x1.426783104503bp+6);
  p = FL_FMA_F64(p, u, -0x1.d5273ccd956d2p+3);
  p = FL_FMA_F64(p, u, 0x1.39a37e2de053bp+1);
  p = FL_FMA_F64(p, u, -0x1.ac1959babf186p-2);
  p = FL_FMA_F64(p, u, 0x1.52041d4f41efep-4);
  p = FL_FMA_F64(p, u, -0x1.5946286ed5254p-6);
  p = FL_FMA_F64(p, u, 0x1.f077115e15049p-8);
  p = FL_FMA_F64(p, u, -0x1.1111045313028p-8);
  p = FL_FMA_F64(p, u, 0x1.041040f2ed343p-8);
  p = FL_FMA_F64(p, u, -0x1.111111110c789p-7);
  return FL_FMA_F64(p, u, 0x1.5555555555555p-4);
}

/* x^3 B''(x), u = 1/x^2, on [0, 0.25]: 2^-51.9 */
FL_INLINE double fl_d_binet_curve_polynomial(double u) {
  double p = -0x1.55fbf0caa0571p+21;
  p = FL_FMA_F64(p, u, 0x1.b438978c5583p+22);
  p = FL_FMA_F64(p, u, -0x1.0304d7122cb49p+23);
  p = FL_FMA_F64(p, u, 0x1.7cc4cd4697f31p+22);
  p = FL_FMA_F64(p, u, -0x1.84cb70f440efp+21);
  p = FL_FMA_F64(p, u, 0x1.25a201f5b1097p+20);
  p = FL_FMA_F64(p, u, -0x1.55ad33abc16fap+18);
  p = FL_FMA_F64(p, u, 0x1.3beeed0a0cdbcp+16);
  p = FL_FMA_F64(p, u, -0x1.ddf96ba24818fp+13);
  p = FL_FMA_F64(p, u, 0x1.322a9c3ee9764p+11);
  p = FL_FMA_F64(p, u, -0x1.5cc92f56bcb1bp+8);
  p = FL_FMA_F64(p, u, 0x1.7c24eb4d6efbap+5);
  p = FL_FMA_F64(p, u, -0x1.b5ec9a761eed5p+2);
  p = FL_FMA_F64(p, u, 0x1.29053933c1c4dp+0);
  p = FL_FMA_F64(p, u, -0x1.03108dd0d3162p-2);
  p = FL_FMA_F64(p, u, 0x1.364bf4ca4484bp-4);
  p = FL_FMA_F64(p, u, -0x1.11110a7b0310fp-5);
  p = FL_FMA_F64(p, u, 0x1.86186177c896fp-6);
  p = FL_FMA_F64(p, u, -0x1.111111110df68p-5);
  return FL_FMA_F64(p, u, 0x1.5555555555554p-3);
}

/* (exp(u) - 1)/u, on [-0.3475, 0.3475]: 2^-37.7 */
FL_INLINE double fl_d_exp_quotient_polynomial(double u) {
  double p = 0x1.a01a76c031fd6p-16;
  p = FL_FMA_F64(p, u, 0x1.a17f6ed4ef579p-13);
  p = FL_FMA_F64(p, u, 0x1.6c175c6c19a45p-10);
  p = FL_FMA_F64(p, u, 0x1.1110a54ab2963p-7);
  p = FL_FMA_F64(p, u, 0x1.555554f17e42p-5);
  p = FL_FMA_F64(p, u, 0x1.5555557ee2349p-3);
  p = FL_FMA_F64(p, u, 0x1.000000001b1b7p-1);
  return FL_FMA_F64(p, u, 0x1.fffffffff601ap-1);
}

#endif
