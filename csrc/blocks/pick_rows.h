/* pick_rows.h: rows of one loss that reads one entry of each (picks.h), made by a loss
   file that has defined FL_NAME and FL_PICK_POINT. */

/* Value and derivatives at some entries; non-zero if one may be outside its domain. */
FL_INLINE int FL_LOCAL(pick_points)(int want, bool dense, int64_t rows,
                                    const double *parameters, const real *restrict p,
                                    const double *restrict factor, real *restrict v,
                                    real *restrict g, real *restrict h) {
  fl_int outside = 0;
  for (int64_t r = 0; r < rows; r++) {
    const fl_term_point point = FL_PICK_POINT(p[r], parameters);
    if (want & FL_WANT_VALUE) v[r] = point.value;
    if (want & (FL_WANT_GRAD | FL_WANT_HESS))
      g[r] = fl_by_row(dense, point.grad, factor[r]);
    if (want & FL_WANT_HESS) h[r] = fl_by_row(dense, point.hess, factor[r]);
    if ((fl_domain)FL_PASTE(FL_PREDICTIONS_, FL_NAME) != FL_DOMAIN_REAL)
      outside |= fl_outside_unit(p[r]);
  }
  return outside != 0;
}

FL_INLINE int FL_LOCAL(few_picks)(int want, bool dense, const fl_row_block *block,
                                  int64_t first, int64_t rows, const int64_t *labels,
                                  fl_picks *few) {
  real *const g = few->g, *const h = few->h;
  const real *x = (const real *)block->x + first * block->ldx;
  fl_pick(rows, labels, x, block->ldx, few->p);
  const int outside =
      FL_LOCAL(pick_points)(want, dense, rows, block->parameters, few->p,
                            block->factor + first, (real *)block->v + first, g, h);
  if (want & (FL_WANT_GRAD | FL_WANT_HESS))
    fl_scatter(block->stream, rows, block->classes, labels, g,
               (real *)block->g + first * block->ldg, block->ldg);
  if (want & FL_WANT_HESS)
    fl_scatter(block->stream, rows, block->classes, labels, h,
               (real *)block->h + first * block->ldh, block->ldh);
  return outside;
}

/* Value and derivatives of rows with these classes; non-zero if the entry of one may be
   outside its domain. */
FL_INLINE int FL_LOCAL(pick_rows)(int want, bool dense, const fl_row_block *block,
                                  int64_t first, int64_t rows, const int64_t *labels,
                                  fl_picks *few) {
  int outside = 0;
  for (int64_t r = 0; r < rows; r += FL_PICKS) {
    const int64_t left = rows - r, count = left < FL_PICKS ? left : FL_PICKS;
    outside |=
        FL_LOCAL(few_picks)(want, dense, block, first + r, count, labels + r, few);
  }
  return outside;
}
