/* sequence.h: sums along a sequence of terms of any magnitude, in double precision: a
   number is m 2^e, so that no term over- or underflows before it is beside a larger one,
   and a sum keeps what rounding takes from it. */
#ifndef FL_SEQUENCE_H
#define FL_SEQUENCE_H

#include <math.h>

#include "math/sort.h"
#include "math/sums.h"
#include "math/vecmath.h"

typedef struct {
  double m;
  int64_t e;
} fl_scaled;

/* (hi + lo) 2^e. */
typedef struct {
  double hi, lo;
  int64_t e;
} fl_scaled_total;

enum { FL_APART = 200 };

/* 2^e for |e| <= 1022. */
static inline double fl_two_to(int64_t e) {
  return fl_from_bits((fl_uint)(e + FL_EXPONENT_BIAS) << FL_MANTISSA_BITS);
}

/* m 2^e as a double, e far outside its range included. */
static inline double fl_unscaled(double m, int64_t e) {
  if (e > -1000 && e < 1000) return m * fl_two_to(e);
  if (e > 2000 || e < -2000) return e > 0 ? m * (double)INFINITY : m * 0;
  const int64_t half = e / 2;
  return m * fl_two_to(half) * fl_two_to(e - half);
}

/* m 2^e with m in [1, 2); 0, subnormal, infinite and NaN stay what they are. */
static inline fl_scaled fl_scaled_of(double m, int64_t e) {
  const int64_t biased = (int64_t)(fl_bits(m) >> FL_MANTISSA_BITS & 0x7ff);
  if (biased == 0 || biased == 0x7ff) return (fl_scaled){m, e};
  const int64_t exponent = biased - FL_EXPONENT_BIAS;
  const fl_uint bits = fl_bits(m) - ((fl_uint)exponent << FL_MANTISSA_BITS);
  return (fl_scaled){fl_from_bits(bits), e + exponent};
}

/* total += term. The scale moves up in steps of FL_APART; what is 2^-400 of it is
   nothing. */
static inline void fl_add_scaled_term(fl_scaled_total *total, fl_scaled term) {
  if (term.m == 0) return;
  if (total->hi == 0) total->e = term.e;
  int64_t up = term.e - total->e;
  if (up < -2 * FL_APART) return;
  if (up > FL_APART) {
    const double down = up > 4 * FL_APART ? 0 : fl_two_to(-up);
    total->hi *= down;
    total->lo *= down;
    total->e = term.e;
    up = 0;
  }
  fl_two_sum(&total->hi, &total->lo, term.m * fl_two_to(up));
}

/* term in the scale of a sum that it is part of. */
static inline double fl_in_scale(fl_scaled term, int64_t e) {
  const int64_t down = e - term.e;
  return down > 4 * FL_APART ? 0 : term.m * fl_two_to(-down);
}

static inline fl_scaled fl_scaled_value(const fl_scaled_total *total) {
  return fl_scaled_of(fl_sum_value((fl_sum){total->hi, total->lo}), total->e);
}

/* log(m 2^e). */
static inline double fl_log_scaled(fl_scaled x) {
  const double e = (double)x.e;
  return FL_FMA(e, FL_LN2_HI, FL_FMA(e, FL_LN2_LO, fl_log(x.m)));
}

/* exp(x - top) = m 2^e for x <= top: m in [0.7, 1.42], or 0 for an x that is 2^50 below.
   m takes the place of x. */
FL_INLINE void fl_scaled_exps(int64_t n, double top, double *restrict x,
                              double *restrict e) {
  for (int64_t i = 0; i < n; i++) {
    const double difference = x[i] == top ? 0 : x[i] - top;
    const bool gone = difference < -0x1p50;
    const double d = gone ? 0 : difference;
    const double tail = d != 0 ? fl_difference_tail(x[i], top, d) : 0;
    double magic_n, power;
    const double p = fl_expm1_reduced(d, tail, &magic_n, &power);
    x[i] = gone ? 0 : 1 + p;
    e[i] = gone || d != d ? 0 : power;
  }
}

#endif
