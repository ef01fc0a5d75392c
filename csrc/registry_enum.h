/* registry_enum.h: the registry as numbers known at compile time. */
#ifndef FL_REGISTRY_ENUM_H
#define FL_REGISTRY_ENUM_H

typedef enum { FL_ELEMENTWISE, FL_SPARSE, FL_DENSE } fl_kind;
typedef enum { FL_REAL, FL_SIGN, FL_UNIT, FL_CLASS } fl_domain;

enum {
#define FL_LOSS(name, kind, labels, predictions, parameters) FL_NUMBER_##name,
#include "registry.h"
  FL_LOSSES
};

/* The domains of one loss, constants inside its own file. */
enum {
#define FL_LOSS(name, kind, labels, predictions, parameters) \
  FL_LABELS_##name = FL_##labels, FL_PREDICTIONS_##name = FL_##predictions,
#include "registry.h"
};

#endif
