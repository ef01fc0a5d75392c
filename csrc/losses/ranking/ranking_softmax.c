/* Softmax loss of a group (C. Burges et al., Learning to rank using gradient descent, ICML
   2005, for two; Q. Ai, K. Bi, J. Guo and W. B. Croft, Learning a deep listwise context
   model for ranking refinement, SIGIR 2018): cross-entropy of the relevances y, as they
   are, and softmax(x). */
#define FL_NAME ranking_softmax
#include "blocks/group.h"

#if defined(FL_DTYPE_f32)
/* A probability that single precision keeps few digits of may count many times. */
const fl_loss_kernels FL_SYMBOL(FL_NAME) = {.entry_scratch = 0};
#undef FL_NAME
#else
#define FL_SHARES 0
#include "losses/ranking/softmax.h"
#endif
