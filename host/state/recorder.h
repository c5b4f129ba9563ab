/** The advice tape: every answer that a run got from outside, in order, so that the run can be
 * repeated from the tape alone. It is what the RISC-V guest will read, which trusts nothing on it:
 * the replaying host here does the same checks.
 *
 * The tape is 64-bit little-endian words (in memory: native words).
 *
 *      header     STATE_TAPE_MAGIC, STATE_TAPE_VERSION
 *      entries, in the order of the questions:
 *      node       STATE_TAPE_NODE,    hash (4), node (12)
 *      code       STATE_TAPE_CODE,    hash (4), len in bytes, bytes (ceil(len / 8) words, eight
 *                                     bytes a word, least significant first, zeros after the end)
 *      recovery   STATE_TAPE_RECOVER, exec_recovery, x || y (8 words, bytes as above; zeros unless
 *                                     the answer is EXEC_RECOVERY_OK)
 *      end        STATE_TAPE_END      nothing follows
 *
 * Answers other than a found node or code end a run and are not recorded. The hash of an entry is
 * what was asked for: a reader knows it already and may skip it; it is there to tell where a tape
 * and a run part. One thread at a time for each object. */
#ifndef ZKP_HOST_STATE_RECORDER_H
#define ZKP_HOST_STATE_RECORDER_H

#include "driver/base/err.h"
#include "host/executor/host.h"

#define STATE_TAPE_MAGIC UINT64_C(0x3165706154706b7a) /**< "zkpTape1" as bytes */
#define STATE_TAPE_VERSION UINT64_C(1)

typedef enum state_tape_kind {
    STATE_TAPE_NODE = 1,
    STATE_TAPE_CODE = 2,
    STATE_TAPE_RECOVER = 3,
    STATE_TAPE_END = 4,
} state_tape_kind;

typedef struct state_recorder state_recorder;

p_status state_recorder_create(state_recorder **out, p_err *err);
void state_recorder_destroy(state_recorder *r); /**< NULL is allowed */

/** Starts a new tape over inner, which is borrowed until the run is over. The host that comes back
 * belongs to the recorder. */
const exec_host *state_recorder_begin(state_recorder *r, const exec_host *inner);

/** Ends the tape. The words belong to the recorder until its next begin. P_EEXHAUSTED if memory ran
 * out while recording. */
p_status state_recorder_finish(state_recorder *r, const uint64_t **words, size_t *n_words,
                               p_err *err);

typedef struct state_replay state_replay;

/** A host that answers from a tape (borrowed until destroy). It computes every hash itself, with
 * the portable Poseidon, and asks check_recover whether a recovery is right (state_recover, or any
 * function of that form; ctx is handed NULL). P_EINVAL if the header is wrong. */
p_status state_replay_create(state_replay **out, const uint64_t *words, size_t n_words,
                             exec_recovery (*check_recover)(void *ctx, const uint8_t hash[32],
                                                            const uint8_t r[32],
                                                            const uint8_t s[32], bool odd_y,
                                                            uint8_t public_key[64]),
                             p_err *err);
void state_replay_destroy(state_replay *r); /**< NULL is allowed */
const exec_host *state_replay_host(state_replay *r);

/** Whether all answers were right and the tape ended with the run; P_ECORRUPT with the word where
 * it did not. The result of a run counts only after a P_OK here: a recovery has no way to stop a
 * run, so that a wrong one shows only here. */
p_status state_replay_finish(const state_replay *r, p_err *err);

#endif
