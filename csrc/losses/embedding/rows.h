/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(triplet, embedding, PAIR, (), (REAL, REAL, REAL), "margin p swap eps")
