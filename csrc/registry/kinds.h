/* kinds.h: every kind of loss once, with what it is a loss of. Each has its driver,
   engine/drivers/<name>.c, and its class in Python, core/kinds.py.

     FL_KIND(NAME, name) */
FL_KIND(ELEMENT, element) /* an element: its labels and predictions */
FL_KIND(ROW, row)         /* a row of predictions: a class, or a weight for each class */
#undef FL_KIND
