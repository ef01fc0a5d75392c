/* Multiclass margin loss of a class y and a row of decision values: contest.h with the one
   right class y, k = p. (J. Weston and C. Watkins, Support vector machines for multi-class
   pattern recognition, 1999.) */
#define FL_NAME multi_margin
#include "blocks/contest.h"
#include "blocks/shares.h"

typedef struct {
  double terms[FL_SHARES];
} FL_LOCAL(scratch);

FL_INLINE int FL_LOCAL(rows)(int want, const fl_row_block *block) {
  const fl_contest contest = {block->parameters[0], block->parameters[1] == 2};
  for (int64_t r = 0; r < block->rows; r++) fl_contest_row(want, contest, block, r, 0);
  return 0;
}

/* Of n entries that are not the class: 2/C [z > 0] (v_j - v_y), to be summed, too. */
FL_OUTLINE void FL_LOCAL(some_products)(fl_contest contest, int64_t n,
                                        const real *restrict x, const real *restrict u,
                                        double own, double own_u, double factor,
                                        double *restrict terms, real *restrict out) {
  for (int64_t j = 0; j < n; j++) {
    const double above = fl_above(contest, (double)x[j], own, 0);
    const double curve = contest.squared ? 2 * (above > 0 ? 1 : above) : 0 * above;
    const double difference = curve == 0 ? 0 : (double)u[j] - own_u;
    terms[j] = curve * difference * factor;
    out[j] = (real)terms[j];
  }
}

FL_OUTLINE int FL_LOCAL(products)(const fl_row_block *block) {
  const int64_t classes = block->classes;
  const fl_contest contest = {block->parameters[0], block->parameters[1] == 2};
  double *const terms = ((FL_LOCAL(scratch) *)block->scratch)->terms;
  for (int64_t r = 0; r < block->rows; r++) {
    const real *x = (const real *)block->x + r * block->ldx;
    const real *u = (const real *)block->u + r * block->ldu;
    real *out = (real *)block->g + r * block->ldg;
    const int64_t own = block->labels[r];
    const double factor = block->factor[r] / (double)classes;
    fl_lanes sum = {{0}, {0}};
    for (int64_t j = 0, n; j < classes; j += n) {
      if (j == own) j++; /* pieces end at the class */
      const int64_t end = j <= own ? own : classes;
      n = end - j < FL_SHARES ? end - j : FL_SHARES;
      FL_LOCAL(some_products)(contest, n, x + j, u + j, (double)x[own], (double)u[own],
                              factor, terms, out + j);
      fl_add_doubles(&sum, n, terms);
    }
    out[own] = (real)(0 - fl_row_total(sum.hi, sum.lo));
  }
  return 0;
}

#define FL_PRODUCT FL_LOCAL(products)
#include "blocks/row_loops.h"
