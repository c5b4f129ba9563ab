/* The tree built at once: known roots of the reference, order, replacement, removal, and that a
 * request filled by it is complete. */
#include "host/state/genesis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const gl_poseidon_ops *poseidon;

static state_genesis *fresh(void)
{
    state_genesis *g;
    assert_int_equal(state_genesis_create(&g, poseidon, NULL), P_OK);
    return g;
}

static u256 root_of(state_genesis *g)
{
    u256 root;
    assert_int_equal(state_genesis_finish(g, NULL, &root, NULL), P_OK);
    return root;
}

static u256 number(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (u256){{d, c, b, a}}; /* as written in hexadecimal */
}

/* The reference's key of the nonce of address 0, the decimal number
 * 28358077366816831193326378002625509892290580640052650926129802772493521696670. */
static void test_key(void **state)
{
    (void)state;
    exec_address zero = {{0}};
    u256 slot = {{0}}, nonce = state_leaf_key(poseidon, &zero, 1, NULL);
    u256 expected = number(UINT64_C(0x3eb21a5de81b5ba7), UINT64_C(0x36b3935c8609cca7),
                           UINT64_C(0x55e260c3f586eaeb), UINT64_C(0x2bce9db8e9f4b79e));
    assert_memory_equal(&nonce, &expected, sizeof nonce);
    u256 a = state_leaf_key(poseidon, &zero, 3, &slot),
         b = state_leaf_key(poseidon, &zero, 3, NULL);
    assert_memory_equal(&a, &b, sizeof a);
}

static void test_known_roots(void **state)
{
    (void)state;
    state_genesis *g = fresh();
    u256 root = root_of(g), zero = {{0}}, one = {{1}}, two = {{2}}, three = {{3}};
    assert_memory_equal(&root, &zero, sizeof root);
    /* one leaf: key 0 or 1 with small values, against the same leaf hashed by hand */
    assert_int_equal(state_genesis_set_leaf(g, &one, &two, NULL), P_OK);
    root = root_of(g);
    gl_t v[12] = {2}, leaf[12] = {1};
    poseidon->permute(v);
    memcpy(leaf + 4, v, 4 * sizeof(gl_t));
    leaf[8] = 1;
    poseidon->permute(leaf);
    assert_memory_equal(&root, leaf, sizeof root);
    /* a second one that parts at the first bit: key 1 goes right, key 2 (bit 1 of limb 0) left */
    assert_int_equal(state_genesis_set_leaf(g, &two, &three, NULL), P_OK);
    u256 both = root_of(g);
    gl_t v1[12] = {2}, v2[12] = {3}, right[12] = {0}, left[12] = {1}, top[12] = {0};
    poseidon->permute(v1); /* key 1 without its bit 0: remaining key 0 */
    memcpy(right + 4, v1, 4 * sizeof(gl_t));
    right[8] = 1;
    poseidon->permute(right);
    poseidon->permute(v2); /* key 2 without its bit 0: remaining key 1 */
    memcpy(left + 4, v2, 4 * sizeof(gl_t));
    left[8] = 1;
    poseidon->permute(left);
    memcpy(top, left, 4 * sizeof(gl_t));
    memcpy(top + 4, right, 4 * sizeof(gl_t));
    poseidon->permute(top);
    assert_memory_equal(&both, top, sizeof both);
    /* removing it gives the one-leaf root again; removing all gives 0 */
    assert_int_equal(state_genesis_set_leaf(g, &two, &zero, NULL), P_OK);
    both = root_of(g);
    assert_memory_equal(&both, &root, sizeof both);
    assert_int_equal(state_genesis_set_leaf(g, &one, &zero, NULL), P_OK);
    root = root_of(g);
    assert_memory_equal(&root, &zero, sizeof root);
    state_genesis_destroy(g);
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 16;
}

