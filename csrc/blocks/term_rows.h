/* term_rows.h: the entries of one loss that is a sum of terms (terms.h), made by a loss file
   that has defined FL_NAME and

     fl_term_point FL_TERM(real q, real x, const double *parameters)  */

/* Entries one after the other, of one row or of several. */
FL_INLINE int FL_LOCAL(entries_of)(int want, int64_t n, fl_piece at,
                                   const double *parameters) {
  const double own[] = {parameters[0],
                        parameters[1]}; /* out of the reach of what is stored */
  const real *restrict q = at.q, *restrict x = at.x, *restrict factor = at.factor;
  real *restrict term = at.term, *restrict g = at.g, *restrict h = at.h;
  fl_int outside = 0, label_outside = 0;
  for (int64_t j = 0; j < n; j++) {
    const fl_term_point point = FL_TERM(q[j], x[j], own);
    if (want & FL_WANT_VALUE) term[j] = point.value;
    if (want & (FL_WANT_GRAD | FL_WANT_HESS)) g[j] = point.grad * factor[j];
    if (want & FL_WANT_HESS) h[j] = point.hess * factor[j];
    if ((fl_domain)FL_PASTE(FL_PREDICTIONS_, FL_NAME) != FL_DOMAIN_REAL)
      outside |= fl_outside_unit(x[j]);
    label_outside |= fl_outside_unit(q[j]);
  }
  return (outside ? FL_PREDICTION_OUTSIDE : 0) | (label_outside ? FL_LABEL_OUTSIDE : 0);
}

/* Once for each output set, which the loops must know to be vectorised. */
FL_OUTLINE int FL_LOCAL(entries)(int want, int64_t n, fl_piece at,
                                 const double *parameters) {
  if (want & FL_WANT_HESS)
    return FL_LOCAL(entries_of)(FL_WANT_GRAD | FL_WANT_HESS, n, at, parameters);
  if (want == FL_WANT_GRAD)
    return FL_LOCAL(entries_of)(FL_WANT_GRAD, n, at, parameters);
  if (want == FL_WANT_VALUE)
    return FL_LOCAL(entries_of)(FL_WANT_VALUE, n, at, parameters);
  return FL_LOCAL(entries_of)(FL_WANT_VALUE | FL_WANT_GRAD, n, at, parameters);
}

#undef FL_TERM
