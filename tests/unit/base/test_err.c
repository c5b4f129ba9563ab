#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/err.h"

#include <stdlib.h>
#include <string.h>

static void set_records(void **state)
{
    (void)state;
    p_err err;

    memset(&err, 0xff, sizeof(err));
    assert_int_equal(p_err_set(&err, P_EINVAL, "field %s: expected %d, found %d", "x", 1, 2),
                     P_EINVAL);
    assert_int_equal(err.status, P_EINVAL);
    assert_string_equal(err.text, "field x: expected 1, found 2");
    p_err_set(&err, P_EIO, "again: %s", err.text); /* an argument inside the record itself */
    assert_string_equal(err.text, "again: field x: expected 1, found 2");
    p_err_clear(&err);
    assert_int_equal(err.status, P_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(p_err_set(NULL, P_EIO, "nobody listens"), P_EIO);
    p_err_prefix(NULL, "x");
    p_err_clear(NULL);
}

static void prefix_adds_context(void **state)
{
    (void)state;
    p_err err = {P_OK, ""};

    p_err_prefix(&err, "nothing");
    assert_string_equal(err.text, "");
    p_err_set(&err, P_EINVAL, "inner");
    p_err_prefix(&err, "outer %d", 7);
    assert_string_equal(err.text, "outer 7: inner");
    p_err_prefix(&err, "file");
    assert_string_equal(err.text, "file: outer 7: inner");
    assert_int_equal(err.status, P_EINVAL);
}

/* whole characters only, each of `width` bytes after `lead` ASCII letters */
static void check_cut(const char *text, size_t lead, size_t width)
{
    size_t len = strlen(text);

    assert_true(len < P_ERR_TEXT_BYTES);
    assert_true(len > P_ERR_TEXT_BYTES - 1 - width); /* not cut by more than needed */
    assert_int_equal((len - lead) % width, 0);
}

static void cut_at_a_character(void **state)
{
    (void)state;
    static const char *const chars[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    char *text = malloc(3 * P_ERR_TEXT_BYTES);
    p_err err;

    assert_non_null(text);
    for (size_t width = 1; width <= 4; width++) {
        for (size_t lead = 0; lead < 8; lead++) {
            memset(text, 'x', lead);
            text[lead] = '\0';
            for (size_t i = lead; i < 2 * P_ERR_TEXT_BYTES; i += width)
                memcpy(text + i, chars[width - 1], width + 1);
            p_err_set(&err, P_EIO, "%s", text);
            check_cut(err.text, lead, width);
            assert_memory_equal(err.text, text, strlen(err.text));
            /* the prefix pushes the end of the text over the edge */
            p_err_prefix(&err, "pre");
            check_cut(err.text, lead + 5, width);
            assert_memory_equal(err.text, "pre: ", 5);
            /* a prefix that alone is too long */
            p_err_set(&err, P_EIO, "lost");
            p_err_prefix(&err, "%s", text);
            assert_true(strlen(err.text) < P_ERR_TEXT_BYTES);
            assert_int_equal((strcspn(err.text, ":") - lead) % width, 0);
            assert_memory_equal(err.text, text, strcspn(err.text, ":"));
        }
    }
    free(text);
}

static void exact_fit_is_kept(void **state)
{
    (void)state;
    char text[P_ERR_TEXT_BYTES + 1];
    p_err err;

    memset(text, 'y', sizeof(text));
    memcpy(text + P_ERR_TEXT_BYTES - 3, "\xc3\xa9", 3); /* ends at the last byte that fits */
    p_err_set(&err, P_EIO, "%s", text);
    assert_string_equal(err.text, text);
    /* damaged UTF-8 is kept as it is; a run of continuation bytes must not eat the text */
    memset(text, 0x80, P_ERR_TEXT_BYTES);
    text[P_ERR_TEXT_BYTES] = '\0';
    p_err_set(&err, P_EIO, "%s", text);
    assert_int_equal(strlen(err.text), P_ERR_TEXT_BYTES - 1);
}

static void every_status_has_its_row(void **state)
{
    (void)state;
#define CHECK(code, value, words, grpc)                                                            \
    assert_int_equal(code, value);                                                                 \
    assert_string_equal(p_status_name(code), #code);                                               \
    assert_string_equal(p_status_text(code), words);                                               \
    assert_int_equal(p_status_grpc(code), grpc);
    P_STATUS_ROWS(CHECK)
#undef CHECK
    assert_int_equal(p_status_grpc(P_EEXHAUSTED), 8);
    assert_non_null(p_status_text((p_status)999));
    assert_non_null(p_status_name((p_status)999));
    assert_int_equal(p_status_grpc((p_status)999), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_records),
        cmocka_unit_test(prefix_adds_context),
        cmocka_unit_test(cut_at_a_character),
        cmocka_unit_test(exact_fit_is_kept),
        cmocka_unit_test(every_status_has_its_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
