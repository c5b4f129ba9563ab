/* An AIR of degree 8 out of random expressions, for tests of evaluators: it says nothing, and no
 * trace satisfies it. Every kind of operand meets every other. */
#ifndef ZKP_TESTS_UNIT_AIR_RANDOM_AIR_H
#define ZKP_TESTS_UNIT_AIR_RANDOM_AIR_H

#include "host/air/air.h"

#define RANDOM_AIR_PUBLICS 9

extern const air_definition random_air;

#endif
