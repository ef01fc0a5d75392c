/* element.h: what the losses of one label for one prediction share. */
#ifndef FL_ELEMENT_H
#define FL_ELEMENT_H

#include "blocks/domains.h"
#include "math/scaled_sums.h"

/* The formula of the loss FL_NAME: label, prediction and parameters to a point. */
#define FL_POINT FL_LOCAL(point)

typedef struct {
  real value, grad, hess;
} fl_point;

/* A loss with FL_AHEAD may have shorter formulas: for plain parameters, where
   FL_PLAIN(parameters) holds, and among these for hard elements, where FL_NOT_HARD(y, x) is
   0. Hard elements have the bits of plain ones: which of the two formulas an element meets
   depends on its neighbours. */
typedef enum { FL_IS_GENERAL, FL_IS_PLAIN, FL_IS_HARD } fl_case;

/* n < FL_GROUP numbers and copies of the last that complete a group. */
FL_OUTLINE const real *fl_padded(int64_t n, const real *z, real *pad) {
  for (int64_t i = 0; i < FL_GROUP; i++) pad[i] = z[i < n ? i : n - 1];
  return pad;
}

FL_OUTLINE void fl_weigh(int64_t n, fl_weights w, double scale, real *z) {
  fl_scale(n, z, w, scale, z);
}

FL_OUTLINE void fl_copy(bool stream, int64_t n, const real *from, real *to) {
  if (stream) fl_stream(n, from, to);
  else memcpy(to, from, (size_t)n * sizeof(real));
}

/* Where values and derivatives of some elements are. */
typedef struct {
  real *v, *g, *h;
} fl_results;

/* The same from element i on. */
FL_INLINE fl_results fl_results_at(fl_results all, int64_t i) {
  return (fl_results){all.v + i, all.g + i, all.h + i};
}

/* What is left to do with n results, elements `first` and on of a block: weights, but
   those of values that are summed, and copies, if they are not in their places. */
FL_INLINE void fl_finish(int want, const fl_element_block *block, int64_t first,
                         int64_t n, bool in_place, fl_results from) {
  const bool values = want & FL_WANT_VALUE && !block->lanes;
  const fl_results to = {block->v, block->g[0], block->h[0]};
  if (fl_has(block->weights)) {
    const fl_weights w = fl_weights_at(block->weights, first);
    if (values) fl_weigh(n, w, 1, from.v);
    if (want & FL_WANT_GRAD) fl_weigh(n, w, block->scale, from.g);
    if (want & FL_WANT_HESS) fl_weigh(n, w, block->scale, from.h);
  }
  if (in_place) return;
  if (values) fl_copy(block->stream, n, from.v, to.v + first);
  if (want & FL_WANT_GRAD) fl_copy(block->stream, n, from.g, to.g + first);
  if (want & FL_WANT_HESS) fl_copy(block->stream, n, from.h, to.h + first);
}

/* The elements of a tile, and where the next one begins. */
typedef struct {
  int64_t first, n, next;
} fl_span;

/* The tile at `at` of n >= FL_GROUP elements. A ragged group at the end, and the one that
   leads to element `skew`, overlap with a neighbour: some elements are computed twice. */
FL_INLINE fl_span fl_span_at(int64_t tile, int64_t at, int64_t skew, int64_t n) {
  const int64_t left = n - at;
  if (at < skew) return (fl_span){0, FL_GROUP, skew};
  if (left < FL_GROUP) return (fl_span){n - FL_GROUP, FL_GROUP, n};
  const int64_t length = left < tile ? left / FL_GROUP * FL_GROUP : tile;
  return (fl_span){at, length, at + length};
}

#endif
