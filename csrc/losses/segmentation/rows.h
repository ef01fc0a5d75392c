/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(dice, segmentation, OVERLAP, (UNIT), (UNIT), "smooth absolute")
FL_LOSS(jaccard, segmentation, OVERLAP, (UNIT), (UNIT), "smooth absolute")
FL_LOSS(tversky, segmentation, OVERLAP, (UNIT), (UNIT),
        "smooth absolute alpha beta gamma")
FL_LOSS(generalized_dice, segmentation, OVERLAP, (UNIT), (UNIT),
        "smooth absolute power")
FL_LOSS(mcc, segmentation, OVERLAP, (UNIT), (UNIT), "smooth absolute")
FL_LOSS(lovasz_hinge, segmentation, GROUP, (CLASS), (REAL), "")
FL_LOSS(lovasz_softmax, segmentation, GROUP, (CLASS), (UNIT), "")
