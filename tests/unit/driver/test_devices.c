/* Devices: finding, opening, what a back end must be, buffers. */
#include "tests/unit/driver/toy.h"

#include "driver/base/memory.h"
#include "driver/driver_internal.h"

#include <string.h>

static int setup(void **state)
{
    (void)state;
    toy_reset();
    return 0;
}

static void refuse(const drv_backend *backend, const char *unit, p_status expected,
                   const char *text)
{
    drv_device *d = (drv_device *)&d;
    p_err err = {P_OK, ""};
    int open = toy_state.opened - toy_state.closed;

    assert_int_equal(drv_open_backend(backend, unit, NULL, &d, &err), expected);
    assert_null(d);
    assert_int_equal(err.status, expected);
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
    assert_int_equal(toy_state.opened - toy_state.closed, open); /* what was opened was closed */
}

static void the_table_has_the_cpu(void **state)
{
    (void)state;
    drv_info found[8], one;
    drv_device *d;
    p_err err = {P_OK, ""};
    size_t n = drv_list(NULL, found, 8);

    assert_in_range(n, 1, 8);
    assert_int_equal(drv_list(NULL, NULL, 0), n);
    assert_int_equal(drv_list(NULL, &one, 1), n);
    assert_string_equal(one.name, found[0].name);
    bool cpu = false;
    for (size_t i = 0; i < n; i++) {
        cpu = cpu || strcmp(found[i].name, "cpu") == 0;
        assert_null(strstr(found[i].name, "fault")); /* never offered */
        assert_true(found[i].about[0] != '\0');
        assert_true(drv_open(found[i].name, NULL, &d, &err) == P_OK || !found[i].usable);
        assert_int_equal(drv_close(d, 1000, NULL), P_OK);
    }
    assert_true(cpu);
    assert_ptr_equal(drv_backend_find("cpu"), &drv_backend_cpu);
    assert_null(drv_backend_find("cp"));
    assert_null(drv_backend_find("cpux"));
    assert_null(drv_backend_find(""));

    assert_int_equal(drv_open(NULL, NULL, &d, &err), P_OK); /* the best */
    assert_string_equal(drv_device_info(d)->name, "cpu");
    assert_true(drv_device_info(d)->usable);
    assert_int_equal(drv_close(d, 1000, NULL), P_OK);
}

static void the_best_is_the_usable_one_of_highest_rank(void **state)
{
    (void)state;
    drv_info found[] = {
        {.name = "emulated", .usable = true, .rank = DRV_RANK_NAMED_ONLY},
        {.name = "cpu", .usable = true, .rank = DRV_RANK_CPU},
        {.name = "broken", .usable = false, .rank = DRV_RANK_CARD},
        {.name = "one", .usable = true, .rank = DRV_RANK_ACCELERATOR},
        {.name = "two", .usable = true, .rank = DRV_RANK_ACCELERATOR},
    };

    assert_int_equal(drv_best(found, 5, UINT32_MAX), 3);
    assert_int_equal(drv_best(found, 5, DRV_RANK_ACCELERATOR), 1);
    assert_int_equal(drv_best(found, 5, DRV_RANK_CPU), 5);
    assert_int_equal(drv_best(found, 1, UINT32_MAX), 1); /* only when named */
    assert_int_equal(drv_best(NULL, 0, UINT32_MAX), 0);
}

static void unknown_names_are_told_what_exists(void **state)
{
    (void)state;
    static const char too_long[] = "a-name-that-is-far-too-long-for-any-device-because-it-has-"
                                   "more-than-sixty-four-bytes-in-all";
    static const char *const names[] = {"gpu", "", ":", "cpu2", "xrt2:0", "CPU", too_long};
    p_err err;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        drv_device *d = (drv_device *)&d;
        assert_int_equal(drv_open(names[i], NULL, &d, &err), P_ENOTFOUND);
        assert_null(d);
        const char *list = strstr(err.text, "found ");
        assert_non_null(list);
        assert_non_null(strstr(list, "cpu"));
    }
    drv_device *d = (drv_device *)&d;
    assert_int_equal(drv_open("cpu:1", NULL, &d, &err), P_ENOTFOUND);
    assert_null(d);
    assert_non_null(strstr(err.text, "cpu:1"));
    assert_int_equal(drv_open("cpu", NULL, NULL, &err), P_EINVAL);
    assert_int_equal(drv_open_backend(&toy_backend, "", NULL, NULL, &err), P_EINVAL);
}

static void units_and_options_arrive(void **state)
{
    (void)state;
    drv_device *d;
    const drv_options options = {.threads = 3, .isa = "portable", .memory_bytes = 5, .fault = "x"};

    assert_int_equal(drv_open_backend(&toy_backend, "3:z", &options, &d, NULL), P_OK);
    assert_string_equal(toy_state.unit, "3:z");
    assert_string_equal(drv_device_info(d)->name, "toy:3:z");
    assert_string_equal(drv_device_info(d)->about, "a toy");
    assert_int_equal(toy_state.options.threads, options.threads); /* one by one: there is padding */
    assert_ptr_equal(toy_state.options.isa, options.isa);
    assert_int_equal(toy_state.options.memory_bytes, options.memory_bytes);
    assert_ptr_equal(toy_state.options.fault, options.fault);
    assert_int_equal(drv_close(d, 1000, NULL), P_OK);
    assert_int_equal(drv_open_backend(&toy_backend, NULL, NULL, &d, NULL), P_OK);
    assert_string_equal(drv_device_info(d)->name, "toy");
    assert_int_equal(toy_state.options.threads, 0);
    assert_null(toy_state.options.isa);
    assert_int_equal(drv_close(d, 1000, NULL), P_OK);
    /* 63 bytes are a name, 64 are not */
    char unit[65];
    memset(unit, 'u', sizeof unit);
    unit[59] = '\0';
    assert_int_equal(drv_open_backend(&toy_backend, unit, NULL, &d, NULL), P_OK);
    assert_int_equal(strlen(drv_device_info(d)->name), 63);
    assert_int_equal(drv_close(d, 1000, NULL), P_OK);
    unit[59] = 'u';
    unit[60] = '\0';
    refuse(&toy_backend, unit, P_EINVAL, "64 bytes");
}

