/** What the tests of driver/opencl share: the first device as a card without anything above it,
 * buffers with a copy on the host, and runs that are waited for. */
#ifndef ZKP_TESTS_UNIT_OPENCL_OCL_TEST_H
#define ZKP_TESTS_UNIT_OPENCL_OCL_TEST_H

#include "tests/unit/hls/hls_test.h"

#include "driver/opencl/ocl_card.h"

#include <stdio.h>

#define TEST_WAIT_MS 120000
#define TEST_SKIPPED 77

/** A buffer and what it should hold. */
typedef struct test_buffer {
    card_buffer *buffer;
    uint64_t rows;
    hls_row *want;
} test_buffer;

/** False, with a word on stdout, if there is no device. */
static inline bool test_find(ocl_found *found)
{
    char why[DRV_TEXT_BYTES];

    if (ocl_find(found, 1, why) == 0) {
        printf("skipped: %s\n", why);
        return false;
    }
    if (!found->usable)
        printf("skipped: %s\n", found->about);
    return found->usable;
}

static inline void test_wait(ocl_card *card, card_ticket *ticket)
{
    p_err err = {P_OK, ""};
    p_status s = OCL_CARD_OPS.wait(card, ticket, TEST_WAIT_MS, &err);

    if (s != P_OK)
        fail_msg("%s", err.text);
}

static inline void test_write(ocl_card *card, const test_buffer *b)
{
    card_ticket *ticket;
    p_err err = {P_OK, ""};

    if (OCL_CARD_OPS.start_write(card, b->buffer, 0, b->rows, b->want, &ticket, &err) != P_OK)
        fail_msg("%s", err.text);
    test_wait(card, ticket);
}

/** rows of random words, edges among them, on both sides. */
static inline void test_create(ocl_card *card, test_buffer *b, uint64_t rows, uint64_t *seed)
{
    p_err err = {P_OK, ""};

    b->rows = rows;
    b->want = malloc((size_t)rows * sizeof(hls_row));
    assert_non_null(b->want);
    for (uint64_t i = 0; i < rows; i++)
        for (unsigned k = 0; k < HLS_ROW_WORDS; k++)
            b->want[i].w[k] = hls_test_word(seed);
    if (OCL_CARD_OPS.alloc(card, CARD_SIDE_A, rows, &b->buffer, &err) != P_OK)
        fail_msg("%s", err.text);
    test_write(card, b);
}

static inline void test_destroy(ocl_card *card, test_buffer *b)
{
    OCL_CARD_OPS.free(card, b->buffer);
    free(b->want);
}

/** What the device has; to be freed. */
static inline hls_row *test_read(ocl_card *card, const test_buffer *b)
{
    hls_row *got = malloc((size_t)b->rows * sizeof(hls_row));
    card_ticket *ticket;
    p_err err = {P_OK, ""};

    assert_non_null(got);
    if (OCL_CARD_OPS.start_read(card, b->buffer, 0, b->rows, got, &ticket, &err) != P_OK)
        fail_msg("%s", err.text);
    test_wait(card, ticket);
    return got;
}

/** The device has what want says, in every row. */
static inline void test_expect(ocl_card *card, const test_buffer *b, const char *what)
{
    hls_row *got = test_read(card, b);

    for (uint64_t i = 0; i < b->rows; i++)
        for (unsigned k = 0; k < HLS_ROW_WORDS; k++)
            if (got[i].w[k] != b->want[i].w[k])
                fail_msg("%s: row %llu word %u is %016llx, expected %016llx", what,
                         (unsigned long long)i, k, (unsigned long long)got[i].w[k],
                         (unsigned long long)b->want[i].w[k]);
    free(got);
}

#define TEST_ROWS(b) ((card_arg){.rows = (b).buffer})
#define TEST_NUMBER(n) ((card_arg){.value = (n)})
#define TEST_RUN(card, kernel, ...)                                                                \
    test_run(card, kernel, (const card_arg[]){__VA_ARGS__},                                        \
             sizeof((const card_arg[]){__VA_ARGS__}) / sizeof(card_arg))

static inline void test_run(ocl_card *card, card_kernel kernel, const card_arg *args, size_t count)
{
    card_ticket *ticket;
    p_err err = {P_OK, ""};

    if (OCL_CARD_OPS.start_run(card, kernel, 0, args, count, &ticket, &err) != P_OK)
        fail_msg("%s", err.text);
    test_wait(card, ticket);
}

/** The run is refused with P_EINVAL, and the card is none the worse. */
static inline void test_refused(ocl_card *card, card_kernel kernel, const card_arg *args,
                                size_t count)
{
    card_ticket *ticket = NULL;
    p_err err = {P_OK, ""};

    assert_int_equal(OCL_CARD_OPS.start_run(card, kernel, 0, args, count, &ticket, &err), P_EINVAL);
    assert_null(ticket);
    assert_true(strlen(err.text) > 0);
}

#define TEST_REFUSED(card, kernel, ...)                                                            \
    test_refused(card, kernel, (const card_arg[]){__VA_ARGS__},                                    \
                 sizeof((const card_arg[]){__VA_ARGS__}) / sizeof(card_arg))

#endif
