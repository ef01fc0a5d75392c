/* pick_rows.h: the points of one loss that reads one entry of each row (picks.h), made by a
   loss file that has defined FL_NAME and

     fl_term_point FL_PICK_POINT(real p, const double *parameters)  */

FL_INLINE int FL_LOCAL(points_of)(int want, int64_t rows,
                                  const double *restrict parameters,
                                  fl_picks *restrict few) {
  fl_int outside = 0;
  for (int64_t r = 0; r < rows; r++) {
    const fl_term_point point = FL_PICK_POINT(few->p[r], parameters);
    if (want & FL_WANT_VALUE) few->v[r] = point.value;
    if (want & FL_WANT_GRAD) few->g[r] = point.grad;
    if (want & FL_WANT_HESS) few->h[r] = point.hess;
    if ((fl_domain)FL_PASTE(FL_PREDICTIONS_, FL_NAME) != FL_DOMAIN_REAL)
      outside |= fl_outside_unit(few->p[r]);
  }
  return outside != 0;
}

/* Once for each output set, which the loops must know to be vectorised. */
FL_OUTLINE int FL_LOCAL(points)(int want, int64_t rows, const double *parameters,
                                fl_picks *few) {
  if (want & FL_WANT_HESS)
    return FL_LOCAL(points_of)(FL_WANT_GRAD | FL_WANT_HESS, rows, parameters, few);
  if (want == FL_WANT_GRAD)
    return FL_LOCAL(points_of)(FL_WANT_GRAD, rows, parameters, few);
  if (want == FL_WANT_VALUE)
    return FL_LOCAL(points_of)(FL_WANT_VALUE, rows, parameters, few);
  return FL_LOCAL(points_of)(FL_WANT_VALUE | FL_WANT_GRAD, rows, parameters, few);
}

#undef FL_PICK_POINT
