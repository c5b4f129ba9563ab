/* Kernels with a deliberate fault (hls/include/hls_fault.h) compiled in: the device does not open,
 * and says which kernel it is. Without one it opens. */
#include "tests/unit/opencl/ocl_test.h"

#include "driver/card/card_device.h"

static ocl_found found;

static p_status open_with(const char *build, p_err *err)
{
    const drv_options options = {.memory_bytes = (uint64_t)256 << 20};
    card_device *device = NULL;
    ocl_card *card;

    if (ocl_card_create(&found, &options, build, &card, err) != P_OK)
        fail_msg("%s", err->text);
    p_status s =
        card_device_open(&OCL_CARD_OPS, card, "opencl:test", "a test", &options, &device, err);
    if (s == P_OK)
        card_device_close(device);
    return s;
}

static void test_right(void **state)
{
    p_err err = {P_OK, ""};

    (void)state;
    if (open_with(NULL, &err) != P_OK)
        fail_msg("%s", err.text);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *build, *kernel;
    } FAULTS[] = {
        /* few, since each is a compilation of everything */
        {"-D HLS_FAULT=3", "gl_lde"},     /* a borrow is one too small */
        {"-D HLS_FAULT=12", "gl_merkle"}, /* a wrong entry of the matrix */
        {"-D HLS_FAULT=43", "bn_msm_g1"}, /* a wrong denominator */
    };

    (void)state;
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        p_err err = {P_OK, ""};
        p_status s = open_with(FAULTS[i].build, &err);

        if (s != P_EDEVICE || !strstr(err.text, FAULTS[i].kernel))
            fail_msg("%s: %s, %s", FAULTS[i].build, p_status_name(s), err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
    };

    if (!test_find(&found))
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
