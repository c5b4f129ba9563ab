/* Input: an xclbin, or, if the first byte is even, changes to a good one: three bytes of place, one
 * of value, and so on. */
#include "driver/xrt/xclbin.h"
#include "tests/unit/xrt/make_xclbin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t UNITS[CARD_KERNELS] = {1, 1, 0, 2, 0, 1};
    static maker good, changed;
    xrt_xclbin x;
    p_err err = {P_OK, ""};
    p_status s;

    if (size == 0)
        return 0;
    if (good.size == 0)
        make_xclbin(&good, UNITS, 1);
    if (data[0] % 2 == 0) {
        memcpy(changed.bytes, good.bytes, good.size);
        changed.size = good.size;
        for (size_t i = 1; i + 4 <= size; i += 4)
            changed.bytes[(data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16) %
                          changed.size] = data[i + 3];
        data = changed.bytes;
        size = changed.size;
    }
    s = xrt_xclbin_read(&x, data, size, &err);
    if (s == P_OK)
        s = xrt_xclbin_check(&x, UNITS, 1, &err);
    if (s != P_OK && (s != P_ECORRUPT || !err.text[0])) {
        fprintf(stderr, "fuzz: status %d without a reason\n", (int)s);
        abort();
    }
    return 0;
}
