/* rows.h: the losses of this family (registry/losses.h). */
FL_LOSS(iou, boxes, ROW, (REAL), (REAL), "eps p q r")
FL_LOSS(giou, boxes, ROW, (REAL), (REAL), "eps p q r")
FL_LOSS(diou, boxes, ROW, (REAL), (REAL), "eps p q r")
FL_LOSS(ciou, boxes, ROW, (REAL), (REAL), "eps p q r")
