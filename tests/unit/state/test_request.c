#include "tests/unit/state/state_test.h"

#include "host/state/overlay.h"
#include "host/state/request.h"

static const gl_poseidon_ops *poseidon;

static state_request *new_request(void)
{
    state_request *req;
    p_err err = {0};
    test_ok(state_request_create(&req, 6, &err), &err);
    return req;
}

static void test_create(void **unused)
{
    (void)unused;
    for (uint32_t fork = 4; fork <= 6; fork++) {
        state_request *req;
        assert_int_equal(state_request_create(&req, fork, NULL), P_OK);
        assert_int_equal(req->batch.fork_id, fork);
        assert_int_equal(req->batch.block_gas_limit, 30000000);
        assert_true(req->batch.enforce_counters);
        state_request_destroy(req);
    }
    for (uint32_t fork = 0; fork < 9; fork = fork == 3 ? 7 : fork + 1) {
        state_request *req = (state_request *)&fork;
        p_err err = {0};
        test_expect(state_request_create(&req, fork, &err), &err, P_EUNSUPPORTED, "4, 5, 6");
        assert_null(req);
    }
    state_request_destroy(NULL);
}

static void test_l2_data(void **unused)
{
    (void)unused;
    state_request *req = new_request();
    p_err err = {0};
    uint8_t bytes[101];
    memset(bytes, 7, sizeof bytes);
    test_ok(state_request_set_l2_data(req, NULL, 0, 100, &err), &err);
    assert_int_equal(req->batch.l2_data_len, 0);
    assert_non_null(req->batch.l2_data);
    test_ok(state_request_set_l2_data(req, bytes, 100, 100, &err), &err);
    bytes[0] = 8;
    assert_int_equal(req->batch.l2_data[0], 7);
    test_expect(state_request_set_l2_data(req, bytes, 101, 100, &err), &err, P_EINVAL,
                "batch_l2_data: 101 bytes, expected at most 100");
    assert_int_equal(req->batch.l2_data_len, 100);
    /* the executor's own bound holds whatever the caller allows */
    size_t len = (size_t)1 << 24;
    uint8_t *big = calloc(len, 1);
    assert_non_null(big);
    test_expect(state_request_set_l2_data(req, big, len, SIZE_MAX, &err), &err, P_EINVAL,
                "at most 16777215");
    test_ok(state_request_set_l2_data(req, big, len - 1, SIZE_MAX, &err), &err);
    free(big);
    state_request_destroy(req);
}

/** Every count around the block size, both kinds of value, both forms of key; then each one is
 * found, and nothing else. */
static void test_nodes(void **unused)
{
    (void)unused;
    uint64_t rng = 1;
    for (size_t n = 0; n < 300; n += n < 4 || (n >= 60 && n < 70) || n > 120 ? 1 : 7) {
        state_request *req = new_request();
        p_err err = {0};
        gl_t(*records)[16] = calloc(n + 1, sizeof *records);
        assert_non_null(records);
        for (size_t i = 0; i < n; i++) {
            size_t elements = i % 2 ? 8 : 12;
            char key[67] = "0x", value[2 + 193] = "0X";
            test_random_record(&rng, records[i], elements);
            test_key_text(key + 2, records[i]);
            size_t len = test_words_text(value + 2, records[i] + 4, elements);
            if (i % 3 == 0) {
                test_ok(state_request_add_node(req, key, 66, value, len + 2, &err), &err);
                continue;
            }
            test_ok(state_request_add_node(req, key + 2, 64, value + 2, len, &err), &err);
        }
        assert_null(overlay_find_node(req->overlay, records[0]));
        assert_int_equal(overlay_is_verified(req->overlay), n == 0);
        test_ok(state_request_verify(req, poseidon, &err), &err);
        assert_true(overlay_is_verified(req->overlay));
        for (size_t i = 0; i < n; i++) {
            const gl_t *found = overlay_find_node(req->overlay, records[i]);
            assert_non_null(found);
            assert_memory_equal(found, records[i] + 4, 96);
            records[i][2] ^= 1;
            assert_null(overlay_find_node(req->overlay, records[i]));
        }
        assert_true(state_request_memory(req) >= 128 * n);
        free(records);
        state_request_destroy(req);
        if (n > 130)
            n += 90;
    }
}

static void test_one_wrong_node(void **unused)
{
    (void)unused;
    uint64_t rng = 2;
    for (size_t bad = 0; bad < 150; bad += 37) {
        for (unsigned word = 0; word < 16; word += 5) {
            state_request *req = new_request();
            p_err err = {0};
            char key[65], text[160];
            for (size_t i = 0; i < 150; i++) {
                gl_t record[16];
                test_random_record(&rng, record, 12);
                if (i == bad) {
                    record[word] = gl_add(record[word], 1);
                    test_key_text(key, record);
                }
                test_ok(state_request_add_node_elements(req, record, record + 4, 12, &err), &err);
            }
            snprintf(text, sizeof text, "db[0x%s]", key);
            test_expect(state_request_verify(req, poseidon, &err), &err, P_EINVAL, text);
            state_request_destroy(req);
        }
    }
}

