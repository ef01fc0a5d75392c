/* rows.h: programs of rows. A stage is a look at all entries: what is known of the row
   goes into entries, and what these are reduced to into the next stage. Narrow rows are
   transposed, so that entry j of row r is at j * rows + r and every step runs over rows;
   of wide ones every step runs over a piece of one row. Part of program.c. */

/* Rows that are done at once. */
typedef struct {
  const fl_program *program;
  bool narrow;
  int64_t classes, rows;
  int64_t lanes, length, total; /* of a number of a row, a piece, all entries */
  int64_t more;                 /* that the last piece may have */
  const int64_t *labels;
  fl_factor by;  /* of the derivatives of a wide row, */
  bool scales;   /* by which steps multiply if they can */
  real *slot[FL_SLOTS];
  /* Of each reduction of a stage: a sum in lanes, and a maximum or a count. */
  double *hi, *lo;
  real *number;
} fl_row_tile;

static bool fl_is_whole(const fl_program *program, int32_t slot) {
  const int32_t inputs = program->inputs;
  return slot < inputs || (slot > inputs && slot < inputs + 3 + program->kept);
}

/* -- reductions ------------------------------------------------------------------------- */

static void fl_begin_reductions(const fl_row_tile *tile, fl_stage stage) {
  const int64_t count = stage.reduction - stage.entry, lanes = tile->lanes;
  for (int64_t i = 0; i < count; i++) {
    const bool max = tile->program->code[stage.entry + i].opcode == FL_OP_row_max_r;
    for (int64_t r = 0; r < lanes; r++) {
      tile->hi[i * lanes + r] = tile->lo[i * lanes + r] = 0;
      tile->number[i * lanes + r] = max ? -(real)INFINITY : 0;
    }
  }
}

/* Terms with the sum: a lane of its own for each row. */
static void fl_reduce_rows(int64_t n, int opcode, const real *restrict a,
                           const real *restrict x, const real *restrict m,
                           double *restrict hi, double *restrict lo,
                           real *restrict number) {
  if (opcode == FL_OP_row_sum_r)
    for (int64_t r = 0; r < n; r++) fl_add(&hi[r], &lo[r], (double)a[r]);
  else if (opcode == FL_OP_row_max_r)
    for (int64_t r = 0; r < n; r++) number[r] = fl_maximum(number[r], a[r]);
  else
    for (int64_t r = 0; r < n; r++) {
      const bool most = x[r] == m[r];
      number[r] += fl_select(most, 1, 0);
      fl_add(&hi[r], &lo[r], (double)fl_select(most, 0, a[r]));
    }
}

/* The same of a piece of one row, of at least FL_FOUR entries, in 16 lanes. The last
   FL_FOUR may overlap the ones before. */
FL_OUTLINE void fl_max_of_piece(int64_t n, const real *restrict a,
                                real *restrict number) {
  real lane[FL_LANES];
  fl_int missing[FL_LANES];
  for (int j = 0; j < FL_LANES; j++) lane[j] = number[j], missing[j] = 0;
  for (int64_t i = 0; i < n; i += FL_FOUR) {
    const real *four = a + (i < n - FL_FOUR ? i : n - FL_FOUR);
    for (int j = 0; j < FL_LANES; j++)
      for (int k = 0; k < 4; k++) {
        const real z = four[k * FL_LANES + j];
        lane[j] = z > lane[j] ? z : lane[j];
        missing[j] |= -(fl_int)(z != z);
      }
  }
  for (int j = 0; j < FL_LANES; j++) {
    const real z = missing[j] ? FL_NAN : lane[j];
    number[j] = number[j] == number[j] ? z : number[j];
  }
}

typedef struct {
  double hi[FL_LANES], lo[FL_LANES];
  real ties[FL_LANES];
} fl_rest_sum;

/* Of FL_FOUR entries without the first `skip`. */
FL_INLINE void fl_add_rest(fl_rest_sum *sum, const real *restrict e,
                           const real *restrict x, real m, int skip) {
  for (int j = 0; j < FL_LANES; j++) {
    real other[4];
    for (int k = 0; k < 4; k++) {
      const bool counts = k * FL_LANES + j >= skip, most = x[k * FL_LANES + j] == m;
      other[k] = fl_where(counts & !most, e[k * FL_LANES + j]);
      sum->ties[j] += fl_where(counts & most, 1);
    }
    fl_add(&sum->hi[j], &sum->lo[j],
           (double)((other[0] + other[1]) + (other[2] + other[3])));
  }
}

