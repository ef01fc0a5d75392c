/* term_rows.h: rows of one loss that is a sum of terms (terms.h), made by a loss file that
   has defined FL_NAME and FL_TERM. */

/* Whether numbers have a domain to be inside of, and labels a sum. */
enum {
  FL_LOCAL(bounded) = (fl_domain)FL_PASTE(FL_PREDICTIONS_, FL_NAME) != FL_DOMAIN_REAL,
  FL_LOCAL(weighs) = (fl_domain)FL_PASTE(FL_LABELS_, FL_NAME) != FL_DOMAIN_REAL
};

/* Entries one after the other, of one row or of several. `given`: label weights are the
   labels, which are inside [0, 1]. */
FL_INLINE int FL_LOCAL(entries_of)(int want, bool given, int64_t n, fl_piece at,
                                   const double *parameters) {
  const double own[] = {parameters[0],
                        parameters[1]}; /* out of the reach of what is stored */
  const real *restrict q = at.q, *restrict x = at.x, *restrict factor = at.factor;
  real *restrict term = at.term, *restrict g = at.g, *restrict h = at.h;
  fl_int outside = 0;
  for (int64_t j = 0; j < n; j++) {
    const fl_term_point point = FL_TERM(q[j], x[j], own);
    if (want & FL_WANT_VALUE) term[j] = point.value;
    if (want & (FL_WANT_GRAD | FL_WANT_HESS)) g[j] = point.grad * factor[j];
    if (want & FL_WANT_HESS) h[j] = point.hess * factor[j];
    if (FL_LOCAL(bounded)) outside |= fl_outside_unit(x[j]);
    if (FL_LOCAL(weighs) && given) outside |= fl_outside_unit(q[j]);
  }
  return outside != 0;
}

/* Once for each output set, which the loops must know to be vectorised. */
#define FL_ENTRIES(name, want)                                                        \
  FL_OUTLINE int name(bool given, int64_t n, fl_piece at, const double *parameters) { \
    return given ? FL_LOCAL(entries_of)(want, true, n, at, parameters)                \
                 : FL_LOCAL(entries_of)(want, false, n, at, parameters);              \
  }
FL_ENTRIES(FL_LOCAL(value_entries), FL_WANT_VALUE)
FL_ENTRIES(FL_LOCAL(grad_entries), FL_WANT_GRAD)
FL_ENTRIES(FL_LOCAL(value_grad_entries), FL_WANT_VALUE | FL_WANT_GRAD)
FL_ENTRIES(FL_LOCAL(grad_hess_entries), FL_WANT_GRAD | FL_WANT_HESS)
#undef FL_ENTRIES

FL_INLINE int FL_LOCAL(entries)(int want, bool given, int64_t n, fl_piece at,
                                const double *parameters) {
  if (want & FL_WANT_HESS) return FL_LOCAL(grad_hess_entries)(given, n, at, parameters);
  if (want == FL_WANT_GRAD) return FL_LOCAL(grad_entries)(given, n, at, parameters);
  if (want & FL_WANT_GRAD)
    return FL_LOCAL(value_grad_entries)(given, n, at, parameters);
  return FL_LOCAL(value_entries)(given, n, at, parameters);
}

