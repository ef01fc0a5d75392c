/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(binary_crossentropy, binary, ELEMENT, (UNIT), (PROBABILITY),
        "label_smoothing pos_weight eps")
FL_LOSS(binary_crossentropy_logits, binary, ELEMENT, (UNIT), (REAL),
        "label_smoothing pos_weight")
FL_LOSS(focal, binary, ELEMENT, (UNIT), (PROBABILITY), "gamma alpha geometric eps")
FL_LOSS(focal_logits, binary, ELEMENT, (UNIT), (REAL), "gamma alpha geometric")
FL_LOSS(asymmetric, binary, ELEMENT, (UNIT), (REAL), "gamma_pos gamma_neg margin")
FL_LOSS(poly1, binary, ELEMENT, (UNIT), (PROBABILITY), "epsilon eps")
FL_LOSS(poly1_logits, binary, ELEMENT, (UNIT), (REAL), "epsilon")
FL_LOSS(brier, binary, ELEMENT, (UNIT), (PROBABILITY), "")
FL_LOSS(brier_logits, binary, ELEMENT, (UNIT), (REAL), "")
