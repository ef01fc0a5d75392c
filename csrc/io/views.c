/* views.c: arrays of any layout, read and written a block at a time. */
#include "io/views.h"

#include <stdlib.h>

static ptrdiff_t fl_distance(const fl_array *array, int axis) {
  const ptrdiff_t stride = array->strides[axis];
  return stride < 0 ? -stride : stride;
}

bool fl_memory_order(const fl_array *array, const int64_t *shape, int moving, int ndim,
                     int *order) {
  bool repeats = false, moved = false;
  for (int axis = 0; axis < ndim; axis++) {
    order[axis] = axis;
    repeats |= axis < moving && shape[axis] > 1 && array->strides[axis] == 0;
  }
  for (int axis = 1; axis < moving && !repeats; axis++) {
    int at = axis;
    for (; at > 0 && fl_distance(array, order[at - 1]) < fl_distance(array, axis); at--)
      order[at] = order[at - 1];
    order[at] = axis;
    moved |= at < axis;
  }
  return moved;
}

void fl_view_init(fl_view *view, const fl_array *array, const int64_t *shape,
                  const int *order, int ndim, fl_type type) {
  view->data = array->data;
  view->plain = view->crossed = false;
  if (!array->data) return;
  view->type = array->type;
  view->swapped = array->swapped;
  view->ndim = 0;
  for (int k = 0; k < ndim; k++) {
    const int axis = order[k];
    if (axis >= array->ndim || shape[axis] == 1) continue;
    const int last = view->ndim - 1;
    if (last >= 0 && view->strides[last] == array->strides[axis] * shape[axis]) {
      view->shape[last] *= shape[axis];
      view->strides[last] = array->strides[axis];
    } else {
      view->shape[view->ndim] = shape[axis];
      view->strides[view->ndim++] = array->strides[axis];
    }
  }
  if (view->ndim == 0) {
    view->ndim = 1;
    view->shape[0] = 1;
    view->strides[0] = fl_type_size(array->type);
  }
  view->plain = fl_view_is_plain(view, type);
  const int last = view->ndim - 1;
  view->crossed =
      last > 0 && llabs(view->strides[last - 1]) < llabs(view->strides[last]);
}

bool fl_view_is_plain(const fl_view *view, fl_type type) {
  const int64_t size = fl_type_size(type);
  return view->type == type && !view->swapped && view->ndim == 1
         && view->strides[0] == size && (uintptr_t)view->data % (size_t)size == 0;
}

/* A walk over a view in its order, a run along its last axis at a time. */
typedef struct {
  const fl_view *view;
  char *at;
  int64_t index[FL_MAX_DIMS];
} fl_walk;

static void fl_walk_start(fl_walk *walk, const fl_view *view, int64_t first) {
  walk->view = view;
  walk->at = view->data;
  for (int axis = view->ndim - 1; axis >= 0; axis--) {
    walk->index[axis] = axis ? first % view->shape[axis] : first;
    first /= view->shape[axis];
    walk->at += walk->index[axis] * view->strides[axis];
  }
}

static int64_t fl_walk_run(const fl_walk *walk, int64_t wanted) {
  const int last = walk->view->ndim - 1;
  const int64_t left = walk->view->shape[last] - walk->index[last];
  return left < wanted ? left : wanted;
}

static void fl_walk_advance(fl_walk *walk, int64_t run) {
  const fl_view *view = walk->view;
  int axis = view->ndim - 1;
  walk->index[axis] += run;
  walk->at += run * view->strides[axis];
  while (axis > 0 && walk->index[axis] == view->shape[axis]) {
    walk->at += view->strides[axis - 1] - view->shape[axis] * view->strides[axis];
    walk->index[axis] = 0;
    walk->index[--axis]++;
  }
}

/* What the view holds from here on, along its last axis. */
static fl_stretch fl_walk_at(const fl_walk *walk) {
  const fl_view *view = walk->view;
  return (fl_stretch){.at = walk->at,
                      .stride = view->strides[view->ndim - 1],
                      .type = view->type,
                      .swapped = view->swapped};
}

/* A walk over a crossed view: a matrix of the last two axes at a time, whose runs from
   the middle of one to the middle of another are three rectangles. */
