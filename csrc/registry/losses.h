/* losses.h: every kernel once. The build takes its list of sources from here, the C side
   its enumeration and tables, and Python its REGISTRY, from which tests, benchmarks and
   the README's table follow.

     FL_LOSS(name, family, kind, labels, predictions, parameters)

   name         the kernel, its file losses/<family>/<name>.c and its symbols
   family       the folder, whose files are compiled as one unit
   kind         the driver that runs it (kinds.h)
   labels       what each of the labels may hold (domains.h)
   predictions  what each of the predictions may hold; derivatives are with respect to them
   parameters   the names of the numbers the formula takes, in their order */
FL_LOSS(mean_squared_error, regression, ELEMENT, (REAL), (REAL), "")
FL_LOSS(mean_absolute_error, regression, ELEMENT, (REAL), (REAL), "")
FL_LOSS(huber, robust, ELEMENT, (REAL), (REAL), "delta")
FL_LOSS(pseudo_huber, robust, ELEMENT, (REAL), (REAL), "delta")
FL_LOSS(log_cosh, robust, ELEMENT, (REAL), (REAL), "")
FL_LOSS(hinge, margin, ELEMENT, (SIGN), (REAL), "")
FL_LOSS(squared_hinge, margin, ELEMENT, (SIGN), (REAL), "")
FL_LOSS(binary_crossentropy, binary, ELEMENT, (UNIT), (PROBABILITY),
        "label_smoothing pos_weight eps")
FL_LOSS(binary_crossentropy_logits, binary, ELEMENT, (UNIT), (REAL),
        "label_smoothing pos_weight")
FL_LOSS(categorical_crossentropy, multiclass, ROW, (UNIT), (PROBABILITY), "eps")
FL_LOSS(categorical_crossentropy_logits, multiclass, ROW, (UNIT), (REAL), "")
FL_LOSS(sparse_categorical_crossentropy, multiclass, ROW, (CLASS), (PROBABILITY), "eps")
FL_LOSS(sparse_categorical_crossentropy_logits, multiclass, ROW, (CLASS), (REAL), "")
FL_LOSS(gaussian_nll, distribution, ELEMENT, (REAL), (REAL, NONNEGATIVE), "full eps")
FL_LOSS(triplet, embedding, PAIR, (), (REAL, REAL, REAL), "margin p swap eps")
FL_LOSS(listnet, ranking, GROUP, (REAL), (REAL), "")
FL_LOSS(cox, survival, SEQUENCE, (ORDERED, EVENT), (REAL), "efron")
FL_LOSS(dice, segmentation, OVERLAP, (UNIT), (UNIT), "smooth absolute")
FL_LOSS(categorical_focal, multiclass, ROW, (CLASS), (PROBABILITY), "gamma eps")
FL_LOSS(categorical_focal_logits, multiclass, ROW, (CLASS), (REAL), "gamma")
FL_LOSS(crammer_singer, multiclass, ROW, (CLASS), (REAL), "")
#undef FL_LOSS
