/* share_rows.h: the kernels of one loss of shares (shares.h), made by a loss file that has
   defined FL_NAME and, with d = p - q,

     fl_share_term FL_SHARE_TERM(double q, double p, double d, const double *parameters)  */

typedef fl_share_products FL_LOCAL(scratch);

FL_OUTLINE int FL_LOCAL(share_terms)(int64_t n, const double *parameters,
                                     fl_shares *shares) {
  const double own[] = {parameters[0]};
  const double *restrict p = shares->p, *restrict d = shares->tail;
  const real *restrict q = shares->q;
  double *restrict value = shares->value, *restrict pull = shares->pull,
                   *restrict bend = shares->bend;
  fl_int outside = 0;
  for (int64_t i = 0; i < n; i++) {
    const fl_share_term term = FL_SHARE_TERM((double)q[i], p[i], d[i], own);
    value[i] = term.value;
    pull[i] = term.pull;
    bend[i] = term.bend;
  }
  for (int64_t i = 0; i < n; i++) outside |= fl_outside_unit(q[i]);
  return outside != 0;
}

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  return fl_share_rows(want, FL_LOCAL(share_terms), block);
}

FL_INLINE int FL_LOCAL(share_product)(const fl_row_block *block) {
  const fl_product_terms sum = {FL_LOCAL(share_terms)};
  return fl_share_products_of(2, fl_products_of_terms, &sum, block);
}

#undef FL_SHARE_TERM
#define FL_PRODUCT FL_LOCAL(share_product)
#include "blocks/row_loops.h"
