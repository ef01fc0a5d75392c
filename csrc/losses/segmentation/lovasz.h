/* lovasz.h: the Lovasz extension of the Jaccard loss of a region (M. Berman, A. R. Triki
   and M. B. Blaschko, The Lovasz-Softmax loss, CVPR 2018), made by a loss file that has
   included blocks/group.h and defined FL_NAME and of an entry with label t, 0 or 1, and
   prediction x

     FL_LOCAL(error)(t, x)  how wrong it is; what is right has 0 or less
     FL_LOCAL(slope)(t)     the derivative of an error that is larger

   Of errors e in falling order, those alike as they stand, and G labels that are 1:

     l = sum_k max(e_k, 0) (J_k - J_{k-1}),  dl/dx_k = slope_k (J_k - J_{k-1}) for e_k > 0
     J_k = 1 - I_k/U_k,  I_k = G - sum_{j <= k} t_j,  U_k = G + sum_{j <= k} (1 - t_j)

   J_k - J_{k-1} is 1/U_k for t_k = 1 and I_k/(U_{k-1} U_k) for t_k = 0, which subtract
   nothing; where G = 0 it is 1 of the largest error alone. Entries that are right come
   last and change nothing: they are not sorted. Second derivatives are 0. Entries
   labelled -1 are left out. */
#if defined(FL_DTYPE_f32)
/* Regions are in double precision. */
const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.entry_scratch = 0};
#else

/* Entries that are wrong, and how many labels are 1; false: some error is a NaN. */
FL_INLINE bool FL_LOCAL(collect)(int64_t n, const double *y, const double *x,
                                 fl_record *records, int64_t *wrong, int64_t *ones) {
  int64_t missing = 0;
  *wrong = *ones = 0;
  for (int64_t i = 0; i < n; i++) {
    if (y[i] < 0) continue;
    const double error = FL_LOCAL(error)(y[i], x[i]);
    records[*wrong] = (fl_record){fl_descending(error), i};
    *wrong += error > 0;
    *ones += y[i] != 0;
    missing += error != error;
  }
  return missing == 0;
}

/* Entries in the order of their errors; g may be NULL, and may be x. */
FL_INLINE double FL_LOCAL(follow)(int64_t wrong, int64_t ones, const fl_record *order,
                                  const double *y, const double *x, double factor,
                                  double *g) {
  fl_sum value = {0, 0};
  double left = (double)ones, all = (double)ones;
  for (int64_t k = 0; k < wrong; k++) {
    const int64_t at = order[k].at;
    const bool one = y[at] != 0;
    const double before = all;
    left -= one ? 1 : 0;
    all += one ? 0 : 1;
    const double share = one ? 1 / all : (before == 0 ? 1 : left / before / all);
    const double error = FL_LOCAL(error)(y[at], x[at]);
    fl_two_sum(&value.hi, &value.lo, share == 0 ? 0 : share * error);
    if (g) g[at] = factor * (FL_LOCAL(slope)(y[at]) * share);
  }
  return fl_sum_value(value);
}

FL_OUTLINE double FL_LOCAL(region)(int64_t n, const double *y, const double *x,
                                   double factor, double *g, fl_record *memory) {
  int64_t wrong, ones;
  const bool known = FL_LOCAL(collect)(n, y, x, memory, &wrong, &ones);
  /* What is left out or right; the others follow in their order. */
  for (int64_t i = 0; g && i < n; i++) {
    const bool counts = y[i] >= 0 && !(FL_LOCAL(error)(y[i], x[i]) <= 0);
    if (!counts) g[i] = 0;
    else if (!known) g[i] = (double)NAN;
  }
  if (!known) return (double)NAN;
  const fl_record *const order = wrong ? fl_sort(wrong, memory, memory + n) : memory;
  return FL_LOCAL(follow)(wrong, ones, order, y, x, factor, g);
}

static void FL_LOCAL(kernel)(int want, const fl_group_block *block) {
  for (int64_t k = 0; k < block->groups; k++) {
    const int64_t at = block->start[k], n = block->start[k + 1] - at;
    double *const g = want & FL_WANT_GRAD ? (double *)block->g + at : NULL;
    block->v[k] = FL_LOCAL(region)(n, (const double *)block->y + at,
                                   (const double *)block->x + at, block->factor[k], g,
                                   block->scratch);
    if (want & FL_WANT_HESS)
      memset((double *)block->h + at, 0, (size_t)n * sizeof(double));
  }
}

FL_RUN_KERNELS(FL_LOCAL(kernel), fl_group_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.groupwise = FL_KERNEL_SET,
                                            .entry_scratch = 2 * sizeof(fl_record)};
#endif

#undef FL_NAME
