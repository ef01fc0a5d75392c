/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(mean_squared_error, regression, ELEMENT, (REAL), (REAL), "")
FL_LOSS(mean_absolute_error, regression, ELEMENT, (REAL), (REAL), "")
