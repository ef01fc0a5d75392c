/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(triplet, embedding, PAIR, (), (REAL, REAL, REAL), "margin p swap eps")
FL_LOSS(contrastive, embedding, PAIR, (UNIT), (REAL, REAL), "margin")
FL_LOSS(cosine_embedding, embedding, PAIR, (SIGN), (REAL, REAL), "margin eps")
FL_LOSS(margin_ranking, embedding, ELEMENT, (SIGN), (REAL, REAL), "margin")
FL_LOSS(hinge_embedding, embedding, ELEMENT, (SIGN), (REAL), "margin")
