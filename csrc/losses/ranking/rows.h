/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(listnet, ranking, GROUP, (REAL), (REAL), "")