/** The same node under differently written keys; and more entries after a verification. */
static void test_duplicates_and_growth(void **unused)
{
    (void)unused;
    uint64_t rng = 3;
    state_request *req = new_request();
    p_err err = {0};
    gl_t first[16], record[16];
    test_random_record(&rng, first, 8);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 70; i++) {
            test_ok(state_request_add_node_elements(req, first, first + 4, 8 + 4 * (i % 2), &err),
                    &err);
            test_random_record(&rng, record, 12);
            test_ok(state_request_add_node_elements(req, record, record + 4, 12, &err), &err);
        }
        assert_null(overlay_find_node(req->overlay, record));
        test_ok(state_request_verify(req, poseidon, &err), &err);
        assert_memory_equal(overlay_find_node(req->overlay, record), record + 4, 96);
        assert_memory_equal(overlay_find_node(req->overlay, first), first + 4, 96);
    }
    /* twice the same key, the second time with another value */
    test_ok(state_request_add_node_elements(req, first, record + 4, 12, &err), &err);
    test_expect(state_request_verify(req, poseidon, &err), &err, P_EINVAL, "does not fit its key");
    state_request_destroy(req);
}

static void test_bad_node_text(void **unused)
{
    (void)unused;
    state_request *req = new_request();
    p_err err = {0};
    uint64_t rng = 4;
    gl_t record[16];
    char key[67] = "0x", value[200];
    test_random_record(&rng, record, 12);
    test_key_text(key + 2, record);
    test_words_text(value, record + 4, 12);

    /* keys */
    test_expect(state_request_add_node(req, "", 0, value, 192, &err), &err, P_EINVAL,
                "db[]: the key has 0 hex digits, expected 1 to 64");
    test_expect(state_request_add_node(req, "0x", 2, value, 192, &err), &err, P_EINVAL,
                "db[0x]: the key has 0 hex digits");
    char longer[80];
    snprintf(longer, sizeof longer, "%s0", key);
    test_expect(state_request_add_node(req, longer, 67, value, 192, &err), &err, P_EINVAL,
                "the key has 65 hex digits");
    test_expect(state_request_add_node(req, "0x12g4", 6, value, 192, &err), &err, P_EINVAL,
                "db[0x12g4]: the key has 'g' at offset 4");
    test_expect(state_request_add_node(req, "1\n\0034", 4, value, 192, &err), &err, P_EINVAL,
                "db[1??4]: the key has '\\x0a' at offset 1");
    test_expect(state_request_add_node(req, "0xffffffff00000001", 18, value, 192, &err), &err,
                P_EINVAL, "word 0 (from the right)");
    char hundred[101];
    memset(hundred, 'z', 100);
    hundred[100] = 0;
    test_expect(state_request_add_node(req, hundred, 100, value, 192, &err), &err, P_EINVAL,
                "zzz...]: the key has 100 hex digits");

    /* values */
    static const size_t lengths[] = {0, 1, 16, 127, 129, 144, 191};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char text[160];
        snprintf(text, sizeof text, "the value has %zu hex digits, expected 128 or 192",
                 lengths[i]);
        test_expect(state_request_add_node(req, key, 66, value, lengths[i], &err), &err, P_EINVAL,
                    text);
    }
    value[130] = 'x';
    test_expect(state_request_add_node(req, key, 66, value, 192, &err), &err, P_EINVAL,
                "the value has 'x' at offset 130");
    value[130] = '\0';
    test_expect(state_request_add_node(req, key, 66, value, 192, &err), &err, P_EINVAL, "'\\x00'");
    for (unsigned i = 0; i < 12; i++) {
        char text[160];
        test_words_text(value, record + 4, 12);
        memcpy(value + 16 * i, "ffffffff00000001", 16);
        snprintf(text, sizeof text, "element %u of the value is ffffffff00000001", i);
        test_expect(state_request_add_node(req, key, 66, value, 192, &err), &err, P_EINVAL, text);
        memcpy(value + 16 * i, "ffffffff00000000", 16);
        test_ok(state_request_add_node(req, key, 66, value, 192, &err), &err);
    }
    gl_t hash[4] = {0, 0, GL_P, 0};
    test_expect(state_request_add_node_elements(req, hash, record, 8, &err), &err, P_EINVAL,
                "word 2");
    for (size_t n = 0; n < 16; n++)
        if (n != 8 && n != 12)
            test_expect(state_request_add_node_elements(req, record, record, n, &err), &err,
                        P_EINVAL, "expected 8 or 12");
    state_request_destroy(req);
}

/** A short key stands for one with zeros on the left. */
static void test_padded_key(void **unused)
{
    (void)unused;
    state_request *req = new_request();
    p_err err = {0};
    gl_t node[12] = {0};
    char value[129];
    test_words_text(value, node, 8);
    test_ok(state_request_add_node(req, "0xabc", 5, value, 128, &err), &err);
    assert_int_equal(req->overlay->nodes[0][0], 0xabc);
    assert_int_equal(req->overlay->nodes[0][1], 0);
    test_ok(state_request_add_node(req, "10000000000000002", 17, value, 128, &err), &err);
    assert_int_equal(req->overlay->nodes[1][0], 2);
    assert_int_equal(req->overlay->nodes[1][1], 1);
    test_expect(state_request_verify(req, poseidon, &err), &err, P_EINVAL,
                "0x0000000000000000000000000000000000000000000000000000000000000abc");
    state_request_destroy(req);
}

