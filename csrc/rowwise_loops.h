/* rowwise_loops.h: the block kernels of one row-wise loss, made by a loss file that has
   defined FL_ROWS(want, block), FL_NAME and fl_scratch, the type of its scratch memory. */

FL_KERNELS(FL_ROWS, fl_row_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.rowwise = FL_KERNEL_SET,
                                            .scratch = sizeof(fl_scratch)};