FL_OUTLINE void fl_rest_of_piece(int64_t n, const real *restrict e,
                                 const real *restrict x, real m, double *restrict hi,
                                 double *restrict lo, real *restrict number) {
  fl_rest_sum sum;
  for (int j = 0; j < FL_LANES; j++)
    sum.hi[j] = hi[j], sum.lo[j] = lo[j], sum.ties[j] = 0;
  const int64_t whole = n / FL_FOUR * FL_FOUR, end = n - FL_FOUR;
  for (int64_t i = 0; i < whole; i += FL_FOUR) fl_add_rest(&sum, e + i, x + i, m, 0);
  if (whole < n) fl_add_rest(&sum, e + end, x + end, m, (int)(FL_FOUR - (n - whole)));
  for (int j = 0; j < FL_LANES; j++)
    hi[j] = sum.hi[j], lo[j] = sum.lo[j], number[j] += sum.ties[j];
}

FL_OUTLINE void fl_sum_of_piece(int64_t n, const real *a, double *hi, double *lo) {
  fl_lanes sum;
  memcpy(sum.hi, hi, sizeof sum.hi), memcpy(sum.lo, lo, sizeof sum.lo);
  fl_accumulate(&sum, n, a, (fl_weights){0});
  memcpy(hi, sum.hi, sizeof sum.hi), memcpy(lo, sum.lo, sizeof sum.lo);
}

static void fl_reduce(const fl_row_tile *tile, fl_stage stage, int64_t n,
                      real *const *at) {
  for (int32_t i = stage.entry; i < stage.reduction; i++) {
    const fl_instruction *step = &tile->program->code[i];
    const uint16_t *k = step->operands;
    const int64_t first = (i - stage.entry) * tile->lanes;
    const bool rest = step->opcode == FL_OP_row_rest_rrr;
    const real *x = rest ? at[k[1]] : 0, *m = rest ? at[k[2]] : 0;
    double *hi = tile->hi + first, *lo = tile->lo + first;
    real *number = tile->number + first;
    if (tile->narrow) fl_reduce_rows(n, step->opcode, at[k[0]], x, m, hi, lo, number);
    else if (rest) fl_rest_of_piece(n, at[k[0]], x, m[0], hi, lo, number);
    else if (step->opcode == FL_OP_row_max_r) fl_max_of_piece(n, at[k[0]], number);
    else fl_sum_of_piece(n, at[k[0]], hi, lo);
  }
}

/* Entries of wide rows read a number of their row as if it were many. */
static void fl_spread(const fl_row_tile *tile, const fl_instruction *step) {
  if (tile->narrow || !step->last) return;
  real *d = tile->slot[step->target];
  const real number = d[0];
  const int64_t n = tile->total < FL_ROW_PIECE ? tile->total : FL_ROW_PIECE;
  for (int64_t i = FL_LANES; i < n; i++) d[i] = number;
}

/* The lanes of one row come together in the first. */
static void fl_join_lanes(int opcode, double *hi, double *lo, real *number) {
  fl_lanes sum;
  memcpy(sum.hi, hi, sizeof sum.hi), memcpy(sum.lo, lo, sizeof sum.lo);
  const fl_sum total = fl_lanes_total(&sum);
  for (int half = FL_LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++)
      number[j] = opcode == FL_OP_row_max_r ? fl_maximum(number[j], number[j + half])
                                            : number[j] + number[j + half];
  for (int j = 0; j < FL_LANES; j++)
    hi[j] = total.hi, lo[j] = total.lo, number[j] = number[0];
}

static void fl_end_reductions(const fl_row_tile *tile, fl_stage stage) {
  for (int32_t i = stage.entry; i < stage.reduction; i++) {
    const fl_instruction *step = &tile->program->code[i];
    const int64_t first = (i - stage.entry) * tile->lanes;
    double *hi = tile->hi + first, *lo = tile->lo + first;
    real *number = tile->number + first, *d = tile->slot[step->target];
    if (!tile->narrow) fl_join_lanes(step->opcode, hi, lo, number);
    for (int64_t r = 0; r < tile->lanes; r++) {
      if (step->opcode == FL_OP_row_rest_rrr)
        fl_two_sum(&hi[r], &lo[r], (double)number[r] - 1);
      const double sum = hi[r] + lo[r], total = hi[r] - hi[r] == 0 ? sum : hi[r];
      d[r] = step->opcode == FL_OP_row_max_r ? number[r] : (real)total;
    }
    fl_spread(tile, step);
  }
}

