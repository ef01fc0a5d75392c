/* heads.h: what the losses of one label and two predictions share. */
#ifndef FL_HEADS_H
#define FL_HEADS_H

#include "blocks/element.h"

enum { FL_HEADS = 2, FL_HEADS_INPUTS = 1 + 2 * FL_HEADS, FL_HEADS_TILE = 256 };

/* mixed: the second derivative by both. */
typedef struct {
  real value, grad[FL_HEADS], hess[FL_HEADS], mixed;
} fl_heads_point;

/* What a tile comes to, before weights and scale. */
typedef struct {
  _Alignas(FL_LINE) real v[FL_HEADS_TILE];
  _Alignas(FL_LINE) real g[FL_HEADS][FL_HEADS_TILE], h[FL_HEADS][FL_HEADS_TILE];
} fl_heads_tile;

/* n derivatives times weights and scale. */
FL_INLINE void fl_put_derivative(const fl_element_block *block, int64_t first,
                                 int64_t n, real *from, void *to) {
  fl_weigh(n, fl_weights_at(block->weights, first), block->scale, from);
  fl_copy(block->stream, n, from, (real *)to + first);
}

/* Blocks of Hessians times vectors u and w; the values are their mixed entries. */
FL_OUTLINE void fl_multiply_heads(int64_t n, const real *restrict u,
                                  const real *restrict w,
                                  fl_heads_tile *restrict tile) {
  for (int64_t i = 0; i < n; i++) {
    tile->g[0][i] = FL_FMA(tile->h[0][i], u[i], tile->v[i] * w[i]);
    tile->g[1][i] = FL_FMA(tile->h[1][i], w[i], tile->v[i] * u[i]);
  }
}

/* Elements first ... first + n - 1 of a block are those from `skip` on of a tile. */
FL_OUTLINE void fl_put_tile(int want, const fl_element_block *block, int64_t first,
                            int64_t n, fl_heads_tile *tile, int64_t skip) {
  const fl_weights weights = fl_weights_at(block->weights, first);
  if (want & FL_WANT_VALUE && block->lanes)
    fl_accumulate(block->lanes, n, tile->v + skip, weights);
  else if (want & FL_WANT_VALUE)
    fl_scale(n, tile->v + skip, weights, 1, (real *)block->v + first);
  for (int k = 0; k < FL_HEADS; k++) {
    if (want & (FL_WANT_GRAD | FL_WANT_PRODUCT))
      fl_put_derivative(block, first, n, tile->g[k] + skip, block->g[k]);
    if (want & FL_WANT_HESS)
      fl_put_derivative(block, first, n, tile->h[k] + skip, block->h[k]);
  }
}

#endif