static void test_order_does_not_matter(void **state)
{
    (void)state;
    enum { N = 300 };
    static u256 keys[N], values[N];
    uint64_t seed = 7;
    for (size_t i = 0; i < N; i++) {
        keys[i] = number(next(&seed), next(&seed), next(&seed), next(&seed) & 7);
        values[i] = number(0, 0, 0, next(&seed) | 1);
    }
    state_genesis *a = fresh(), *b = fresh();
    for (size_t i = 0; i < N; i++) {
        u256 wrong = {{99}};
        assert_int_equal(state_genesis_set_leaf(a, &keys[i], &values[i], NULL), P_OK);
        assert_int_equal(state_genesis_set_leaf(b, &keys[N - 1 - i], &wrong, NULL), P_OK);
        if (i == N / 2)
            root_of(b); /* finishing in between changes nothing */
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(state_genesis_set_leaf(b, &keys[i], &values[i], NULL), P_OK);
    for (size_t i = 0; i < N; i++) {
        u256 x = state_genesis_get_leaf(b, &keys[i]);
        assert_memory_equal(&x, &values[i], sizeof x);
    }
    u256 x = root_of(a), y = root_of(b), absent = {{5, 5, 5, 5}}, zero = {{0}};
    assert_memory_equal(&x, &y, sizeof x);
    for (size_t i = 0; i < N; i++) {
        x = state_genesis_get_leaf(a, &keys[i]);
        assert_memory_equal(&x, &values[i], sizeof x);
    }
    x = state_genesis_get_leaf(a, &absent);
    assert_memory_equal(&x, &zero, sizeof x);
    state_genesis_destroy(a);
    state_genesis_destroy(b);
}

static void test_bad_key(void **state)
{
    (void)state;
    state_genesis *g = fresh();
    u256 key = {{0, 0, GL_P, 0}}, one = {{1}};
    p_err err = {0};
    assert_int_equal(state_genesis_set_leaf(g, &key, &one, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "element 2"));
    state_genesis_destroy(g);
    state_genesis_destroy(NULL);
}

static void test_request(void **state)
{
    (void)state;
    state_genesis *g = fresh();
    state_request *req;
    exec_address a = {{1, 2, 3}};
    u256 balance = number(1, 2, 3, 4), nonce = {{7}}, slot = {{9}}, value = {{10}}, root;
    uint8_t code[100] = {0x60, 0x01};
    p_err err = {0};
    assert_int_equal(state_request_create(&req, EXEC_FORK_DEFAULT, &err), P_OK);
    assert_int_equal(state_genesis_set_balance(g, &a, &balance, &err), P_OK);
    assert_int_equal(state_genesis_set_nonce(g, &a, &nonce, &err), P_OK);
    assert_int_equal(state_genesis_set_storage(g, &a, &slot, &value, &err), P_OK);
    assert_int_equal(state_genesis_set_code(g, &a, code, sizeof code, &err), P_OK);
    assert_int_equal(state_genesis_finish(g, req, &root, &err), P_OK);
    assert_memory_equal(&req->batch.old_state_root, &root, sizeof root);
    /* every node and the code hash to their keys */
    assert_int_equal(state_request_verify(req, poseidon, &err), P_OK);
    u256 key = state_leaf_key(poseidon, &a, 4, NULL), len = state_genesis_get_leaf(g, &key);
    assert_int_equal(len.limb[0], sizeof code);
    key = state_leaf_key(poseidon, &a, 2, NULL);
    u256 hash = state_genesis_get_leaf(g, &key),
         again = state_code_hash(poseidon, code, sizeof code);
    assert_memory_equal(&hash, &again, sizeof hash);
    u256 none = state_code_hash(poseidon, NULL, 0), zero = {{0}};
    assert_memory_equal(&none, &zero, sizeof none);
    state_request_destroy(req);
    state_genesis_destroy(g);
}

int main(void)
{
    poseidon = gl_poseidon_select("portable");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_known_roots),
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_bad_key),
        cmocka_unit_test(test_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