FL_INLINE int FL_LOCAL(long_row)(int want, const fl_row_block *block, int64_t r,
                                 fl_terms *room) {
  const int64_t classes = block->classes;
  const real *x = (const real *)block->x + r * block->ldx;
  real *const term = room->term, *const factor = room->factor;
  real *g = want == FL_WANT_VALUE ? 0 : (real *)block->g + r * block->ldg;
  real *h = want & FL_WANT_HESS ? (real *)block->h + r * block->ldh : 0;
  fl_lanes sum = {{0}, {0}};
  double labels = 0;
  int outside = 0;
  for (int64_t j = 0; j < FL_PIECE; j++) factor[j] = (real)block->factor[r];
  for (int64_t j = 0; j < classes; j += FL_PIECE) {
    const int64_t n = classes - j < FL_PIECE ? classes - j : FL_PIECE;
    const real *q = fl_label_weights_at(block, r, j, n, room->q, &outside);
    const fl_piece piece = {
        q, x + j, factor, term, g ? g + j : room->unused, h ? h + j : room->unused};
    outside |= FL_LOCAL(entries)(want, !block->weights, n, piece, block->parameters);
    if (want & FL_WANT_VALUE) fl_add_terms(&sum, n, term);
    if (FL_LOCAL(weighs) && block->y)
      labels += fl_sum_labels(n, (const real *)block->y + r * block->ldy + j);
  }
  if (want & FL_WANT_VALUE) ((real *)block->v)[r] = (real)fl_row_total(sum.hi, sum.lo);
  const bool sums = FL_LOCAL(weighs) && block->y;
  return outside | (sums ? (int)fl_label_sum(labels) : 0);
}

/* Rows that fit into a piece together, without gaps between them. */
FL_INLINE int FL_LOCAL(short_rows)(int want, const fl_row_block *block, int64_t first,
                                   int64_t rows, fl_terms *room) {
  const int64_t classes = block->classes, n = rows * classes;
  real *const term = room->term, *const unused = room->unused;
  int outside = 0;
  const real *q = block->y ? (const real *)block->y + first * block->ldy : 0;
  for (int64_t r = 0; block->weights && r < rows; r++)
    fl_label_weights_at(block, first + r, 0, classes, room->q + r * classes, &outside);
  const fl_piece piece = {
      block->weights ? room->q : q,
      (const real *)block->x + first * block->ldx,
      room->factor,
      term,
      want == FL_WANT_VALUE ? unused : (real *)block->g + first * block->ldg,
      want & FL_WANT_HESS ? (real *)block->h + first * block->ldh : unused};
  outside |= FL_LOCAL(entries)(want, !block->weights, n, piece, block->parameters);
  if (want & FL_WANT_VALUE) {
    real *v = (real *)block->v + first;
    if (classes == 2) fl_sum_few(rows, 2, term, room->wide, v);
    else if (classes == 3) fl_sum_few(rows, 3, term, room->wide, v);
    else if (classes < FL_LANES) fl_sum_few(rows, classes, term, room->wide, v);
    else fl_sum_many(rows, classes, term, v);
  }
  return outside | (FL_LOCAL(weighs) && q ? fl_labels_off(rows, classes, q) : 0);
}

/* Rows of any labels. */
FL_INLINE int FL_LOCAL(term_rows)(int want, const fl_row_block *block, int64_t first,
                                  int64_t rows, fl_terms *room) {
  const int64_t classes = block->classes;
  const bool packed = block->ldx == classes && (!block->y || block->ldy == classes)
                      && (want == FL_WANT_VALUE || block->ldg == classes)
                      && (!(want & FL_WANT_HESS) || block->ldh == classes);
  const int64_t height = packed && classes <= FL_PIECE ? fl_height(classes) : 1;
  int outside = 0;
  if (classes > FL_PIECE) {
    for (int64_t r = first; r < first + rows; r++)
      outside |= FL_LOCAL(long_row)(want, block, r, room);
    return outside;
  }
  const double *row_factor = block->factor + first;
  const bool one = want == FL_WANT_VALUE || fl_is_one_factor(rows, row_factor);
  for (int64_t i = 0; want != FL_WANT_VALUE && i < FL_PIECE; i++)
    room->factor[i] = (real)row_factor[0];
  for (int64_t r = 0; r < rows; r += height) {
    const int64_t left = rows - r, count = left < height ? left : height;
    if (!one) fl_spread_factors(count, classes, row_factor + r, room->factor);
    outside |= FL_LOCAL(short_rows)(want, block, first + r, count, room);
  }
  return outside;
}
