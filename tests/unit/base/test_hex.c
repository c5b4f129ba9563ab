#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/hex.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void every_byte_both_ways(void **state)
{
    (void)state;
    for (int b = 0; b < 256; b++) {
        uint8_t byte = (uint8_t)b, back = (uint8_t)~b;
        char text[2], expected[3], upper[2];

        snprintf(expected, sizeof(expected), "%02x", b);
        p_hex_encode(text, &byte, 1);
        assert_memory_equal(text, expected, 2);
        assert_true(p_hex_decode(&back, 1, text, 2));
        assert_int_equal(back, byte);
        upper[0] = (char)toupper(text[0]);
        upper[1] = (char)toupper(text[1]);
        back = (uint8_t)~b;
        assert_true(p_hex_decode(&back, 1, upper, 2));
        assert_int_equal(back, byte);
    }
}

static void only_digits_are_digits(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char high[2] = {(char)c, '0'}, low[2] = {'0', (char)c}, one[1] = {(char)c};
        uint8_t out[1];
        bool digit = isxdigit(c) != 0; /* the C locale: ASCII */

        assert_int_equal(p_hex_decode(out, 1, high, 2), digit);
        assert_int_equal(p_hex_decode(out, 1, low, 2), digit);
        assert_int_equal(p_hex_decode_padded(out, 1, one, 1), digit);
        assert_int_equal(p_hex_decode_padded(out, 1, high, 2), digit);
        assert_int_equal(p_hex_decode_padded(out, 1, low, 2), digit);
    }
}

static void lengths_must_match(void **state)
{
    (void)state;
    uint8_t out[4];

    assert_true(p_hex_decode(out, 0, "", 0));
    assert_false(p_hex_decode(out, 0, "00", 2));
    assert_false(p_hex_decode(out, 2, "000", 3));
    assert_false(p_hex_decode(out, 2, "00000", 5));
    assert_false(p_hex_decode(out, 2, "00", 2));
    assert_false(p_hex_decode(out, SIZE_MAX / 2 + 1, "", 0)); /* twice that wraps around to 0 */
}

static void prefix_is_optional(void **state)
{
    (void)state;
    assert_int_equal(p_hex_prefix("0x12", 4), 2);
    assert_int_equal(p_hex_prefix("0X", 2), 2);
    assert_int_equal(p_hex_prefix("0x", 1), 0);
    assert_int_equal(p_hex_prefix("", 0), 0);
    assert_int_equal(p_hex_prefix("1x", 2), 0);
    assert_int_equal(p_hex_prefix("00", 2), 0);
}

static void padding_on_the_left(void **state)
{
    (void)state;
    uint8_t out[3];

    assert_true(p_hex_decode_padded(out, 3, "f", 1));
    assert_memory_equal(out, "\x00\x00\x0f", 3);
    assert_true(p_hex_decode_padded(out, 3, "abc", 3));
    assert_memory_equal(out, "\x00\x0a\xbc", 3);
    assert_true(p_hex_decode_padded(out, 3, "12345", 5));
    assert_memory_equal(out, "\x01\x23\x45", 3);
    assert_true(p_hex_decode_padded(out, 3, "123456", 6));
    assert_memory_equal(out, "\x12\x34\x56", 3);
    assert_false(p_hex_decode_padded(out, 3, "0123456", 7));
    assert_false(p_hex_decode_padded(out, 3, "", 0));
    assert_false(p_hex_decode_padded(out, 0, "0", 1));
    assert_false(p_hex_decode_padded(out, 3, "g", 1));
    assert_false(p_hex_decode_padded(out, 3, "12g", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_both_ways), cmocka_unit_test(only_digits_are_digits),
        cmocka_unit_test(lengths_must_match),   cmocka_unit_test(prefix_is_optional),
        cmocka_unit_test(padding_on_the_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
