/** Sparse Merkle tree of the state (executor specification, section 5): a binary tree over
 * Poseidon-hashed keys, with leaves lifted to the highest place where they are alone.
 *
 *  Nodes live in an arena and are loaded from the host when a path first needs them. The *shape* of
 * the tree is always up to date, so that the depth of a key is known at once (the reference's
 * counters depend on it); *hashes* are computed only by smt_root, nodes of one level together.
 * Nodes of an older root stay intact (copy on write by epoch), so a root taken by smt_freeze can
 * still be read. One thread at a time. */
#ifndef ZKP_HOST_EXECUTOR_SMT_H
#define ZKP_HOST_EXECUTOR_SMT_H

#include "driver/field/goldilocks.h"
#include "host/executor/arena.h"
#include "host/executor/host.h"
#include "host/executor/types.h"

/* The author of smt.c completes this header. */

#endif
