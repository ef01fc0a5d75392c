/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(binary_crossentropy, binary, ELEMENT, (UNIT), (PROBABILITY),
        "label_smoothing pos_weight eps")
FL_LOSS(binary_crossentropy_logits, binary, ELEMENT, (UNIT), (REAL),
        "label_smoothing pos_weight")
