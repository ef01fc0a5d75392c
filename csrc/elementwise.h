/* elementwise.h: what a loss file of one label for one prediction needs. */
#include "kernels.h"
#include "registry_enum.h"
#include "scaled_sums.h"
#include "vecmath.h"

typedef struct {
  real value, grad, hess;
} fl_point;
