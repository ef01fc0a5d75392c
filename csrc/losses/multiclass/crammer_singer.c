/* Multiclass hinge loss of a class y and a row of decision values x_j: rival.h.

     l = max(0, 1 + max_{j != y} x_j - x_y),  l' = 1 at the first such j and -1 at y where
     l > 0, else 0, also at the kink;  l'' = 0

   (K. Crammer and Y. Singer, On the algorithmic implementation of multiclass kernel-based
   vector machines, JMLR 2, 2001.) What rounding takes from the difference is added last:
   near the kink 1 + d cancels. */
#define FL_NAME crammer_singer
#include "blocks/rival.h"

FL_INLINE fl_term_point fl_margin_of(real rival, real own, const double *parameters) {
  const real d = rival - own, tail = fl_difference_tail(rival, own, d);
  const real margin = (1 + d) + fl_where(d - d == 0, tail);
  return (fl_term_point){
      .value = fl_max(0, margin),
      .grad = fl_unless_nan(margin, margin > 0 ? 1 : 0),
      .hess = fl_unless_nan(margin, 0),
  };
}

#define FL_RIVAL_POINT fl_margin_of
#include "blocks/rival_rows.h"
