/** Constraints: iden3's .r1cs (version 1 of the format), over BN254's Fr.
 *
 * A constraint is A B = C of three linear combinations; a combination is a list of terms: wire and
 * factor, a canonical number below r in four little-endian words. Wire 0 is the constant 1, then
 * the public outputs, the public inputs, the private inputs and all others. Terms may come in any
 * order; several of one wire add up.
 *
 * Reading: r1cs_file_open checks header and lengths, a cursor then reads constraints one after the
 * other through a buffer, so that files of gigabytes are never in memory. Writing is a stream, too:
 * r1cs_file_create, for each constraint three times r1cs_file_put_count and that many
 * r1cs_file_put_term, then r1cs_file_commit with the header; sections stand in the file in that
 * order, the header after the constraints. Files of ours carry one more section with names of
 * constraints, which other programs leave alone. Every error of reading names file, section and
 * offset. An object is used by one thread. */
#ifndef ZKP_HOST_IDEN3_R1CS_FILE_H
#define ZKP_HOST_IDEN3_R1CS_FILE_H

#include "host/iden3/binfile.h"

#include <stdbool.h>

#define R1CS_FILE_NAME_BYTES 128 /**< of a name of constraints, with its end */

typedef struct r1cs_file_header {
    uint32_t wires; /**< with wire 0 */
    uint32_t outputs, inputs, private_inputs;
    uint32_t constraints;
    uint64_t labels;
} r1cs_file_header;

/* ---- reading ---- */

typedef struct r1cs_file {
    binfile file;
    r1cs_file_header header;
    const binfile_section *constraints, *map, *names; /**< names: NULL if there are none */
} r1cs_file;

/** Checks the header and the lengths. P_EUNSUPPORTED: another prime, or custom gates. Close it also
 * after a failure. */
p_status r1cs_file_open(r1cs_file *out, const char *path, p_err *err);
p_status r1cs_file_adopt(r1cs_file *out, int fd, const char *path, p_err *err);
void r1cs_file_close(r1cs_file *f);

/** Reads constraints from the first on. 64 KiB: not on a small stack. */
typedef struct r1cs_file_cursor {
    const r1cs_file *file;
    binfile_cursor c;
    uint32_t constraint; /**< of the combination that is read; header.constraints at the end */
    unsigned part;       /**< 0, 1, 2: A, B, C */
    uint32_t left;       /**< terms of the combination not read yet */
} r1cs_file_cursor;

void r1cs_file_start(r1cs_file_cursor *c, const r1cs_file *f);
/** The next combination (the terms of the one before have been read): *terms of them follow. Call
 * it header.constraints * 3 times: A, B, C of constraint 0, and so on. */
p_status r1cs_file_next(r1cs_file_cursor *c, uint32_t *terms, p_err *err);
/** P_ECORRUPT for a wire that is not below header.wires and a factor that is not below r. */
p_status r1cs_file_term(r1cs_file_cursor *c, uint32_t *wire, uint64_t factor[4], p_err *err);
/** P_ECORRUPT unless everything of the section has been read. */
p_status r1cs_file_finish(const r1cs_file_cursor *c, p_err *err);

/** Reads everything: constraints, map, names; counts what was found. */
typedef struct r1cs_file_counts {
    uint64_t terms[3]; /**< of A, B and C */
} r1cs_file_counts;
p_status r1cs_file_check(const r1cs_file *f, r1cs_file_counts *out, p_err *err);

/** The name of a constraint; "" if the file has none for it. */
p_status r1cs_file_name(const r1cs_file *f, uint32_t constraint, char out[R1CS_FILE_NAME_BYTES],
                        p_err *err);

/* ---- writing ---- */

typedef struct r1cs_file_writer {
    binfile_writer file;
    uint8_t *buffer;
    size_t filled;
    char *names; /**< the section's contents so far */
    size_t names_bytes, names_last, names_capacity;
    uint32_t combinations; /**< begun, modulo 3: for the check at the end */
    uint32_t constraints;
} r1cs_file_writer;

/** Begins the file and its constraints. P_EIO, P_EINVAL, P_EEXHAUSTED. Abandon it also after a
 * failure. */
p_status r1cs_file_create(r1cs_file_writer *w, const char *path, p_err *err);
/** The next combination; P_EEXHAUSTED after 2^32 - 1 constraints. */
p_status r1cs_file_put_count(r1cs_file_writer *w, uint32_t terms, p_err *err);
p_status r1cs_file_put_term(r1cs_file_writer *w, uint32_t wire, const uint64_t factor[4],
                            p_err *err);
/** Names the constraints from the next one on; names that do not fit (64 MiB of them) are dropped.
 */
p_status r1cs_file_put_name(r1cs_file_writer *w, const char *name, p_err *err);
/** Completes the file: header (its number of constraints is the writer's), wire i has label i. */
p_status r1cs_file_commit(r1cs_file_writer *w, const r1cs_file_header *header, p_err *err);
/** Removes what was begun; nothing after a commit. */
void r1cs_file_abandon(r1cs_file_writer *w);

#endif
