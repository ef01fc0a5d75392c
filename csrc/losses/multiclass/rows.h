/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(categorical_crossentropy, multiclass, ROW, (UNIT), (PROBABILITY), "eps")
FL_LOSS(categorical_crossentropy_logits, multiclass, ROW, (UNIT), (REAL), "")
FL_LOSS(sparse_categorical_crossentropy, multiclass, ROW, (CLASS), (PROBABILITY), "eps")
FL_LOSS(sparse_categorical_crossentropy_logits, multiclass, ROW, (CLASS), (REAL), "")
FL_LOSS(categorical_focal, multiclass, ROW, (CLASS), (PROBABILITY), "gamma eps")
FL_LOSS(categorical_focal_logits, multiclass, ROW, (CLASS), (REAL), "gamma")
FL_LOSS(crammer_singer, multiclass, ROW, (CLASS), (REAL), "")
