/* shares.h: losses of rows of label weights q_j and logits x_j that are sums of terms
   f(q_j, p_j) of the shares p = softmax(x). A loss brings the terms of some entries
   (share_rows.h). With m = max x_j, e_j = exp(x_j - m), S = sum e_j = 1 + S', where
   S' leaves one entry equal to m out (softmax.h), p_j = e_j / S and the sums
   A = sum p_j f'_j, B = sum p_j^2 f''_j over the row:

     l     = sum f_j
     l'_j  = p_j (f'_j - A)
     l''_j = (1 - 2 p_j) (l'_j + p_j^2 f''_j) + p_j^2 B          (the diagonal)

   In double, so that f32 keeps its digits where q is close to p, and its shares below the
   smallest float. A single +inf is a certain class; a row of -inf alone is NaN.

   Entries are taken FL_LANES at a time, and what they need of their row stands once for
   each lane: a narrow row has a lane to itself, and its classes follow each other in it; a
   wide row has all lanes, whose sums are added up in the end. So there is one loop for
   both. Exponentials come multiplied by 2^K, FL_TOP (exp.h). */
#ifndef FL_SHARES_H
#define FL_SHARES_H

#include "blocks/domains.h"
#include "blocks/label_sums.h"
#include "blocks/probabilities.h"
#include "blocks/softmax/softmax.h"
#include "math/double.h"
#include "math/polynomials.h"

/* f, p f' and p^2 f''. */
typedef struct {
  double value, pull, bend;
} fl_share_term;

enum {
  FL_SHARES = 512, /* entries that are taken together, in loops that stay in L1 */
  FL_SHARES_KEPT = 4096, /* of a row, whose exponentials are made once up to here */
  FL_SHARES_NARROW = 128, /* classes of a row that has one lane */
};

/* lanes += x. */
FL_INLINE void fl_add_doubles(fl_lanes *lanes, int64_t n, const double *x) {
  int64_t i = 0;
  for (; i + FL_LANES <= n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) fl_add(&lanes->hi[j], &lanes->lo[j], x[i + j]);
  for (int j = 0; i + j < n; j++) fl_add(&lanes->hi[j], &lanes->lo[j], x[i + j]);
}

FL_OUTLINE double fl_sum_of_doubles(int64_t n, const double *x) {
  fl_lanes lanes = {{0}, {0}};
  fl_add_doubles(&lanes, n, x);
  return fl_row_total(lanes.hi, lanes.lo);
}

/* How the exponentials of the rows in lanes are taken: f64 as exp.h does. In f32 x - m is
   taken in double, where rounding takes 2^-53 of it, and e is right to 2^-39: 0.35 times the
   2^-37.7 of the polynomial, and 2^-43 of multiples of ln 2 up to 2^10. An error of p times
   1 + t moves a term by t p f' and p f' by t (p f' + p^2 f''), and these sizes are what the
   bounds of results are in ulps of: so that is 2^-15 ulp. */
#if defined(FL_DTYPE_f32)
typedef struct {
  double shift[FL_LANES], lowest[FL_LANES];
} fl_share_frames;

enum { FL_SHARE_RANGE = 1023 + FL_EXP_SCALE }; /* e of less than 2^-that is 0 */

FL_INLINE void fl_frame_lane(fl_share_frames *frames, int j, real m) {
  frames->shift[j] = (double)m;
  frames->lowest[j] = -FL_SHARE_RANGE * 0x1.62e42fefa39efp-1;
}

/* e of an entry in lane j. */
FL_INLINE double fl_share_exp(real x, const fl_share_frames *frames, int j) {
  const double magic = FL_D_MAGIC + FL_SHARE_RANGE;
  const double z = (double)x - frames->shift[j], lowest = frames->lowest[j];
  const double d = z < lowest ? lowest : z;
  const double magic_n = FL_FMA_F64(d, 0x1.71547652b82fep+0, magic);
  const double r = FL_FMA_F64(magic_n - magic, -0x1.62e42fefa39efp-1, d);
  const double scale = fl_d_from_bits(fl_d_bits(magic_n) << 52);
  return FL_FMA_F64(fl_d_exp_quotient_polynomial(r) * r, scale, scale);
}
#else
typedef struct {
  real shift[FL_LANES], lowest[FL_LANES], c[FL_LANES], magic[FL_LANES];
} fl_share_frames;

