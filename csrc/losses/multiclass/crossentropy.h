/* crossentropy.h: what both cross-entropies of probabilities are made of: the terms of rows
   of label weights and the points of classes (probabilities.h). */
#ifndef FL_CROSSENTROPY_H
#define FL_CROSSENTROPY_H

#include "blocks/picks.h"
#include "blocks/terms.h"

#define FL_NAME categorical_crossentropy
#define FL_TERM fl_log_probability
#include "blocks/term_rows.h"
#define FL_PICK_POINT fl_log_of_class
#include "blocks/pick_rows.h"
#undef FL_NAME

#endif
