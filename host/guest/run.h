/** The guest's program: one batch, taken from the tape, executed, and its public words committed.
 * Compiled for the guest and natively.
 *
 * The tape begins with the batch: old state root (4 words), old accumulated input hash (4), old
 * batch number, chain id, fork id, timestamp, global exit root (4), sequencer (3), length of the L2
 * data, the data (eight bytes a word). Hashes and bytes are little-endian words of the bytes as
 * they stand, padded with zeros. The answers to the program's questions (io.h) follow. Counters are
 * enforced and the block gas limit is the rollup's: neither is on the tape.
 *
 * What fixes the batch: the old root, the old accumulated hash, the numbers and the fork are public
 * words themselves; L2 data, exit root, timestamp and sequencer are hashed into the new accumulated
 * hash. */
#ifndef ZKP_HOST_GUEST_RUN_H
#define ZKP_HOST_GUEST_RUN_H

#include "host/executor/executor.h"
#include "host/guest/io.h"

/** The public words: 32 bits each, limb 0 of a value first (its least significant bits). A root is
 * h0..h3 as pairs, h0 first; hashes are big-endian numbers. */
typedef enum guest_public {
    GUEST_OLD_STATE_ROOT = 0,
    GUEST_OLD_ACC_INPUT_HASH = 8,
    GUEST_OLD_BATCH_NUM = 16,
    GUEST_CHAIN_ID = 18,
    GUEST_FORK_ID = 20,
    GUEST_NEW_STATE_ROOT = 22,
    GUEST_NEW_ACC_INPUT_HASH = 30,
    GUEST_NEW_LOCAL_EXIT_ROOT = 38,
    GUEST_NEW_BATCH_NUM = 46,
    GUEST_PUBLIC_WORDS = 48,
} guest_public;

/** The words of a batch and its result. */
void guest_public_words(uint32_t out[GUEST_PUBLIC_WORDS], const exec_batch *batch,
                        const exec_result *result);

/** The memory of a run: the executor's, and where L2 data and bytecodes go. */
typedef struct guest_memory {
    exec_memory exec;
    exec_arena advice;
} guest_memory;

/** Runs to the end. Returns what exec_run returned; in the guest anything but EXEC_FAULT_NONE has
 * ended it. */
exec_fault guest_run(guest_io *io, guest_memory *memory);

#endif