FL_INLINE void fl_frame_lane(fl_share_frames *frames, int j, real m) {
  const fl_frame frame = fl_frame_of(m);
  frames->shift[j] = frame.shift;
  frames->lowest[j] = frame.lowest;
  frames->c[j] = frame.c;
  frames->magic[j] = frame.magic;
}

FL_INLINE double fl_share_exp(real x, const fl_share_frames *frames, int j) {
  return fl_exp_in(x, (fl_frame){frames->shift[j], frames->lowest[j], frames->c[j],
                                 frames->magic[j]});
}
#endif

/* 1/S in the unit of e as a sum of two, so that with a fused multiply-add neither p_j nor
   p_j - q_j has an error but that of e and S', also where p_j is almost 1: for e_j = 2^K
   the sum is 1 - S'/S, of which S'/S has all its digits. */
FL_INLINE void fl_invert_total(double rest, double *hi, double *lo) {
  double total = 1, lost = 0;
  fl_two_sum(&total, &lost, rest);
  const double inverse = 1 / total, product = inverse * total;
  const double left =
      ((1 - product) - fl_product_tail(inverse, total, product)) - inverse * lost;
  *hi = inverse * (1 / (double)FL_TOP);
  *lo = left * inverse * (1 / (double)FL_TOP);
}

FL_INLINE double fl_share_by(double e, double hi, double lo) {
  return FL_FMA_F64(e, hi, e * lo);
}

/* p - q. */
FL_INLINE double fl_share_above(double e, double hi, double lo, double q) {
  return FL_FMA_F64(e, lo, FL_FMA_F64(e, hi, -q));
}

/* What rows in lanes have: m and how exponentials are taken; sums of e, but for those equal
   to 2^K, which are counted; 1/S; sums of terms, and A and B of rows; sums of label
   weights; the factor. */
typedef struct {
  real top[FL_LANES];
  fl_share_frames frames;
  fl_lanes others, inverse, values, pulls, bends;
  double ties[FL_LANES], pull[FL_LANES], bend[FL_LANES], labels[FL_LANES],
      factor[FL_LANES];
} fl_share_lanes;

typedef struct {
  /* e, which becomes p, p f' and p^2 f'' */
  _Alignas(FL_LINE) double e[FL_SHARES_KEPT], pull[FL_SHARES_KEPT],
      bend[FL_SHARES_KEPT];
  /* narrow rows, class by class, or in front what is left of a wide row behind its whole
     groups; logits beside a certain class */
  _Alignas(FL_LINE) real x[FL_SHARES_NARROW * FL_LANES], q[FL_SHARES_NARROW * FL_LANES],
      g[FL_SHARES_NARROW * FL_LANES], h[FL_SHARES_NARROW * FL_LANES],
      certain[FL_SHARES_NARROW * FL_LANES];
  fl_share_lanes lanes;
} fl_shares;

/* Whole groups of entries, and where their shares, terms and derivatives are. */
typedef struct {
  int64_t n;
  const real *x, *q;
  double *e, *pull, *bend;
  real *g, *h;
} fl_share_sheet;

/* Adds the terms of n entries whose e are there to the sums of lanes; for derivatives they
   are kept, and p takes the place of e. */
typedef void fl_share_terms_fn(int want, int64_t n, const double *parameters,
                               const real *q, double *e, double *pull, double *bend,
                               fl_share_lanes *lanes);

/* Frames of the largest logits; those of rows with a certain class become 0. */
FL_OUTLINE bool fl_share_frame_tops(fl_share_lanes *lanes) {
  fl_int certain = 0;
  for (int j = 0; j < FL_LANES; j++)
    certain |= -(fl_int)(lanes->top[j] == (real)INFINITY);
  for (int j = 0; j < FL_LANES; j++) {
    const real top = lanes->top[j];
    fl_frame_lane(&lanes->frames, j, fl_where(top != (real)INFINITY, top));
  }
  return certain != 0;
}

