/* overlap.h: what the losses of regions share. With labels t and predictions p in [0, 1]
   a loss is a function of four sums, none of which has terms of two signs:

     product (the parameter `absolute` is 0):  both = sum p t,  prediction = sum p (1 - t),
                                               label = sum t (1 - p),
                                               neither = sum (1 - p) (1 - t)
     absolute:  both = sum min(p, t),  prediction = sum max(p - t, 0),
                label = sum max(t - p, 0),  neither = sum 1 - max(p, t)

   that are known elsewhere as true positives, false positives, false negatives and true
   negatives. */
#ifndef FL_OVERLAP_BLOCKS_H
#define FL_OVERLAP_BLOCKS_H

#include "blocks/domains.h"
#include "math/row_sums.h"

/* The terms of an entry. A negative or too large number, which is an error anyway,
   may come out as anything. */
FL_INLINE fl_overlap fl_overlap_of(bool absolute, double p, double t) {
  if (!absolute)
    return (fl_overlap){p * t, p * (1 - t), t * (1 - p), (1 - p) * (1 - t)};
  const double d = p - t;
  return (fl_overlap){d > 0    ? t
                      : d <= 0 ? p
                               : d,
                      d < 0 ? 0 : d, d > 0 ? 0 : -d,
                      1
                          - (d < 0    ? t
                             : d >= 0 ? p
                                      : d)};
}

/* Entry i of a sum goes to lane i mod 16. */
typedef struct {
  double hi[4][FL_LANES], lo[4][FL_LANES];
} fl_overlap_lanes;

/* The first three sums, or all four. */
FL_INLINE void fl_add_overlap(int sums, fl_overlap_lanes *lanes, int64_t j,
                              fl_overlap term) {
  fl_add(&lanes->hi[0][j], &lanes->lo[0][j], term.both);
  fl_add(&lanes->hi[1][j], &lanes->lo[1][j], term.prediction);
  fl_add(&lanes->hi[2][j], &lanes->lo[2][j], term.label);
  if (sums > 3) fl_add(&lanes->hi[3][j], &lanes->lo[3][j], term.neither);
}

/* The derivative of a region's loss by an entry. At p = t, where the absolute form has a
   kink, it is the mean of both sides. */
FL_INLINE double fl_overlap_slope(bool absolute, const fl_overlap_point *point,
                                  double p, double t) {
  const double none = point->grad[0], all = point->grad[1];
  if (!absolute) return (1 - t) * none + t * all;
  return p > t ? none : p < t ? all : p == t ? 0.5 * (none + all) : p - t;
}

FL_INLINE double fl_overlap_curvature(bool absolute, const fl_overlap_point *point,
                                      double p, double t) {
  const double none = point->hess[0], mixed = point->hess[1], all = point->hess[2];
  if (!absolute) {
    const double u = 1 - t;
    return u * u * none + (2 * u * t * mixed + t * t * all);
  }
  return p > t    ? none
         : p < t  ? all
         : p == t ? 0.25 * (none + all) + 0.5 * mixed
                  : p - t;
}

#endif
