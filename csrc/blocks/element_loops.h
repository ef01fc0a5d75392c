/* element_loops.h: the block kernels of one element-wise loss, made by a loss file that
   has defined FL_NAME and FL_POINT, and may have defined FL_SETUP(parameters), which puts
   in their place what all points have alike. */
#define FL_LABELS ((fl_domain)FL_PASTE(FL_LABELS_, FL_NAME))
#define FL_PREDICTIONS ((fl_domain)FL_PASTE(FL_PREDICTIONS_, FL_NAME))

_Static_assert(FL_PREDICTIONS == FL_DOMAIN_REAL || FL_LABELS == FL_DOMAIN_REAL
                   || (FL_PREDICTIONS == FL_DOMAIN_SIGN)
                          == (FL_LABELS == FL_DOMAIN_SIGN),
               "the bits of labels and predictions are gathered together");

/* The bits of a label and a prediction; a hard label is inside. */
FL_INLINE fl_uint FL_LOCAL(outside_at)(fl_case is, real y, real x) {
  const fl_uint label = is == FL_IS_HARD ? 0 : fl_outside(FL_LABELS, y);
  return label | fl_outside(FL_PREDICTIONS, x);
}

/* A loss may compute one number per element ahead, in a loop of its own that defines
   FL_AHEAD: two short chains of dependent instructions keep a CPU busier than a long
   one. */
#ifdef FL_AHEAD
#define FL_POINT_AT(i) FL_POINT(is, y[i], x[i], ahead[i], parameters)
#else
#define FL_POINT_AT(i) FL_POINT(y[i], x[i], parameters)
#endif

#ifndef FL_PLAIN
#define FL_PLAIN(parameters) false
#define FL_NOT_HARD(y, x) 0
#endif

/* A tile stays in L1 between its loops. Those with a number ahead read memory in the
   first of them only: the shorter, the steadier, but f32 on AVX2 loses more by the
   beginnings. Loops run over whole groups: no scalar remainder. */
#if defined(FL_AHEAD) && (defined(FL_DTYPE_f64) || defined(__AVX512F__))
#define FL_TILE 256
#else
#define FL_TILE 512
#endif
FL_INLINE int FL_LOCAL(any_outside)(const fl_uint *outside) {
  return (fl_any(outside)
          & (fl_outside_bits(FL_LABELS) | fl_outside_bits(FL_PREDICTIONS)))
         != 0;
}

/* Loops over tiles: n is a multiple of FL_GROUP. */
#ifdef FL_AHEAD
/* Whether all elements are hard, if `is` says so. */
FL_INLINE bool FL_LOCAL(ahead)(int want, fl_case is, int64_t n, const real *restrict y,
                               const real *restrict x, const double *parameters,
                               real *restrict ahead) {
  fl_uint others[FL_GROUP] = {0};
  for (int64_t group = 0; group < n; group += FL_GROUP)
    for (int64_t j = 0; j < FL_GROUP; j++) {
      const int64_t i = group + j;
      ahead[i] = FL_AHEAD(want, is, y[i], x[i], parameters);
      if (is == FL_IS_HARD) others[j] |= FL_NOT_HARD(y[i], x[i]);
    }
  return fl_any(others) == 0;
}
#endif

FL_INLINE int FL_LOCAL(points)(int want, fl_case is, int64_t n, const real *restrict y,
                               const real *restrict x, const real *restrict ahead,
                               const double *parameters, const fl_factor *factor,
                               real *restrict v, real *restrict g, real *restrict h) {
  fl_uint outside[FL_GROUP] = {0};
  for (int64_t group = 0; group < n; group += FL_GROUP)
    for (int64_t j = 0; j < FL_GROUP; j++) {
      const int64_t i = group + j;
      const fl_point point = FL_POINT_AT(i);
      if (want & FL_WANT_VALUE) v[i] = point.value;
      if (want & FL_WANT_GRAD) g[i] = fl_times(point.grad, factor);
      if (want & FL_WANT_HESS) h[i] = fl_times(point.hess, factor);
      outside[j] |= FL_LOCAL(outside_at)(is, y[i], x[i]);
    }
  return FL_LOCAL(any_outside)(outside);
}

/* Of hard elements for as long as *hard; the first other one ends that. */
FL_INLINE int FL_LOCAL(tile)(int want, bool plain, bool *hard, int64_t n, const real *y,
                             const real *x, const double *parameters,
                             const fl_factor *factor, fl_results to) {
#ifdef FL_AHEAD
  real ahead[FL_TILE];
#define FL_AHEAD_OF(is) FL_LOCAL(ahead)(want, is, n, y, x, parameters, ahead)
#define FL_POINTS_OF(is) \
  FL_LOCAL(points)(want, is, n, y, x, ahead, parameters, factor, to.v, to.g, to.h)
  *hard = plain && *hard && FL_AHEAD_OF(FL_IS_HARD);
  if (*hard) return FL_POINTS_OF(FL_IS_HARD);
  if (plain) {
    FL_AHEAD_OF(FL_IS_PLAIN);
    return FL_POINTS_OF(FL_IS_PLAIN);
  }
  FL_AHEAD_OF(FL_IS_GENERAL);
  return FL_POINTS_OF(FL_IS_GENERAL);
#undef FL_AHEAD_OF
#undef FL_POINTS_OF
#else
  return FL_LOCAL(points)(want, FL_IS_GENERAL, n, y, x, 0, parameters, factor, to.v,
                          to.g, to.h);
#endif
}

