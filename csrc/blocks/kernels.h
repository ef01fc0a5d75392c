/* kernels.h: what the engine and the kernel objects agree on: the signatures of block
   kernels and the tables that hold them. */
#ifndef FL_KERNELS_H
#define FL_KERNELS_H

#include "fastloss.h"

/* Elements of one block that goes through buffers: inputs, values and derivatives of a
   block of f64 stay in a 32 KiB L1 together. */
enum { FL_BLOCK = 1024 };

enum { FL_LINE = 64 }; /* bytes of a cache line */

/* A product of the Hessian and vectors stands alone, in the place of a gradient. */
enum { FL_WANT_VALUE = 1, FL_WANT_GRAD = 2, FL_WANT_HESS = 4, FL_WANT_PRODUCT = 8 };

/* Running sums in 16 lanes: element i goes to lane i mod 16, whatever the width of the
   vectors. hi + lo is the sum; lo holds what rounding took from hi (f64 only). */
enum { FL_LANES = 16, FL_FOUR = 4 * FL_LANES };
typedef struct {
  double hi[FL_LANES], lo[FL_LANES];
} fl_lanes;

typedef struct {
  double hi, lo;
} fl_sum;

/* Weights in double precision or, where they are, in the dtype of the table; neither: all
   are 1. */
typedef struct {
  const double *wide;
  const void *narrow;
} fl_weights;

/* A block of n elements. in: labels, predictions, a custom loss's extra inputs and the
   vectors of products, n of each, of the table's dtype. `parameters` are the registry's
   numbers, for a custom loss its program. Values times weight are added to `lanes` or, if
   that is NULL, stored in v; derivatives times weight and scale are stored in g and h, one
   for each head: those that the output set names; past the caches, if `stream` says so. */
typedef struct {
  int64_t n;
  const void *const *in;
  const void *parameters;
  fl_weights weights;
  double scale;
  fl_lanes *lanes;
  void *v, *g[FL_MAX_HEADS], *h[FL_MAX_HEADS];
  bool stream;
  void *scratch;
} fl_element_block;

/* Non-zero: some label or prediction may be outside its domain. */
typedef int fl_elementwise_fn(const fl_element_block *block);

/* What the labels y_j of a row weigh: q_j = keep_j y_j + spread_j, numbers of the table's
   dtype, one a class. */
typedef struct {
  const void *keep, *spread;
  fl_sum total; /* of spread */
  bool light;   /* no spread_j is more than half of it */
} fl_label_weights;

/* A block of whole rows. x, y, g and h have rows of `classes` entries at distances of
   ldx, ldy, ldg and ldh entries, and so have the vectors u of products, which are stored
   in g. Sparse kernels read `labels`, y_j = 1 at the class, dense
   ones y; q = y where `weights` is NULL. Derivatives come multiplied by factor[row]; rows
   of zeros are written past the caches, if `stream` says so. */
typedef struct {
  int64_t rows, classes;
  const void *x;
  int64_t ldx;
  const void *y;
  int64_t ldy;
  const int64_t *labels;
  const fl_label_weights *weights;
  const double *factor;
  const double *parameters;
  void *v, *g, *h;
  int64_t ldg, ldh;
  const void *u;
  int64_t ldu;
  bool stream;
  void *scratch;
} fl_row_block;

/* What a row-wise kernel returns: some label or prediction is outside its domain, as
   `!= 0` says it; some row of label weights may not sum to 1. */
enum { FL_OUTSIDE_DOMAIN = 1, FL_LABEL_SUM = 2 };

/* Labels rounded to float16 are within 2^-11 of their sum. */
#define FL_LABEL_SUM_TOLERANCE 1e-3

typedef int fl_rowwise_fn(const fl_row_block *block);

/* A block of whole tuples of rows of `width` entries: x, g and h, one for each head, have
   rows at distances of ldx, ldg and ldh entries. labels: one a tuple. Derivatives come
   multiplied by factor[tuple]. */
typedef struct {
  int64_t rows, width;
  const void *x[FL_MAX_HEADS];
  int64_t ldx[FL_MAX_HEADS];
  const void *labels[FL_MAX_HEADS];
  const double *factor;
  const double *parameters;
  double *v;
  void *g[FL_MAX_HEADS], *h[FL_MAX_HEADS];
  int64_t ldg[FL_MAX_HEADS], ldh[FL_MAX_HEADS];
} fl_pair_block;

typedef void fl_pairwise_fn(const fl_pair_block *block);

/* Whole groups, their entries one behind the other: those of group k are
   start[k] ... start[k + 1] - 1. y, x, g and h are of the table's dtype, v has one value a
   group. Derivatives come multiplied by factor[group]. scratch: entry_scratch bytes for
   each entry. */
typedef struct {
  int64_t groups;
  const int64_t *start;
  const void *y, *x;
  const double *factor;
  const double *parameters;
  double *v;
  void *g, *h;
  void *scratch;
} fl_group_block;

typedef void fl_groupwise_fn(const fl_group_block *block);

