/** The native side of the guest: runs its program as native code and records the tape on the way
 * (io.h). A guest_io serves one run at a time, from one thread. */
#ifndef ZKP_HOST_GUEST_RECORD_H
#define ZKP_HOST_GUEST_RECORD_H

#include "driver/base/err.h"
#include "host/guest/run.h"

/** P_EEXHAUSTED. Reserves address space for a run's memory. */
p_status guest_io_create(guest_io **out, p_err *err);
void guest_io_destroy(guest_io *io); /**< NULL is allowed */

/** Starts an empty tape. host answers questions for nodes and bytecodes, is told of each recovery
 * (its answer is not looked at; the entry may be NULL), and is borrowed during the recording; NULL:
 * there is none. */
void guest_io_begin(guest_io *io, const exec_host *host);
/** P_OK if every requirement held so far and memory sufficed; else why not. */
p_status guest_io_check(const guest_io *io, p_err *err);

typedef struct guest_tape {
    const uint64_t *words; /**< the recorder's, until its next begin */
    size_t n_words;
    uint32_t public_words[GUEST_PUBLIC_WORDS];
} guest_tape;

/** Records a batch: the tape on which the guest repeats the run, and the public words that it will
 * commit. block_gas_limit and enforce_counters of the batch are not looked at: the guest's are
 * fixed. P_EMISSING: the host lacks a node or bytecode; P_EINVAL: the guest refuses the batch. */
p_status guest_record(guest_io *io, const exec_host *host, const exec_batch *batch,
                      guest_tape *tape, p_err *err);

#endif