/* x - m of rows with a certain class, x of others. */
FL_OUTLINE void fl_share_certain(int64_t n, const real *restrict x, const real *top,
                                 real *restrict to) {
  for (int64_t i = 0; i < n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++)
      to[i + j] = top[j] == (real)INFINITY ? fl_below_infinity(x[i + j]) : x[i + j];
}

FL_INLINE void fl_begin_shares(fl_share_lanes *lanes) {
  memset(lanes, 0, sizeof *lanes);
  for (int j = 0; j < FL_LANES; j++) lanes->top[j] = -(real)INFINITY;
}

/* Where the same entries of the next row are, or any. */
typedef struct {
  const real *x, *q;
} fl_share_next;

/* x + (-0) is x for every x, and no zeros that GCC would set by a slow call. */
FL_INLINE void fl_begin_lanes(double *hi, double *lo) {
  for (int j = 0; j < FL_LANES; j++) hi[j] = lo[j] = -0.0;
}

/* The sums of a sheet to those of its lanes. */
FL_INLINE void fl_add_lane_sums(fl_lanes *to, const double *hi, const double *lo) {
  for (int j = 0; j < FL_LANES; j++) {
    fl_add(&to->hi[j], &to->lo[j], hi[j]);
    to->lo[j] += lo[j];
  }
}

/* Looks for the largest logits, where a NaN that is passed over comes back with e, and adds
   label weights up; non-zero if one is outside [0, 1]. */
FL_OUTLINE int fl_share_read(int64_t n, const real *restrict x, const real *restrict q,
                             fl_share_lanes *restrict lanes) {
  real top[FL_LANES], sum[FL_LANES], least[FL_LANES], most[FL_LANES];
  int outside = 0;
  for (int j = 0; j < FL_LANES; j++) {
    top[j] = most[j] = -(real)INFINITY;
    least[j] = (real)INFINITY;
    sum[j] = (real)-0.0;
  }
  for (int64_t i = 0; i < n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      top[j] = fl_larger(x[i + j], top[j]);
      most[j] = fl_larger(q[i + j], most[j]);
      least[j] = q[i + j] < least[j] ? q[i + j] : least[j];
      sum[j] += q[i + j];
    }
  for (int j = 0; j < FL_LANES; j++) {
    lanes->top[j] = fl_larger(top[j], lanes->top[j]);
    lanes->labels[j] += (double)sum[j];
  }
  for (int j = 0; j < FL_LANES; j++) outside |= (least[j] < 0) | (most[j] > 1);
  return outside;
}

/* e of some entries and their sums. What is read next is asked for meanwhile. */
FL_OUTLINE void fl_share_exponentials(int64_t n, const real *restrict x,
                                      fl_share_next next, double *restrict e,
                                      fl_share_lanes *restrict lanes) {
  const fl_share_frames *const frames = &lanes->frames;
  double hi[FL_LANES], lo[FL_LANES], ties[FL_LANES];
  fl_begin_lanes(hi, lo);
  for (int j = 0; j < FL_LANES; j++) ties[j] = -0.0;
  for (int64_t i = 0; i < n; i += FL_LANES) {
    for (int64_t k = i; k < i + FL_LANES; k += FL_LINE / (int64_t)sizeof(real)) {
      __builtin_prefetch(next.x + k);
      __builtin_prefetch(next.q + k);
    }
    for (int j = 0; j < FL_LANES; j++) {
      const double z = fl_share_exp(x[i + j], frames, j);
      const bool tie = z == (double)FL_TOP;
      fl_add(&hi[j], &lo[j], fl_d_select(tie, 0, z));
      ties[j] += fl_d_select(tie, 1, 0);
      e[i + j] = z;
    }
  }
  fl_add_lane_sums(&lanes->others, hi, lo);
  for (int j = 0; j < FL_LANES; j++) lanes->ties[j] += ties[j];
}

