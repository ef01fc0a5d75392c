/* accumulate.h: how kernels of either dtype add terms to the lanes of sums.h. */
#ifndef FL_ACCUMULATE_H
#define FL_ACCUMULATE_H

#include "isa.h"
#include "sums.h"

/* f32 terms need no lo: a double holds sums of 2^29 like terms exactly. */
FL_INLINE void fl_add(double *hi, double *lo, double x) {
#if defined(FL_DTYPE_f32)
  (void)lo;
  *hi += x;
#else
  fl_two_sum(hi, lo, x);
#endif
}

FL_INLINE double fl_term(const real *v, const double *w, int64_t i) {
  return w ? fl_weighted(w[i], (double)v[i]) : (double)v[i];
}

/* lanes += w[i] v[i]. Four terms of a lane are added in pairs before they meet the
   running sum: a quarter of the two-sums, for 1.5 ulp of the four. */
static inline void fl_accumulate(fl_lanes *lanes, int64_t n, const real *restrict v,
                             const double *restrict w) {
  double hi[FL_LANES], lo[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) hi[j] = lanes->hi[j], lo[j] = lanes->lo[j];
  int64_t i = 0;
  for (; i + 4 * FL_LANES <= n; i += 4 * FL_LANES) {
    for (int j = 0; j < FL_LANES; j++) {
      const int64_t k = i + j;
      fl_add(&hi[j], &lo[j],
             (fl_term(v, w, k) + fl_term(v, w, k + FL_LANES))
                 + (fl_term(v, w, k + 2 * FL_LANES) + fl_term(v, w, k + 3 * FL_LANES)));
    }
  }
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) fl_add(&hi[j], &lo[j], fl_term(v, w, i + j));
  for (int j = 0; i + j < n; j++) fl_add(&hi[j], &lo[j], fl_term(v, w, i + j));
  for (int j = 0; j < FL_LANES; j++) lanes->hi[j] = hi[j], lanes->lo[j] = lo[j];
}
#endif