/* One sequence of n entries, all in double precision. in: labels and the prediction, which
   the kernel may overwrite; weights may be NULL and are 2^weigh times those of the
   caller. v: the weighted value of each entry; derivatives of their sum come multiplied
   by scale. scratch: entry_scratch bytes for each entry. */
typedef struct {
  int64_t n;
  double *in[FL_MAX_INPUTS];
  const double *weights;
  int weigh;
  double scale;
  const double *parameters;
  double *v, *g, *h;
  void *scratch;
} fl_sequence_block;

typedef void fl_sequence_fn(const fl_sequence_block *block);

/* What predictions and labels of a region have in common, what only one of them has, and
   what is in neither, if the loss asks for that. */
typedef struct {
  double both, prediction, label, neither;
} fl_overlap;

/* The loss of a sample, with the first of its regions, and its derivatives: by an entry of
   a region with label 0 and with label 1; the second ones also by mixed labels. */
typedef struct {
  double value, grad[2], hess[3];
} fl_overlap_point;

/* `regions` pieces of regions, of n entries each, one behind the other. */
typedef struct {
  int64_t regions, n;
  const void *y, *x;
  const double *factor; /* of the derivatives of each */
  const double *parameters;
  void *g, *h;
} fl_overlap_block;

typedef struct {
  /* Sums over the entries of each; non-zero: something may be outside its domain. */
  int (*sums)(const fl_overlap_block *block, fl_overlap *sums);
  /* Of n samples of `joined` regions each. */
  void (*point)(int64_t n, int64_t joined, const fl_overlap *sum,
                const double *parameters, fl_overlap_point *point);
  /* Derivatives by the entries of each; h may be NULL. */
  void (*entries)(const fl_overlap_block *block, const fl_overlap_point *points);
} fl_overlap_fns;

/* Tiles of the similarities of a batch: rows, columns, and entries in steps of which rows
   are padded; numbers that the slopes of a row need. */
enum { FL_BATCH_ROWS = 96, FL_BATCH_COLUMNS = 128, FL_BATCH_STEP = 32 };
enum { FL_BATCH_NUMBERS = 4 };

/* What a row has added up of the rows of its class (0) and of the others (1): exponentials
   relative to that of the largest exponent; similarities of its class; what a second look
   at these adds up. */
typedef struct {
  double largest[2], sum[2], linear, cost, share;
} fl_batch_sums;

typedef struct {
  double value, number[FL_BATCH_NUMBERS];
} fl_batch_state;

/* Rows x and columns, of `width` entries at distances of `ld`, padded with zeros, and the
   columns once more with entries and columns exchanged. Row r is column self + r. Classes
   are integers of the size of the table's dtype, factors and numbers of that dtype; where
   there are no factors of rows or columns, their values do not depend on the tile. */
typedef struct {
  int64_t rows, width, ld, self;
  const void *x, *others, *across;
  const void *row_classes, *column_classes;
  const void *row_factors, *column_factors;
  const void *row_numbers[FL_BATCH_NUMBERS], *column_numbers[FL_BATCH_NUMBERS];
  const double *parameters;
  void *similarity;
  fl_batch_sums *sums;
  double *pull; /* gradients by the rows */
} fl_batch_tile;

/* Rows that have met all columns: how many of these are of the same class and of others,
   where values and numbers go. */
typedef struct {
  int64_t n;
  const int64_t *same, *other;
  const double *parameters;
  double *v;
  void *numbers[FL_BATCH_NUMBERS];
} fl_batch_rows;

typedef struct {
  bool (*divides)(const double *parameters);
  void (*measure)(int64_t n, int64_t width, const void *rows, double *inverse);
  void (*scale)(int64_t n, int64_t width, const void *rows, const double *factor,
                int64_t ld, void *to);
  void (*turn)(int64_t width, int64_t ld, const void *others, void *across);
  bool (*meets)(const fl_batch_tile *tile);
  void (*gather)(const fl_batch_tile *tile);
  void (*costs)(const fl_batch_tile *tile); /* of tiles that meet; NULL: none */
  void (*states)(const fl_batch_rows *rows, const fl_batch_sums *sums);
  double (*share)(double same, double other);
  void (*pull)(const fl_batch_tile *tile);
  void (*finish)(bool divided, int64_t n, int64_t width, int64_t ld, const double *pull,
                 const void *rows, const double *inverse, void *gradient);
} fl_batch_fns;

/* The kernels of the output sets, in their order: a function run(want, block) compiled for
   each. */
#define FL_KERNEL(name, run, want, block_type) \
  static int name(const block_type *block) { return run(want, block); }
#define FL_RUN_KERNEL(name, run, want, block_type) \
  static void name(const block_type *block) { run(want, block); }
#define FL_KERNELS(run, block_type)                                              \
  FL_KERNEL(FL_LOCAL(value), run, FL_WANT_VALUE, block_type)                     \
  FL_KERNEL(FL_LOCAL(grad), run, FL_WANT_GRAD, block_type)                       \
  FL_KERNEL(FL_LOCAL(value_grad), run, FL_WANT_VALUE | FL_WANT_GRAD, block_type) \
  FL_KERNEL(FL_LOCAL(grad_hess), run, FL_WANT_GRAD | FL_WANT_HESS, block_type)
