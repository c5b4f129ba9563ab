/* Files of verifying keys: there and back, and everything that is refused. */
#define _GNU_SOURCE /* memfd_create */
#include "tests/unit/stark/fixture.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_BYTES 4096
#define HEAD_BYTES 12
#define ENTRY_BYTES 12

static fixture f;
static char path[64];
static uint8_t bytes[MAX_BYTES];
static size_t size;

static p_status read_bytes(const uint8_t *data, size_t count, const air *a, stark_vk *vk,
                           p_err *err)
{
    int fd = memfd_create("vk", 0);

    *err = (p_err){0};
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, count), (ssize_t)count);
    return stark_vk_adopt(fd, "key.vk", a, vk, err);
}

static void refused(const uint8_t *data, size_t count, const char *text)
{
    stark_vk vk;
    p_err err;

    (void)read_bytes(data, count, f.a, &vk, &err);
    /* a version that is not ours may be a later one */
    if (err.status != P_ECORRUPT &&
        !(err.status == P_EUNSUPPORTED && strstr(err.text, "of the format; expected 1 .. 1")))
        fail_msg("%s: %s", p_status_name(err.status), err.text);
    assert_null(vk.fixed_cap);
    assert_null(vk.air);
    if (!strstr(err.text, text) || !strstr(err.text, "key.vk: "))
        fail_msg("'%s', expected '%s'", err.text, text);
}

static void test_round_trip(void **state)
{
    stark_vk vk;
    p_err err = {0};

    (void)state;
    if (stark_vk_read(path, f.a, &vk, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_memory_equal(&vk.params, &f.key.vk.params, sizeof vk.params);
    assert_memory_equal(vk.digest, f.key.vk.digest, sizeof vk.digest);
    assert_memory_equal(vk.fixed_cap, f.key.vk.fixed_cap,
                        32 * stark_vk_cap_digests(&vk.params, f.a));
    assert_ptr_equal(vk.air, f.a);
    assert_int_equal(stark_verify(&vk, f.publics, &f.proof, true, &err), P_OK);
    stark_vk_free(&vk);
    assert_int_equal(stark_vk_read("/nonexistent/key.vk", f.a, &vk, &err), P_ENOTFOUND);
    assert_int_equal(stark_vk_write(&f.key.vk, "/nonexistent/key.vk", &err), P_EIO);
}

/* Both hashes, with and without fixed columns, all levels. */
static void test_shapes(void **state)
{
    (void)state;
    for (int kind = DRV_HASH_GL; kind <= DRV_HASH_BN254; kind++)
        for (int level = STARK_P100; level <= STARK_P128; level++) {
            static const demo_wide_shape shape = {.lanes = 1, .extra = 0};
            const air_definition definition = demo_wide_definition(&shape);
            stark_vk vk = {0}, back;
            stark_hash hash;
            p_err err = {0};
            air *a;

            assert_int_equal(air_create(&definition, &a, &err), P_OK);
            vk.air = a;
            assert_int_equal(
                stark_params_choose((stark_level)level, (drv_hash)kind, 10, 4, &vk.params, &err),
                P_OK);
            assert_int_equal(stark_hash_create((drv_hash)kind, &hash, &err), P_OK);
            vk.fixed_cap = calloc(stark_vk_cap_digests(&vk.params, a) + 1, 32);
            assert_non_null(vk.fixed_cap);
            stark_vk_digest(&vk.params, a, vk.fixed_cap, &hash, vk.digest);
            assert_int_equal(stark_vk_write(&vk, path, &err), P_OK);
            if (stark_vk_read(path, a, &back, &err) != P_OK)
                fail_msg("%s", err.text);
            assert_memory_equal(&back.params, &vk.params, sizeof back.params);
            assert_memory_equal(back.digest, vk.digest, sizeof back.digest);
            stark_vk_free(&back);
            free(vk.fixed_cap);
            stark_hash_destroy(&hash);
            air_destroy(a);
        }
}

static void test_every_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8 * size; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        refused(bytes, size, "key.vk: ");
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void test_every_length(void **state)
{
    (void)state;
    for (size_t n = 0; n < size; n++)
        refused(bytes, n, "key.vk: ");
    for (size_t n = 1; n < 20; n++)
        refused(bytes, size + n, "key.vk: ");
}

static void test_another_graph(void **state)
{
    stark_vk vk;
    p_err err;
    air *other;

    (void)state;
    assert_int_equal(air_create(&demo_wide_100, &other, &err), P_OK);
    assert_int_equal(read_bytes(bytes, size, other, &vk, &err), P_ECORRUPT);
    assert_non_null(strstr(err.text, "not that of AIR demo_wide"));
    air_destroy(other);
}

/* What each refusal says. Words of the parameters: level, hash, rows, blow-up, queries, ... */
static void test_texts(void **state)
{
    uint8_t *parameters = bytes + HEAD_BYTES + ENTRY_BYTES;
    uint8_t *cap = parameters + 28 + 32 + ENTRY_BYTES;

    (void)state;
    parameters[0] = 2;
    refused(bytes, size, "128 are declared");
    parameters[0] = 3;
    refused(bytes, size, "level 3");
    parameters[0] = 0;
    parameters[4] = 2;
    refused(bytes, size, "hash 2");
    parameters[4] = 0;
    parameters[16]++;
    refused(bytes, size, "the digest is not that of");
    parameters[17] = 2;
    refused(bytes, size, "queries is");
    parameters[16]--;
    parameters[17] = 0;
    for (int i = 0; i < 8; i++)
        cap[i] ^= 0xff;
    memset(cap + 8, 0xff, 8);
    refused(bytes, size, "digest 0 is not canonical");
    cap[0] ^= 0xff;
}

static int make(void **state)
{
    FILE *file;
    p_err err;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 1);
    snprintf(path, sizeof path, "/tmp/zkprover-test-%ld.vk", (long)getpid());
    if (stark_vk_write(&f.key.vk, path, &err) != P_OK || !(file = fopen(path, "rb")))
        return -1;
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return size > 0 && size < sizeof bytes - 32 ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    fixture_free(&f);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_every_length), cmocka_unit_test(test_another_graph),
        cmocka_unit_test(test_texts),        cmocka_unit_test(test_shapes),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
