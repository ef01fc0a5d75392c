/* row_loops.h: the block kernels of one row-wise loss, made by a loss file that has
   defined FL_NAME, FL_LOCAL(rows)(want, block) and FL_LOCAL(scratch), the type of its
   scratch memory. */

FL_KERNELS(FL_LOCAL(rows), fl_row_block)

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.rowwise = FL_KERNEL_SET,
                                            .scratch = sizeof(FL_LOCAL(scratch))};
#undef FL_NAME