static void a_back_end_must_be_whole(void **state)
{
    (void)state;
    drv_backend bad;

    refuse(NULL, "", P_EINVAL, "NULL");
    bad = toy_backend, bad.abi = DRV_BACKEND_ABI + 1;
    refuse(&bad, "", P_EUNSUPPORTED, "ABI version 2, expected 1");
    bad = toy_backend, bad.name = NULL;
    refuse(&bad, "", P_EINTERNAL, "name");
    bad = toy_backend, bad.name = "";
    refuse(&bad, "", P_EINTERNAL, "name");
    bad = toy_backend, bad.name = "a:b";
    refuse(&bad, "", P_EINTERNAL, "a:b");
#define LACKS(entry)                                                                               \
    bad = toy_backend, bad.entry = NULL;                                                           \
    refuse(&bad, "", P_EINTERNAL, "toy lacks the mandatory entry " #entry)
    LACKS(probe);
    LACKS(open);
    LACKS(close);
    LACKS(info);
    LACKS(supports);
    LACKS(estimate);
    LACKS(run);
    LACKS(object_free);
#undef LACKS
    bad = toy_backend, bad.buffer_alloc = drv_backend_cpu.buffer_alloc;
    refuse(&bad, "", P_EINTERNAL, "both");
    bad = toy_backend, bad.buffer_free = drv_backend_cpu.buffer_free;
    refuse(&bad, "", P_EINTERNAL, "both");
    toy_state.jobs = 0;
    refuse(&toy_backend, "", P_EINTERNAL, "info.jobs is 0; expected 1 to 64");
    toy_state.jobs = 65;
    refuse(&toy_backend, "", P_EINTERNAL, "info.jobs is 65");
    toy_state.jobs = 64;
    drv_device *d = toy_open();
    assert_int_equal(drv_close(d, 1000, NULL), P_OK);
    toy_state.open_status = P_EMISSING;
    refuse(&toy_backend, "", P_EMISSING, "the toy does not open");
}

static p_status counted_alloc(void *device, uint64_t bytes, void **out, p_err *err)
{
    static p_memory memory = {.limit = 10 * 4096};

    (void)device;
    p_status s = p_memory_alloc(&memory, bytes, 1, "counted", out, err);
    toy_state.buffers += s == P_OK;
    return s;
}

static void counted_free(void *device, void *buffer, uint64_t bytes)
{
    static p_memory memory; /* its count does not matter any more */

    (void)device;
    toy_state.buffers--;
    p_memory_free(&memory, buffer, bytes, 1);
}

static void buffers_on(const drv_backend *backend)
{
    drv_device *d;
    void *a, *b, *c = &c;
    p_err err;

    assert_int_equal(drv_open_backend(backend, "", NULL, &d, NULL), P_OK);
    assert_int_equal(drv_buffer_alloc(d, 4097, &a, NULL), P_OK);
    assert_int_equal((uintptr_t)a % 4096, 0);
    for (size_t i = 0; i < 4097; i++)
        assert_int_equal(((char *)a)[i], 0);
    assert_int_equal(drv_buffer_alloc(d, 8 * 4096, &b, NULL), P_OK);
    assert_int_equal(drv_buffer_alloc(d, 1, &c, &err), P_EEXHAUSTED);
    assert_null(c);
    drv_buffer_free(d, b, 8 * 4096);
    drv_buffer_free(d, NULL, 5);
    c = &c;
    assert_int_equal(drv_buffer_alloc(d, 0, &c, &err), P_EINVAL);
    assert_null(c);
    assert_int_equal(drv_buffer_alloc(NULL, 1, &c, &err), P_EINVAL);
    assert_int_equal(drv_buffer_alloc(d, 1, NULL, &err), P_EINVAL);
    assert_int_equal(drv_close(d, 1000, NULL), P_EINVAL);
    drv_buffer_free(d, a, 4097);
    assert_int_equal(drv_close(d, 1000, NULL), P_OK);
}

static void buffers(void **state)
{
    (void)state;
    drv_backend own = toy_backend;

    toy_state.memory = 10 * 4096;
    buffers_on(&toy_backend); /* ordinary memory, within the device's limit */
    own.buffer_alloc = counted_alloc;
    own.buffer_free = counted_free;
    buffers_on(&own);
    assert_int_equal(toy_state.buffers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_table_has_the_cpu, setup),
        cmocka_unit_test_setup(the_best_is_the_usable_one_of_highest_rank, setup),
        cmocka_unit_test_setup(unknown_names_are_told_what_exists, setup),
        cmocka_unit_test_setup(units_and_options_arrive, setup),
        cmocka_unit_test_setup(a_back_end_must_be_whole, setup),
        cmocka_unit_test_setup(buffers, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
