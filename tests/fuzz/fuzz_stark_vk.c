/* Input: the file of a STARK's verifying key. Reading it ends with success or with an error that
 * names the file; a key that was read is one that holds its level, and is written as it was. */
#define _GNU_SOURCE /* memfd_create */
#include "tests/fuzz/fuzz_stark.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static air *a;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return air_create(&demo_lookup, &a, NULL) == P_OK ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    stark_vk vk;
    p_err err = {0};
    p_status s;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    s = stark_vk_adopt(fd, "fuzz.vk", a, &vk, &err);
    if (s != P_OK) {
        if (err.status != s || !strstr(err.text, "fuzz.vk: ") || vk.fixed_cap)
            abort();
        return 0;
    }
    if (stark_params_hold(&vk.params, a, &err) != P_OK)
        abort();
    stark_vk_free(&vk);
    return 0;
}
