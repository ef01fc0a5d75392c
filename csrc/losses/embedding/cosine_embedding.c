/* Cosine embedding loss of two rows a and b, which are alike (y = 1) or not (y = -1), with
   their cosine c (J. Bromley, I. Guyon, Y. LeCun, E. Saeckinger and R. Shah, Signature
   verification using a "Siamese" time delay neural network, NIPS 1993; with a margin as in
   PyTorch):

     l = 1 - c for y = 1,  max(0, c - margin) for y = -1
     c = (a b)/sqrt(A B),  A = |a|^2 + eps,  B = |b|^2 + eps
     dc/da_i = b_i/sqrt(A B) - c a_i/A
     d2c/da_i^2 = (3 c a_i^2/A - c - 2 a_i b_i/sqrt(A B))/A

   Where c = margin, derivatives are 0; rows of zeros without eps have c = 0 and no
   derivatives. */
#define FL_NAME cosine_embedding
#define FL_ROWS 2
#define FL_SUMS 3
#define FL_VARIANTS 1
#include "blocks/pair.h"

FL_INLINE int FL_LOCAL(variant)(const double *parameters) {
  (void)parameters;
  return 0;
}

FL_INLINE void FL_LOCAL(terms)(int variant, double a, double b, double c,
                               const double *parameters, double *term) {
  (void)variant, (void)c, (void)parameters;
  term[0] = a * b;
  term[1] = a * a;
  term[2] = b * b;
}

/* 1/x, 0 of 0. */
FL_INLINE double FL_LOCAL(inverse)(double x) { return x == 0 ? 0 : 1 / x; }

/* The numbers are dl/dc, c, 1/sqrt(A), 1/sqrt(B), 1/A and 1/B. */
FL_INLINE fl_pair_state FL_LOCAL(state)(int variant, const double *sums, double label,
                                        const double *parameters) {
  (void)variant;
  const double margin = (double)(real)parameters[0], eps = (double)(real)parameters[1];
  const double a = sums[1] + eps, b = sums[2] + eps;
  const double p = FL_LOCAL(inverse)(__builtin_sqrt(a));
  const double q = FL_LOCAL(inverse)(__builtin_sqrt(b));
  const double c = sums[0] * p * q, excess = c - margin;
  const bool far = !(label > 0), active = !(excess <= 0);
  return (fl_pair_state){
      .value = far ? fl_weighted(active, excess) : 1 - c,
      .number = {far ? active : -1, c, p, q, FL_LOCAL(inverse)(a),
                 FL_LOCAL(inverse)(b)},
  };
}

/* dc/da_i and d2c/da_i^2 of u = a_i/sqrt(A) and v = b_i/sqrt(B). */
FL_INLINE double FL_LOCAL(slope)(double u, double v, double c, double p) {
  return (v - c * u) * p;
}
FL_INLINE double FL_LOCAL(curvature)(double u, double v, double c, double square) {
  return (c * (3 * u * u - 1) - 2 * u * v) * square;
}

FL_INLINE fl_pair_point FL_LOCAL(point)(int want, int variant, double a, double b,
                                        double other, const fl_pair_state *state,
                                        const double *parameters) {
  (void)want, (void)variant, (void)other, (void)parameters;
  const double outer = state->number[0], c = state->number[1];
  const double p = state->number[2], q = state->number[3], u = a * p, v = b * q;
  return (fl_pair_point){
      .grad = {fl_weighted(outer, FL_LOCAL(slope)(u, v, c, p)),
               fl_weighted(outer, FL_LOCAL(slope)(v, u, c, q))},
      .hess = {fl_weighted(outer, FL_LOCAL(curvature)(u, v, c, state->number[4])),
               fl_weighted(outer, FL_LOCAL(curvature)(v, u, c, state->number[5]))},
  };
}

#include "blocks/pair_loops.h"
