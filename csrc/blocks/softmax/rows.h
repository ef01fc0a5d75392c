/* rows.h: the rows of one loss of logits, made by a loss file that has defined FL_NAME and

     FL_DENSE        whether labels are rows of weights, or classes
     FL_CLASS_POINT  what the loss makes of a class: fl_class_share and parameters to
                     fl_class_point
     FL_BENDS        whether it is anything but L, so that p is read and bend not 0

   A dense loss and one with label weights are cross-entropy. */

/* The derivatives of a loss that bends may be far smaller than p: their factors are 2^K
   times as large until the end. */
FL_INLINE double FL_LOCAL(factor)(double factor) {
  return FL_BENDS ? factor * (double)FL_TOP : factor;
}

/* Of the class with this e, S' in the unit of e. */
FL_INLINE fl_class_point FL_LOCAL(point)(real gap, real log_total, real e, double rest,
                                         const double *parameters) {
  const double total = (double)FL_TOP + rest;
  const double others = e == FL_TOP ? rest : total - (double)e;
  const fl_class_share at = {gap, log_total, FL_BENDS ? (double)e / total : 0,
                             FL_BENDS ? others / total : 0};
  return FL_CLASS_POINT(at, parameters);
}

/* How much the derivatives of the other classes bend: / (S (S - e)), in the unit of e. */
FL_INLINE real FL_LOCAL(bend)(fl_class_point point, real e, double rest,
                              double factor) {
  const double total = (double)FL_TOP + rest;
  const double others = e == FL_TOP ? rest : total - (double)e;
  const double bend = point.bend * factor * ((double)FL_TOP / total);
  return others > 0 ? (real)(bend * ((double)FL_TOP / others)) : 0;
}

FL_INLINE void FL_LOCAL(narrow_values)(int64_t rows, const double *restrict parameters,
                                       const fl_narrow *restrict narrow,
                                       real *restrict v) {
  const fl_narrow_sums *sums = &narrow->sums;
  for (int64_t r = 0; r < rows; r++)
    v[r] = FL_LOCAL(point)(narrow->gap[r], sums->log_total[r],
                           FL_BENDS ? narrow->picked[r] : 0, sums->rest[r], parameters)
               .value;
}

FL_INLINE void FL_LOCAL(narrow_states)(fl_way way, int64_t rows,
                                       const double *restrict parameters,
                                       const double *restrict factor,
                                       const fl_narrow *restrict narrow,
                                       fl_narrow_states *restrict states) {
  const fl_narrow_sums *sums = &narrow->sums;
  for (int64_t r = 0; r < rows; r++) {
    const real e = FL_BENDS ? narrow->picked[r] : 0;
    const double rest = sums->rest[r];
    const fl_class_point point = FL_LOCAL(point)(
        narrow->gap[r], FL_BENDS ? sums->log_total[r] : 0, e, rest, parameters);
    const double scaled = FL_LOCAL(factor)(factor[r]);
    fl_narrow_put_state(way, states, r,
                        fl_row_state_of(rest, (fl_sum){1, 0}, 0, scaled * point.slope));
    if (FL_BENDS && way.want & FL_WANT_HESS) {
      states->bend[r] = FL_LOCAL(bend)(point, e, rest, scaled);
      states->class_bend[r] = (real)(point.bend * scaled);
    }
  }
}

FL_INLINE void FL_LOCAL(narrow_classes)(int want, const fl_row_block *block,
                                        int64_t first, int64_t rows,
                                        const int64_t *labels, fl_narrow *narrow) {
  const int64_t classes = block->classes;
  const bool derive = want & (FL_WANT_GRAD | FL_WANT_HESS);
  const fl_way way = {want, false, false, false, FL_BENDS};
  const fl_spread none = {0};
  real *const e = narrow->tile;
  fl_narrow_frames(rows, classes, e, &narrow->sums);
  fl_narrow_exponentials(rows, classes, e, &narrow->sums);
  if (derive || FL_BENDS) fl_narrow_pick(rows, e, labels, narrow->picked);
  if (want & FL_WANT_VALUE || FL_BENDS) fl_narrow_logs(rows, &narrow->sums);
  if (want & FL_WANT_VALUE)
    FL_LOCAL(narrow_values)(rows, block->parameters, narrow, (real *)block->v + first);
  if (!derive) return;
  FL_LOCAL(narrow_states)(way, rows, block->parameters, block->factor + first, narrow,
                          &narrow->states);
  fl_narrow_derive_classes(way, rows, classes, labels, &none, narrow);
  fl_narrow_end(want, block, first, rows, narrow);
}