/* -- stages ----------------------------------------------------------------------------- */

/* Of each row of the tile, or of one row in all lanes: an entry at the class, the label,
   which a row of numbers has in each entry, or what a table says of it. */
static void fl_look(const fl_row_tile *tile, const fl_instruction *step) {
  const real *x = tile->slot[step->operands[0]];
  const double *table = tile->program->constant + step->operands[0];
  real *d = tile->slot[step->target];
  for (int64_t r = 0; r < tile->lanes; r++) {
    const int64_t row = tile->narrow ? r : 0;
    const int64_t label = tile->labels ? tile->labels[row] : 0;
    d[r] = step->opcode == FL_OP_pick_r       ? x[label * tile->rows + row]
           : step->opcode == FL_OP_look_up_kk ? (real)table[label]
           : tile->labels                     ? (real)label
                                              : x[row];
  }
}

static void fl_run_row_steps(const fl_row_tile *tile, int32_t first, int32_t end) {
  for (int32_t i = first; i < end; i++) {
    const fl_instruction *step = &tile->program->code[i];
    if (step->opcode >= FL_FIRST_ROW_OPCODE) fl_look(tile, step);
    else
      fl_ops[step->opcode](tile->lanes, tile->slot[step->target], tile->slot,
                           step->operands, tile->program->constant, 0);
    fl_spread(tile, step);
  }
}

static void fl_run_stage(const fl_row_tile *tile, int32_t first, fl_stage stage) {
  const fl_program *program = tile->program;
  const int32_t slots = program->inputs + 3 + program->registers;
  const fl_factor *by = tile->scales ? &tile->by : 0;
  real *at[FL_SLOTS];
  for (int32_t k = 0; k < slots; k++) at[k] = tile->slot[k];
  fl_run_row_steps(tile, first, stage.row);
  if (stage.row == stage.reduction) return;
  fl_begin_reductions(tile, stage);
  for (int64_t done = 0, n; done < tile->total; done += n) {
    const int64_t left = tile->total - done;
    n = left < tile->length + tile->more ? left : tile->length;
    for (int32_t k = 0; k < slots; k++)
      if (tile->slot[k] && fl_is_whole(program, k)) at[k] = tile->slot[k] + done;
    fl_steps(program, stage.row, stage.entry, n, at, by);
    fl_reduce(tile, stage, n, at);
  }
  fl_end_reductions(tile, stage);
}

static void fl_run_tile(const fl_row_tile *tile) {
  int32_t first = tile->program->setup;
  for (int32_t s = 0; s < tile->program->stages; s++) {
    fl_run_stage(tile, first, tile->program->stage[s]);
    first = tile->program->stage[s].reduction;
  }
}

/* -- blocks ----------------------------------------------------------------------------- */

/* The next n numbers of scratch memory. */
static void *fl_cut_lines(char *scratch, int64_t *used, int64_t n, size_t size) {
  void *part = scratch + *used;
  *used += FL_ROUNDED(n * (int64_t)size);
  return part;
}

/* What a tile needs, cut from scratch memory as fl_program_scratch counts it. */
static fl_row_tile fl_cut_tile(const fl_program *program, int64_t classes,
                               char *scratch) {
  const bool narrow = classes <= FL_NARROW;
  const int64_t lanes = fl_row_lanes(classes), sums = program->reductions * lanes;
  const int64_t total = narrow ? lanes * classes : classes;
  const int32_t inputs = program->inputs, first = inputs + 3;
  fl_row_tile tile = {.program = program, .narrow = narrow, .classes = classes};
  int64_t used = 0;
  tile.hi = fl_cut_lines(scratch, &used, sums, sizeof(double));
  tile.lo = fl_cut_lines(scratch, &used, sums, sizeof(double));
  tile.number = fl_cut_lines(scratch, &used, sums, sizeof(real));
  for (int32_t k = 0; k < first + program->registers; k++) {
    if (!narrow && k < first && k != inputs) continue; /* where they are */
    const int64_t n = fl_is_whole(program, k) ? total : lanes;
    tile.slot[k] = fl_cut_lines(scratch, &used, n, sizeof(real));
  }
  return tile;
}

