/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(cox, survival, SEQUENCE, (ORDERED, EVENT), (REAL), "efron")
FL_LOSS(discrete_hazard, survival, ROW, (UNIT), (REAL), "")
FL_LOSS(aft_normal, survival, ELEMENT, (NONNEGATIVE, POSITIVE), (REAL), "sigma")
FL_LOSS(aft_logistic, survival, ELEMENT, (NONNEGATIVE, POSITIVE), (REAL), "sigma")
FL_LOSS(aft_extreme, survival, ELEMENT, (NONNEGATIVE, POSITIVE), (REAL), "sigma")