FL_INLINE int FL_LOCAL(narrow)(int want, const fl_row_block *block, int64_t first,
                               int64_t rows) {
  fl_narrow *const narrow = block->scratch;
  const int64_t *labels = FL_DENSE ? narrow->one_hot : block->labels + first;
  fl_narrow_begin(block, first, rows, narrow);
#if FL_DENSE
  const int64_t classes = block->classes;
  const real *y = (const real *)block->y + first * block->ldy;
  /* Two classes are less work than the look at them. */
  if (classes == 2 || !fl_one_hot(rows, classes, y, block->ldy, narrow->one_hot)) {
    fl_transpose_in(rows, classes, y, block->ldy, narrow->q);
    return fl_narrow_weighted(want, block, first, rows, 0, narrow);
  }
#endif
  fl_narrow_gaps(rows, labels, narrow);
  if (!FL_BENDS && block->weights)
    return fl_narrow_weighted(want, block, first, rows, labels, narrow);
  FL_LOCAL(narrow_classes)(want, block, first, rows, labels, narrow);
  return 0;
}

#if !FL_DENSE
FL_INLINE void FL_LOCAL(wide_classes)(int want, const fl_row_block *block,
                                      int64_t first, int64_t rows, fl_wide *wide) {
  const int64_t n = block->classes;
  const bool derive = want & (FL_WANT_GRAD | FL_WANT_HESS);
  const fl_way way = {want, false, false, false, FL_BENDS};
  const fl_spread none = {0};
  fl_wide_begin(block, first, rows, wide);
  fl_wide_exponentials(derive, block, first, rows, wide);
  if (want & FL_WANT_VALUE || FL_BENDS) fl_wide_logs(rows, wide);
  for (int64_t r = 0; r < rows; r++) {
    const int64_t row = first + r, label = block->labels[row];
    const real *x = (const real *)block->x + row * block->ldx;
    const double rest = wide->rest[r];
    const real e = derive      ? ((real *)block->g + row * block->ldg)[label]
                   : !FL_BENDS ? 0
                   : wide->m[r] == (real)INFINITY
                       ? fl_exp_in(fl_below_infinity(x[label]), wide->frame[r])
                       : fl_exp_in(x[label], wide->frame[r]);
    const fl_class_point point =
        FL_LOCAL(point)(fl_gap(1, x[label], wide->m[r]), wide->log_total[r], e, rest,
                        block->parameters);
    if (want & FL_WANT_VALUE) ((real *)block->v)[row] = point.value;
    if (!derive) continue;
    const double factor = FL_LOCAL(factor)(block->factor[row]);
    const fl_row_state state =
        fl_row_state_of(rest, (fl_sum){1, 0}, 0, factor * point.slope);
    const real bend =
        FL_BENDS && want & FL_WANT_HESS ? FL_LOCAL(bend)(point, e, rest, factor) : 0;
    real *h = want & FL_WANT_HESS ? (real *)block->h + row * block->ldh : 0;
    fl_class_derivatives(way, n, label, &none, bend, &state,
                         (real *)block->g + row * block->ldg, h);
    if (FL_BENDS && h) h[label] = fl_class_hess(e, (real)(point.bend * factor), &state);
  }
}
#endif

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const int64_t classes = block->classes, height = fl_rows_together(classes);
  fl_wide *const wide = block->scratch;
  int flags = 0;
  for (int64_t row = 0; row < block->rows; row += height) {
    const int64_t left = block->rows - row, rows = left < height ? left : height;
    if (classes <= FL_NARROW) flags |= FL_LOCAL(narrow)(want, block, row, rows);
    else if (FL_DENSE || (!FL_BENDS && block->weights))
      flags |= fl_wide_weighted(want, FL_DENSE, block, row, rows, wide);
#if !FL_DENSE
    else FL_LOCAL(wide_classes)(want, block, row, rows, wide);
#endif
  }
  return flags;
}

typedef fl_softmax_scratch FL_LOCAL(scratch);

#undef FL_DENSE
#undef FL_CLASS_POINT
#undef FL_BENDS
#include "blocks/row_loops.h"