/* The same of kernels that return nothing. */
#define FL_RUN_KERNELS(run, block_type)                                              \
  FL_RUN_KERNEL(FL_LOCAL(value), run, FL_WANT_VALUE, block_type)                     \
  FL_RUN_KERNEL(FL_LOCAL(grad), run, FL_WANT_GRAD, block_type)                       \
  FL_RUN_KERNEL(FL_LOCAL(value_grad), run, FL_WANT_VALUE | FL_WANT_GRAD, block_type) \
  FL_RUN_KERNEL(FL_LOCAL(grad_hess), run, FL_WANT_GRAD | FL_WANT_HESS, block_type)
/* Without a kernel of products the Hessian is diagonal, and the driver multiplies by it. */
#define FL_KERNEL_SET_WITH(product) \
  {FL_LOCAL(value), FL_LOCAL(grad), FL_LOCAL(value_grad), FL_LOCAL(grad_hess), product}
#define FL_KERNEL_SET FL_KERNEL_SET_WITH(NULL)

typedef struct {
  fl_elementwise_fn *elementwise[FL_OUTPUT_SETS];
  fl_rowwise_fn *rowwise[FL_OUTPUT_SETS];
  fl_pairwise_fn *pairwise[FL_OUTPUT_SETS];
  fl_groupwise_fn *groupwise[FL_OUTPUT_SETS];
  fl_sequence_fn *sequence[FL_OUTPUT_SETS];
  fl_overlap_fns overlap;
  fl_batch_fns batch;
  int counted; /* the label that says which entries of a sequence a mean counts; 0: all */
  int64_t scratch; /* bytes a block needs, from a cache line on */
  int64_t entry_scratch; /* and for each entry of a group or sequence */
} fl_loss_kernels;

typedef struct {
  /* lanes += w[i] v[i] (w may be NULL). A weight of exactly 0 counts 0. */
  void (*accumulate)(fl_lanes *lanes, int64_t n, const void *v, const double *w);
  /* out[i] = scale w[i] v[i]; out may be v. */
  void (*scale)(int64_t n, const void *v, const double *w, double scale, void *out);
  /* out[i] = h[i] u[i], 0 where h[i] is. */
  void (*multiply)(int64_t n, const void *h, const void *u, void *out);
  /* to[r][c] = from[r][c] of a matrix whose rows and columns are so many entries apart to
     one without gaps, and back. */
  void (*gather)(int64_t rows, int64_t columns, const void *from, int64_t row,
                 int64_t column, void *to);
  void (*scatter)(int64_t rows, int64_t columns, const void *from, void *to,
                  int64_t row, int64_t column);
  /* Whether a label is not one of 0 ... classes - 1. */
  bool (*labels_outside)(int64_t n, const int64_t *labels, int64_t classes);
  /* What kernels read of n logits, in their place. */
  void (*soften)(const fl_target_options *options, int64_t n, void *z);
  /* Derivatives by what soften made of a row of logits become those by the logits; h may
     be NULL. */
  void (*harden)(const fl_target_options *options, int64_t n, const void *z, void *g,
                 void *h);
  /* Entries of a vector u along logits become those along what soften made of these, z;
     and the product with that, back, g being the gradient by z. */
  void (*soften_vector)(const fl_target_options *options, int64_t n, const void *z,
                        void *u);
  void (*harden_product)(const fl_target_options *options, int64_t n, const void *z,
                         const void *u, const void *g, void *product);
  /* What a row of labels weighs, in its place. */
  void (*weigh_labels)(const fl_target_options *options, int64_t n, void *y);
} fl_block_tools;

static inline int64_t fl_type_size(fl_type type) {
  static const int8_t size[] = {1, 1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  return size[type];
}

/* Numbers of an array at equal distances, in bytes. */
typedef struct {
  char *at;
  ptrdiff_t stride;
  fl_type type;
  bool swapped; /* not in the byte order of the machine */
} fl_stretch;

/* Stretches of the same length, and where they go in a buffer. */
typedef struct {
  fl_stretch part; /* the first of them */
  int64_t length, runs;
  ptrdiff_t across; /* from one to the next, in bytes */
  int64_t first, run; /* in the buffer, and from one to the next there */
} fl_slab;

typedef struct {
  void (*read)(fl_stretch part, int64_t n, void *out); /* to the table's dtype */
  void (*read_classes)(fl_stretch part, int64_t n, int64_t *out);
  void (*write)(fl_stretch part, int64_t n, const void *in); /* floats */
  /* The same of stretches that are closer to each other than their numbers. */
  void (*read_slab)(const fl_slab *slab, void *out);
  void (*write_slab)(const fl_slab *slab, const void *in);
} fl_io_tools;

typedef struct {
  const char *isa; /* what the kernels were compiled for */
  const fl_block_tools *tools;
  const fl_io_tools *io;
  const fl_loss_kernels *const *losses; /* by registry number */
  const fl_loss_kernels *programs; /* of custom losses */
} fl_kernel_table;

/* The tables of the chosen instruction set (dispatch.c). */
const fl_kernel_table *fl_kernels(fl_type type);

#endif
