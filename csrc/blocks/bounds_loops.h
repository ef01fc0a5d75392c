/* bounds_loops.h: the block kernels of a loss of one prediction and two labels, between
   which the true one is, made by a loss file that has defined FL_NAME and
   FL_POINT(low, high, x, parameters). */
#define FL_DOMAIN_OF(what) ((fl_domain)FL_PASTE(what, FL_NAME))

/* Non-zero: one of them may be outside its domain. */
FL_INLINE fl_uint FL_LOCAL(outside_at)(real low, real high, real x) {
  const fl_domain first = FL_DOMAIN_OF(FL_LABELS_),
                  second = FL_DOMAIN_OF(FL_SECOND_LABELS_),
                  prediction = FL_DOMAIN_OF(FL_PREDICTIONS_);
  return (fl_outside(first, low) & fl_outside_bits(first))
         | (fl_outside(second, high) & fl_outside_bits(second))
         | (fl_outside(prediction, x) & fl_outside_bits(prediction));
}

/* n is a multiple of FL_GROUP. */
FL_INLINE fl_uint FL_LOCAL(points)(int want, int64_t n, const real *restrict low,
                                   const real *restrict high, const real *restrict x,
                                   const double *parameters,
                                   fl_bounds_tile *restrict tile) {
  fl_uint outside[FL_GROUP] = {0};
  for (int64_t group = 0; group < n; group += FL_GROUP)
    for (int64_t j = 0; j < FL_GROUP; j++) {
      const int64_t i = group + j;
      const fl_point point = FL_POINT(low[i], high[i], x[i], parameters);
      if (want & FL_WANT_VALUE) tile->v[i] = point.value;
      if (want & FL_WANT_GRAD) tile->g[i] = point.grad;
      if (want & FL_WANT_HESS) tile->h[i] = point.hess;
      outside[j] |= FL_LOCAL(outside_at)(low[i], high[i], x[i]);
    }
  return fl_any(outside);
}

/* Gradients with their Hessians, which cost little and have room. */
FL_OUTLINE fl_uint FL_LOCAL(derivatives)(int64_t n, const real *low, const real *high,
                                         const real *x, const double *parameters,
                                         fl_bounds_tile *tile) {
  return FL_LOCAL(points)(FL_WANT_GRAD | FL_WANT_HESS, n, low, high, x, parameters,
                          tile);
}

FL_INLINE int FL_LOCAL(kernel)(int want, const fl_element_block *block) {
  double parameters[FL_MAX_PARAMETERS];
  for (int k = 0; k < FL_MAX_PARAMETERS; k++)
    parameters[k] = ((const double *)block->parameters)[k];
  real pad[FL_BOUNDS_INPUTS][FL_GROUP];
  const real *in[FL_BOUNDS_INPUTS];
  const bool padded = block->n < FL_GROUP;
  for (int k = 0; k < FL_BOUNDS_INPUTS; k++)
    in[k] = padded ? fl_padded(block->n, block->in[k], pad[k]) : block->in[k];
  const int64_t end = padded ? FL_GROUP : block->n;
  fl_bounds_tile tile;
  fl_uint outside = 0;
  fl_span span;
  for (int64_t at = 0; at < end; at = span.next) {
    span = fl_span_at(FL_BOUNDS_TILE, at, 0, end);
    const int64_t first = span.first;
    const real *low = in[0] + first, *high = in[1] + first, *x = in[2] + first;
    outside |= want & FL_WANT_VALUE
                   ? FL_LOCAL(points)(want, span.n, low, high, x, parameters, &tile)
                   : FL_LOCAL(derivatives)(span.n, low, high, x, parameters, &tile);
    fl_put_bounds_tile(want, block, at, (padded ? block->n : span.next) - at, &tile,
                       at - first);
  }
  if (block->stream) fl_stream_end();
  return outside != 0;
}

FL_KERNELS(FL_LOCAL(kernel), fl_element_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.elementwise = FL_KERNEL_SET};

#undef FL_NAME
#undef FL_DOMAIN_OF
