/* batch_loops.h: the kernels of a loss of a batch, made by a loss file that has defined

     FL_NAME             its name
     FL_SWEEPS           1, or 2 if it needs FL_LOCAL(cost)
     FL_DIVIDES          of parameters: whether rows are divided by their lengths
     FL_LOCAL(exponent)  a similarity with a row of the same class or of another to the
                         exponent whose exp is added up on its side
     FL_LOCAL(cost)      of a similarity with a row of the same class, when the other side
                         is added up: what the value and its slope add up
     FL_LOCAL(counts)    how much a row counts in a mean, by its numbers of others of the
                         same class and of other classes; 0: it has no value
     FL_LOCAL(state)     sums and those numbers to the value and numbers for the slopes
     FL_LOCAL(slope)     similarity and these numbers to the slope of the row's value */
FL_INLINE void FL_LOCAL(gather_row)(fl_batch_row row, const real *restrict x,
                                    const real *p, fl_batch_sums *sums) {
  real z[FL_BATCH_COLUMNS], largest[2][FL_LANES], sum[2][FL_LANES], linear[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) {
    largest[0][j] = largest[1][j] = -(real)INFINITY;
    sum[0][j] = sum[1][j] = linear[j] = 0;
  }
  FL_EACH_COLUMN {
    const bool known = fl_batch_knows(row, i + j), same = fl_batch_same(row, i + j);
    const real e = FL_LOCAL(exponent)(same, x[i + j], p);
    const real a = fl_select(known & same, e, -(real)INFINITY);
    const real b = fl_select(known & !same, e, -(real)INFINITY);
    z[i + j] = e;
    largest[0][j] = a > largest[0][j] ? a : largest[0][j];
    largest[1][j] = b > largest[1][j] ? b : largest[1][j];
  }
  const real top[2] = {fl_batch_raise(sums, 0, fl_batch_largest(largest[0])),
                       fl_batch_raise(sums, 1, fl_batch_largest(largest[1]))};
  FL_EACH_COLUMN {
    const bool known = fl_batch_knows(row, i + j), same = fl_batch_same(row, i + j);
    const real e = fl_exp_nonpositive(z[i + j] - fl_select(same, top[0], top[1]));
    sum[0][j] += fl_where(known & same, e);
    sum[1][j] += fl_where(known & !same, e);
    linear[j] += fl_where(known & same, x[i + j]);
  }
  for (int side = 0; side < 2; side++) sums->sum[side] += fl_batch_total(sum[side]);
  sums->linear += fl_batch_total(linear);
}

static void FL_LOCAL(gather)(const fl_batch_tile *tile) {
  real p[FL_MAX_PARAMETERS];
  fl_batch_parameters(tile, p);
  fl_similarities(tile);
  for (int64_t r = 0; r < tile->rows; r++)
    FL_LOCAL(gather_row)(fl_batch_row_at(tile, r),
                         (const real *)tile->similarity + r * FL_BATCH_COLUMNS, p,
                         &tile->sums[r]);
}

#if FL_SWEEPS > 1
FL_INLINE void FL_LOCAL(cost_row)(fl_batch_row row, const real *restrict x,
                                  const real *p, fl_batch_sums *sums) {
  real cost[FL_LANES] = {0}, share[FL_LANES] = {0};
  const real others = (real)fl_log_of_side(sums, 1);
  FL_EACH_COLUMN {
    const bool counts = fl_batch_knows(row, i + j) & fl_batch_same(row, i + j);
    const fl_batch_cost c = FL_LOCAL(cost)(x[i + j], others, p);
    cost[j] += fl_where(counts, c.value);
    share[j] += fl_where(counts, c.share);
  }
  sums->cost += fl_batch_total(cost);
  sums->share += fl_batch_total(share);
}

static void FL_LOCAL(add_costs)(const fl_batch_tile *tile) {
  real p[FL_MAX_PARAMETERS];
  fl_batch_parameters(tile, p);
  fl_similarities(tile);
  for (int64_t r = 0; r < tile->rows; r++)
    FL_LOCAL(cost_row)(fl_batch_row_at(tile, r),
                       (const real *)tile->similarity + r * FL_BATCH_COLUMNS, p,
                       &tile->sums[r]);
}
#endif

