/* ListNet's top-one loss of the relevances y and the scores x of a group (Z. Cao, T. Qin,
   T.-Y. Liu, M.-F. Tsai and H. Li, Learning to rank: from pairwise approach to listwise
   approach, ICML 2007): cross-entropy of softmax(y) and softmax(x). */
#define FL_NAME listnet
#include "blocks/group.h"

#define FL_SHARES 1
#include "losses/ranking/softmax.h"
