/* .r1cs files: a small one word by word, then cut and changed everywhere. */
#include "host/iden3/r1cs_file.h"

#include "circuit.h"

static const uint64_t FACTOR[4] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};
static const uint64_t SMALL[4] = {7, 0, 0, 0};

/* w1 (7 w2) = -w0, and (w2 - w3) 0 = 0; 4 wires, one output, one input */
static void write_small(const char *path)
{
    const r1cs_file_header h = {.wires = 4, .outputs = 1, .inputs = 1, .labels = 4};
    static const uint32_t counts[] = {1, 1, 1, 2, 0, 0}, wires[] = {1, 2, 0, 2, 3};
    r1cs_file_writer w;
    p_err err = {0};
    size_t n = 0;

    assert_int_equal(r1cs_file_create(&w, path, &err), P_OK);
    for (size_t i = 0; i < 6; i++) {
        if (i == 3)
            assert_int_equal(r1cs_file_put_name(&w, "the second", &err), P_OK);
        assert_int_equal(r1cs_file_put_count(&w, counts[i], &err), P_OK);
        for (uint32_t k = 0; k < counts[i]; k++, n++)
            assert_int_equal(
                r1cs_file_put_term(&w, wires[n], n == 2 || n == 4 ? FACTOR : SMALL, &err), P_OK);
    }
    assert_int_equal(r1cs_file_commit(&w, &h, &err), P_OK);
    r1cs_file_abandon(&w);
}

static uint8_t *load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void save(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* Opens and reads everything. */
static p_status read_all(const char *path, p_err *err)
{
    r1cs_file f;
    r1cs_file_counts counts;
    char name[R1CS_FILE_NAME_BYTES];
    p_status s = r1cs_file_open(&f, path, err);

    if (s == P_OK)
        s = r1cs_file_check(&f, &counts, err);
    if (s == P_OK)
        s = r1cs_file_name(&f, 1, name, err);
    r1cs_file_close(&f);
    return s;
}

static void test_small(void **state)
{
    char path[64], name[R1CS_FILE_NAME_BYTES];
    r1cs_file f;
    r1cs_file_counts counts;
    r1cs_file_cursor *c = malloc(sizeof *c);
    uint32_t terms, wire;
    uint64_t factor[4];
    p_err err = {0};

    (void)state;
    circuit_path(path, "r1cs");
    write_small(path);
    assert_int_equal(r1cs_file_open(&f, path, &err), P_OK);
    assert_int_equal(f.header.wires, 4);
    assert_int_equal(f.header.outputs, 1);
    assert_int_equal(f.header.inputs, 1);
    assert_int_equal(f.header.private_inputs, 0);
    assert_int_equal(f.header.constraints, 2);
    assert_int_equal(f.header.labels, 4);
    assert_int_equal(r1cs_file_check(&f, &counts, &err), P_OK);
    assert_int_equal(counts.terms[0], 3);
    assert_int_equal(counts.terms[1], 1);
    assert_int_equal(counts.terms[2], 1);
    assert_int_equal(r1cs_file_name(&f, 0, name, &err), P_OK);
    assert_string_equal(name, "");
    assert_int_equal(r1cs_file_name(&f, 1, name, &err), P_OK);
    assert_string_equal(name, "the second");
    r1cs_file_start(c, &f);
    assert_int_equal(r1cs_file_next(c, &terms, &err), P_OK);
    assert_int_equal(terms, 1);
    assert_int_equal(r1cs_file_next(c, &terms, &err), P_EINTERNAL); /* terms are left */
    assert_int_equal(r1cs_file_term(c, &wire, factor, &err), P_OK);
    assert_int_equal(wire, 1);
    assert_memory_equal(factor, SMALL, 32);
    assert_int_equal(r1cs_file_term(c, &wire, factor, &err), P_EINTERNAL);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(r1cs_file_next(c, &terms, &err), P_OK);
        while (terms-- > 0)
            assert_int_equal(r1cs_file_term(c, &wire, factor, &err), P_OK);
        assert_int_equal(r1cs_file_finish(c, &err), i == 4 ? P_OK : P_ECORRUPT);
    }
    assert_int_equal(r1cs_file_next(c, &terms, &err), P_EINTERNAL);
    r1cs_file_close(&f);
    unlink(path);
    free(c);
}

