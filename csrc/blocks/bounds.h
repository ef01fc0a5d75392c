/* bounds.h: what the losses of one prediction and two labels share. */
#ifndef FL_BOUNDS_H
#define FL_BOUNDS_H

#include "blocks/element.h"

enum { FL_BOUNDS_INPUTS = 3, FL_BOUNDS_TILE = 256 };

/* The domains of the second labels, constants inside the files of the family. */
enum {
#define FL_LOSS(name, family, kind, labels, predictions, parameters) \
  FL_SECOND_LABELS_##name = FL_SECOND_LISTED labels,
#include FL_FAMILY
#undef FL_LOSS
};

/* What a tile comes to, before weights and scale. */
typedef struct {
  _Alignas(FL_LINE) real v[FL_BOUNDS_TILE];
  _Alignas(FL_LINE) real g[FL_BOUNDS_TILE];
  _Alignas(FL_LINE) real h[FL_BOUNDS_TILE];
} fl_bounds_tile;

/* Elements first ... first + n - 1 of a block are those from `skip` on of a tile. */
FL_OUTLINE void fl_put_bounds_tile(int want, const fl_element_block *block,
                                   int64_t first, int64_t n, fl_bounds_tile *tile,
                                   int64_t skip) {
  const fl_weights weights = fl_weights_at(block->weights, first);
  if (want & FL_WANT_VALUE && block->lanes)
    fl_accumulate(block->lanes, n, tile->v + skip, weights);
  else if (want & FL_WANT_VALUE)
    fl_scale(n, tile->v + skip, weights, 1, (real *)block->v + first);
  if (want & FL_WANT_GRAD) {
    fl_weigh(n, weights, block->scale, tile->g + skip);
    fl_copy(block->stream, n, tile->g + skip, (real *)block->g[0] + first);
  }
  if (want & FL_WANT_HESS) {
    fl_weigh(n, weights, block->scale, tile->h + skip);
    fl_copy(block->stream, n, tile->h + skip, (real *)block->h[0] + first);
  }
}

#endif
