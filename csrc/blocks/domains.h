/* domains.h: the quick test of a number against its domain, in the loop of a kernel. */
#ifndef FL_DOMAINS_H
#define FL_DOMAINS_H

#include "blocks/kernels.h"
#include "math/vecmath.h"
#include "registry/enums.h"

enum { FL_GROUP = FL_LANES };

/* The bits of a number that say whether it is outside its domain (registry/domains.h). */
FL_INLINE fl_uint fl_outside(fl_domain domain, real z) {
  switch (domain) {
#define FL_DOMAIN(NAME, outside, bits, mask, message) \
  case FL_DOMAIN_##NAME: return bits;
#include "registry/domains.h"
    default: return 0;
  }
}

FL_INLINE fl_uint fl_outside_bits(fl_domain domain) {
  switch (domain) {
#define FL_DOMAIN(NAME, outside, bits, mask, message) \
  case FL_DOMAIN_##NAME: return mask;
#include "registry/domains.h"
    default: return 0;
  }
}

/* Of labels of rows, which nobody looks at again: NaN is inside. */
FL_INLINE fl_int fl_outside_bit(real z) {
  return -(fl_int)((z == z) & (z != 0) & (z != 1));
}

/* The bits of a group together. */
FL_INLINE fl_uint fl_any(const fl_uint *bits) {
  fl_uint any = 0;
  for (int j = 0; j < FL_GROUP; j++) any |= bits[j];
  return any;
}

#endif
