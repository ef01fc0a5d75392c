/* elementwise_loops.h: the block kernels of one element-wise loss, made by a loss file
   that has defined FL_POINT and FL_NAME. */
#define FL_PASTE2(a, b) a##b
#define FL_PASTE(a, b) FL_PASTE2(a, b)
#define FL_LABELS ((fl_domain)FL_PASTE(FL_LABELS_, FL_NAME))
#define FL_PREDICTIONS ((fl_domain)FL_PASTE(FL_PREDICTIONS_, FL_NAME))

/* The sign bit of the result is set if z is outside its domain, and sometimes if it is
   not, for -0 and NaN: the engine looks again. */
FL_INLINE fl_uint fl_outside(fl_domain domain, real z) {
  if (domain == FL_UNIT) return fl_bits(z) | fl_bits(1 - z);
  if (domain == FL_SIGN) return 0 - (fl_uint)(fl_abs(z) != 1);
  return 0;
}

/* A loss may compute one number per element ahead, in a loop of its own that defines
   FL_AHEAD: two short chains of dependent instructions keep a CPU busier than a long
   one (binary cross-entropy on logits: 1.13 instead of 1.46 ns an element). */
#ifdef FL_AHEAD
#define FL_POINT_AT(i) FL_POINT(simple, y[i], x[i], ahead[i], parameters)
#else
#define FL_POINT_AT(i) FL_POINT(y[i], x[i], parameters)
#endif

/* A loss with FL_AHEAD may have a shorter formula for some parameters and labels; a tile
   of them alone takes it. */
#ifndef FL_SIMPLE
#define FL_SIMPLE(parameters) false
#endif
#ifndef FL_SIMPLE_LABEL
#define FL_SIMPLE_LABEL(y) true
#endif

/* A tile: few enough elements that the sum of one and the formula of the next share the
   pipelines of the CPU, a multiple of the 64 that fl_accumulate takes at a time; longer
   where the two loops of FL_AHEAD do so anyway. Loops run over whole groups: no scalar
   remainder, and a constant length to unroll. */
#ifdef FL_AHEAD
enum { FL_TILE = 512, FL_GROUP = 16 };
#else
enum { FL_TILE = 128, FL_GROUP = 16 };
#endif

FL_INLINE bool fl_simple_labels(int64_t n, const real *y) {
  fl_uint others = 0;
  for (int64_t i = 0; i < n; i++) others |= (fl_uint)!FL_SIMPLE_LABEL(y[i]);
  return others == 0;
}

/* n is a multiple of FL_GROUP. */
FL_INLINE int fl_tile(int want, bool simple, int64_t n, const real *restrict y,
                      const real *restrict x, const double *parameters,
                      const fl_factor *factor, real *restrict v, real *restrict g,
                      real *restrict h) {
  fl_uint outside[FL_GROUP] = {0}, any = 0;
#ifdef FL_AHEAD
  real ahead[FL_TILE];
  for (int64_t group = 0; group < n; group += FL_GROUP)
    for (int64_t i = group; i < group + FL_GROUP; i++)
      ahead[i] = FL_AHEAD(simple, y[i], x[i], parameters);
#endif
  for (int64_t group = 0; group < n; group += FL_GROUP)
    for (int64_t j = 0; j < FL_GROUP; j++) {
      const int64_t i = group + j;
      const fl_point point = FL_POINT_AT(i);
      if (want & FL_WANT_VALUE) v[i] = point.value;
      if (want & FL_WANT_GRAD) g[i] = fl_times(point.grad, factor);
      if (want & FL_WANT_HESS) h[i] = fl_times(point.hess, factor);
      outside[j] |= fl_outside(FL_LABELS, y[i]) | fl_outside(FL_PREDICTIONS, x[i]);
    }
  for (int j = 0; j < FL_GROUP; j++) any |= outside[j];
  return (any & FL_SIGN_BIT) != 0;
}