/* offsets in the small file */
enum {
    CONSTRAINTS = 24,
    CONSTRAINTS_BYTES = 6 * 4 + 5 * 36,
    HEADER = CONSTRAINTS + CONSTRAINTS_BYTES + 12,
    MAP = HEADER + 64 + 12,
    NAMES = MAP + 32 + 12,
    END = NAMES + 8 + 10
};

typedef struct damage {
    size_t offset;
    uint32_t value;
    p_status status;
    const char *text;
} damage;

static void test_damage(void **state)
{
    static const damage cases[] = {
        {0, 0x11111111, P_ECORRUPT, "offset 0: expected a file that begins with 'r1cs'"},
        {4, 2, P_EUNSUPPORTED, "version 2"},
        {8, 1000, P_ECORRUPT, "1000 sections"},
        {12, 9, P_ECORRUPT, "section 2 (constraints) is missing"},
        {12, 1, P_ECORRUPT, "section 1 (header) is there twice"},
        {16, 7, P_ECORRUPT, "offset"},
        {CONSTRAINTS, 1u << 20, P_ECORRUPT, "constraint 0: A has 1048576 terms"},
        {CONSTRAINTS, 5, P_ECORRUPT, "section 2, offset"},
        {CONSTRAINTS, 0, P_ECORRUPT, "section 2, offset"},
        {CONSTRAINTS + 4, 4, P_ECORRUPT, "section 2, offset 28: constraint 0: A has wire 4"},
        {CONSTRAINTS + 36, UINT32_MAX, P_ECORRUPT, "offset 32: constraint 0: a factor of A is not"},
        {CONSTRAINTS + 40, 2, P_ECORRUPT, "section 2, offset"},
        {CONSTRAINTS + 44, 99, P_ECORRUPT, "constraint 0: B has wire 99"},
        {CONSTRAINTS + 120, UINT32_MAX, P_ECORRUPT, "constraint 1: A has"},
        {HEADER, 48, P_EUNSUPPORTED, "the prime r has 48 bytes"},
        {HEADER + 4, 1, P_EUNSUPPORTED, "the prime r is not BN254's"},
        {HEADER + 36, 2, P_ECORRUPT, "section 1, offset"},
        {HEADER + 36, 5, P_ECORRUPT, "section 3"},
        {HEADER + 40, 3, P_ECORRUPT, "4 wires; wire 0, 3 outputs"},
        {HEADER + 44, UINT32_MAX, P_ECORRUPT, "section 1, offset"},
        {HEADER + 48, UINT32_MAX, P_ECORRUPT, "section 1, offset"},
        {HEADER + 52, 3, P_ECORRUPT, "section 3, offset 340: wire 3 has label 3; there are 3"},
        {HEADER + 60, 1, P_ECORRUPT, "section 2, offset"},
        {HEADER + 60, 3, P_ECORRUPT, "section 2, offset"},
        {HEADER + 60, UINT32_MAX, P_ECORRUPT, "4294967295 constraints take at least"},
        {MAP + 8, 4, P_ECORRUPT, "wire 1 has label 4"},
        {MAP - 12, 5, P_ECORRUPT, "section 3 (wire to label) is missing"},
        {NAMES, 2, P_ECORRUPT, "a name of constraint 2"},
        {NAMES + 4, 200, P_ECORRUPT, "a name of 200 bytes"},
        {NAMES + 4, 9, P_ECORRUPT, "offset"},
        {NAMES + 8, 0x0a000000, P_ECORRUPT, "control character"},
        {NAMES - 12, 5, P_EUNSUPPORTED, "custom gates"},
    };
    char path[64];
    uint8_t *good, *bytes;
    size_t size;
    p_err err = {0};

    (void)state;
    circuit_path(path, "r1cs");
    write_small(path);
    good = load(path, &size);
    assert_int_equal(size, END);
    bytes = malloc(size + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memcpy(bytes, good, size);
        memcpy(bytes + cases[i].offset, &cases[i].value, 4);
        save(path, bytes, size);
        p_err_clear(&err);
        if (read_all(path, &err) != cases[i].status || !strstr(err.text, cases[i].text) ||
            !strstr(err.text, path))
            fail_msg("case %zu: expected '%s', found %s", i, cases[i].text, err.text);
    }
    /* cut anywhere, one byte more, and every byte changed: an answer that names file and place */
    for (size_t n = 0; n < size; n++) {
        save(path, good, n);
        p_err_clear(&err);
        assert_int_equal(read_all(path, &err), P_ECORRUPT);
        if (!strstr(err.text, path) || !strstr(err.text, "offset"))
            fail_msg("cut at %zu: %s", n, err.text);
    }
    memcpy(bytes, good, size);
    bytes[size] = 0;
    save(path, bytes, size + 1);
    assert_int_equal(read_all(path, &err), P_ECORRUPT);
    for (size_t n = 0; n < size; n++)
        for (unsigned x = 1; x < 256; x = x * 5 + 2) {
            p_status s;

            memcpy(bytes, good, size);
            bytes[n] ^= (uint8_t)x;
            save(path, bytes, size);
            p_err_clear(&err);
            s = read_all(path, &err);
            if (s != P_OK && (!strstr(err.text, path) ||
                              (!strstr(err.text, "offset") && !strstr(err.text, "section"))))
                fail_msg("byte %zu changed: %s", n, err.text);
        }
    unlink(path);
    free(good);
    free(bytes);
    assert_int_equal(read_all("/nonexistent/x.r1cs", &err), P_ENOTFOUND);
}