/* The derivatives of entries whose terms are there, of rows whose A and B are. */
FL_OUTLINE void fl_share_grads(int64_t n, const double *restrict p,
                               const double *restrict pull,
                               const fl_share_lanes *restrict lanes, real *restrict g) {
  for (int64_t i = 0; i < n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      const double slope = pull[i + j] - p[i + j] * lanes->pull[j];
      g[i + j] = (real)(slope * lanes->factor[j]);
    }
}

FL_OUTLINE void fl_share_curves(int64_t n, const double *restrict p,
                                const double *restrict pull,
                                const double *restrict bend,
                                const fl_share_lanes *restrict lanes,
                                real *restrict h) {
  for (int64_t i = 0; i < n; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      const double share = p[i + j], slope = pull[i + j] - share * lanes->pull[j];
      const double own = (1 - 2 * share) * (slope + bend[i + j]);
      h[i + j] = (real)((own + share * share * lanes->bend[j]) * lanes->factor[j]);
    }
}

FL_INLINE void fl_put_sheet(int want, const fl_share_sheet *sheet,
                            const fl_share_lanes *lanes) {
  fl_share_grads(sheet->n, sheet->e, sheet->pull, lanes, sheet->g);
  if (want & FL_WANT_HESS)
    fl_share_curves(sheet->n, sheet->e, sheet->pull, sheet->bend, lanes, sheet->h);
}

/* The sum of each lane. */
FL_OUTLINE void fl_lane_totals(const fl_lanes *restrict sum, double *restrict total) {
  for (int j = 0; j < FL_LANES; j++) {
    const double hi = sum->hi[j], both = hi + sum->lo[j];
    total[j] = fl_d_select(hi - hi == 0, both, hi);
  }
}

/* That of all lanes, in each. */
FL_INLINE void fl_row_totals(const fl_lanes *sum, double *total) {
  const double all = fl_row_total(sum->hi, sum->lo);
  for (int j = 0; j < FL_LANES; j++) total[j] = all;
}

/* FL_LABEL_SUM if label weights of some rows in lanes may not sum to 1. */
FL_INLINE int fl_lane_labels_off(int64_t rows, const double *labels) {
  int64_t off = 0;
  for (int64_t r = 0; r < rows; r++) off |= fl_label_sum(labels[r]);
  return (int)off;
}

/* 1/S of rows that have a lane each. */
FL_OUTLINE void fl_invert_lanes(fl_share_lanes *lanes) {
  double others[FL_LANES];
  fl_lane_totals(&lanes->others, others);
  for (int j = 0; j < FL_LANES; j++)
    fl_invert_total(others[j] * (1 / (double)FL_TOP) + (lanes->ties[j] - 1),
                    &lanes->inverse.hi[j], &lanes->inverse.lo[j]);
}

FL_OUTLINE void fl_rows_in(int64_t rows, int64_t classes, const real *from, int64_t ld,
                           real *to) {
  fl_transpose(rows, classes, from, ld, to, FL_LANES);
}

FL_OUTLINE void fl_rows_out(int64_t rows, int64_t classes, const real *from, real *to,
                            int64_t ld) {
  fl_transpose(classes, rows, from, FL_LANES, to, ld);
}

