/* Poly-1 loss of a label y in [0, 1] and a probability p, clipped as in focal.c: cross-
   entropy and the first term of its expansion in 1 - p_t once more (Z. Leng, M. Tan,
   C. Liu, E. D. Cubuk, J. Shi, S. Cheng and D. Anguelov, PolyLoss: a polynomial expansion
   perspective of classification loss functions, ICLR 2022), p_t = y p + (1 - y)(1 - p):

     l = ce + epsilon (1 - p_t),  l' = ce' + epsilon (1 - 2y),  l'' = ce'' */
#define FL_NAME poly1
#define FL_LONG
#include "blocks/element.h"
#include "blocks/probabilities.h"
#include "losses/binary/sides.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const fl_probability_sides at = fl_sides_of_probability(y, x, fl_eps(parameters[1]));
  const double epsilon = (real)parameters[0], u = at.p + at.y * (at.q - at.p);
  return (fl_point){
      .value = (real)(at.ce + epsilon * u),
      .grad = (real)(at.sign * (at.ce1 + epsilon * (1 - 2 * at.y))),
      .hess = (real)at.ce2,
  };
}

#include "blocks/element_loops.h"
