/** Makes flat blocks (flat.h) out of batch files, natively. It reads the JSON itself, so that these
 * tests do not lean on host/state. Any thread. */
#ifndef ZKP_TESTS_GUEST_FLATTEN_H
#define ZKP_TESTS_GUEST_FLATTEN_H

#include "tests/guest/flat.h"

/** What flatten_file needs to know beside the block. */
typedef struct flatten_expected {
    bool has_state_root;
    u256 state_root; /**< newStateRoot of the file */
} flatten_expected;

/** Reads a batch file. *block (malloc'ed, the caller frees it, no recoveries in it) is NULL on
 * failure; then error holds the reason. expected may be NULL. */
bool flatten_file(const char *path, uint8_t **block, size_t *len, flatten_expected *expected,
                  char error[256]);

/** A host over f whose recover asks libsecp256k1 and remembers each answer. */
typedef struct flatten_recorder {
    flat_file *file;
    void *secp;
    flat_recovery *entries;
    size_t n, room;
} flatten_recorder;

bool flatten_recorder_init(flatten_recorder *rec, flat_file *f);
void flatten_recorder_free(flatten_recorder *rec);
/** The entry `recover` for an exec_host whose ctx is a flat_file cannot see the recorder, so the
 * host returned here has the recorder as its ctx. */
exec_host flatten_recorder_host(flatten_recorder *rec);

/** The block with the recorded answers at its end; malloc'ed. NULL when out of memory. */
uint8_t *flatten_with_recoveries(const uint8_t *block, size_t len, const flatten_recorder *rec,
                                 size_t *out_len);

/** Reserves the three arenas of a run with mmap; false when that fails. Pages are touched only as
 * they are used. */
bool flatten_memory_map(exec_memory *memory, size_t arena_bytes);
void flatten_memory_unmap(exec_memory *memory);
/** Makes the arenas empty again for another run. */
void flatten_memory_reset(exec_memory *memory);

#endif
