/* row_loops.h: the block kernels of one row-wise loss, made by a loss file that has
   defined FL_NAME, FL_LOCAL(rows)(want, block), FL_LOCAL(scratch), the type of its scratch
   memory, and either FL_PRODUCT(block), which stores products of the Hessian and the
   vectors of the block, or FL_DIAGONAL: entries of a row do not meet in its Hessian. */

FL_KERNELS(FL_LOCAL(rows), fl_row_block)
#if defined(FL_PRODUCT)
static int FL_LOCAL(product)(const fl_row_block *block) { return FL_PRODUCT(block); }
#define FL_ROW_KERNELS FL_KERNEL_SET_WITH(FL_LOCAL(product))
#elif defined(FL_DIAGONAL)
#define FL_ROW_KERNELS FL_KERNEL_SET
#else
#error "a loss of rows says what its Hessian is"
#endif

const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.rowwise = FL_ROW_KERNELS,
                                            .scratch = sizeof(FL_LOCAL(scratch))};
#undef FL_NAME
#undef FL_PRODUCT
#undef FL_DIAGONAL
#undef FL_ROW_KERNELS
