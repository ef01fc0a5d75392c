/* Softmax loss of queries with the rows of another batch, the keys, of which the one with
   the same number is the query's and all others are not (A. van den Oord, Y. Li and
   O. Vinyals, Representation learning with contrastive predictive coding, 2018;
   M. Henderson et al., Efficient natural language response suggestion for Smart Reply,
   2017), with their similarities x and z = scale x:

     l_i = log sum_j exp z_ij - z_ii,  dl_i/dx_ij = scale (exp(z_ij)/sum - [i = j])

   the supervised contrastive loss with one row of the class. */
#define FL_NAME infonce
#include "losses/embedding/softmax.h"
