/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(dice, segmentation, OVERLAP, (UNIT), (UNIT), "smooth absolute")