/* Long is a formula with a number ahead or FL_LONG (one with a root, an exponential or
   quotients), and any where code is compact. */
#if defined(FL_AHEAD) || defined(FL_COMPACT)
#define FL_LONG
#endif

/* Values are added to the lanes, a four at a time. n is a multiple of FL_FOUR. */
#ifndef FL_LONG
FL_INLINE int FL_LOCAL(added_tile)(int want, int64_t n, const real *restrict y,
                                   const real *restrict x, fl_weights weights,
                                   const double *parameters, const fl_factor *factor,
                                   fl_lanes *lanes, real *restrict g) {
  fl_uint outside[FL_GROUP] = {0};
  double hi[FL_LANES], lo[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) hi[j] = lanes->hi[j], lo[j] = lanes->lo[j];
  for (int64_t four = 0; four < n && !fl_has(weights); four += FL_FOUR)
    for (int64_t j = 0; j < FL_LANES; j++) {
      double term[4];
      _Pragma("GCC unroll 4")
      for (int k = 0; k < 4; k++) {
        const int64_t i = four + k * FL_LANES + j;
        const fl_point point = FL_POINT_AT(i);
        term[k] = (double)point.value;
        if (want & FL_WANT_GRAD) g[i] = fl_times(point.grad, factor);
        outside[j] |= FL_LOCAL(outside_at)(FL_IS_GENERAL, y[i], x[i]);
      }
      fl_add_four(&hi[j], &lo[j], term);
    }
  for (int64_t four = 0; four < n && fl_has(weights); four += FL_FOUR) {
    const fl_weights w = fl_weights_at(weights, four);
    real term[FL_FOUR], slope[FL_FOUR];
    _Pragma("GCC unroll 4")
    for (int k = 0; k < FL_FOUR; k += FL_GROUP)
      for (int64_t j = 0; j < FL_GROUP; j++) {
        const int64_t i = four + k + j;
        const fl_point point = FL_POINT_AT(i);
        term[k + j] = point.value;
        if (want & FL_WANT_GRAD) slope[k + j] = point.grad;
        outside[j] |= FL_LOCAL(outside_at)(FL_IS_GENERAL, y[i], x[i]);
      }
    fl_add_fours(hi, lo, FL_FOUR, term, w);
    if (want & FL_WANT_GRAD)
      fl_scale_weighted(FL_FOUR, slope, w, factor->exact, g + four);
  }
  for (int j = 0; j < FL_LANES; j++) lanes->hi[j] = hi[j], lanes->lo[j] = lo[j];
  return FL_LOCAL(any_outside)(outside);
}
#endif

#if !defined(FL_LONG) && defined(FL_SCALED_SUMS)
/* The same with scaled sums; false, and the lanes as they were, if these do not
   hold. */
FL_INLINE bool FL_LOCAL(scaled_tile)(int want, int64_t n, const real *restrict y,
                                     const real *restrict x, const double *parameters,
                                     const fl_factor *factor, fl_lanes *lanes,
                                     real *restrict g, int *outside) {
  fl_uint bits[FL_GROUP] = {0};
  fl_scaled_sum sum = fl_scaled_sum_of(lanes->hi);
  for (int64_t four = 0; four < n; four += FL_FOUR) {
    real term[FL_FOUR];
    _Pragma("GCC unroll 4")
    for (int k = 0; k < 4; k++)
      for (int64_t j = 0; j < FL_LANES; j++) {
        const int64_t i = four + k * FL_LANES + j;
        const fl_point point = FL_POINT_AT(i);
        term[k * FL_LANES + j] = point.value;
        if (want & FL_WANT_GRAD) g[i] = fl_times(point.grad, factor);
        bits[j] |= FL_LOCAL(outside_at)(FL_IS_GENERAL, y[i], x[i]);
      }
    fl_add_scaled(&sum, term);
  }
  *outside |= FL_LOCAL(any_outside)(bits);
  return fl_scaled_sum_end(&sum, lanes->hi);
}
#endif

/* Where the sum of values is wanted, alone or with a gradient, and the formula is short,
   the first elements are done in one loop; returns how many. Memory is read all the time
   then: a tile that is summed afterwards reads nothing meanwhile. A long formula needs
   the registers for itself, and a gradient past the caches gains nothing from it. */
