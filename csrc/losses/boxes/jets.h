/* jets.h: two boxes as jets: numbers with their derivatives by one of the four numbers of a
   predicted box (d), in the direction of a vector of four (e), and by both (h), in double
   precision, so that a formula is written once, as its value. In the direction of the
   number itself h is the second derivative by it.

   With the intersection I and the parts A and B of either box outside of it,

     1 - IoU = (A + B + eps)/(A + B + I + eps)

   where A = w (h - ih) + ih (w - iw), and w - iw is the sum of what the box has on either
   side: no terms of two signs. Where sides coincide, the derivative of the larger or the
   smaller one is the mean of both, as in PyTorch. */
#ifndef FL_JETS_H
#define FL_JETS_H

#include "blocks/results.h"
#include "registry/enums.h"

typedef struct {
  double v, d, e, h;
} fl_jet;

FL_INLINE fl_jet fl_constant(double v) { return (fl_jet){v, 0, 0, 0}; }
FL_INLINE fl_jet fl_plus(fl_jet a, fl_jet b) {
  return (fl_jet){a.v + b.v, a.d + b.d, a.e + b.e, a.h + b.h};
}
FL_INLINE fl_jet fl_minus(fl_jet a, fl_jet b) {
  return (fl_jet){a.v - b.v, a.d - b.d, a.e - b.e, a.h - b.h};
}
FL_INLINE fl_jet fl_product(fl_jet a, fl_jet b) {
  return (fl_jet){a.v * b.v, a.d * b.v + a.v * b.d, a.e * b.v + a.v * b.e,
                  a.h * b.v + ((a.d * b.e + a.e * b.d) + a.v * b.h)};
}
FL_INLINE fl_jet fl_scaled_jet(double s, fl_jet a) {
  return (fl_jet){s * a.v, s * a.d, s * a.e, s * a.h};
}
FL_INLINE fl_jet fl_chosen(bool first, fl_jet a, fl_jet b) {
  return (fl_jet){first ? a.v : b.v, first ? a.d : b.d, first ? a.e : b.e,
                  first ? a.h : b.h};
}
/* a/b, 0 where b is. */
FL_INLINE fl_jet fl_quotient(fl_jet a, fl_jet b) {
  const double v = a.v / b.v, d = (a.d - v * b.d) / b.v, e = (a.e - v * b.e) / b.v;
  const fl_jet q = {v, d, e, (a.h - ((d * b.e + e * b.d) + v * b.h)) / b.v};
  return fl_chosen(b.v == 0, fl_constant(0), q);
}
/* What is taken of two that are equal. */
FL_INLINE fl_jet fl_between(fl_jet a, fl_jet b) {
  return (fl_jet){a.v + (b.v - b.v), (a.d + b.d) / 2, (a.e + b.e) / 2, (a.h + b.h) / 2};
}
/* The smaller and the larger of two. */
FL_INLINE fl_jet fl_lesser(fl_jet a, fl_jet b) {
  const fl_jet tie = fl_between(a, b);
  return fl_chosen(a.v < b.v, a, fl_chosen(a.v > b.v, b, tie));
}
FL_INLINE fl_jet fl_greater(fl_jet a, fl_jet b) {
  const fl_jet tie = fl_between(a, b);
  return fl_chosen(a.v > b.v, a, fl_chosen(a.v < b.v, b, tie));
}

/* One side of two boxes: where the predicted and the true one begin and end, what they
   share, which is negative if that is nothing, and what either has beside that. */
typedef struct {
  fl_jet first, last, true_first, true_last, size, true_size;
  fl_jet shared, beside, true_beside;
} fl_side;

FL_INLINE fl_side fl_side_of(fl_jet first, fl_jet last, double true_first,
                             double true_last) {
  const fl_jet t_first = fl_constant(true_first), t_last = fl_constant(true_last);
  const fl_jet begin = fl_greater(first, t_first), end = fl_lesser(last, t_last);
  return (fl_side){
      .first = first,
      .last = last,
      .true_first = t_first,
      .true_last = t_last,
      .size = fl_minus(last, first),
      .true_size = fl_minus(t_last, t_first),
      .shared = fl_minus(end, begin),
      .beside = fl_plus(fl_minus(last, end), fl_minus(begin, first)),
      .true_beside = fl_plus(fl_minus(t_last, end), fl_minus(begin, t_first))};
}

/* The side of the smallest box around both. */
FL_INLINE fl_jet fl_around(fl_side s) {
  return fl_minus(fl_greater(s.last, s.true_last), fl_lesser(s.first, s.true_first));
}

/* Twice the distance of the centres. */
FL_INLINE fl_jet fl_twice_apart(fl_side s) {
  return fl_plus(fl_minus(s.first, s.true_first), fl_minus(s.last, s.true_last));
}

