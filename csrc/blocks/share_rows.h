/* share_rows.h: the kernels of one loss of shares (shares.h), made by a loss file that has
   defined FL_NAME and, with d = p - q,

     fl_share_term FL_SHARE_TERM(double q, double p, double d, const double *parameters)  */

typedef union {
  fl_shares rows;
  fl_share_products products;
} FL_LOCAL(scratch);

FL_INLINE void FL_LOCAL(share_terms_of)(int want, int64_t n, const double *parameters,
                                        const real *restrict q, double *restrict e,
                                        double *restrict pull, double *restrict bend,
                                        fl_share_lanes *restrict lanes) {
  const double own[] = {parameters[0]};
  fl_lanes values, pulls, bends;
  fl_begin_lanes(values.hi, values.lo);
  fl_begin_lanes(pulls.hi, pulls.lo);
  fl_begin_lanes(bends.hi, bends.lo);
  for (int64_t i = 0; i < n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      const double hi = lanes->inverse.hi[j], lo = lanes->inverse.lo[j];
      const double label = (double)q[i + j], p = fl_share_by(e[i + j], hi, lo);
      const double d = fl_share_above(e[i + j], hi, lo, label);
      const fl_share_term term = FL_SHARE_TERM(label, p, d, own);
      if (want & FL_WANT_VALUE) fl_add(&values.hi[j], &values.lo[j], term.value);
      if (want & FL_WANT_GRAD) {
        e[i + j] = p;
        pull[i + j] = term.pull;
        fl_add(&pulls.hi[j], &pulls.lo[j], term.pull);
      }
      if (want & FL_WANT_HESS) {
        bend[i + j] = term.bend;
        fl_add(&bends.hi[j], &bends.lo[j], term.bend);
      }
    }
  if (want & FL_WANT_VALUE) fl_add_lane_sums(&lanes->values, values.hi, values.lo);
  if (want & FL_WANT_GRAD) fl_add_lane_sums(&lanes->pulls, pulls.hi, pulls.lo);
  if (want & FL_WANT_HESS) fl_add_lane_sums(&lanes->bends, bends.hi, bends.lo);
}

/* Once for each output set, which the loops must know to be vectorised. */
FL_OUTLINE void FL_LOCAL(share_terms)(int want, int64_t n, const double *parameters,
                                      const real *restrict q, double *restrict e,
                                      double *restrict pull, double *restrict bend,
                                      fl_share_lanes *restrict lanes) {
  if (want & FL_WANT_HESS)
    FL_LOCAL(share_terms_of)(FL_WANT_GRAD | FL_WANT_HESS, n, parameters, q, e, pull,
                             bend, lanes);
  else if (want == FL_WANT_GRAD)
    FL_LOCAL(share_terms_of)(FL_WANT_GRAD, n, parameters, q, e, pull, bend, lanes);
  else if (want == FL_WANT_VALUE)
    FL_LOCAL(share_terms_of)(FL_WANT_VALUE, n, parameters, q, e, pull, bend, lanes);
  else
    FL_LOCAL(share_terms_of)(FL_WANT_VALUE | FL_WANT_GRAD, n, parameters, q, e, pull,
                             bend, lanes);
}

/* Those of products: pull and pull + bend. */
FL_OUTLINE void FL_LOCAL(product_terms)(int64_t n, const double *parameters,
                                        fl_share_products *of) {
  const double own[] = {parameters[0]};
  const double *restrict p = of->p, *restrict above = of->above;
  const real *restrict q = of->q;
  double *restrict pull = of->pull, *restrict bend = of->bend;
  for (int64_t i = 0; i < n; i++) {
    const fl_share_term term = FL_SHARE_TERM((double)q[i], p[i], above[i], own);
    pull[i] = term.pull;
    bend[i] = term.bend + term.pull;
  }
}

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_share_rows(want, FL_LOCAL(share_terms), block);
}

FL_INLINE int FL_LOCAL(share_product)(const fl_row_block *block) {
  const fl_product_terms sum = {FL_LOCAL(product_terms)};
  return fl_share_products_of(2, fl_products_of_terms, &sum, block);
}

#undef FL_SHARE_TERM
#define FL_PRODUCT FL_LOCAL(share_product)
#include "blocks/row_loops.h"
