/* overlap_loops.h: the kernels of a loss of regions, made by a loss file that has defined

     FL_NAME           its name
     FL_ABSOLUTE       of parameters: whether the sums are those of the absolute form
     FL_SUMS           how many of the sums it takes, 3 if that is not defined
     FL_LOCAL(region)  sums and parameters to a point
     FL_JOINED         if its samples have several regions; then, instead,
     FL_LOCAL(sample)  of the regions of a sample: sums and parameters to points */
#define FL_DOMAIN_OF(what) ((fl_domain)FL_PASTE(what, FL_NAME))
#ifndef FL_SUMS
#define FL_SUMS 3
#endif

FL_INLINE fl_uint FL_LOCAL(add)(bool absolute, int64_t n, const real *restrict y,
                                const real *restrict x, fl_overlap *sum) {
  fl_overlap_lanes lanes = {{{0}}, {{0}}};
  fl_uint outside[FL_LANES] = {0};
  const int64_t whole = n / FL_LANES * FL_LANES;
  for (int64_t i = 0; i < whole; i += FL_LANES)
    for (int j = 0; j < FL_LANES; j++) {
      fl_add_overlap(FL_SUMS, &lanes, j,
                     fl_overlap_of(absolute, (double)x[i + j], (double)y[i + j]));
      outside[j] |= fl_outside(FL_DOMAIN_OF(FL_LABELS_), y[i + j])
                    | fl_outside(FL_DOMAIN_OF(FL_PREDICTIONS_), x[i + j]);
    }
  for (int64_t i = whole; i < n; i++) {
    fl_add_overlap(FL_SUMS, &lanes, whole ? i - whole : 0,
                   fl_overlap_of(absolute, (double)x[i], (double)y[i]));
    outside[0] |= fl_outside(FL_DOMAIN_OF(FL_LABELS_), y[i])
                  | fl_outside(FL_DOMAIN_OF(FL_PREDICTIONS_), x[i]);
  }
  double total[4] = {0};
  for (int s = 0; s < FL_SUMS; s++)
    total[s] = whole ? fl_row_total(lanes.hi[s], lanes.lo[s])
                     : fl_sum_value((fl_sum){lanes.hi[s][0], lanes.lo[s][0]});
  *sum = (fl_overlap){total[0], total[1], total[2], total[3]};
  return fl_any(outside);
}

static int FL_LOCAL(sums)(const fl_overlap_block *block, fl_overlap *sums) {
  const bool absolute = FL_ABSOLUTE(block->parameters);
  const real *y = block->y, *x = block->x;
  const int64_t n = block->n;
  fl_uint outside = 0;
  for (int64_t r = 0; r < block->regions; r++)
    outside |= absolute ? FL_LOCAL(add)(true, n, y + r * n, x + r * n, &sums[r])
                        : FL_LOCAL(add)(false, n, y + r * n, x + r * n, &sums[r]);
  return (outside
          & (fl_outside_bits(FL_DOMAIN_OF(FL_LABELS_))
             | fl_outside_bits(FL_DOMAIN_OF(FL_PREDICTIONS_))))
         != 0;
}

static void FL_LOCAL(points)(int64_t n, int64_t joined, const fl_overlap *sum,
                             const double *parameters, fl_overlap_point *point) {
#ifdef FL_JOINED
  for (int64_t s = 0; s < n; s++)
    FL_LOCAL(sample)(joined, sum + s * joined, parameters, point + s * joined);
#else
  for (int64_t r = 0; r < n * joined; r++)
    point[r] = FL_LOCAL(region)(sum[r], parameters);
#endif
}

FL_INLINE void FL_LOCAL(differentiate)(bool absolute, bool hess, int64_t n,
                                       double factor, const fl_overlap_point *given,
                                       const real *restrict y, const real *restrict x,
                                       real *restrict g, real *restrict h) {
  const fl_overlap_point point = *given;
  for (int64_t i = 0; i < n; i++) {
    const double p = (double)x[i], t = (double)y[i];
    g[i] = (real)(factor * fl_overlap_slope(absolute, &point, p, t));
    if (hess) h[i] = (real)(factor * fl_overlap_curvature(absolute, &point, p, t));
  }
}

FL_INLINE void FL_LOCAL(regions)(bool absolute, bool hess,
                                 const fl_overlap_block *block,
                                 const fl_overlap_point *points) {
  const int64_t n = block->n;
  for (int64_t r = 0; r < block->regions; r++)
    FL_LOCAL(differentiate)(absolute, hess, n, block->factor[r], &points[r],
                            (const real *)block->y + r * n,
                            (const real *)block->x + r * n, (real *)block->g + r * n,
                            hess ? (real *)block->h + r * n : NULL);
}

static void FL_LOCAL(entries)(const fl_overlap_block *block,
                              const fl_overlap_point *points) {
  const bool absolute = FL_ABSOLUTE(block->parameters);
  if (absolute && block->h) FL_LOCAL(regions)(true, true, block, points);
  else if (absolute) FL_LOCAL(regions)(true, false, block, points);
  else if (block->h) FL_LOCAL(regions)(false, true, block, points);
  else FL_LOCAL(regions)(false, false, block, points);
}

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .overlap = {FL_LOCAL(sums), FL_LOCAL(points), FL_LOCAL(entries)}};

#undef FL_NAME
#undef FL_ABSOLUTE
#undef FL_SUMS
#undef FL_JOINED
#undef FL_DOMAIN_OF