/* Two boxes: their sides, the area of both together, and 1 - IoU. */
typedef struct {
  fl_side x, y;
  fl_jet all, loss;
} fl_boxes;

/* The area of a box of sides w and h that the other one does not share. */
FL_INLINE fl_jet fl_outside_area(bool meet, fl_jet w, fl_jet h, fl_jet beside_w,
                                 fl_jet beside_h, fl_jet shared_h) {
  const fl_jet part = fl_plus(fl_product(w, beside_h), fl_product(shared_h, beside_w));
  return fl_chosen(meet, part, fl_product(w, h));
}

FL_INLINE fl_boxes fl_boxes_of(fl_side x, fl_side y, double eps) {
  const bool meet = (x.shared.v > 0) & (y.shared.v > 0);
  const fl_jet own =
      fl_outside_area(meet, x.size, y.size, x.beside, y.beside, y.shared);
  const fl_jet other = fl_outside_area(meet, x.true_size, y.true_size, x.true_beside,
                                       y.true_beside, y.shared);
  const fl_jet apart = fl_plus(own, other);
  const fl_jet shared = fl_product(x.shared, y.shared);
  const fl_jet all = fl_plus(apart, fl_chosen(meet, shared, fl_constant(0)));
  const fl_jet loss =
      fl_quotient(fl_plus(apart, fl_constant(eps)), fl_plus(all, fl_constant(eps)));
  return (fl_boxes){x, y, all, loss};
}

/* The squared distance of the centres over the squared diagonal around both. */
FL_INLINE fl_jet fl_distance(fl_boxes b, double eps) {
  const fl_jet x = fl_twice_apart(b.x), y = fl_twice_apart(b.y);
  const fl_jet w = fl_around(b.x), h = fl_around(b.y);
  const fl_jet apart = fl_plus(fl_product(x, x), fl_product(y, y));
  const fl_jet across = fl_plus(fl_product(w, w), fl_product(h, h));
  return fl_quotient(fl_scaled_jet(0.25, apart), fl_plus(across, fl_constant(eps)));
}

/* Boxes of FL_LANES rows, an array for each of the four numbers; u: a vector. */
typedef struct {
  double x[4][FL_LANES], y[4][FL_LANES], u[4][FL_LANES];
  double v[FL_LANES], g[4][FL_LANES], h[4][FL_LANES];
} fl_box_lanes;

/* The last row again behind the last. */
FL_INLINE void fl_read_boxes(const fl_row_block *block, int64_t first,
                             fl_box_lanes *lanes) {
  const real *x = block->x, *y = block->y, *u = block->u;
  for (int l = 0; l < FL_LANES; l++) {
    const int64_t row = first + l < block->rows ? first + l : block->rows - 1;
    for (int k = 0; k < 4; k++) {
      lanes->x[k][l] = (double)x[row * block->ldx + k];
      lanes->y[k][l] = (double)y[row * block->ldy + k];
      lanes->u[k][l] = u ? (double)u[row * block->ldu + k] : 0;
    }
  }
}

FL_INLINE void fl_write_boxes(int want, const fl_row_block *block, int64_t first,
                              const fl_box_lanes *lanes) {
  real *v = block->v, *g = block->g, *h = block->h;
  for (int l = 0; l < FL_LANES && first + l < block->rows; l++) {
    const int64_t row = first + l;
    if (want & FL_WANT_VALUE) v[row] = (real)lanes->v[l];
    for (int k = 0; k < 4 && want & FL_WANT_GRAD; k++)
      g[row * block->ldg + k] = (real)(block->factor[row] * lanes->g[k][l]);
    for (int k = 0; k < 4 && want & FL_WANT_PRODUCT; k++)
      g[row * block->ldg + k] = (real)(block->factor[row] * lanes->h[k][l]);
    for (int k = 0; k < 4 && want & FL_WANT_HESS; k++)
      h[row * block->ldh + k] = (real)(block->factor[row] * lanes->h[k][l]);
  }
}

/* The direction of one number. */
FL_INLINE void fl_move_along(const double *unit, fl_box_lanes *lanes) {
  for (int k = 0; k < 4; k++)
    for (int l = 0; l < FL_LANES; l++) lanes->u[k][l] = unit[k];
}

/* Of the numbers that a side is made of, and the direction of these. */
FL_INLINE fl_side fl_moving_side(const double *p, double a, double c, double true_a,
                                 double true_c, double by_a, double by_c,
                                 double along_a, double along_c) {
  const fl_jet first = {a + p[1] * c, by_a + p[1] * by_c, along_a + p[1] * along_c, 0};
  const fl_jet last = {p[2] * a + p[3] * c, p[2] * by_a + p[3] * by_c,
                       p[2] * along_a + p[3] * along_c, 0};
  return fl_side_of(first, last, true_a + p[1] * true_c, p[2] * true_a + p[3] * true_c);
}

#endif
