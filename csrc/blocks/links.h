/* links.h: what stands between the numbers of rows and those that kernels read. With cap c
   and temperature T a logit x is read as

     z = w c/T,  w = tanh(x/c),  z' = (1 - w^2)/T,  z'' = -2 w (1 - w^2)/(c T)

   and as x/T without a cap. The chain rule, for the diagonal of the Hessian too, needs z
   alone: l'_x = l'_z z', l''_x = l''_z z'^2 + l'_z z''. The product of the Hessian by x
   with u is z' (H (z' u)) + l'_z z'' u, where z'' u = -2 w/c (z' u). */
#ifndef FL_LINKS_H
#define FL_LINKS_H

#include "blocks/results.h"
#include "math/double.h"
#include "math/log_cosh.h"

static void fl_soften(const fl_target_options *options, int64_t n, void *logits) {
  real *z = logits;
  const real c = (real)options->softcap, t = (real)options->temperature;
  for (int64_t i = 0; c != 0 && i < n; i++) {
    const real u = z[i] / c, e = fl_exp_nonpositive(-2 * fl_abs(u));
    z[i] = c * fl_tanh(u, e);
  }
  for (int64_t i = 0; t != 0 && i < n; i++) z[i] /= t;
}

static void fl_harden(const fl_target_options *options, int64_t n, const void *logits,
                      void *grad, void *hess) {
  const real *restrict z = logits;
  real *restrict g = grad, *restrict h = hess;
  const real t = options->temperature != 0 ? (real)options->temperature : 1;
  const real c = (real)options->softcap;
  for (int64_t i = 0; h && i < n; i++) {
    const real w = c != 0 ? z[i] * t / c : 0, slope = (1 - w) * (1 + w) / t;
    const real curve = c != 0 ? -2 * w * slope / c : 0;
    h[i] = h[i] * slope * slope + g[i] * curve;
  }
  for (int64_t i = 0; i < n; i++) {
    const real w = c != 0 ? z[i] * t / c : 0;
    g[i] = g[i] * ((1 - w) * (1 + w)) / t;
  }
}

/* z'; c is 0 without a cap. */
FL_INLINE real fl_link_slope(real z, real c, real t) {
  const real w = c != 0 ? z * t / c : 0;
  return (1 - w) * (1 + w) / t;
}

static void fl_soften_vector(const fl_target_options *options, int64_t n,
                             const void *logits, void *vector) {
  const real *restrict z = logits;
  real *restrict u = vector;
  const real t = options->temperature != 0 ? (real)options->temperature : 1;
  const real c = (real)options->softcap;
  for (int64_t i = 0; i < n; i++) u[i] *= fl_link_slope(z[i], c, t);
}

static void fl_harden_product(const fl_target_options *options, int64_t n,
                              const void *logits, const void *vector, const void *grad,
                              void *product) {
  const real *restrict z = logits, *restrict u = vector, *restrict g = grad;
  real *restrict out = product;
  const real t = options->temperature != 0 ? (real)options->temperature : 1;
  const real c = (real)options->softcap;
  for (int64_t i = 0; i < n; i++) out[i] *= fl_link_slope(z[i], c, t);
  for (int64_t i = 0; c != 0 && i < n; i++)
    out[i] -= 2 * (z[i] * t / c) / c * (g[i] * u[i]);
}

/* exp(y), or softmax(y/T). */
static void fl_weigh_row(const fl_target_options *options, int64_t n, void *labels) {
  real *y = labels, m = y[0];
  const double t = options->temperature != 0 ? options->temperature : 1;
  const bool logits = options->label_form == FL_LABEL_LOGITS;
  if (!logits) {
    for (int64_t j = 0; j < n; j++) y[j] = fl_exp(y[j]);
    return;
  }
  for (int64_t j = 1; j < n; j++) m = y[j] > m ? y[j] : m;
  for (int64_t j = 0; j < n; j++)
    y[j] = (real)fl_d_exp(y[j] == m ? 0 : ((double)y[j] - (double)m) / t, 0);
  fl_lanes sum = {{0}, {0}};
  const fl_weights none = {0};
  fl_accumulate_terms(&sum, n, y, none);
  const double total = fl_sum_value(fl_lanes_total(&sum));
  for (int64_t j = 0; j < n; j++) y[j] = (real)((double)y[j] / total);
}

#endif