/* Up to FL_LANES rows, a lane each; lanes without one have zeros. */
FL_OUTLINE int fl_narrow_shares(int want, fl_share_terms_fn *terms,
                                const fl_row_block *block, int64_t first, int64_t rows,
                                fl_shares *shares) {
  fl_share_lanes *const lanes = &shares->lanes;
  const int64_t classes = block->classes, ldx = block->ldx, ldy = block->ldy;
  fl_share_sheet sheet = {classes * FL_LANES, shares->x,    shares->q, shares->e,
                          shares->pull,       shares->bend, shares->g, shares->h};
  if (rows < FL_LANES) {
    memset(shares->x, 0, sizeof shares->x);
    memset(shares->q, 0, sizeof shares->q);
  }
  fl_rows_in(rows, classes, (const real *)block->x + first * ldx, ldx, shares->x);
  fl_rows_in(rows, classes, (const real *)block->y + first * ldy, ldy, shares->q);
  fl_begin_shares(lanes);
  int flags = fl_share_read(sheet.n, sheet.x, sheet.q, lanes);
  flags |= fl_lane_labels_off(rows, lanes->labels);
  if (fl_share_frame_tops(lanes)) {
    fl_share_certain(sheet.n, sheet.x, lanes->top, shares->certain);
    sheet.x = shares->certain;
  }
  fl_share_exponentials(sheet.n, sheet.x, (fl_share_next){sheet.x, sheet.q}, sheet.e,
                        lanes);
  fl_invert_lanes(lanes);
  terms(want, sheet.n, block->parameters, sheet.q, sheet.e, sheet.pull, sheet.bend,
        lanes);
  double value[FL_LANES];
  fl_lane_totals(&lanes->values, value);
  for (int64_t r = 0; want & FL_WANT_VALUE && r < rows; r++)
    ((real *)block->v)[first + r] = (real)value[r];
  if (want == FL_WANT_VALUE) return flags;
  memcpy(lanes->factor, block->factor + first, (size_t)rows * sizeof *lanes->factor);
  fl_lane_totals(&lanes->pulls, lanes->pull);
  fl_lane_totals(&lanes->bends, lanes->bend);
  fl_put_sheet(want, &sheet, lanes);
  fl_rows_out(rows, classes, shares->g, (real *)block->g + first * block->ldg,
              block->ldg);
  if (want & FL_WANT_HESS)
    fl_rows_out(rows, classes, shares->h, (real *)block->h + first * block->ldh,
                block->ldh);
  return flags;
}

/* What is left of a wide row behind its whole groups becomes one, by logits of -inf and
   labels of 0. */
FL_INLINE void fl_wide_rest(const fl_row_block *block, int64_t row, fl_shares *shares) {
  const int64_t rest = block->classes % FL_LANES, end = block->classes - rest;
  for (int j = 0; j < FL_LANES; j++) shares->x[j] = -(real)INFINITY, shares->q[j] = 0;
  memcpy(shares->x, (const real *)block->x + row * block->ldx + end,
         (size_t)rest * sizeof(real));
  memcpy(shares->q, (const real *)block->y + row * block->ldy + end,
         (size_t)rest * sizeof(real));
}

/* Whole groups of a wide row from one on, or that of the rest. What a row keeps stands at
   `at`. */
FL_INLINE fl_share_sheet fl_wide_sheet(int want, const fl_row_block *block, int64_t row,
                                       int64_t from, int64_t at, fl_shares *shares) {
  const int64_t left = block->classes - from;
  fl_share_sheet sheet = {FL_LANES,       shares->x,         shares->q,
                          shares->e + at, shares->pull + at, shares->bend + at,
                          shares->g,      shares->h};
  if (left < FL_LANES) return sheet;
  sheet.n = left < FL_SHARES ? left / FL_LANES * FL_LANES : FL_SHARES;
  sheet.x = (const real *)block->x + row * block->ldx + from;
  sheet.q = (const real *)block->y + row * block->ldy + from;
  if (want != FL_WANT_VALUE) sheet.g = (real *)block->g + row * block->ldg + from;
  if (want & FL_WANT_HESS) sheet.h = (real *)block->h + row * block->ldh + from;
  return sheet;
}

/* Derivatives of a sheet of a wide row go to their places. */
FL_INLINE void fl_put_wide(int want, const fl_row_block *block, int64_t row,
                           int64_t from, const fl_share_sheet *sheet,
                           const fl_shares *shares) {
  const int64_t left = block->classes - from;
  fl_put_sheet(want, sheet, &shares->lanes);
  if (left >= FL_LANES) return;
  memcpy((real *)block->g + row * block->ldg + from, sheet->g,
         (size_t)left * sizeof *sheet->g);
  if (want & FL_WANT_HESS)
    memcpy((real *)block->h + row * block->ldh + from, sheet->h,
           (size_t)left * sizeof *sheet->h);
}

/* How the exponentials of a wide row are taken; whether it has a certain class. */
FL_INLINE bool fl_wide_frames(fl_share_lanes *lanes) {
  real top = -(real)INFINITY;
  for (int j = 0; j < FL_LANES; j++) top = fl_larger(lanes->top[j], top);
  for (int j = 0; j < FL_LANES; j++) lanes->top[j] = top;
  return fl_share_frame_tops(lanes);
}

