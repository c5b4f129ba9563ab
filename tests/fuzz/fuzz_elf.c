/* Input: an ELF file. Whatever it holds, it is read or refused with a reason, and a program that
 * was read runs for a while without harm. */
#include "host/vm/vm.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t advice[4] = {0, 1, UINT64_MAX, 0x10000};
    p_err err = {0};
    vm_image *image = NULL;
    p_status status = vm_image_parse(&image, "input", data, size, &err);
    if (status != P_OK) {
        if (image || err.status != status || !err.text[0]) {
            fprintf(stderr, "fuzz: status %d without a reason\n", (int)status);
            abort();
        }
        return 0;
    }
    vm *m = NULL;
    vm_result result;
    const vm_run_options options = {
        .advice = advice, .advice_words = 4, .max_cycles = 2000, .public_words = 1};
    if (vm_create(&m, image, &err) == P_OK && vm_run(m, &options, &result, &err) == P_OK)
        (void)vm_result_check(&result, &err);
    vm_destroy(m);
    vm_image_destroy(image);
    return 0;
}
