/* views.h: arrays of any dtype, byte order, strides and alignment, read and written a
   block at a time in the order of the job's items. */
#ifndef FL_VIEWS_H
#define FL_VIEWS_H

#include "blocks/kernels.h"

/* An array with its axes in the job's order, merged where memory allows: the last axis is
   the fastest. */
typedef struct {
  char *data;
  fl_type type;
  bool swapped;
  bool plain; /* of the job's type, in order, without gaps: usable without a copy */
  bool
      crossed; /* runs along the last axis are closer to each other than their numbers */
  int ndim;
  int64_t shape[FL_MAX_DIMS];
  ptrdiff_t strides[FL_MAX_DIMS];
} fl_view;

/* An order of `ndim` axes: the first `moving` ones from the widest strides of `array` to
   the narrowest, as they lie in memory, the others in their places; C order, if the array
   repeats numbers. Whether it is another than C order. */
bool fl_memory_order(const fl_array *array, const int64_t *shape, int moving, int ndim,
                     int *order);

/* `array` has the first axes of `shape`, which are taken in an order of all `ndim` of
   them; a view without data stands for none. */
void fl_view_init(fl_view *view, const fl_array *array, const int64_t *shape,
                  const int *order, int ndim, fl_type type);

bool fl_view_is_plain(const fl_view *view, fl_type type);

/* Elements first ... first + n - 1, converted. */
void fl_load_f64(const fl_view *view, int64_t first, int64_t n, double *out);
void fl_load_i64(const fl_view *view, int64_t first, int64_t n, int64_t *out);
void fl_load(const fl_view *view, int64_t first, int64_t n, fl_type type, void *out);
/* `type` is that of `in`; the view is f32 or f64. */
void fl_store(const fl_view *view, int64_t first, int64_t n, fl_type type,
              const void *in);

#endif
