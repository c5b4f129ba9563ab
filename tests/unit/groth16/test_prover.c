/* Proofs whose points are read in many portions, the memory that a proof takes, its end when it is
 * cancelled or the key is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/groth16/prover.h"
#include "host/groth16/setup.h"
#include "host/iden3/r1cs_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* x_0 public, x_(i+1) = x_i^2 for SQUARES wires, and BITS bits */
enum { SQUARES = 100, BITS = 200, WIRES = 2 + SQUARES + BITS };

#define CLOSE_MS 60000

static const uint64_t secrets[5 * 4] = {7, 7, 7, 7, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint64_t randomness[2 * 4] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint64_t one[4] = {1};
static const uint64_t minus_one[4] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};

static char folder[] = "/tmp/groth16-prover-XXXXXX", r1cs_path[64], zkey_path[64];
static uint64_t witness[WIRES * 4];

static void ok(p_status s, const p_err *err)
{
    if (s != P_OK)
        fail_msg("%s: %s", p_status_name(s), err->text);
}

static void put(r1cs_file_writer *w, unsigned n, uint32_t wire0, const uint64_t *factor0,
                uint32_t wire1, const uint64_t *factor1)
{
    p_err err = {0};

    ok(r1cs_file_put_count(w, n, &err), &err);
    if (n > 0)
        ok(r1cs_file_put_term(w, wire0, factor0, &err), &err);
    if (n > 1)
        ok(r1cs_file_put_term(w, wire1, factor1, &err), &err);
}

static void write_circuit(void)
{
    const r1cs_file_header header = {.wires = WIRES, .inputs = 1, .labels = WIRES};
    r1cs_file_writer w;
    p_err err = {0};

    ok(r1cs_file_create(&w, r1cs_path, &err), &err);
    for (uint32_t i = 1; i <= SQUARES; i++) {
        put(&w, 1, i, one, 0, NULL);
        put(&w, 1, i, one, 0, NULL);
        put(&w, 1, i + 1, one, 0, NULL);
    }
    for (uint32_t i = 2 + SQUARES; i < WIRES; i++) { /* b (b - 1) = 0 */
        put(&w, 1, i, one, 0, NULL);
        put(&w, 2, 0, minus_one, i, one);
        put(&w, 0, 0, NULL, 0, NULL);
    }
    ok(r1cs_file_commit(&w, &header, &err), &err);
    r1cs_file_abandon(&w);
}

static int set_up(void **state)
{
    const groth16_setup_options o = {.threads = 1, .secrets = secrets};
    bn_fr x;
    p_err err = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(r1cs_path, sizeof r1cs_path, "%s/c.r1cs", folder);
    snprintf(zkey_path, sizeof zkey_path, "%s/c.zkey", folder);
    write_circuit();
    ok(groth16_setup_dev(r1cs_path, zkey_path, &o, NULL, &err), &err);
    witness[0] = 1;
    bn_fr_set_u64(&x, 12345);
    for (uint32_t i = 1; i <= 1 + SQUARES; i++) {
        bn_fr_get_words(witness + 4 * (size_t)i, &x);
        bn_fr_sqr(&x, &x);
    }
    for (uint32_t i = 2 + SQUARES; i < WIRES; i++)
        witness[4 * (size_t)i] = i % 3 == 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove(r1cs_path);
    remove(zkey_path);
    return rmdir(folder);
}

typedef struct trial {
    unsigned threads;
    uint64_t portion_bytes, memory_bytes; /* 0: as it is */
    const p_cancel *cancel;
} trial;

