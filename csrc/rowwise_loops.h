/* rowwise_loops.h: the block kernels of one row-wise loss, made by a loss file that has
   defined FL_ROWS(want, block) and FL_NAME. */

static int fl_value(const fl_row_block *block) {
  return FL_ROWS(FL_WANT_VALUE, block);
}

static int fl_grad(const fl_row_block *block) { return FL_ROWS(FL_WANT_GRAD, block); }

static int fl_value_grad(const fl_row_block *block) {
  return FL_ROWS(FL_WANT_VALUE | FL_WANT_GRAD, block);
}

static int fl_grad_hess(const fl_row_block *block) {
  return FL_ROWS(FL_WANT_GRAD | FL_WANT_HESS, block);
}

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {
    .rowwise = {fl_value, fl_grad, fl_value_grad, fl_grad_hess},
};
