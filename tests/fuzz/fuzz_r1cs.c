/* Input: an .r1cs file. Reading all of it, its names, and checking a witness against it ends with
 * success or with an error that says why. */
#define _GNU_SOURCE /* memfd_create */
#include "host/r1cs/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_WIRES 100000 /* of a witness that is made */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(p_status status, const p_err *err)
{
    if (status != P_OK && (err->status != status || !strstr(err->text, "fuzz.r1cs"))) {
        fprintf(stderr, "fuzz: status %d without a reason: %s\n", (int)status, err->text);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    r1cs_file f;
    r1cs_file_counts counts;
    p_err err = {0};
    p_status s;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    s = r1cs_file_adopt(&f, fd, "fuzz.r1cs", &err);
    check(s, &err);
    if (s != P_OK)
        return 0;
    s = r1cs_file_check(&f, &counts, &err);
    check(s, &err);
    if (s == P_OK && (counts.terms[0] + counts.terms[1] + counts.terms[2]) * 36 +
                             (uint64_t)f.header.constraints * 12 !=
                         f.constraints->size)
        abort();
    if (f.header.wires <= MAX_WIRES) {
        uint64_t *values = calloc(f.header.wires, 32);
        char name[R1CS_FILE_NAME_BYTES];
        r1cs_violation v;
        p_status t;

        if (!values)
            abort();
        for (uint32_t i = 0; i < f.header.wires; i++)
            values[4 * (size_t)i] = 1;
        p_err_clear(&err);
        t = r1cs_check(&f, values, &v, &err);
        check(t, &err);
        if (v.found && (t != P_EINVAL || v.constraint >= f.header.constraints))
            abort();
        if (s == P_OK && t != P_OK && !v.found)
            abort();
        p_err_clear(&err);
        check(r1cs_file_name(&f, v.constraint, name, &err), &err);
        free(values);
    }
    r1cs_file_close(&f);
    return 0;
}
