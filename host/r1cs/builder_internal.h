/* What the files of this folder share and circuits do not see. */
#ifndef ZKP_HOST_R1CS_BUILDER_INTERNAL_H
#define ZKP_HOST_R1CS_BUILDER_INTERNAL_H

#include "host/r1cs/builder.h"

/** What has been made of a combination before, a single wire each: the same combination is not
 * reduced twice. By serial numbers, so that both modes find the same. */
bool r1cs_memo_find(const r1cs_builder *b, uint64_t serial, r1cs_lc *out);
void r1cs_memo_keep(r1cs_builder *b, uint64_t serial, r1cs_lc made);

bool r1cs_building(const r1cs_builder *b);
/** For gadgets that compute their wires' values themselves, so that nothing is left to check:
 * counts constraints that are not made, in R1CS_SOLVE alone. */
void r1cs_count_solved(r1cs_builder *b, uint64_t constraints);

static inline bn_fr r1cs_fr_one(void)
{
    bn_fr one;

    bn_fr_set_one(&one);
    return one;
}

static inline bn_fr r1cs_fr_zero(void)
{
    return (bn_fr){{0, 0, 0, 0}};
}

static inline bn_fr r1cs_fr_u64(uint64_t v)
{
    bn_fr r;

    bn_fr_set_u64(&r, v);
    return r;
}

#endif
