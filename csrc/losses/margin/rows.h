/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(hinge, margin, ELEMENT, (SIGN), (REAL), "")
FL_LOSS(squared_hinge, margin, ELEMENT, (SIGN), (REAL), "")
FL_LOSS(exponential, margin, ELEMENT, (SIGN), (REAL), "")
FL_LOSS(soft_margin, margin, ELEMENT, (SIGN), (REAL), "")
FL_LOSS(modified_huber, margin, ELEMENT, (SIGN), (REAL), "")
