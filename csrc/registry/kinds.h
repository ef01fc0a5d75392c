/* kinds.h: every kind of loss once, with what it is a loss of. Each has its driver,
   engine/drivers/<name>.c, and its class in Python, core/kinds.py.

     FL_KIND(NAME, name) */
FL_KIND(ELEMENT, element) /* an element: its labels and predictions */
FL_KIND(ROW, row) /* a row of predictions: a class, or a weight for each class */
FL_KIND(PAIR, pair) /* a tuple of rows, and perhaps a label */
FL_KIND(GROUP, group) /* a ragged group of entries */
FL_KIND(SEQUENCE, sequence) /* a sequence of entries that are sorted or cumulated */
FL_KIND(BATCH, batch) /* a row against all rows of its batch, or of another one */
FL_KIND(OVERLAP, overlap) /* a region, by a few sums over its entries */
#undef FL_KIND
