/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(huber, robust, ELEMENT, (REAL), (REAL), "delta")
FL_LOSS(pseudo_huber, robust, ELEMENT, (REAL), (REAL), "delta")
FL_LOSS(log_cosh, robust, ELEMENT, (REAL), (REAL), "")
