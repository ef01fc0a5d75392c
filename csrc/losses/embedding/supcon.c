/* Supervised contrastive loss of the rows of a batch, the sum outside the logarithm
   (P. Khosla et al., Supervised contrastive learning, NeurIPS 2020), for a row with
   similarities x to all others (A), of which P are of its class, z = scale x:

     l = log sum_A exp z_a - mean_P z_p
     dl/dx_a = scale (exp(z_a)/sum_A exp z - [a in P]/|P|)

   With L_P and L_N the logarithms of the sums over P and over the others, no term of the
   value is negative: l = log(1 + exp(L_N - L_P)) + (L_P - mean_P z_p). */
#define FL_NAME supcon
#include "losses/embedding/softmax.h"
