/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(gaussian_nll, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "full eps")
