#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/hex.h"
#include "driver/field/sha256.h"

#include <stdlib.h>
#include <string.h>

/* FIPS 180-2, appendix B, and the empty string of NIST's SHA256ShortMsg.rsp. */
static void known_answers(void **state)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(sha256_bytes(digest, cases[i].text, strlen(cases[i].text)));
        p_hex_encode(text, digest, sizeof digest);
        assert_memory_equal(text, cases[i].digest, sizeof text);
    }
    assert_true(sha256_bytes(digest, NULL, 0));
    p_hex_encode(text, digest, sizeof digest);
    assert_memory_equal(text, cases[0].digest, sizeof text);
}

static void million(void **state)
{
    static const char expected[] =
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES];
    char *a = malloc(1000000);

    (void)state;
    assert_non_null(a);
    memset(a, 'a', 1000000);
    assert_true(sha256_bytes(digest, a, 1000000));
    p_hex_encode(text, digest, sizeof digest);
    assert_memory_equal(text, expected, sizeof text);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(million),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
