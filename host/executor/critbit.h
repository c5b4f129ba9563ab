/** A map from 256-bit keys to records, by a crit-bit tree: each record brings the one inner node
 * that its insertion needs. A search takes at most 256 steps whatever keys an attacker chooses, and
 * about log2(n) steps for ordinary ones; a hash table with a fixed hash would not promise that.
 *
 * Records live in an arena and begin with a critbit_entry whose key the caller fills in. Records
 * cannot be removed. One thread at a time. */
#ifndef ZKP_HOST_EXECUTOR_CRITBIT_H
#define ZKP_HOST_EXECUTOR_CRITBIT_H

#include "host/executor/ref.h"
#include "host/executor/types.h"

typedef struct critbit_entry {
    u256 key;
    uint32_t child[2]; /**< of the inner node: reference * 2, + 1 if it names that record's inner
                          node rather than the record itself */
    uint32_t bit;      /**< which bit the inner node looks at */
    uint32_t reserved;
} critbit_entry;

/** The map; {0} is an empty one. */
typedef struct critbit {
    uint32_t root; /**< as critbit_entry.child, 0 if empty */
} critbit;

/** The record with this key, 0 if there is none. */
exec_ref critbit_find(const exec_arena *arena, const critbit *map, const u256 *key);

/** Adds a record whose key is set and is not in the map yet. */
void critbit_insert(exec_arena *arena, critbit *map, exec_ref record);

#endif
