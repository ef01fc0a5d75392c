/* heads_loops.h: the block kernels of a loss with two predictions, made by a loss file that
   has defined FL_NAME and FL_POINT(y, x, z, parameters), and may have defined
   FL_SETUP(parameters), which puts in their place what all points have alike. */
#define FL_DOMAIN_OF(what) ((fl_domain)FL_PASTE(what, FL_NAME))

/* Non-zero: one of them may be outside its domain. */
FL_INLINE fl_uint FL_LOCAL(outside_at)(real y, real x, real z) {
  const fl_domain label = FL_DOMAIN_OF(FL_LABELS_);
  const fl_domain first = FL_DOMAIN_OF(FL_PREDICTIONS_),
                  second = FL_DOMAIN_OF(FL_SECOND_);
  return (fl_outside(label, y) & fl_outside_bits(label))
         | (fl_outside(first, x) & fl_outside_bits(first))
         | (fl_outside(second, z) & fl_outside_bits(second));
}

/* n is a multiple of FL_GROUP. For products values are the mixed derivatives, and
   gradients are stored, too: without them GCC 12 leaves conditions as jumps. */
FL_INLINE fl_uint FL_LOCAL(points)(int want, int64_t n, const real *restrict y,
                                   const real *restrict x, const real *restrict z,
                                   const double *parameters,
                                   fl_heads_tile *restrict tile) {
  fl_uint outside[FL_GROUP] = {0};
  for (int64_t group = 0; group < n; group += FL_GROUP)
    for (int64_t j = 0; j < FL_GROUP; j++) {
      const int64_t i = group + j;
      const fl_heads_point point = FL_POINT(y[i], x[i], z[i], parameters);
      if (want & FL_WANT_VALUE) tile->v[i] = point.value;
      if (want & FL_WANT_PRODUCT) tile->v[i] = point.mixed;
      if (want & ~FL_WANT_VALUE) tile->g[0][i] = point.grad[0];
      if (want & ~FL_WANT_VALUE) tile->g[1][i] = point.grad[1];
      if (want & (FL_WANT_HESS | FL_WANT_PRODUCT)) tile->h[0][i] = point.hess[0];
      if (want & (FL_WANT_HESS | FL_WANT_PRODUCT)) tile->h[1][i] = point.hess[1];
      outside[j] |= FL_LOCAL(outside_at)(y[i], x[i], z[i]);
    }
  return fl_any(outside);
}

/* Gradients with their Hessians, which cost little and have room. */
FL_OUTLINE fl_uint FL_LOCAL(derivatives)(int64_t n, const real *y, const real *x,
                                         const real *z, const double *parameters,
                                         fl_heads_tile *tile) {
  return FL_LOCAL(points)(FL_WANT_GRAD | FL_WANT_HESS, n, y, x, z, parameters, tile);
}

FL_INLINE int FL_LOCAL(kernel)(int want, const fl_element_block *block) {
  double parameters[FL_MAX_PARAMETERS];
  for (int k = 0; k < FL_MAX_PARAMETERS; k++)
    parameters[k] = ((const double *)block->parameters)[k];
#ifdef FL_SETUP
  FL_SETUP(parameters);
#endif
  real pad[FL_HEADS_INPUTS][FL_GROUP];
  const real *in[FL_HEADS_INPUTS];
  const bool padded = block->n < FL_GROUP;
  for (int k = 0; k < FL_HEADS_INPUTS; k++) {
    const real *from = block->in[k <= FL_HEADS || want & FL_WANT_PRODUCT ? k : 0];
    in[k] = padded ? fl_padded(block->n, from, pad[k]) : from;
  }
  const int64_t end = padded ? FL_GROUP : block->n;
  fl_heads_tile tile;
  fl_uint outside = 0;
  fl_span span;
  for (int64_t at = 0; at < end; at = span.next) {
    span = fl_span_at(FL_HEADS_TILE, at, 0, end);
    const int64_t first = span.first;
    const real *y = in[0] + first, *x = in[1] + first, *z = in[2] + first;
    outside |= want & (FL_WANT_VALUE | FL_WANT_PRODUCT)
                   ? FL_LOCAL(points)(want, span.n, y, x, z, parameters, &tile)
                   : FL_LOCAL(derivatives)(span.n, y, x, z, parameters, &tile);
    if (want & FL_WANT_PRODUCT)
      fl_multiply_heads(span.n, in[3] + first, in[4] + first, &tile);
    fl_put_tile(want, block, at, (padded ? block->n : span.next) - at, &tile,
                at - first);
  }
  if (block->stream) fl_stream_end();
  return outside != 0;
}

FL_KERNELS(FL_LOCAL(kernel), fl_element_block)
FL_KERNEL(FL_LOCAL(product), FL_LOCAL(kernel), FL_WANT_PRODUCT, fl_element_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .elementwise = FL_KERNEL_SET_WITH(FL_LOCAL(product))};

#undef FL_NAME
#undef FL_SETUP
#undef FL_DOMAIN_OF
