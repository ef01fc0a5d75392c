/* registry.h: every kernel once. The build takes its list of sources from here, the C
   side its enumeration and tables, and Python its REGISTRY, from which tests,
   benchmarks and the README's table follow.

     FL_LOSS(name, kind, labels, predictions, parameters)

   name         the kernel, its file losses/<name>.c and its symbols
   kind         ELEMENTWISE: one label for one prediction
                SPARSE: one integer class for a row of predictions
                DENSE: a row of label weights for a row of predictions
   labels       what y_true may hold: REAL, SIGN (-1, +1), UNIT ([0, 1]), CLASS
   predictions  what y_pred may hold: REAL, UNIT ([0, 1])
   parameters   the names of the numbers the formula takes, in their order */
FL_LOSS(mean_squared_error, ELEMENTWISE, REAL, REAL, "")
FL_LOSS(mean_absolute_error, ELEMENTWISE, REAL, REAL, "")
FL_LOSS(huber, ELEMENTWISE, REAL, REAL, "delta")
FL_LOSS(log_cosh, ELEMENTWISE, REAL, REAL, "")
FL_LOSS(hinge, ELEMENTWISE, SIGN, REAL, "")
FL_LOSS(squared_hinge, ELEMENTWISE, SIGN, REAL, "")
FL_LOSS(binary_crossentropy, ELEMENTWISE, UNIT, UNIT, "label_smoothing pos_weight eps")
FL_LOSS(binary_crossentropy_logits, ELEMENTWISE, UNIT, REAL, "label_smoothing pos_weight")
FL_LOSS(categorical_crossentropy, DENSE, UNIT, UNIT, "eps")
FL_LOSS(categorical_crossentropy_logits, DENSE, UNIT, REAL, "")
FL_LOSS(sparse_categorical_crossentropy, SPARSE, CLASS, UNIT, "eps")
FL_LOSS(sparse_categorical_crossentropy_logits, SPARSE, CLASS, REAL, "")
#undef FL_LOSS