/* Many terms and a long section: more than the buffers hold; then a check with a witness. */
static void test_long(void **state)
{
    char path[64], wtns_path[64];
    const r1cs_file_header h = {.wires = 2, .labels = 2};
    r1cs_file_writer w;
    r1cs_violation v;
    uint64_t values[8] = {1, 0, 0, 0, 0, 0, 0, 0};
    p_err err = {0};

    (void)state;
    circuit_path(path, "r1cs");
    circuit_path(wtns_path, "wtns");
    assert_int_equal(r1cs_file_create(&w, path, &err), P_OK);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(r1cs_file_put_count(&w, 40, &err), P_OK);
        for (int k = 0; k < 40; k++) /* a wire may come more than once: 40 * -w1 */
            assert_int_equal(r1cs_file_put_term(&w, 1, FACTOR, &err), P_OK);
        assert_int_equal(r1cs_file_put_count(&w, 1, &err), P_OK);
        assert_int_equal(r1cs_file_put_term(&w, 0, SMALL, &err), P_OK);
        assert_int_equal(r1cs_file_put_count(&w, i == 2999, &err), P_OK);
        if (i == 2999) /* -280 w1 = -w0 */
            assert_int_equal(r1cs_file_put_term(&w, 0, FACTOR, &err), P_OK);
    }
    assert_int_equal(r1cs_file_commit(&w, &h, &err), P_OK);
    r1cs_file_abandon(&w);
    assert_int_equal(read_all(path, &err), P_OK);
    assert_int_equal(wtns_write(wtns_path, values, 2, &err), P_OK);
    assert_int_equal(r1cs_check_files(path, wtns_path, &v, &err), P_EINVAL);
    assert_int_equal(v.constraint, 2999);
    assert_int_equal(wtns_write(wtns_path, values, 1, &err), P_OK);
    assert_int_equal(r1cs_check_files(path, wtns_path, &v, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "do not belong together"));
    assert_false(v.found);
    unlink(path);
    unlink(wtns_path);
}

static void test_writer(void **state)
{
    char path[64];
    r1cs_file_writer w;
    p_err err = {0};

    (void)state;
    circuit_path(path, "r1cs");
    assert_int_equal(r1cs_file_create(&w, "/nonexistent/x.r1cs", &err), P_EIO);
    r1cs_file_abandon(&w);
    assert_int_equal(r1cs_file_create(&w, path, &err), P_OK);
    assert_int_equal(r1cs_file_put_count(&w, 0, &err), P_OK);
    assert_int_equal(r1cs_file_commit(&w, &(r1cs_file_header){.wires = 1}, &err), P_EINTERNAL);
    r1cs_file_abandon(&w);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