static void test_codes(void **unused)
{
    (void)unused;
    uint64_t rng = 5;
    state_request *req = new_request();
    p_err err = {0};
    enum { N = 200 };
    gl_t hashes[N][4];
    size_t lens[N];
    static const size_t edges[] = {0, 1, 6, 7, 8, 54, 55, 56, 57, 111, 112, 113, 24576};
    for (size_t i = 0; i < N; i++) {
        size_t len = i < sizeof edges / sizeof edges[0] ? edges[i] : test_random(&rng) % 900;
        uint8_t *bytes = malloc(len + 1);
        char *text = malloc(2 * len + 3), key[65];
        assert_non_null(bytes);
        assert_non_null(text);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)test_random(&rng);
        gl_poseidon_hash_bytes(hashes[i], bytes, len, gl_poseidon_permute_portable);
        lens[i] = len;
        memcpy(text, "0x", 2);
        p_hex_encode(text + 2, bytes, len);
        test_key_text(key, hashes[i]);
        bool prefix = i % 2;
        test_ok(state_request_add_code(req, key, 64, text + (prefix ? 0 : 2),
                                       2 * len + (prefix ? 2 : 0), &err),
                &err);
        free(bytes);
        free(text);
    }
    test_ok(state_request_verify(req, poseidon, &err), &err);
    for (size_t i = 0; i < N; i++) {
        const overlay_code *c = overlay_find_code(req->overlay, hashes[i]);
        gl_t again[4];
        assert_non_null(c);
        assert_int_equal(c->len, lens[i]);
        gl_poseidon_hash_bytes(again, c->bytes, c->len, gl_poseidon_permute_portable);
        assert_memory_equal(again, hashes[i], sizeof again);
    }
    state_request_destroy(req);
}

static void test_bad_codes(void **unused)
{
    (void)unused;
    state_request *req = new_request();
    p_err err = {0};
    test_expect(state_request_add_code(req, "0x12", 4, "0x123", 5, &err), &err, P_EINVAL,
                "contracts_bytecode[0x12]: the bytecode has 3 hex digits, expected an even number");
    test_expect(state_request_add_code(req, "0x12", 4, "0x12zz", 6, &err), &err, P_EINVAL,
                "the bytecode has 'z' at offset 4");
    test_expect(state_request_add_code(req, "xyz", 3, "0x12", 4, &err), &err, P_EINVAL,
                "contracts_bytecode[xyz]: the key has 'x' at offset 0");
    /* a wrong one among many that end in the same round and in others */
    uint64_t rng = 6;
    for (size_t bad = 0; bad < 130; bad += 43) {
        state_request *many = new_request();
        char text[160];
        for (size_t i = 0; i < 130; i++) {
            uint8_t bytes[300];
            char hex[600], key[65];
            gl_t hash[4];
            size_t len = i % 3 ? 200 : 100 + i;
            for (size_t k = 0; k < len; k++)
                bytes[k] = (uint8_t)test_random(&rng);
            gl_poseidon_hash_bytes(hash, bytes, len, gl_poseidon_permute_portable);
            test_key_text(key, hash);
            if (i == bad) {
                bytes[len - 1] ^= 1;
                snprintf(text, sizeof text, "contracts_bytecode[0x%s]", key);
            }
            p_hex_encode(hex, bytes, len);
            test_ok(state_request_add_code(many, key, 64, hex, 2 * len, &err), &err);
        }
        test_expect(state_request_verify(many, poseidon, &err), &err, P_EINVAL, text);
        state_request_destroy(many);
    }
    state_request_destroy(req);
}

static void test_bad_root(void **unused)
{
    (void)unused;
    state_request *req = new_request();
    p_err err = {0};
    req->batch.old_state_root.limb[3] = UINT64_MAX;
    test_expect(state_request_verify(req, poseidon, &err), &err, P_EINVAL,
                "old_state_root: no root of a state tree: its 64-bit word 3");
    state_request_destroy(req);
}

/** All implementations agree on what fits and what does not. */
static void test_every_isa(void **unused)
{
    (void)unused;
    const gl_poseidon_ops *all[8];
    size_t n = gl_poseidon_list(all, 8);
    for (size_t i = 0; i < n; i++) {
        void *none = NULL;
        poseidon = all[i];
        test_nodes(&none);
        test_one_wrong_node(&none);
        test_codes(&none);
        test_bad_codes(&none);
    }
    poseidon = gl_poseidon_select(NULL);
}

int main(void)
{
    poseidon = gl_poseidon_select(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_l2_data),
        cmocka_unit_test(test_duplicates_and_growth),
        cmocka_unit_test(test_bad_node_text),
        cmocka_unit_test(test_padded_key),
        cmocka_unit_test(test_bad_root),
        cmocka_unit_test(test_every_isa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
