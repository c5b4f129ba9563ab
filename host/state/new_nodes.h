/** The tree nodes that a run makes. The executor reports those of every root that it computes, and
 *  it computes one after each transaction; what is worth keeping are those of the last one. One
 *  thread at a time. Private to host/state. */
#ifndef ZKP_HOST_STATE_NEW_NODES_H
#define ZKP_HOST_STATE_NEW_NODES_H

#include "driver/field/goldilocks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Starts as zeros. */
typedef struct new_nodes {
    gl_t (*records)[16]; /**< 4 elements of hash, 12 of node, as state_store_write takes them */
    size_t n, cap;
} new_nodes;

/** False when there is no memory; the list stays as it is. */
bool new_nodes_add(new_nodes *l, const gl_t hash[4], const gl_t node[12]);
/** Leaves what the root reaches through nodes of the list, each once, in their order. seed is
 * secret and random: hashes can be chosen by those who send batches. False when there is no memory;
 * nothing has changed then. */
bool new_nodes_keep_reached(new_nodes *l, const gl_t root[4], const uint64_t seed[4]);
void new_nodes_free(new_nodes *l);

#endif
