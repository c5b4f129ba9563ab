/** The witness of one request in memory: tree nodes and bytecodes by hash (architecture, section
 * 3).
 *
 * Legal order: overlay_create; any number of overlay_add_*; overlay_verify; then the finders,
 * which see verified entries only. More may be added and verified later. Keys come from the wire:
 * nothing is indexed before its hash was recomputed, and the index is keyed with random numbers, so
 * nobody outside can make entries collide in it. One thread at a time while adding and verifying;
 * afterwards any number of readers. Private to host/state. */
#ifndef ZKP_HOST_STATE_OVERLAY_H
#define ZKP_HOST_STATE_OVERLAY_H

#include "driver/base/err.h"
#include "driver/field/gl_poseidon.h"

#include <stddef.h>
#include <stdint.h>

/** A record is 4 elements of hash and 12 of node: what state_store_write takes, too. */
#define OVERLAY_RECORD_WORDS 16

typedef struct overlay_code {
    gl_t hash[4];
    uint8_t *bytes; /**< owned by the overlay; NULL if len is 0 */
    size_t len;
} overlay_code;

/** Slots hold index + 1, 0 is free; the size is a power of two, at most half full. */
typedef struct overlay_index {
    uint32_t *slots;
    size_t size;
} overlay_index;

typedef struct state_overlay {
    gl_t (*nodes)[OVERLAY_RECORD_WORDS];
    size_t n_nodes, cap_nodes, verified_nodes;
    overlay_code *codes;
    size_t n_codes, cap_codes, verified_codes;
    size_t code_bytes;
    overlay_index node_index, code_index;
    uint64_t seed[4];
} state_overlay;

/** "0x", 64 digits, NUL. */
#define STATE_HASH_TEXT_BYTES 67

/** A hash of the state tree as text: element 3 first, as a 256-bit number is written. */
void state_hash_text(char out[STATE_HASH_TEXT_BYTES], const gl_t hash[4]);

p_status overlay_create(state_overlay **out, p_err *err);
void overlay_destroy(state_overlay *o); /**< NULL is allowed */

/** Adds a record as it is; elements are canonical (checked by the caller). */
p_status overlay_add_node(state_overlay *o, const gl_t hash[4], const gl_t node[12], p_err *err);
/** Takes bytes (malloc'ed) over, also on failure. */
p_status overlay_add_code(state_overlay *o, const gl_t hash[4], uint8_t *bytes, size_t len,
                          p_err *err);

/** Recomputes the hash of all entries not yet verified, and makes them visible. On a mismatch
 * (P_EINVAL, naming the key and the hash found) the overlay is only good for destroying. */
p_status overlay_verify(state_overlay *o, const gl_poseidon_ops *poseidon, p_err *err);
bool overlay_is_verified(const state_overlay *o);

/** The 12 elements, or NULL. Borrowed until the next change of the overlay. */
const gl_t *overlay_find_node(const state_overlay *o, const gl_t hash[4]);
const overlay_code *overlay_find_code(const state_overlay *o, const gl_t hash[4]);

size_t overlay_memory(const state_overlay *o);

#endif
