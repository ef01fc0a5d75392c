/* views.h: arrays of any dtype, byte order, strides and alignment, read and written a
   block at a time in C order. */
#ifndef FL_VIEWS_H
#define FL_VIEWS_H

#include "fastloss.h"

/* An array with its axes merged where memory allows: the last axis is the fastest. */
typedef struct {
  char *data;
  fl_type type;
  bool swapped;
  bool plain; /* of the job's type, in order, without gaps: usable without a copy */
  int ndim;
  int64_t shape[FL_MAX_DIMS];
  ptrdiff_t strides[FL_MAX_DIMS];
} fl_view;

/* `array` has the first axes of `shape`; a view without data stands for none. */
void fl_view_init(fl_view *view, const fl_array *array, const int64_t *shape,
                  fl_type type);

bool fl_view_is_plain(const fl_view *view, fl_type type);

/* Elements first ... first + n - 1 in C order, converted. */
void fl_load_f32(const fl_view *view, int64_t first, int64_t n, float *out);
void fl_load_f64(const fl_view *view, int64_t first, int64_t n, double *out);
void fl_load_i64(const fl_view *view, int64_t first, int64_t n, int64_t *out);
void fl_load(const fl_view *view, int64_t first, int64_t n, fl_type type, void *out);
/* `type` is that of `in`; the view is f32 or f64. */
void fl_store(const fl_view *view, int64_t first, int64_t n, fl_type type,
              const void *in);

static inline int64_t fl_type_size(fl_type type) {
  static const int8_t size[] = {1, 1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  return size[type];
}

#endif
