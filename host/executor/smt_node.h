/** The nodes of smt.h in memory. Private to smt*.c. */
#ifndef ZKP_HOST_EXECUTOR_SMT_NODE_H
#define ZKP_HOST_EXECUTOR_SMT_NODE_H

#include "host/executor/smt.h"

/** Most states that go into one call of permute_many. */
#define SMT_HASH_BATCH 64

enum { SMT_STUB, SMT_INNER, SMT_LEAF };

enum {
    SMT_HASHED = 1,       /**< hash holds */
    SMT_VALUE = 2,        /**< leaf: value holds */
    SMT_VALUE_HASHED = 4, /**< leaf: value_hash holds */
};

typedef struct smt_node {
    gl_t hash[4];
    union {
        smt_ref child[2];
        struct {
            gl_t key[4]; /**< the whole key */
            u256 value;
            gl_t value_hash[4];
        } leaf;
    } u;
    uint32_t epoch; /**< the epoch that may change the node */
    smt_ref next;   /**< in the free or retired list; a retired node stays readable */
    uint8_t kind;
    uint8_t flags;
    uint8_t reserved[6];
} smt_node;

_Static_assert(sizeof(smt_node) % EXEC_REF_UNIT == 0, "nodes in a chunk have references");

static inline smt_node *smt_node_at(const smt *t, smt_ref ref)
{
    return exec_ref_ptr(t->arena, ref);
}

/** Bit 0..255 of a key's path. */
static inline unsigned smt_key_bit(const gl_t key[4], unsigned i)
{
    return (unsigned)(key[i & 3] >> (i >> 2)) & 1;
}

/** How many bits of key element i a path of this depth has used, 0..64. */
static inline unsigned smt_key_shift(unsigned depth, unsigned i)
{
    return depth / 4 + (depth % 4 > i);
}

#endif
