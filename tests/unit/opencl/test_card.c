/* driver/opencl as a card: memory, transfers, tickets, loss and reset, what cannot be built. */
#include "tests/unit/opencl/ocl_test.h"

#include "driver/base/clock.h"

static ocl_found found;

static ocl_card *open_card(const drv_options *options)
{
    p_err err = {P_OK, ""};
    ocl_card *card;

    if (ocl_card_create(&found, options, NULL, &card, &err) != P_OK)
        fail_msg("%s", err.text);
    return card;
}

static void test_found(void **state)
{
    ocl_found many[OCL_MAX_DEVICES];
    char why[DRV_TEXT_BYTES];

    (void)state;
    assert_true(ocl_find(many, OCL_MAX_DEVICES, why) >= 1);
    assert_true(ocl_find(NULL, 0, why) >= 1);
    assert_true(found.memory_bytes > 0 && found.units > 0);
    assert_non_null(strstr(found.about, "OpenCL"));
    assert_string_equal(ocl_error_text(CL_OUT_OF_RESOURCES), "CL_OUT_OF_RESOURCES");
    assert_non_null(ocl_error_text(-9999));
}

static void test_memory(void **state)
{
    const drv_options options = {.memory_bytes = (uint64_t)32 << 20};
    ocl_card *card = open_card(&options);
    card_buffer *a, *b;
    card_caps caps;
    p_err err = {P_OK, ""};

    (void)state;
    OCL_CARD_OPS.caps(card, &caps);
    assert_int_equal(caps.channels_log2, 0);
    assert_true(caps.patience >= 1);
    for (unsigned i = 0; i < CARD_KERNELS; i++)
        assert_int_equal(caps.units[i], 1);
    assert_true(caps.rows[0] > 0 && caps.rows[1] > 0);
    assert_true((caps.rows[0] + caps.rows[1]) * HLS_ROW_BYTES + card->scratch_bytes <=
                options.memory_bytes);
    uint64_t rows = caps.rows[0] + caps.rows[1];
    assert_int_equal(OCL_CARD_OPS.alloc(card, CARD_SIDE_A, rows + 1, &a, &err), P_EEXHAUSTED);
    assert_null(a);
    assert_int_equal(OCL_CARD_OPS.alloc(card, CARD_SIDE_A, 0, &a, &err), P_EINVAL);
    assert_int_equal(OCL_CARD_OPS.alloc(card, CARD_SIDE_B, rows - 1, &a, &err), P_OK);
    assert_int_equal(OCL_CARD_OPS.alloc(card, CARD_SIDE_A, 2, &b, &err), P_EEXHAUSTED);
    assert_int_equal(OCL_CARD_OPS.alloc(card, CARD_SIDE_A, 1, &b, &err), P_OK);
    OCL_CARD_OPS.free(card, a);
    OCL_CARD_OPS.free(card, b);
    assert_int_equal(OCL_CARD_OPS.alloc(card, CARD_SIDE_A, rows, &a, &err), P_OK);
    OCL_CARD_OPS.free(card, a);
    OCL_CARD_OPS.free(card, NULL);
    OCL_CARD_OPS.close(card);
}

static void test_transfers(void **state)
{
    ocl_card *card = open_card(NULL);
    test_buffer b;
    hls_row part[5];
    card_ticket *ticket[4];
    p_err err = {P_OK, ""};
    uint64_t seed = 1;

    (void)state;
    test_create(card, &b, 1000, &seed);
    test_expect(card, &b, "as written");
    /* several at a time, of parts */
    for (uint64_t i = 0; i < 5; i++)
        for (unsigned k = 0; k < HLS_ROW_WORDS; k++)
            part[i].w[k] = test_random(&seed);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(
            OCL_CARD_OPS.start_write(card, b.buffer, 995 - 5 * i, 5, part, &ticket[i], &err), P_OK);
        memcpy(&b.want[995 - 5 * i], part, sizeof part);
    }
    for (uint64_t i = 4; i-- > 0;)
        test_wait(card, ticket[i]);
    test_expect(card, &b, "as written in parts");
    static const uint64_t BAD[][2] = {{0, 0},   {0, 1001},       {1000, 1},
                                      {999, 2}, {UINT64_MAX, 1}, {1, UINT64_MAX}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(
            OCL_CARD_OPS.start_write(card, b.buffer, BAD[i][0], BAD[i][1], part, &ticket[0], &err),
            P_EINVAL);
        assert_int_equal(
            OCL_CARD_OPS.start_read(card, b.buffer, BAD[i][0], BAD[i][1], part, &ticket[0], &err),
            P_EINVAL);
    }
    test_expect(card, &b, "after refusals");
    test_destroy(card, &b);
    OCL_CARD_OPS.close(card);
}

/* A run that takes a while: its ticket is looked at before it ends, and transfers go on beside it.
 */
static void test_waiting(void **state)
{
    ocl_card *card = open_card(NULL);
    test_buffer b, other;
    card_ticket *run, *read;
    p_err err = {P_OK, ""};
    uint64_t seed = 2, count = 20000;
    hls_row row;
    p_status s;

    (void)state;
    test_create(card, &b, 2 * count, &seed);
    test_create(card, &other, 16, &seed);
    const card_arg args[] = {TEST_ROWS(b),   TEST_ROWS(b),       TEST_NUMBER(HLS_PERMUTE),
                             TEST_NUMBER(0), TEST_NUMBER(count), TEST_NUMBER(0),
                             TEST_NUMBER(0), TEST_NUMBER(0)};
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_gl_merkle, 1, args, 8, &run, &err),
                     P_EINVAL);
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_KERNELS, 0, args, 8, &run, &err), P_EINVAL);
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_gl_merkle, 0, args, 7, &run, &err),
                     P_EINVAL);
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_gl_merkle, 0, args, 8, &run, &err), P_OK);
    s = OCL_CARD_OPS.wait(card, run, 0, &err);
    assert_true(s == P_EDEADLINE); /* twenty thousand permutations have not ended yet */
    assert_int_equal(OCL_CARD_OPS.start_read(card, other.buffer, 3, 1, &row, &read, &err), P_OK);
    test_wait(card, read);
    assert_memory_equal(&row, &other.want[3], sizeof row);
    test_wait(card, run);
    test_destroy(card, &b);
    test_destroy(card, &other);
    OCL_CARD_OPS.close(card);
}

