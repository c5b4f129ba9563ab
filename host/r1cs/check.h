/** Whether a witness satisfies constraints: what files of other programs, and circuits under test,
 * are checked with. */
#ifndef ZKP_HOST_R1CS_CHECK_H
#define ZKP_HOST_R1CS_CHECK_H

#include "host/iden3/r1cs_file.h"

/** What was not satisfied. */
typedef struct r1cs_violation {
    bool found;
    uint32_t constraint;
    char name[R1CS_FILE_NAME_BYTES]; /**< "" if the file has none */
} r1cs_violation;

/** Reads the constraints once and evaluates each; values: f->header.wires * 4 words, canonical,
 * values[0] = 1. P_OK if all hold; P_EINVAL "FILE: constraint N (NAME) does not hold" for the first
 * that does not (*out, may be NULL); the reader's errors. Values are not told. */
p_status r1cs_check(const r1cs_file *f, const uint64_t *values, r1cs_violation *out, p_err *err);

/** The same for two files; P_EINVAL also if they do not belong together. */
p_status r1cs_check_files(const char *r1cs_path, const char *wtns_path, r1cs_violation *out,
                          p_err *err);

#endif
