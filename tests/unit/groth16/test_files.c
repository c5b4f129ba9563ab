/* Files that are cut, lengthened or changed anywhere: an error that names the file and the place,
 * or a proof that holds for the key as it then is; never a crash. */
#define _GNU_SOURCE /* memfd_create */
#include "tests/unit/groth16/fixture.h"

#include "host/groth16/ptau_dev.h"

#include <sys/mman.h>

typedef p_status read_file(int fd, p_err *err);

/* Everything that the file holds. */
static p_status read_key(int fd, p_err *err)
{
    zkey z;
    bn_g2 points[16];
    p_status s = zkey_adopt(&z, fd, "the.file", err);

    if (s != P_OK)
        return s;
    for (uint32_t i = 0; i < z.n_coefficients && s == P_OK; i++) {
        uint8_t bytes[ZKEY_COEFFICIENT_BYTES];
        zkey_coefficient k;

        s = binfile_read(&z.file, z.coefficients, 4 + (uint64_t)i * sizeof bytes, bytes,
                         sizeof bytes, err);
        if (s == P_OK)
            s = zkey_coefficient_get(&z, i, bytes, &k, err);
    }
    for (int i = 0; i < ZKEY_POINTS && s == P_OK; i++)
        s = zkey_read_points(&z, (zkey_points)i, 0, zkey_points_count(&z, (zkey_points)i), points,
                             err);
    zkey_close(&z);
    return s;
}

static p_status read_witness(int fd, p_err *err)
{
    uint64_t values[16 * 4];
    wtns w;
    p_status s = wtns_adopt(&w, fd, "the.file", err);

    if (s != P_OK)
        return s;
    assert_true(w.count <= 16);
    s = wtns_read(&w, values, err);
    wtns_close(&w);
    return s;
}

static p_status read_powers(int fd, p_err *err)
{
    ptau p;
    bn_g2 points[16];
    p_status s = ptau_adopt(&p, fd, "the.file", err);

    if (s != P_OK)
        return s;
    for (int i = 0; i < PTAU_SERIES && s == P_OK; i++) {
        s = ptau_read(&p, (ptau_series)i, 0, 1u << p.power, points, err);
        for (uint32_t log2 = 0; log2 <= p.power && s == P_OK; log2++)
            s = ptau_read_lagrange(&p, (ptau_series)i, log2, 0, UINT64_C(1) << log2, points, err);
    }
    ptau_close(&p);
    return s;
}

