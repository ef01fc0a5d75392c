/* domains.h: what labels and predictions may hold, each domain once. NaN is data.

     FL_DOMAIN(NAME, outside, bits, mask, message)

   outside  whether a double z is outside
   bits     of a real z: one of those in `mask` is set if z is outside, and perhaps where
            it is not, for -0 and NaN; kernels gather these and the engine looks again
   message  what an error says of a number that is outside */
FL_DOMAIN(REAL, false, 0, 0, "")
FL_DOMAIN(SIGN, z == z && z != 1 && z != -1, fl_bits(z) ^ fl_bits(1), ~FL_SIGN_BIT,
          "is not a hinge label: use -1 and +1, or booleans")
FL_DOMAIN(UNIT, z < 0 || z > 1, fl_bits(z) | fl_bits(1 - z), FL_SIGN_BIT,
          "is not in [0, 1]")
FL_DOMAIN(PROBABILITY, z < 0 || z > 1, fl_bits(z) | fl_bits(1 - z), FL_SIGN_BIT,
          "is not a probability in [0, 1]; for logits pass from_logits=True")
FL_DOMAIN(NONNEGATIVE, z < 0, fl_bits(z), FL_SIGN_BIT, "is negative")
FL_DOMAIN(COUNT, z < 0, fl_bits(z), FL_SIGN_BIT,
          "is negative: counts and amounts are 0 or more")
FL_DOMAIN(POSITIVE, z <= 0, fl_bits(z - FL_TINY), FL_SIGN_BIT, "is not positive")
FL_DOMAIN(LOG1P, z <= -1, fl_bits(z + 1 - FL_TINY), FL_SIGN_BIT,
          "is not above -1: the logarithm is that of 1 more")
FL_DOMAIN(MEAN, z <= 0, fl_bits(z - FL_TINY), FL_SIGN_BIT,
          "is not a positive mean; for logarithms pass log_input=True")
FL_DOMAIN(ORDERED, z != z, 0, 0, "has no place in an order")
FL_DOMAIN(EVENT, z != 0 && z != 1, 0, 0,
          "is neither 0 nor 1: events are 0 and 1, or booleans")
FL_DOMAIN(BIT, z == z && z != 0 && z != 1, fl_bits(z * (1 - z)), ~FL_SIGN_BIT,
          "is neither 0 nor 1: labels are 1 at the right classes and 0 at the others")
FL_DOMAIN(CLASS, false, 0, 0, "is not a class in [0, {classes})")
#undef FL_DOMAIN
