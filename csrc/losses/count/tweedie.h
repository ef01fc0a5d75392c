/* tweedie.h: what depends on the power rho of the Tweedie losses alone: a = 2 - rho and
   b = 1 - rho, and what is above all finite magnitudes where a, b or rho is 0, else below
   them. A comparison with that is one of the numbers of a loop, which then vectorises; the
   condition itself is none. */
#ifndef FL_TWEEDIE_H
#define FL_TWEEDIE_H

#include "losses/count/powers.h"

enum { FL_RHO, FL_A, FL_B, FL_NO_RHO, FL_NO_A, FL_NO_B };

FL_INLINE void fl_tweedie_setup(double *parameters) {
  const double rho = (real)parameters[0];
  parameters[FL_RHO] = rho;
  parameters[FL_A] = 2 - rho;
  parameters[FL_B] = 1 - rho;
  for (int k = FL_RHO; k <= FL_B; k++)
    parameters[FL_NO_RHO + k] = parameters[k] == 0 ? INFINITY : -1;
}

#endif