typedef struct {
  const fl_view *view;
  int64_t next, left; /* elements */
  int64_t done;       /* before this matrix */
  int64_t row;        /* of its runs, up to where they are done */
} fl_slab_walk;

static char *fl_address(const fl_view *view, int64_t element) {
  fl_walk walk;
  fl_walk_start(&walk, view, element);
  return walk.at;
}

/* false: there are no more. */
static bool fl_next_slab(fl_slab_walk *walk, fl_slab *slab) {
  const fl_view *view = walk->view;
  const int last = view->ndim - 1;
  const int64_t length = view->shape[last], size = length * view->shape[last - 1];
  while (walk->left > 0) {
    const int64_t room = size - walk->next % size;
    const int64_t n = walk->left < room ? walk->left : room;
    /* The first run begins at `begin`, the last one, `runs` behind it, ends at `end`. */
    const int64_t begin = walk->next % length, row = walk->row;
    const int64_t end = (begin + n) % length, runs = (begin + n) / length;
    const int64_t low = begin < end ? begin : end, high = begin < end ? end : begin;
    if (row == length) {
      walk->next += n, walk->left -= n, walk->done += n, walk->row = 0;
      continue;
    }
    walk->row = row < low ? low : row < high ? high : length;
    const int64_t skipped = row < begin;
    slab->length = walk->row - row;
    slab->runs = runs + (row < end) - skipped;
    if (slab->runs == 0) continue;
    slab->part =
        (fl_stretch){.at = fl_address(view, walk->next - begin + skipped * length)
                           + row * view->strides[last],
                     .stride = view->strides[last],
                     .type = view->type,
                     .swapped = view->swapped};
    slab->across = view->strides[last - 1];
    slab->run = length;
    slab->first = walk->done + skipped * length + row - begin;
    return true;
  }
  return false;
}

static void fl_load_slabs(const fl_view *view, int64_t first, int64_t n, fl_type type,
                          void *out) {
  fl_slab_walk walk = {.view = view, .next = first, .left = n};
  fl_slab slab;
  while (fl_next_slab(&walk, &slab)) fl_kernels(type)->io->read_slab(&slab, out);
}

static void fl_store_slabs(const fl_view *view, int64_t first, int64_t n, fl_type type,
                           const void *in) {
  fl_slab_walk walk = {.view = view, .next = first, .left = n};
  fl_slab slab;
  while (fl_next_slab(&walk, &slab)) fl_kernels(type)->io->write_slab(&slab, in);
}

void fl_load(const fl_view *view, int64_t first, int64_t n, fl_type type, void *out) {
  if (view->crossed) {
    fl_load_slabs(view, first, n, type, out);
    return;
  }
  const fl_io_tools *tools = fl_kernels(type)->io;
  char *to = out;
  fl_walk walk;
  fl_walk_start(&walk, view, first);
  for (int64_t run; n > 0; n -= run) {
    run = fl_walk_run(&walk, n);
    tools->read(fl_walk_at(&walk), run, to);
    fl_walk_advance(&walk, run);
    to += run * fl_type_size(type);
  }
}

void fl_load_f64(const fl_view *view, int64_t first, int64_t n, double *out) {
  fl_load(view, first, n, FL_TYPE_F64, out);
}

void fl_load_i64(const fl_view *view, int64_t first, int64_t n, int64_t *out) {
  const fl_io_tools *tools = fl_kernels(FL_TYPE_F64)->io;
  fl_walk walk;
  fl_walk_start(&walk, view, first);
  for (int64_t run; n > 0; n -= run) {
    run = fl_walk_run(&walk, n);
    tools->read_classes(fl_walk_at(&walk), run, out);
    fl_walk_advance(&walk, run);
    out += run;
  }
}

void fl_store(const fl_view *view, int64_t first, int64_t n, fl_type type,
              const void *in) {
  if (view->crossed) {
    fl_store_slabs(view, first, n, type, in);
    return;
  }
  const fl_io_tools *tools = fl_kernels(type)->io;
  const char *from = in;
  fl_walk walk;
  fl_walk_start(&walk, view, first);
  for (int64_t run; n > 0; n -= run) {
    run = fl_walk_run(&walk, n);
    tools->write(fl_walk_at(&walk), run, from);
    fl_walk_advance(&walk, run);
    from += run * fl_type_size(type);
  }
}
