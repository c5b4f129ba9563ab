/* Fails each allocation in turn: nothing leaks, nothing crashes, and the error says what was wrong.
 * And: memory that held a witness is zero when it is freed. malloc, calloc, realloc and free of the
 * libraries arrive here (linker option --wrap). */
#include "host/r1cs/bounded.h"
#include "host/r1cs/poseidon.h"
#include "host/r1cs/sha256.h"

#include "circuit.h"

#include <malloc.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static size_t allocations, failing; /* the failing-th one fails; 0: none */

/* What no freed memory may hold: the words of a wire's value. */
static uint64_t secret[4];
static bool looking;
static size_t looked, found;

static bool fails(void)
{
    return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

void __wrap_free(void *p)
{
    size_t size = p ? malloc_usable_size(p) : 0;

    looked += looking && p;
    for (size_t i = 0; looking && i + sizeof secret <= size; i += 8)
        found += memcmp((const char *)p + i, secret, sizeof secret) == 0;
    __real_free(p);
}

static bn_fr secret_value(void)
{
    bn_fr x = r1cs_fr_u64(UINT64_C(0xfeedfacecafebeef)), y = r1cs_fr_u64(77);

    bn_fr_inv(&y, &y);
    bn_fr_mul(&x, &x, &y);
    return x;
}

/* Every kind of memory: values that grow, terms, sorting, what was reduced before, names. */
static void all_gadgets(r1cs_builder *b, const r1cs_poseidon *p)
{
    r1cs_lc in[2], bits[8], digest[R1CS_SHA256_BITS];
    r1cs_gl x[3];

    r1cs_label(b, "values");
    in[0] = r1cs_wire(b, secret_value());
    in[1] = r1cs_wire(b, secret_value());
    for (int i = 0; i < 3; i++)
        x[i] = r1cs_gl_input(b, 5);
    r1cs_label(b, "reductions");
    for (int i = 0; i < 150; i++)
        x[i % 3] = r1cs_gl_reduce(b, r1cs_gl_dot(b, x, x, 3));
    r1cs_label(b, "hash");
    (void)r1cs_poseidon_hash(b, p, in[1], in);
    for (int i = 0; i < 8; i++)
        bits[i] = r1cs_wire(b, r1cs_fr_u64(i & 1));
    r1cs_sha256(b, bits, 1, digest);
}

static p_status run_all(const char *path, p_err *err)
{
    r1cs_poseidon *p;
    r1cs_builder *b;
    r1cs_file f;
    r1cs_file_counts counts;
    const uint64_t *values;
    p_status s = r1cs_poseidon_create(3, &p, err);

    if (s == P_OK)
        s = r1cs_create(R1CS_BUILD | R1CS_SOLVE, path, 0, 0, &b, err);
    if (s == P_OK) {
        all_gadgets(b, p);
        s = r1cs_finish(b, NULL, &values, err);
        if (s == P_OK)
            s = r1cs_file_open(&f, path, err);
        if (s == P_OK) {
            s = r1cs_file_check(&f, &counts, err);
            if (s == P_OK)
                s = r1cs_check(&f, values, NULL, err);
            r1cs_file_close(&f);
        }
        r1cs_destroy(b);
    }
    r1cs_poseidon_destroy(p);
    return s;
}

static void test_every_allocation(void **state)
{
    char path[64], temporary[80];
    p_err err = {0};
    size_t n = 0;
    p_status s;

    (void)state;
    circuit_path(path, "r1cs");
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    do {
        unlink(path);
        p_err_clear(&err);
        allocations = 0;
        failing = ++n;
        s = run_all(path, &err);
        failing = 0;
        assert_int_not_equal(access(temporary, F_OK), 0);
        if (s != P_OK && s != P_EEXHAUSTED)
            fail_msg("allocation %zu: %s", n, err.text);
        assert_true(s == P_OK || err.text[0]);
    } while (s != P_OK);
    assert_true(n > 15);
    unlink(path);
}

static void test_values_are_wiped(void **state)
{
    char path[64], wtns_path[64];
    bn_fr x = secret_value();
    p_err err = {0};
    r1cs_builder *b;
    r1cs_poseidon *p;
    const uint64_t *values;
    r1cs_counts counts;
    uint64_t *copy;

    (void)state;
    circuit_path(path, "r1cs");
    circuit_path(wtns_path, "wtns");
    bn_fr_get_words(secret, &x);
    copy = malloc(64); /* the test can see what it looks for */
    memcpy(copy + 1, secret, sizeof secret);
    looking = true;
    __wrap_free(copy); /* free itself would let the copy be optimised away */
    looking = false;
    assert_int_equal(found, 1);
    found = looked = 0;
    looking = true;
    assert_int_equal(run_all(path, &err), P_OK);
    looking = false;
    assert_true(looked > 5);
    assert_int_equal(found, 0);

    /* the checker's copy, too */
    assert_int_equal(r1cs_poseidon_create(3, &p, &err), P_OK);
    assert_int_equal(r1cs_create(R1CS_SOLVE, NULL, 0, 0, &b, &err), P_OK);
    all_gadgets(b, p);
    assert_int_equal(r1cs_finish(b, &counts, &values, &err), P_OK);
    assert_int_equal(wtns_write(wtns_path, values, counts.wires, &err), P_OK);
    looked = 0;
    looking = true;
    assert_int_equal(r1cs_check_files(path, wtns_path, NULL, &err), P_OK);
    r1cs_destroy(b);
    looking = false;
    assert_true(looked > 2);
    assert_int_equal(found, 0);
    r1cs_poseidon_destroy(p);
    unlink(path);
    unlink(wtns_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation),
        cmocka_unit_test(test_values_are_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
