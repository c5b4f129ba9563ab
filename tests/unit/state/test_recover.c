/* Key recovery against textbook arithmetic: the expected points were computed with affine formulas
 * over Python's integers, independently of the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/base/hex.h"
#include "driver/field/keccak.h"
#include "host/state/recover.h"

#define ALL(a) (sizeof(a) / sizeof *(a))

typedef struct row {
    const char *what, *hash, *r, *s;
    bool odd_y;
    exec_recovery want;
    const char *key;
} row;

static const row rows[] = {
    {"eip155", "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53",
     "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276",
     "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83", false, EXEC_RECOVERY_OK,
     "4bc2a31265153f07e70e0bab08724e6b85e217f8cd628ceb62974247bb493382"
     "ce28cab79ad7119ee1ad3ebcdb98a16805211530ecc6cfefa1b88e6dff99232a"},
    {"z zero", "0000000000000000000000000000000000000000000000000000000000000000",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "0000000000000000000000000000000000000000000000000000000000000005", false, EXEC_RECOVERY_OK,
     "382ae8e1555a26a30a89b2aea7a23f333aa35e3a29a0bb5492394ad1d0499f3b"
     "69d6ed57ea9f984d7f48919bf1166605d411330de7f2319d86f3f4b6e67bedb5"},
    {"z = n", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "0000000000000000000000000000000000000000000000000000000000000007", false, EXEC_RECOVERY_OK,
     "6c10bf1a7079b708a8ba6d6a1a099e2b74fabbf1b5755de7630c5c954c6ec74f"
     "dff17fa934b79de97201483f4d9fd059a2e552b88f6f7dbba5687f853e50c970"},
    {"z = 2^256-1", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", true, EXEC_RECOVERY_OK,
     "7501fd438a689b3a5b4f4f9fd8d50fcfe1c03e83bbcd12c5dd00f16dedbba502"
     "04c6b4c892f8750db69521f8adbb6ed6fe325f7521664233334d43a6248a14fb"},
    {"R = G, s = z: infinity", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff", false,
     EXEC_RECOVERY_INFINITY, ""},
    {"R = -G, s = n - z: infinity",
     "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "c00d962c89cb3dbf5bf1e4f21f29e04ebf4321aa8a317858d0baf3f532aaab42", true,
     EXEC_RECOVERY_INFINITY, ""},
    {"R = kG, s*k = z", "000000000000000000000000000000005b05b05b05b05ab4fa4fa4fa4fa4fa50",
     "ca6de9a7b9f8cc4c81338bc641162e646b3729339509f6d2607a12005d55b7f1",
     "0000000000000000000000000000000000000000000000000000000000000005", false,
     EXEC_RECOVERY_INFINITY, ""},
    {"the same, other parity", "000000000000000000000000000000005b05b05b05b05ab4fa4fa4fa4fa4fa50",
     "ca6de9a7b9f8cc4c81338bc641162e646b3729339509f6d2607a12005d55b7f1",
     "0000000000000000000000000000000000000000000000000000000000000005", true, EXEC_RECOVERY_OK,
     "69a7e14a7373fe021c9e7d911a094d1749a821fbdc8d874cfc9fe736a20d5625"
     "dafb31ef8bfe40b3de09fb2c27d34ee6fa0c991c81bc9d259838b7450341315c"},
    {"the same, other z", "000000000000000000000000000000005b05b05b05b05ab4fa4fa4fa4fa4fa51",
     "ca6de9a7b9f8cc4c81338bc641162e646b3729339509f6d2607a12005d55b7f1",
     "0000000000000000000000000000000000000000000000000000000000000005", false, EXEC_RECOVERY_OK,
     "3a2e6a8e7515615b63da18bd05eaa79965f888a441711fb53201c5774695abbd"
     "276969e96507d1a37d3b9fc17e12ee298a9ad2deb7d1bb1a8e11e67bf2b06019"},
    {"z + n is the same z", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036717a",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "0000000000000000000000000000000000000000000000000000000000000009", false, EXEC_RECOVERY_OK,
     "d7bf239e88c4ad69633e04369d2ebc46b7740e24587e8ddbd8ff6ebd427fc3d1"
     "7844f7cf7421b670dd2872dc24862f3a47cd721e13cfd39f6635ab63c37bd482"},
    {"z", "0000000000000000000000000000000000000000000000000000000000003039",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "0000000000000000000000000000000000000000000000000000000000000009", false, EXEC_RECOVERY_OK,
     "d7bf239e88c4ad69633e04369d2ebc46b7740e24587e8ddbd8ff6ebd427fc3d1"
     "7844f7cf7421b670dd2872dc24862f3a47cd721e13cfd39f6635ab63c37bd482"},
    {"infinity with z + n", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd03641a4",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "0000000000000000000000000000000000000000000000000000000000000063", false,
     EXEC_RECOVERY_INFINITY, ""},
    {"r = 5", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "0000000000000000000000000000000000000000000000000000000000000005",
     "0000000000000000000000000000000000000000000000000000000000000001", false, EXEC_RECOVERY_NONE,
     ""},
    {"r = 6", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "0000000000000000000000000000000000000000000000000000000000000006",
     "0000000000000000000000000000000000000000000000000000000000000001", false, EXEC_RECOVERY_OK,
     "ee2d565aa52a5d65bd84427020a78b6ada5c7fc0712a73b1c7ce34ec144d3b57"
     "9860f3b37600afdeed26fa5d26bca54b0f47cda3b4ad03742fcd630def8117c7"},
    {"r = 7", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "0000000000000000000000000000000000000000000000000000000000000007",
     "0000000000000000000000000000000000000000000000000000000000000001", true, EXEC_RECOVERY_NONE,
     ""},
    {"r=n-1", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
     "0000000000000000000000000000000000000000000000000000000000000001", false, EXEC_RECOVERY_NONE,
     ""},
    {"r=1", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "0000000000000000000000000000000000000000000000000000000000000001",
     "0000000000000000000000000000000000000000000000000000000000000001", true, EXEC_RECOVERY_OK,
     "3995637cb24b94771a09f089421a714947db67567db78185ef31cfca169a1924"
     "a061e27dc670f1f000c02dc27201d97641d18068b2386c0c0d4efa44ff936a7c"},
    {"s=n-1", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "0000000000000000000000000000000000000000000000000000000000000002",
     "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", false, EXEC_RECOVERY_OK,
     "8e8991bb91d9631c0cdb4e220b3fe846cb1f5da1cc7cefd030441d3371ecc841"
     "98c0fe6b1b918ce98162da50adcc6bab993ac27416f364e23e5e4dc7c68e4b67"},
    {"r=2 odd", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "0000000000000000000000000000000000000000000000000000000000000002",
     "0000000000000000000000000000000000000000000000000000000000000001", true, EXEC_RECOVERY_OK,
     "8e8991bb91d9631c0cdb4e220b3fe846cb1f5da1cc7cefd030441d3371ecc841"
     "98c0fe6b1b918ce98162da50adcc6bab993ac27416f364e23e5e4dc7c68e4b67"},
    {"r = n-2", "3ff269d37634c240a40e1b0de0d61faffb6bbb3c251727e2ef176a979d8b95ff",
     "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413f",
     "0000000000000000000000000000000000000000000000000000000000000001", false, EXEC_RECOVERY_OK,
     "c83f78b285b21448cd6bb65cb8fd56dfdda43730705a0e974d92eba1c354ced8"
     "8e39680a7253b65f7a5b379f8673a37b0aaf3183898bf35df3c8822aa2a63c40"},
    {"both summands equal", "fffffffffffffffffffffffffffffffe5fa92c8ba9984586c582b992809146f1",
     "ca6de9a7b9f8cc4c81338bc641162e646b3729339509f6d2607a12005d55b7f1",
     "0000000000000000000000000000000000000000000000000000000000000005", false, EXEC_RECOVERY_OK,
     "69a7e14a7373fe021c9e7d911a094d1749a821fbdc8d874cfc9fe736a20d5625"
     "2504ce107401bf4c21f604d3d82cb11905f366e37e4362da67c748b9fcbecad3"},
};

static void bytes(uint8_t *out, size_t len, const char *text)
{
    assert_true(p_hex_decode(out, len, text, strlen(text)));
}

static void recovers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL(rows); i++) {
        uint8_t hash[32], r[32], s[32], want[64], key[64];
        bytes(hash, 32, rows[i].hash);
        bytes(r, 32, rows[i].r);
        bytes(s, 32, rows[i].s);
        memset(key, 0xa5, sizeof key);
        memset(want, 0xa5, sizeof want);
        exec_recovery got = state_recover(NULL, hash, r, s, rows[i].odd_y, key);
        if (got != rows[i].want)
            fail_msg("%s: %d, expected %d", rows[i].what, (int)got, (int)rows[i].want);
        if (got == EXEC_RECOVERY_OK)
            bytes(want, 64, rows[i].key);
        assert_memory_equal(key, want, 64); /* untouched otherwise */
    }
}

static void knows_the_signer_of_eip155(void **state)
{
    (void)state;
    uint8_t hash[32], r[32], s[32], key[64], digest[32], want[20];
    bytes(hash, 32, rows[0].hash);
    bytes(r, 32, rows[0].r);
    bytes(s, 32, rows[0].s);
    bytes(want, 20, "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
    assert_int_equal(state_recover(NULL, hash, r, s, false, key), EXEC_RECOVERY_OK);
    keccak_256(digest, key, 64);
    assert_memory_equal(digest + 12, want, 20);
}

/* The caller checks ranges; should it not, nothing bad happens. */
static void out_of_range_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    uint8_t good[32], b[32], hash[32] = {1}, key[64];
    bytes(good, 32, rows[0].r);
    for (size_t i = 0; i < ALL(bad); i++) {
        bytes(b, 32, bad[i]);
        assert_int_equal(state_recover(NULL, hash, b, good, false, key), EXEC_RECOVERY_NONE);
        assert_int_equal(state_recover(NULL, hash, good, b, true, key), EXEC_RECOVERY_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovers),
        cmocka_unit_test(knows_the_signer_of_eip155),
        cmocka_unit_test(out_of_range_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
