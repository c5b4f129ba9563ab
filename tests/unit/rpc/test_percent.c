#include "host/rpc/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, const char *expected)
{
    char out[256];
    size_t n = rpc_percent_encode(out, sizeof out, text);
    assert_string_equal(out, expected);
    assert_int_equal(n, strlen(expected));
}

static void known(void **state)
{
    (void)state;
    check("", "");
    check("plain text: 0x12 [3]", "plain text: 0x12 [3]");
    check("100%", "100%25");
    check("a,b", "a%2Cb");
    check("line\nnext\ttab\x7f", "line%0Anext%09tab%7F");
    check("\xc3\x9f\xe2\x82\xac\xf0\x9f\x98\x80", "%C3%9F%E2%82%AC%F0%9F%98%80");
    check("\xff\x80", "%FF%80"); /* no UTF-8: still printable */
    check(" lead and trail ", "%20lead and trail%20");
    check(" ", "%20");
}

/** Every byte, alone: printable ASCII that decodes to itself. */
static void all_bytes(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        char in[2] = {(char)c, 0}, out[8];
        size_t n = rpc_percent_encode(out, sizeof out, in);
        unsigned back = (unsigned char)out[0];
        if (n == 3)
            assert_int_equal(sscanf(out, "%%%2X", &back), 1);
        else
            assert_int_equal(n, 1);
        assert_int_equal(back, c);
        for (size_t i = 0; i < n; i++)
            assert_true(out[i] >= 0x20 && out[i] <= 0x7e && out[i] != ',');
    }
}

/** Every capacity: never too long, never inside a sequence or a character, and as much as fits. */
static void cuts(void **state)
{
    (void)state;
    const char *text = "a%b \xe2\x82\xac c";
    const char *full = "a%25b %E2%82%AC c";
    const size_t ends[] = {0, 1, 4, 5, 6, 15, 16, 17}; /* where a cut may be */
    for (size_t cap = 1; cap <= strlen(full) + 3; cap++) {
        char out[64];
        memset(out, 'X', sizeof out);
        size_t n = rpc_percent_encode(out, cap, text), best = 0;
        assert_true(n < cap);
        assert_int_equal(out[n], 0);
        assert_int_equal(out[cap], 'X');
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
            if (ends[i] < cap)
                best = ends[i];
        while (best && best < strlen(full) && full[best - 1] == ' ')
            best--; /* no space at the end */
        assert_int_equal(n, best);
        assert_memory_equal(out, full, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(all_bytes),
        cmocka_unit_test(cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