static p_status read_bytes(read_file *read, const uint8_t *bytes, size_t size, p_err *err)
{
    int fd = memfd_create("test", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    p_err_clear(err);
    return read(fd, err);
}

static void expect_place(p_status s, const p_err *err, size_t at)
{
    if (s == P_OK || err->status != s || !strstr(err->text, "the.file") ||
        !(strstr(err->text, "offset") || strstr(err->text, "section")))
        fail_msg("at %zu: %s: %s", at, p_status_name(s), err->text);
}

static void try_file(read_file *read, const char *path)
{
    size_t size;
    uint8_t *bytes = fixture_slurp(path, &size);
    p_err err = {0};

    fixture_ok(read_bytes(read, bytes, size, &err), &err);
    for (size_t i = 0; i < size; i++)
        expect_place(read_bytes(read, bytes, i, &err), &err, i);
    bytes[size] = 0;
    expect_place(read_bytes(read, bytes, size + 1, &err), &err, size);
    for (size_t i = 0; i + 4 <= size; i += 4)
        for (int change = 0; change < 3; change++) {
            uint8_t old[4];
            p_status s;

            memcpy(old, bytes + i, sizeof old);
            if (change == 0)
                bytes[i] ^= 1;
            else
                memset(bytes + i, change == 1 ? 255 : 0, sizeof old);
            s = read_bytes(read, bytes, size, &err);
            if (s != P_OK)
                expect_place(s, &err, i);
            memcpy(bytes + i, old, sizeof old);
        }
    free(bytes);
}

static void test_key(void **state)
{
    try_file(read_key, ((const fixture *)*state)->zkey);
}

static void test_witness(void **state)
{
    try_file(read_witness, ((const fixture *)*state)->wtns);
}

static void test_powers(void **state)
{
    const fixture *f = *state;
    const groth16_setup_options o = {.threads = 1};
    p_err err = {0};

    fixture_ok(groth16_ptau_dev(f->other, 2, true, &o, NULL, &err), &err);
    try_file(read_powers, f->other);
    remove(f->other);
}

/* A section that is there twice, or is missing. */
static void test_sections(void **state)
{
    const fixture *f = *state;
    size_t size, at;
    uint8_t *bytes = fixture_slurp(f->zkey, &size);
    p_err err = {0};

    for (at = 12; at + 12 <= size; at += 12 + (size_t)binfile_u64(bytes + at + 4)) {
        uint32_t type = binfile_u32(bytes + at);
        p_status s;

        bytes[at] = 99; /* missing */
        s = read_bytes(read_key, bytes, size, &err);
        if (type >= 1 && type <= 9)
            expect_place(s, &err, at);
        bytes[at] = 2; /* the header is there twice */
        bytes[at + 1] = bytes[at + 2] = bytes[at + 3] = 0;
        if (type != 2)
            expect_place(read_bytes(read_key, bytes, size, &err), &err, at);
        memcpy(bytes + at, &type, sizeof type);
    }
    fixture_ok(read_bytes(read_key, bytes, size, &err), &err);
    free(bytes);
}

/* Keys that were changed: what is proved with them holds for them, or there is no proof. */
static void test_prove(void **state)
{
    const fixture *f = *state;
    const groth16_options o = {.device = f->cpu, .cpu = f->cpu, .threads = 1};
    size_t size, held = 0, refused = 0;
    uint8_t *bytes = fixture_slurp(f->zkey, &size);

    for (size_t i = 12; i < size; i += 41) {
        groth16_proof proof;
        p_err err = {0};
        zkey key;

        bytes[i] ^= 4;
        fixture_put(f->other, bytes, size);
        bytes[i] ^= 4;
        if (zkey_open(&key, f->other, &err) != P_OK)
            continue;
        if (groth16_prove(&key, fixture_values, &o, &proof, NULL, &err) == P_OK) {
            fixture_ok(groth16_verify(&key.vk, &proof, fixture_values + 4, &err), &err);
            held++;
        } else {
            assert_true(err.status == P_EINVAL || err.status == P_ECORRUPT);
            assert_non_null(strstr(err.text, f->other));
            refused++;
        }
        zkey_close(&key);
    }
    assert_true(refused > 20);
    assert_true(held > 0); /* the mark, and points of wires that are 0 */
    remove(f->other);
    free(bytes);
}

/* Circuits with a place changed: a key or an error. */
static void test_circuit(void **state)
{
    const fixture *f = *state;
    const groth16_setup_options o = {.threads = 1};
    size_t size;
    uint8_t *bytes = fixture_slurp(f->r1cs, &size);
    char key[160];

    snprintf(key, sizeof key, "%s/k", f->folder);
    for (size_t i = 0; i < size; i += 5) {
        p_err err = {0};
        p_status s;

        bytes[i] ^= (uint8_t)(1u << i % 8);
        fixture_put(f->other, bytes, size);
        bytes[i] ^= (uint8_t)(1u << i % 8);
        s = groth16_setup_dev(f->other, key, &o, NULL, &err);
        if (s != P_OK) {
            assert_true(s == P_ECORRUPT || s == P_EUNSUPPORTED || s == P_EEXHAUSTED);
            assert_int_equal(access(key, F_OK), -1);
            if (s != P_EEXHAUSTED)
                assert_non_null(strstr(err.text, f->other));
        }
        remove(key);
    }
    remove(f->other);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),    cmocka_unit_test(test_witness),
        cmocka_unit_test(test_powers), cmocka_unit_test(test_sections),
        cmocka_unit_test(test_prove),  cmocka_unit_test(test_circuit),
    };

    return cmocka_run_group_tests(tests, fixture_create, fixture_destroy);
}