FL_INLINE int64_t FL_LOCAL(added)(int want, const fl_element_block *block,
                                  const double *parameters, int *outside) {
#ifdef FL_LONG
  return 0;
#else
  const bool sums = want & FL_WANT_VALUE && block->lanes;
  if (!sums || (want & FL_WANT_GRAD && block->stream)) return 0;
  const int64_t n = block->n / FL_FOUR * FL_FOUR;
  const real *y = block->in[0], *x = block->in[1];
  const fl_factor factor = fl_factor_of(block->scale);
#define FL_ADDED(weights)                                                         \
  FL_LOCAL(added_tile)(want, n, y, x, weights, parameters, &factor, block->lanes, \
                       block->g[0])
  const fl_weights wide = fl_only_wide(block->weights), none = {0};
  const fl_weights narrow = fl_only_narrow(block->weights);
  if (fl_has(wide)) *outside |= FL_ADDED(wide);
  else if (fl_has(narrow)) *outside |= FL_ADDED(narrow);
#ifdef FL_SCALED_SUMS
  else if (FL_LOCAL(scaled_tile)(want, n, y, x, parameters, &factor, block->lanes,
                                 block->g[0], outside))
    return n;
#endif
  else *outside |= FL_ADDED(none);
#undef FL_ADDED
  return n;
#endif
}

/* Elements `added` and on of at least a group, tile by tile. Values that are summed wait
   in a buffer until there are fours of them; results that are streamed, or of a padded
   block, in others. */
FL_INLINE int FL_LOCAL(tiles)(int want, bool plain, const fl_element_block *block,
                              const real *y, const real *x, int64_t added,
                              const double *parameters) {
  _Alignas(FL_LINE) real v[FL_GROUP + FL_VALUES(FL_TILE)], g[FL_TILE], h[FL_TILE];
  const bool sums = want & FL_WANT_VALUE && block->lanes;
  const bool padded = block->n < FL_GROUP, in_place = !padded && !block->stream;
  const int64_t end = padded ? FL_GROUP : block->n;
  const fl_results places = {block->v, block->g[0], block->h[0]};
  const int64_t skew = added ? 0 : fl_skew(end, want & FL_WANT_GRAD ? places.g : x);
  const fl_factor factor = fl_factor_of(fl_has(block->weights) ? 1 : block->scale);
  real *values = fl_values_at(skew, v + FL_GROUP);
  int64_t summed = added;
  int outside = 0;
  bool hard = true;
  fl_span span;
  for (int64_t at = added; at < end; at = span.next) {
    span = fl_span_at(FL_TILE, at, skew, end);
    const int64_t first = span.first, n = padded ? block->n : span.n;
    fl_results to = in_place ? fl_results_at(places, first) : (fl_results){v, g, h};
    if (sums) to.v = values + (first - summed);
    outside |= FL_LOCAL(tile)(want, plain, &hard, span.n, y + first, x + first,
                              parameters, &factor, to);
    if (sums)
      summed += fl_add_values(block, summed, (padded ? n : span.next) - summed, FL_TILE,
                              values);
    fl_finish(want, block, first, n, in_place, to);
  }
  if (block->stream) fl_stream_end();
  return outside;
}

FL_INLINE int FL_LOCAL(each)(int want, bool plain, const fl_element_block *block,
                             const double *parameters) {
  real pad[2][FL_GROUP];
  const bool padded = block->n < FL_GROUP;
  const real *y = padded ? fl_padded(block->n, block->in[0], pad[0]) : block->in[0];
  const real *x = padded ? fl_padded(block->n, block->in[1], pad[1]) : block->in[1];
  int outside = 0;
  const int64_t added = FL_LOCAL(added)(want, block, parameters, &outside);
  return outside | FL_LOCAL(tiles)(want, plain, block, y, x, added, parameters);
}

/* Parameters from memory of its own: nothing the loops write can change them. One by
   one: GCC 12 makes a memcpy of 64 bytes one number of 512 bits, and a loop that takes a
   part of it does not vectorise. */
FL_INLINE int FL_LOCAL(kernel)(int want, const fl_element_block *block) {
  double parameters[FL_MAX_PARAMETERS];
  for (int k = 0; k < FL_MAX_PARAMETERS; k++)
    parameters[k] = ((const double *)block->parameters)[k];
#ifdef FL_SETUP
  FL_SETUP(parameters);
#endif
  return FL_LOCAL(each)(want, FL_PLAIN(parameters), block, parameters);
}

FL_KERNELS(FL_LOCAL(kernel), fl_element_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.elementwise = FL_KERNEL_SET};

#undef FL_NAME
#undef FL_SETUP
#undef FL_LABELS
#undef FL_PREDICTIONS
#undef FL_POINT_AT
#undef FL_TILE
#undef FL_AHEAD
#undef FL_LONG
#undef FL_PLAIN
#undef FL_NOT_HARD
#undef FL_SCALED_SUMS