/* 1/S of a wide row. */
FL_INLINE void fl_invert_row(fl_share_lanes *lanes) {
  const double others = fl_row_total(lanes->others.hi, lanes->others.lo);
  double ties = -1, hi, lo;
  for (int j = 0; j < FL_LANES; j++) ties += lanes->ties[j];
  fl_invert_total(others * (1 / (double)FL_TOP) + ties, &hi, &lo);
  for (int j = 0; j < FL_LANES; j++)
    lanes->inverse.hi[j] = hi, lanes->inverse.lo[j] = lo;
}

/* A row in all lanes, in walks. One that is longer than what is kept makes its exponentials
   and terms anew, whose sums are not read. */
FL_OUTLINE int fl_wide_shares(int want, fl_share_terms_fn *terms,
                              const fl_row_block *block, int64_t row,
                              fl_shares *shares) {
  enum { READ, ADD, TERMS, DERIVE };
  fl_share_lanes *const lanes = &shares->lanes;
  const bool kept = block->classes <= FL_SHARES_KEPT;
  const int walks = want == FL_WANT_VALUE ? DERIVE : DERIVE + 1;
  bool certain = false;
  int flags = 0;
  fl_begin_shares(lanes);
  fl_wide_rest(block, row, shares);
  for (int j = 0; want != FL_WANT_VALUE && j < FL_LANES; j++)
    lanes->factor[j] = block->factor[row];
  for (int walk = READ; walk < walks; walk++) {
    fl_share_sheet sheet;
    for (int64_t from = 0; from < block->classes; from += sheet.n) {
      sheet = fl_wide_sheet(want, block, row, from, kept ? from : 0, shares);
      if (walk == READ) flags |= fl_share_read(sheet.n, sheet.x, sheet.q, lanes);
      const bool ends = row + 1 == block->rows || sheet.x == shares->x;
      const fl_share_next next = {sheet.x + (ends ? 0 : block->ldx),
                                  sheet.q + (ends ? 0 : block->ldy)};
      if (certain && walk > READ) {
        fl_share_certain(sheet.n, sheet.x, lanes->top, shares->certain);
        sheet.x = shares->certain;
      }
      if (walk == ADD || (walk > ADD && !kept))
        fl_share_exponentials(sheet.n, sheet.x, next, sheet.e, lanes);
      if (walk == TERMS || (walk > TERMS && !kept))
        terms(want, sheet.n, block->parameters, sheet.q, sheet.e, sheet.pull,
              sheet.bend, lanes);
      if (walk == DERIVE) fl_put_wide(want, block, row, from, &sheet, shares);
    }
    if (walk == READ) certain = fl_wide_frames(lanes);
    if (walk == ADD) fl_invert_row(lanes);
    if (walk == TERMS && want & FL_WANT_VALUE)
      ((real *)block->v)[row] = (real)fl_row_total(lanes->values.hi, lanes->values.lo);
    if (walk == TERMS) {
      fl_row_totals(&lanes->pulls, lanes->pull);
      fl_row_totals(&lanes->bends, lanes->bend);
    }
  }
  double labels = 0;
  for (int j = 0; j < FL_LANES; j++) labels += lanes->labels[j];
  return flags | (int)fl_label_sum(labels);
}

FL_OUTLINE int fl_share_rows(int want, fl_share_terms_fn *terms,
                             const fl_row_block *block) {
  const bool narrow = block->classes <= FL_SHARES_NARROW;
  int flags = 0;
  for (int64_t r = 0; !narrow && r < block->rows; r++)
    flags |= fl_wide_shares(want, terms, block, r, block->scratch);
  for (int64_t r = 0; narrow && r < block->rows; r += FL_LANES) {
    const int64_t left = block->rows - r, rows = left < FL_LANES ? left : FL_LANES;
    flags |= fl_narrow_shares(want, terms, block, r, rows, block->scratch);
  }
  return flags;
}

#endif
