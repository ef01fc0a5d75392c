/* Hinge loss of a distance x of two items, which are alike (y = 1) or not (y = -1)
   (H. Mobahi, R. Collobert and J. Weston, Deep learning from temporal coherence in video,
   ICML 2009):

     l = x for y = 1,  max(0, margin - x) for y = -1
     l' = 1,  and -1 for x < margin, else 0;  l'' = 0 */
#define FL_NAME hinge_embedding
#include "blocks/element.h"

FL_INLINE fl_point FL_POINT(real y, real x, const double *parameters) {
  const real m = (real)parameters[0] - x, lack = fl_max(0, m);
  const real slope = m > 0 ? -1 : lack; /* 0 or NaN */
  return (fl_point){
      .value = fl_select(y > 0, x, fl_unless_nan(y, lack)),
      .grad = fl_select(y > 0, fl_unless_nan(x, 1), fl_unless_nan(y, slope)),
      .hess = fl_unless_nan(y, fl_unless_nan(x, 0)),
  };
}

#include "blocks/element_loops.h"
