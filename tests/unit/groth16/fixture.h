/* A small circuit as files, and what is made of it: x^3 + b = y with y and b public, and a public
 * value c that is in no constraint. */
#ifndef ZKP_TESTS_UNIT_GROTH16_FIXTURE_H
#define ZKP_TESTS_UNIT_GROTH16_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/groth16/prover.h"
#include "host/groth16/setup.h"
#include "host/iden3/r1cs_file.h"
#include "host/iden3/wtns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOSE_MS 60000

enum { ONE, Y, B, C, X, T, WIRES };

static const uint64_t fixture_values[WIRES * 4] = {[4 * ONE] = 1, [4 * Y] = 31, [4 * B] = 4,
                                                   [4 * C] = 77,  [4 * X] = 3,  [4 * T] = 9};

/* tau, alpha, beta, gamma, delta */
static const uint64_t fixture_secrets[5 * 4] = {
    0x123456789abcdef, 11, 12, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

typedef struct fixture {
    char folder[64], r1cs[128], zkey[128], wtns[128], other[128];
    drv_device *cpu;
} fixture;

static inline void fixture_ok(p_status s, const p_err *err)
{
    if (s != P_OK)
        fail_msg("%s: %s", p_status_name(s), err->text);
}

static inline void fixture_row(r1cs_file_writer *w, unsigned n, const uint32_t *wires,
                               const int64_t *factors)
{
    p_err err = {0};

    fixture_ok(r1cs_file_put_count(w, n, &err), &err);
    for (unsigned i = 0; i < n; i++) {
        uint64_t words[4] = {(uint64_t)factors[i], 0, 0, 0};

        if (factors[i] < 0) { /* r + factor: the lowest word of r is above 2^62 */
            words[0] = BN_FR_P0 - (uint64_t)-factors[i];
            words[1] = BN_FR_P1;
            words[2] = BN_FR_P2;
            words[3] = BN_FR_P3;
        }
        fixture_ok(r1cs_file_put_term(w, wires[i], words, &err), &err);
    }
}

static inline void fixture_write_circuit(const char *path)
{
    const r1cs_file_header header = {
        .wires = WIRES, .outputs = 1, .inputs = 2, .private_inputs = 1, .labels = WIRES};
    r1cs_file_writer w;
    p_err err = {0};

    fixture_ok(r1cs_file_create(&w, path, &err), &err);
    /* x x = t; (2 t) (x) = 2 y - 2 b */
    fixture_row(&w, 1, (uint32_t[]){X}, (int64_t[]){1});
    fixture_row(&w, 1, (uint32_t[]){X}, (int64_t[]){1});
    fixture_row(&w, 1, (uint32_t[]){T}, (int64_t[]){1});
    fixture_row(&w, 1, (uint32_t[]){T}, (int64_t[]){2});
    fixture_row(&w, 1, (uint32_t[]){X}, (int64_t[]){1});
    fixture_row(&w, 2, (uint32_t[]){Y, B}, (int64_t[]){2, -2});
    fixture_ok(r1cs_file_commit(&w, &header, &err), &err);
    r1cs_file_abandon(&w); /* its buffer */
}

static inline int fixture_create(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    groth16_setup_options o = {.threads = 1, .secrets = fixture_secrets};
    p_err err = {0};

    strcpy(f->folder, "/tmp/groth16-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->r1cs, sizeof f->r1cs, "%s/c.r1cs", f->folder);
    snprintf(f->zkey, sizeof f->zkey, "%s/c.zkey", f->folder);
    snprintf(f->wtns, sizeof f->wtns, "%s/c.wtns", f->folder);
    snprintf(f->other, sizeof f->other, "%s/other", f->folder);
    fixture_write_circuit(f->r1cs);
    fixture_ok(wtns_write(f->wtns, fixture_values, WIRES, &err), &err);
    fixture_ok(groth16_setup_dev(f->r1cs, f->zkey, &o, NULL, &err), &err);
    fixture_ok(drv_open("cpu", &(drv_options){.threads = 1}, &f->cpu, &err), &err);
    *state = f;
    return 0;
}

static inline int fixture_destroy(void **state)
{
    fixture *f = *state;

    assert_int_equal(drv_close(f->cpu, CLOSE_MS, NULL), P_OK);
    remove(f->r1cs);
    remove(f->zkey);
    remove(f->wtns);
    remove(f->other);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static inline void fixture_prove(const fixture *f, const char *zkey_path, const uint64_t *values,
                                 groth16_proof *out, p_status expected, p_err *err)
{
    const groth16_options o = {.device = f->cpu, .cpu = f->cpu, .threads = 1};
    zkey key;

    fixture_ok(zkey_open(&key, zkey_path, err), err);
    assert_int_equal(groth16_prove(&key, values, &o, out, NULL, err), expected);
    zkey_close(&key);
}

static inline uint8_t *fixture_slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes;

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *size = (size_t)st.st_size;
    bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static inline void fixture_put(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

#endif
