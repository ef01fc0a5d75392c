/* elementwise.h: what a loss file of one label for one prediction needs. */
#include "kernels.h"
#include "registry_enum.h"
#include "scaled_sums.h"
#include "vecmath.h"

typedef struct {
  real value, grad, hess;
} fl_point;

/* A loss with FL_AHEAD may have shorter formulas, which give the same bits: for plain
   parameters, where FL_PLAIN(parameters) holds, and among these for hard elements, where
   FL_NOT_HARD(y, x) is 0. */
typedef enum { FL_IS_GENERAL, FL_IS_PLAIN, FL_IS_HARD } fl_case;
