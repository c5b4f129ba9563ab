/** Memory of terms: a stack of blocks that grows by pieces, so that blocks never move. A block is
 * marked with its combination's number, by which one that has been overwritten is told. */
#ifndef ZKP_HOST_R1CS_ARENA_H
#define ZKP_HOST_R1CS_ARENA_H

#include "host/r1cs/builder.h"

#include <stddef.h>

typedef struct r1cs_arena {
    struct r1cs_piece **pieces;
    size_t count, current;
} r1cs_arena;

/** A block of count terms marked with this number; NULL without memory. */
r1cs_term *r1cs_arena_push(r1cs_arena *a, uint64_t serial, size_t count);
/** Gives back the last terms of the newest block; all of them: the block itself. */
void r1cs_arena_trim(r1cs_arena *a, size_t count, size_t kept);
/** Whether the block still has its mark. */
bool r1cs_arena_holds(const r1cs_term *block, uint64_t serial);
uint64_t r1cs_arena_place(const r1cs_arena *a);
void r1cs_arena_return(r1cs_arena *a, uint64_t place);
void r1cs_arena_free(r1cs_arena *a);

#endif
