/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(cox, survival, SEQUENCE, (ORDERED, EVENT), (REAL), "efron")