static p_status prove(const trial *t, groth16_proof *out, uint64_t *estimate, p_err *err)
{
    const drv_options device = {.threads = t->threads, .memory_bytes = t->memory_bytes};
    groth16_options o = {.threads = t->threads,
                         .randomness = randomness,
                         .portion_bytes = t->portion_bytes,
                         .cancel = t->cancel};
    zkey key;
    groth16_report report;
    p_status s;

    memset(out, 0, sizeof *out);
    ok(drv_open("cpu", &device, &o.cpu, err), err);
    o.device = o.cpu;
    ok(zkey_open(&key, zkey_path, err), err);
    s = groth16_prove(&key, witness, &o, out, &report, err);
    if (estimate)
        *estimate = report.memory_bytes;
    zkey_close(&key);
    assert_int_equal(drv_close(o.cpu, CLOSE_MS, NULL), P_OK); /* so every buffer was freed */
    return s;
}

static void test_portions(void **state)
{
    /* bytes: less than a point, an odd number of points, one portion but for few points */
    static const uint64_t portions[] = {1, 1000, 4096, 64 * 1023, 1 << 20};
    groth16_proof expected, proof;
    p_err err = {0};

    (void)state;
    ok(prove(&(trial){.threads = 1}, &expected, NULL, &err), &err);
    for (unsigned threads = 1; threads <= 3; threads += 2)
        for (size_t i = 0; i < sizeof portions / sizeof portions[0]; i++) {
            const trial t = {.threads = threads, .portion_bytes = portions[i]};

            if (portions[i] < 1000 && threads > 1)
                continue; /* a job a point takes a second */
            ok(prove(&t, &proof, NULL, &err), &err);
            assert_memory_equal(&proof, &expected, sizeof proof);
        }
}

/* The estimate is enough, and most of it is used. */
static void test_memory(void **state)
{
    groth16_proof expected, proof;
    p_err err = {0};

    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        trial t = {.threads = threads, .portion_bytes = 16384};
        uint64_t bytes;

        ok(prove(&t, &expected, &bytes, &err), &err);
        t.memory_bytes = bytes;
        ok(prove(&t, &proof, NULL, &err), &err);
        assert_memory_equal(&proof, &expected, sizeof proof);
        t.memory_bytes = bytes / 2;
        assert_int_equal(prove(&t, &proof, NULL, &err), P_EEXHAUSTED);
        p_err_clear(&err);
    }
}

static void test_cancel(void **state)
{
    p_cancel cancel = P_CANCEL_INIT;
    groth16_proof proof;
    p_err err = {0};

    (void)state;
    p_cancel_request(&cancel);
    for (uint64_t portion = 0; portion <= 4096; portion += 4096)
        assert_int_equal(prove(&(trial){.threads = 2, .portion_bytes = portion, .cancel = &cancel},
                               &proof, NULL, &err),
                         P_ECANCELLED);
}

/* A point beyond the first portion that is on no curve is named with its section; the file is as it
 * was in the end. */
static void test_damage(void **state)
{
    static const zkey_points which[] = {ZKEY_H, ZKEY_A, ZKEY_B2};

    (void)state;
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        const trial t = {.threads = 2, .portion_bytes = 4096};
        uint64_t size = zkey_points_bytes(which[i]), at, before, changed;
        char name[32];
        groth16_proof proof;
        p_err err = {0};
        zkey key;
        int fd;

        ok(zkey_open(&key, zkey_path, &err), &err);
        at = key.points[which[i]]->offset + 200 * size;
        zkey_close(&key);
        fd = open(zkey_path, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(fd, &before, sizeof before, (off_t)at), sizeof before);
        changed = before + 1;
        assert_int_equal(pwrite(fd, &changed, sizeof changed, (off_t)at), sizeof changed);
        assert_int_equal(prove(&t, &proof, NULL, &err), P_ECORRUPT);
        snprintf(name, sizeof name, "section %s", zkey_points_name(which[i]));
        assert_non_null(strstr(err.text, name));
        assert_int_equal(pwrite(fd, &before, sizeof before, (off_t)at), sizeof before);
        close(fd);
        p_err_clear(&err);
        ok(prove(&t, &proof, NULL, &err), &err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portions),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