/* Slopes of the rows' values and of the columns' by the similarities of a row, in their
   place. */
FL_INLINE void FL_LOCAL(slopes_row)(bool rows, bool columns, fl_batch_row row,
                                    const fl_batch_tile *tile, int64_t r, const real *p,
                                    real *restrict x) {
  const real *restrict factors = tile->column_factors;
  const real *restrict numbers[FL_BATCH_NUMBERS];
  real own[FL_BATCH_NUMBERS];
  const real factor = rows ? ((const real *)tile->row_factors)[r] : 0;
  for (int k = 0; k < FL_BATCH_NUMBERS; k++) {
    numbers[k] = tile->column_numbers[k];
    own[k] = ((const real *)tile->row_numbers[k])[r];
  }
  FL_EACH_COLUMN {
    const bool known = fl_batch_knows(row, i + j), same = fl_batch_same(row, i + j);
    real slope = 0;
    if (rows) slope += fl_masked(factor, FL_LOCAL(slope)(same, x[i + j], own, p));
    if (columns) {
      real theirs[FL_BATCH_NUMBERS];
      for (int k = 0; k < FL_BATCH_NUMBERS; k++) theirs[k] = numbers[k][i + j];
      slope += fl_masked(factors[i + j], FL_LOCAL(slope)(same, x[i + j], theirs, p));
    }
    x[i + j] = fl_where(known, slope);
  }
}

FL_INLINE void FL_LOCAL(pull_all)(bool rows, bool columns, const fl_batch_tile *tile) {
  real p[FL_MAX_PARAMETERS];
  fl_batch_parameters(tile, p);
  fl_similarities(tile);
  for (int64_t r = 0; r < tile->rows; r++)
    FL_LOCAL(slopes_row)(rows, columns, fl_batch_row_at(tile, r), tile, r, p,
                         (real *)tile->similarity + r * FL_BATCH_COLUMNS);
  fl_add_pulls(tile);
}

static void FL_LOCAL(pull)(const fl_batch_tile *tile) {
  if (!tile->column_factors) FL_LOCAL(pull_all)(true, false, tile);
  else if (!tile->row_factors) FL_LOCAL(pull_all)(false, true, tile);
  else FL_LOCAL(pull_all)(true, true, tile);
}

static void FL_LOCAL(states)(const fl_batch_rows *rows, const fl_batch_sums *sums) {
  for (int64_t r = 0; r < rows->n; r++) {
    const double same = (double)rows->same[r], other = (double)rows->other[r];
    const fl_batch_state state =
        FL_LOCAL(state)(&sums[r], same, other, rows->parameters);
    rows->v[r] = FL_LOCAL(counts)(same, other) == 0 ? 0 : state.value;
    for (int k = 0; k < FL_BATCH_NUMBERS; k++)
      ((real *)rows->numbers[k])[r] = (real)state.number[k];
  }
}

static double FL_LOCAL(share)(double same, double other) {
  return FL_LOCAL(counts)(same, other);
}

static bool FL_LOCAL(divides)(const double *parameters) {
  return FL_DIVIDES(parameters);
}

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.batch = {.divides = FL_LOCAL(divides),
                                                      .measure = fl_batch_measure,
                                                      .scale = fl_batch_scale,
                                                      .turn = fl_batch_turn,
                                                      .meets = fl_batch_meets,
                                                      .gather = FL_LOCAL(gather),
#if FL_SWEEPS > 1
                                                      .costs = FL_LOCAL(add_costs),
#endif
                                                      .states = FL_LOCAL(states),
                                                      .share = FL_LOCAL(share),
                                                      .pull = FL_LOCAL(pull),
                                                      .finish = fl_batch_finish}};

#undef FL_NAME
#undef FL_SWEEPS
#undef FL_DIVIDES