/* The last n numbers of a block and copies of the very last that complete a group. */
FL_OUTLINE const real *fl_padded(int64_t n, const real *z, real *pad) {
  for (int64_t i = 0; i < FL_GROUP; i++) pad[i] = z[i < n ? i : n - 1];
  return pad;
}

FL_OUTLINE void fl_weigh(int64_t n, const double *w, double scale, real *z) {
  fl_scale(n, z, w, scale, z);
}

FL_OUTLINE void fl_accumulate_weighted(fl_lanes *lanes, int64_t n, const real *v,
                                       const double *w) {
  fl_accumulate(lanes, n, v, w);
}

FL_OUTLINE void fl_copy(bool stream, int64_t n, const real *from, real *to) {
  if (stream) fl_stream(n, from, to);
  else memcpy(to, from, (size_t)n * sizeof(real));
}

FL_INLINE int fl_each(int want, bool simple, const fl_element_block *block,
                      const double *parameters) {
  const real *y = block->in[0], *x = block->in[1];
  real *v = block->v, *g = block->g, *h = block->h;
  const double *w = block->weight;
  const fl_factor factor = fl_factor_of(w ? 1 : block->scale);
  const bool sums = want & FL_WANT_VALUE && block->lanes;
  real buffer[3][FL_TILE], pad[2][FL_GROUP];
  int outside = 0;
  for (int64_t first = 0, n; first < block->n; first += n) {
    const int64_t left = block->n - first;
    const bool whole = left >= FL_GROUP, direct = whole && !block->stream;
    n = left >= FL_TILE ? FL_TILE : whole ? left / FL_GROUP * FL_GROUP : left;
    const real *y_tile = whole ? y + first : fl_padded(n, y + first, pad[0]);
    const real *x_tile = whole ? x + first : fl_padded(n, x + first, pad[1]);
    real *v_tile = direct && !sums ? v + first : buffer[0];
    real *g_tile = direct ? g + first : buffer[1];
    real *h_tile = direct ? h + first : buffer[2];
    const int64_t length = whole ? n : FL_GROUP;
    outside |= simple && fl_simple_labels(length, y_tile)
                   ? fl_tile(want, true, length, y_tile, x_tile, parameters, &factor,
                             v_tile, g_tile, h_tile)
                   : fl_tile(want, false, length, y_tile, x_tile, parameters, &factor,
                             v_tile, g_tile, h_tile);
    if (sums && !w && n == FL_TILE) fl_accumulate_terms(block->lanes, FL_TILE, v_tile, 0);
    else if (sums && !w) fl_accumulate_terms(block->lanes, n, v_tile, 0);
    if (w) {
      if (sums) fl_accumulate_weighted(block->lanes, n, v_tile, w + first);
      else if (want & FL_WANT_VALUE) fl_weigh(n, w + first, 1, v_tile);
      if (want & FL_WANT_GRAD) fl_weigh(n, w + first, block->scale, g_tile);
      if (want & FL_WANT_HESS) fl_weigh(n, w + first, block->scale, h_tile);
    }
    if (direct) continue;
    if (want & FL_WANT_VALUE && !sums) fl_copy(block->stream, n, v_tile, v + first);
    if (want & FL_WANT_GRAD) fl_copy(block->stream, n, g_tile, g + first);
    if (want & FL_WANT_HESS) fl_copy(block->stream, n, h_tile, h + first);
  }
  if (block->stream) fl_stream_end();
  return outside;
}

/* Parameters from memory of its own: nothing the loops write can change them. */
FL_INLINE int fl_kernel(int want, const fl_element_block *block) {
  double parameters[FL_MAX_PARAMETERS];
  memcpy(parameters, block->parameters, sizeof parameters);
  return FL_SIMPLE(parameters) ? fl_each(want, true, block, parameters)
                               : fl_each(want, false, block, parameters);
}

FL_KERNELS(fl_kernel, fl_element_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.elementwise = FL_KERNEL_SET};
