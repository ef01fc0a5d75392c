/* views.c: arrays of any layout, read and written a block at a time. */
#include "io/views.h"

#include <string.h>

void fl_view_init(fl_view *view, const fl_array *array, const int64_t *shape,
                  fl_type type) {
  view->data = array->data;
  view->plain = false;
  if (!array->data) return;
  view->type = array->type;
  view->swapped = array->swapped;
  view->ndim = 0;
  for (int axis = 0; axis < array->ndim; axis++) {
    if (shape[axis] == 1) continue;
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
}

bool fl_view_is_plain(const fl_view *view, fl_type type) {
  const int64_t size = fl_type_size(type);
  return view->type == type && !view->swapped && view->ndim == 1
         && view->strides[0] == size && (uintptr_t)view->data % (size_t)size == 0;
}

/* A walk over a view in C order, a run along its last axis at a time. */
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

static inline uint64_t fl_swap(uint64_t bits, size_t size) {
  switch (size) {
    case 2: return __builtin_bswap16((uint16_t)bits);
    case 4: return __builtin_bswap32((uint32_t)bits);
    case 8: return __builtin_bswap64(bits);
    default: return bits;
  }
}

/* One run of elements of type T to type U; memcpy because nothing is known of the
   alignment. The constant stride of the first loop lets it vectorise. */
#define FL_READ_RUN(T, U, convert)                                        \
  do {                                                                    \
    T x;                                                                  \
    if (!swapped && stride == (ptrdiff_t)sizeof(T)) {                     \
      for (int64_t i = 0; i < n; i++) {                                   \
        memcpy(&x, from + i * (ptrdiff_t)sizeof(T), sizeof x);            \
        out[i] = (U)(convert);                                            \
      }                                                                   \
    } else {                                                              \
      for (int64_t i = 0; i < n; i++) {                                   \
        uint64_t bits = 0;                                                \
        memcpy(&bits, from + i * stride, sizeof x);                       \
        if (swapped) bits = fl_swap(bits, sizeof x);                      \
        memcpy(&x, &bits, sizeof x);                                      \
        out[i] = (U)(convert);                                            \
      }                                                                   \
    }                                                                     \
  } while (0)

/* The low bytes of `bits` are its first bytes only on a little-endian machine. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "views.c is written for little-endian machines"
#endif

#define FL_DEFINE_LOAD(name, U)                                                      \
  static void fl_read_##name(fl_type type, bool swapped, int64_t n, const char *from, \
                             ptrdiff_t stride, U *out) {                             \
    switch (type) {                                                                  \
      case FL_TYPE_BOOL: FL_READ_RUN(uint8_t, U, x != 0); break;                     \
      case FL_TYPE_SIGN: FL_READ_RUN(uint8_t, U, x != 0 ? 1 : -1); break;            \
      case FL_TYPE_I8: FL_READ_RUN(int8_t, U, x); break;                             \
      case FL_TYPE_I16: FL_READ_RUN(int16_t, U, x); break;                           \
      case FL_TYPE_I32: FL_READ_RUN(int32_t, U, x); break;                           \
      case FL_TYPE_I64: FL_READ_RUN(int64_t, U, x); break;                           \
      case FL_TYPE_U8: FL_READ_RUN(uint8_t, U, x); break;                            \
      case FL_TYPE_U16: FL_READ_RUN(uint16_t, U, x); break;                          \
      case FL_TYPE_U32: FL_READ_RUN(uint32_t, U, x); break;                          \
      case FL_TYPE_U64: FL_READ_RUN(uint64_t, U, x); break;                          \
      case FL_TYPE_F32: FL_READ_RUN(float, U, x); break;                             \
      case FL_TYPE_F64: FL_READ_RUN(double, U, x); break;                            \
    }                                                                                \
  }                                                                                  \
  void fl_load_##name(const fl_view *view, int64_t first, int64_t n, U *out) {       \
    fl_walk walk;                                                                    \
    fl_walk_start(&walk, view, first);                                               \
    while (n > 0) {                                                                  \
      const int64_t run = fl_walk_run(&walk, n);                                     \
      fl_read_##name(view->type, view->swapped, run, walk.at,                        \
                     view->strides[view->ndim - 1], out);                            \
      fl_walk_advance(&walk, run);                                                   \
      out += run;                                                                    \
      n -= run;                                                                      \
    }                                                                                \
  }

FL_DEFINE_LOAD(f32, float)
FL_DEFINE_LOAD(f64, double)
FL_DEFINE_LOAD(i64, int64_t)

void fl_load(const fl_view *view, int64_t first, int64_t n, fl_type type, void *out) {
  if (type == FL_TYPE_F32) fl_load_f32(view, first, n, out);
  else fl_load_f64(view, first, n, out);
}

static void fl_write_run(const fl_view *view, int64_t n, fl_type type, const char *in,
                         char *to) {
  const ptrdiff_t stride = view->strides[view->ndim - 1];
  const size_t size = (size_t)fl_type_size(view->type);
  for (int64_t i = 0; i < n; i++) {
    const double x = type == FL_TYPE_F32 ? (double)((const float *)(const void *)in)[i]
                                         : ((const double *)(const void *)in)[i];
    const float narrow = (float)x;
    uint64_t bits = 0;
    memcpy(&bits, view->type == FL_TYPE_F32 ? (const void *)&narrow : &x, size);
    if (view->swapped) bits = fl_swap(bits, size);
    memcpy(to + i * stride, &bits, size);
  }
}

void fl_store(const fl_view *view, int64_t first, int64_t n, fl_type type,
              const void *in) {
  fl_walk walk;
  const char *from = in;
  fl_walk_start(&walk, view, first);
  while (n > 0) {
    const int64_t run = fl_walk_run(&walk, n);
    fl_write_run(view, run, type, from, walk.at);
    fl_walk_advance(&walk, run);
    from += run * fl_type_size(type);
    n -= run;
  }
}