static void test_loss(void **state)
{
    ocl_card *card = open_card(NULL);
    test_buffer b;
    card_buffer *none;
    card_ticket *run, *write, *ticket;
    p_err err = {P_OK, ""};
    uint64_t seed = 3, count = 5000;
    hls_row row = {{0}};

    (void)state;
    test_create(card, &b, 2 * count, &seed);
    const card_arg args[] = {TEST_ROWS(b),   TEST_ROWS(b),       TEST_NUMBER(HLS_PERMUTE),
                             TEST_NUMBER(0), TEST_NUMBER(count), TEST_NUMBER(0),
                             TEST_NUMBER(0), TEST_NUMBER(0)};
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_gl_merkle, 0, args, 8, &run, &err), P_OK);
    assert_int_equal(OCL_CARD_OPS.start_write(card, b.buffer, 0, 1, &row, &write, &err), P_OK);
    assert_int_equal(ocl_card_lose(card, &err, "a test lost it"), P_EDEVICE);
    /* all that was started ends soon, and nothing more starts */
    int64_t start = p_clock_ms(CLOCK_MONOTONIC);
    assert_int_equal(OCL_CARD_OPS.wait(card, run, 5000, &err), P_EDEVICE);
    assert_int_equal(OCL_CARD_OPS.wait(card, write, 5000, &err), P_EDEVICE);
    assert_true(p_clock_ms(CLOCK_MONOTONIC) - start < 1000);
    assert_non_null(strstr(err.text, "a test lost it"));
    assert_int_equal(OCL_CARD_OPS.alloc(card, CARD_SIDE_A, 1, &none, &err), P_EDEVICE);
    assert_int_equal(OCL_CARD_OPS.start_write(card, b.buffer, 0, 1, &row, &ticket, &err),
                     P_EDEVICE);
    assert_int_equal(OCL_CARD_OPS.start_read(card, b.buffer, 0, 1, &row, &ticket, &err), P_EDEVICE);
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_gl_merkle, 0, args, 8, &ticket, &err),
                     P_EDEVICE);
    test_destroy(card, &b);
    assert_int_equal(OCL_CARD_OPS.reset(card, &err), P_OK);
    test_create(card, &b, 64, &seed);
    test_expect(card, &b, "after a reset");

    /* a reset in the middle of a run: its ticket belongs to a context that is gone */
    const card_arg again[] = {TEST_ROWS(b),   TEST_ROWS(b),    TEST_NUMBER(HLS_PERMUTE),
                              TEST_NUMBER(0), TEST_NUMBER(32), TEST_NUMBER(0),
                              TEST_NUMBER(0), TEST_NUMBER(0)};
    assert_int_equal(OCL_CARD_OPS.start_run(card, CARD_gl_merkle, 0, again, 8, &run, &err), P_OK);
    assert_int_equal(OCL_CARD_OPS.reset(card, &err), P_OK);
    assert_int_equal(OCL_CARD_OPS.wait(card, run, 0, &err), P_EDEVICE);
    test_destroy(card, &b);
    test_create(card, &b, 64, &seed);
    test_run(card, CARD_gl_merkle,
             (const card_arg[]){TEST_ROWS(b), TEST_ROWS(b), TEST_NUMBER(HLS_PERMUTE),
                                TEST_NUMBER(0), TEST_NUMBER(32), TEST_NUMBER(0), TEST_NUMBER(0),
                                TEST_NUMBER(0)},
             8);
    test_destroy(card, &b);
    OCL_CARD_OPS.close(card);
}

static void test_no_build(void **state)
{
    ocl_card *card;
    p_err err = {P_OK, ""};

    (void)state;
    assert_int_equal(ocl_card_create(&found, NULL, "-D __kernel=nothing", &card, &err), P_EDEVICE);
    assert_null(card);
    assert_non_null(strstr(err.text, "does not build"));
    assert_non_null(strstr(err.text, "nothing")); /* the compiler's own words */

    ocl_found useless = found;
    useless.usable = false;
    assert_int_equal(ocl_card_create(&useless, NULL, NULL, &card, &err), P_EMISSING);
}

static void count_lines(void *count, const char *text)
{
    *(unsigned *)count += strlen(text) > 0;
}

/* With fewer threads the device is a part of itself, or the log says why not. */
static void test_threads(void **state)
{
    unsigned lines = 0;
    const drv_options options = {.threads = 1, .log = count_lines, .log_context = &lines};
    ocl_card *card = open_card(&options);

    (void)state;
    if ((found.type & CL_DEVICE_TYPE_CPU) && found.units > 1)
        assert_true(card->part == (lines == 0));
    else
        assert_false(card->part);
    test_buffer b;
    uint64_t seed = 4;
    test_create(card, &b, 64, &seed);
    test_expect(card, &b, "on one thread");
    test_destroy(card, &b);
    OCL_CARD_OPS.close(card);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_transfers), cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_loss),      cmocka_unit_test(test_no_build),
        cmocka_unit_test(test_threads),
    };

    if (!test_find(&found))
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
