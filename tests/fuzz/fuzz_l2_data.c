/* Input: one byte for the fork, then batch_l2_data. */
#include "tests/fuzz/fuzz_executor.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_executor_init("fork6/mixed.json");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        fuzz_executor_run(data + 1, size - 1, fuzz_fork(data[0]));
    return 0;
}
