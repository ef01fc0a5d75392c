/* enums.h: the registry as numbers known at compile time. */
#ifndef FL_REGISTRY_ENUMS_H
#define FL_REGISTRY_ENUMS_H

#include "fastloss.h"

typedef enum {
#define FL_KIND(NAME, name) FL_KIND_##NAME,
#include "registry/kinds.h"
  FL_KINDS
} fl_kind;

typedef enum {
  FL_DOMAIN_NONE,
  FL_DOMAIN_ = FL_DOMAIN_NONE, /* of an empty list */
#define FL_DOMAIN(NAME, outside, bits, mask, message) FL_DOMAIN_##NAME,
#include "registry/domains.h"
  FL_DOMAINS
} fl_domain;

/* (A, B) of a row as FL_DOMAIN_A, FL_DOMAIN_B and FL_DOMAIN_NONE for the rest. */
#define FL_LISTED3(a, b, c, ...) FL_DOMAIN_##a, FL_DOMAIN_##b, FL_DOMAIN_##c
#define FL_LISTED(...) FL_LISTED3(__VA_ARGS__, NONE, NONE, NONE, NONE)
#define FL_FIRST_LISTED1(a, ...) FL_DOMAIN_##a
#define FL_FIRST_LISTED(...) FL_FIRST_LISTED1(__VA_ARGS__, NONE)
#define FL_SECOND_LISTED2(a, b, ...) FL_DOMAIN_##b
#define FL_SECOND_LISTED(...) FL_SECOND_LISTED2(__VA_ARGS__, NONE, NONE)

/* The domains of the losses of the family that is compiled, constants inside its files: of
   a loss's label and its first two predictions. */
#ifdef FL_FAMILY
enum {
#define FL_LOSS(name, family, kind, labels, predictions, parameters) \
  FL_LABELS_##name = FL_FIRST_LISTED labels,                         \
  FL_PREDICTIONS_##name = FL_FIRST_LISTED predictions,               \
  FL_SECOND_##name = FL_SECOND_LISTED predictions,
#include FL_FAMILY
#undef FL_LOSS
};
#endif

#endif
