/** The Fiat-Shamir transcript (docs/stark.md, Transcript).
 *
 * A transcript is used by one thread; init -> absorb and squeeze phases in any order. It borrows
 * the permutations. With a log, every call is told, in order: what tests read to see that
 * everything is absorbed before the challenges that depend on it. */
#ifndef ZKP_HOST_STARK_TRANSCRIPT_H
#define ZKP_HOST_STARK_TRANSCRIPT_H

#include "driver/driver.h"
#include "driver/field/bn_poseidon.h"
#include "driver/field/gl_ext.h"
#include "driver/field/gl_poseidon.h"
#include "host/air/air.h"

/** Permutations of the hash in use, and of circuits' tests; create once, any thread. */
typedef struct stark_hash {
    drv_hash kind;
    const gl_poseidon_ops *gl;
    const bn_poseidon_ops *bn;
    bn_poseidon *bn_width[BN_POSEIDON_MAX_WIDTH + 1]; /**< those needed; NULL else */
} stark_hash;

/** All widths. */
p_status stark_hash_create(drv_hash kind, stark_hash *out, p_err *err);
/** Those of the transcript, of nodes, and of the leaves of an air's proofs: over BN254 a few
 * instead of sixteen, each some milliseconds. */
p_status stark_hash_create_for(drv_hash kind, const air *a, stark_hash *out, p_err *err);
void stark_hash_destroy(stark_hash *h);

/** Leaf and node as in driver.h, for verifiers. Words of leaves canonical. */
void stark_hash_leaf(const stark_hash *h, const uint64_t *words, uint32_t count,
                     uint64_t digest[DRV_DIGEST_WORDS]);
/** children: 2 or 16 digests. */
void stark_hash_node(const stark_hash *h, const uint64_t *children,
                     uint64_t digest[DRV_DIGEST_WORDS]);
/** Whether a leaf's digest leads to the cap: index of the leaf, path of path_digests (whole
 * levels), cap with a digest for each subtree that the levels leave. */
bool stark_hash_path(const stark_hash *h, const uint64_t leaf[DRV_DIGEST_WORDS], uint64_t index,
                     const uint64_t *path, uint32_t path_digests, const uint64_t *cap);
/** 1 or 4: log2 of a node's children. */
uint32_t stark_hash_arity_log2(drv_hash kind);
/** Whether four words are a digest: canonical elements. */
bool stark_hash_digest_ok(drv_hash kind, const uint64_t digest[DRV_DIGEST_WORDS]);

typedef struct stark_transcript {
    const stark_hash *hash;
    union {
        gl_t gl[GL_POSEIDON_WIDTH];
        uint64_t bn[4]; /**< canonical */
    } state;
    uint64_t squeezed[3]; /**< BN254: the current element's words */
    uint32_t place;       /**< the next word to read */
    /** event: "absorb" (words are the caller's array; count words, digests 4 each), "begin" (a
     * squeeze phase, nothing else set), "squeeze" (words are what came out). NULL: nobody. */
    void (*log)(void *context, const char *event, const char *what, const uint64_t *words,
                uint64_t count);
    void *log_context;
} stark_transcript;

void stark_transcript_init(stark_transcript *t, const stark_hash *hash);
/** what: name for the log. Words canonical. */
void stark_absorb_words(stark_transcript *t, const char *what, const uint64_t *words,
                        uint64_t count);
void stark_absorb_digests(stark_transcript *t, const char *what, const uint64_t *digests,
                          uint64_t count);
/** Begins a squeeze phase: once before the phase's challenges, and only for those. */
void stark_squeeze_begin(stark_transcript *t);
gl_ext stark_squeeze_ext(stark_transcript *t, const char *what);
/** The VK digest's form: one digest, a phase of its own (which it begins). */
void stark_squeeze_digest(stark_transcript *t, uint64_t digest[DRV_DIGEST_WORDS]);
/** The phase after the nonce (which it begins): the grinding element's low 64 bits; then the
 * indices, in the same phase. */
uint64_t stark_squeeze_grinding(stark_transcript *t);
void stark_squeeze_indices(stark_transcript *t, uint32_t log_n, uint64_t *out, uint32_t count);

#endif