/* Rows from the first on: transposed, or where they are. */
static void fl_load_tile(const fl_row_block *block, int64_t first, int64_t rows,
                         fl_row_tile *tile) {
  const int32_t inputs = tile->program->inputs;
  const real *in[] = {block->y, block->x};
  const int64_t ld[] = {block->ldy, block->ldx}, classes = block->classes;
  tile->rows = rows;
  tile->lanes = tile->narrow ? rows : FL_LANES;
  tile->length = tile->narrow ? rows : FL_ROW_PIECE - FL_FOUR;
  tile->more = tile->narrow ? 0 : FL_FOUR + 1;
  tile->total = rows * classes;
  tile->labels = tile->program->classes ? block->labels + first : 0;
  for (int k = 0; k < 2; k++) {
    const real *from = in[k] ? in[k] + first * ld[k] : 0;
    if (!tile->narrow) tile->slot[k] = (real *)from;
    else if (from) fl_transpose(rows, classes, from, ld[k], tile->slot[k], rows);
  }
  if (tile->narrow) return;
  tile->scales = block->g && block->factor[first] > 0;
  if (tile->scales) tile->by = fl_factor_of(block->factor[first]);
  tile->slot[inputs + 1] = block->g ? (real *)block->g + first * block->ldg : 0;
  tile->slot[inputs + 2] = block->h ? (real *)block->h + first * block->ldh : 0;
}

/* The number of each entry in its row. */
static void fl_number_entries(const fl_row_tile *tile) {
  if (!tile->program->index) return;
  real *restrict index = tile->slot[tile->program->index];
  if (!tile->narrow)
    for (int64_t j = 0; j < tile->classes; j++) index[j] = (real)j;
  else
    for (int64_t j = 0; j < tile->classes; j++)
      for (int64_t r = 0; r < tile->rows; r++) index[j * tile->rows + r] = (real)j;
}

/* Derivatives of the entries of classes, which have a form of their own. */
static void fl_put_at_labels(const fl_row_tile *tile, const double *factor, int k) {
  const int32_t slot = tile->program->at_label[k];
  real *out = tile->slot[tile->program->inputs + 1 + k];
  if (!slot) return;
  for (int64_t r = 0; r < tile->rows; r++)
    out[tile->labels[r] * tile->rows + r] = tile->slot[slot][r] * (real)factor[r];
}

static void fl_scale_rows(const fl_row_tile *tile, const double *factor, int k) {
  real *restrict out = tile->slot[tile->program->inputs + 1 + k];
  real by[FL_ROW_LANES];
  for (int64_t r = 0; r < tile->rows; r++) by[r] = (real)factor[r];
  if (tile->scales && fl_scales(tile->program, tile->program->inputs + 1 + k)) return;
  if (tile->narrow)
    for (int64_t j = 0; j < tile->classes; j++)
      for (int64_t r = 0; r < tile->rows; r++) out[j * tile->rows + r] *= by[r];
  else
    for (int64_t j = 0; j < tile->classes; j++) out[j] *= by[0];
}

FL_INLINE void fl_finish_tile(int want, const fl_row_block *block, int64_t first,
                              const fl_row_tile *tile) {
  const int32_t inputs = tile->program->inputs;
  real *const out[] = {block->g, block->h};
  const int64_t ld[] = {block->ldg, block->ldh};
  for (int k = 0; k < 2; k++) {
    if (!(want & (k ? FL_WANT_HESS : FL_WANT_GRAD))) continue;
    fl_scale_rows(tile, block->factor + first, k);
    fl_put_at_labels(tile, block->factor + first, k);
    if (tile->narrow)
      fl_transpose(tile->classes, tile->rows, tile->slot[inputs + 1 + k], tile->rows,
                   out[k] + first * ld[k], ld[k]);
  }
  if (want & FL_WANT_VALUE)
    memcpy((real *)block->v + first, tile->slot[inputs],
           (size_t)tile->rows * sizeof(real));
}

FL_INLINE int fl_run_rows(int want, const fl_row_block *block) {
  const void *parameters = block->parameters;
  const fl_program *program = parameters;
  fl_row_tile tile = fl_cut_tile(program, block->classes, block->scratch);
  const int64_t lanes = fl_row_lanes(block->classes), most = tile.narrow ? lanes : 1;
  fl_steps(program, 0, program->setup, lanes, tile.slot, 0);
  for (int64_t first = 0; first < block->rows; first += most) {
    const int64_t left = block->rows - first;
    const int64_t rows = left < most ? left : most;
    const bool other = rows != tile.rows;
    fl_load_tile(block, first, rows, &tile);
    if (other) fl_number_entries(&tile);
    fl_run_tile(&tile);
    fl_finish_tile(want, block, first, &tile);
  }
  return 0;
}
