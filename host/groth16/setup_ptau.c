/* The initial key of phase 2, as snarkjs 0.7 makes it: the same points, in the same order of
 * sections, and in section 10 the hash of all of them, by which `snarkjs zkey verify` recognises
 * the circuit. */
#include "driver/base/clock.h"
#include "host/groth16/beyond.h"
#include "host/groth16/setup.h"
#include "host/groth16/wire_sums.h"
#include "host/groth16/zkey_write.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define ITEM 256 /* points that a thread makes affine at a time */
#define BLOCK 64 /* items between two writes */
#define HASH_CHUNK 16384
#define SECTIONS 10

typedef struct setup {
    const groth16_setup_options *o;
    groth16_circuit circuit;
    ptau powers;
    p_memory memory;
    p_pool *pool;
    binfile_writer writer;
    EVP_MD_CTX *hash;
    void *sums;     /* a projective point a wire */
    uint8_t *block; /* points as in the file, and behind them as they are hashed */
    uint64_t n_coefficients;
    groth16_setup_report report;
} setup;

static void tell(const setup *s, const char *what, uint64_t done, uint64_t all)
{
    if (s->o->progress)
        s->o->progress(s->o->context, what, all ? (unsigned)(100 * done / all) : 100);
}

/* ---- the hash ---- */

static p_status hash_bytes(setup *s, const void *data, size_t bytes, p_err *err)
{
    if (EVP_DigestUpdate(s->hash, data, bytes) != 1)
        return p_err_set(err, P_EINTERNAL, "blake2b failed");
    return P_OK;
}

static p_status hash_count(setup *s, uint32_t n, p_err *err)
{
    const uint8_t bytes[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                              (uint8_t)n};

    return hash_bytes(s, bytes, sizeof bytes, err);
}

/* big-endian, not in Montgomery form; infinity is zeros */
static void uncompressed_fp(uint8_t out[32], const bn_fp *a)
{
    uint64_t words[4];

    bn_fp_get_words(words, a);
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(words[3 - i / 8] >> (56 - 8 * (i % 8)));
}

static void uncompressed_g1(uint8_t out[64], const bn_g1 *a)
{
    uncompressed_fp(out, &a->x);
    uncompressed_fp(out + 32, &a->y);
}

static void uncompressed_g2(uint8_t out[128], const bn_g2 *a)
{
    uncompressed_fp(out, &a->x.c1);
    uncompressed_fp(out + 32, &a->x.c0);
    uncompressed_fp(out + 64, &a->y.c1);
    uncompressed_fp(out + 96, &a->y.c0);
}

static p_status hash_head(setup *s, const zkey_head *h, p_err *err)
{
    uint8_t out[3 * 64 + 3 * 128];

    uncompressed_g1(out, &h->alpha1);
    uncompressed_g1(out + 64, &h->beta1);
    uncompressed_g2(out + 128, &h->beta2);
    uncompressed_g2(out + 256, &h->gamma2);
    uncompressed_g1(out + 384, &h->delta1);
    uncompressed_g2(out + 448, &h->delta2);
    return hash_bytes(s, out, sizeof out, err);
}

/* ---- sections of points ---- */

typedef struct section {
    setup *s;
    bool g2;
    uint64_t first, end; /* of the block: sums */
} section;

static uint64_t point_bytes(bool g2)
{
    return g2 ? sizeof(bn_g2) : sizeof(bn_g1);
}

static uint64_t block_bytes(void)
{
    return 2 * (uint64_t)ITEM * BLOCK * sizeof(bn_g2);
}

/* where the block's points stand as they are hashed */
static uint8_t *hashed_of(const setup *s)
{
    return s->block + block_bytes() / 2;
}

static p_status affine_item(void *arg, size_t item, unsigned worker)
{
    const section *x = arg;
    uint64_t first = x->first + item * ITEM, left = x->end - first;
    size_t n = left < ITEM ? (size_t)left : ITEM;
    uint8_t *to = hashed_of(x->s) + item * ITEM * point_bytes(x->g2);

    (void)worker;
    if (x->g2) {
        bn_fp2 scratch[2 * ITEM];
        bn_g2 *points = (bn_g2 *)x->s->block + item * ITEM;

        bn_g2x_get_batch(points, (const bn_g2x *)x->s->sums + first, scratch, n);
        for (size_t i = 0; i < n; i++)
            uncompressed_g2(to + 128 * i, &points[i]);
    } else {
        bn_fp scratch[2 * ITEM];
        bn_g1 *points = (bn_g1 *)x->s->block + item * ITEM;

        bn_g1x_get_batch(points, (const bn_g1x *)x->s->sums + first, scratch, n);
        for (size_t i = 0; i < n; i++)
            uncompressed_g1(to + 64 * i, &points[i]);
    }
    return P_OK;
}

static p_status write_sums(setup *s, uint32_t type, const char *name, bool g2, uint64_t first,
                           uint64_t count, p_err *err)
{
    section x = {.s = s, .g2 = g2, .first = first};
    p_status status = hash_count(s, (uint32_t)count, err);

    if (status == P_OK)
        status = binfile_begin(&s->writer, type, err);
    for (; x.first < first + count && status == P_OK; x.first = x.end) {
        uint64_t left = first + count - x.first, most = (uint64_t)ITEM * BLOCK;
        uint64_t n = left < most ? left : most;

        tell(s, name, x.first - first, count);
        x.end = x.first + n;
        status = p_pool_run(s->pool, (n + ITEM - 1) / ITEM, affine_item, &x, s->o->cancel);
        if (status != P_OK)
            return p_err_set(err, status, "%s", p_status_text(status));
        status = hash_bytes(s, hashed_of(s), n * point_bytes(g2), err);
        if (status == P_OK)
            status = binfile_append(&s->writer, s->block, n * point_bytes(g2), err);
    }
    return status == P_OK ? binfile_end(&s->writer, err) : status;
}

static p_status sum_up(setup *s, const char *name, wire_sums_plan plan, p_err *err)
{
    tell(s, name, 0, 1);
    memset(s->sums, 0, s->circuit.wires * sizeof(bn_g2x));
    return wire_sums(&s->circuit, &s->powers, &plan, s->pool, s->sums, s->o->cancel, err);
}

/* ---- H ---- */

/* The odd ones of the double domain; delta is 1. */
static p_status write_h(setup *s, p_err *err)
{
    uint64_t rows = UINT64_C(1) << s->circuit.domain_log2, most = (uint64_t)ITEM * BLOCK;
    bn_g1 *points = (bn_g1 *)s->block;
    p_status status = binfile_begin(&s->writer, 9, err);

    for (uint64_t at = 0; at < rows && status == P_OK; at += most) {
        uint64_t n = rows - at < most ? rows - at : most;

        tell(s, "H", at, rows);
        if (p_cancel_requested(s->o->cancel))
            return p_err_set(err, P_ECANCELLED, "cancelled");
        status = ptau_read_lagrange(&s->powers, PTAU_TAU_G1, s->circuit.domain_log2 + 1, 2 * at,
                                    2 * n, points, err);
        for (uint64_t i = 0; i < n; i++)
            points[i] = points[2 * i + 1];
        if (status == P_OK)
            status = binfile_append(&s->writer, points, n * sizeof *points, err);
    }
    return status == P_OK ? binfile_end(&s->writer, err) : status;
}

/* The 64 bytes after the last power of tau: the next section's head and the beginning of its
 * contents (beyond.h). */
static p_status read_beyond(const setup *s, uint8_t bytes[64], p_err *err)
{
    const binfile_section *last = s->powers.powers[PTAU_TAU_G1];
    const binfile_section behind = {last->type, last->offset, last->size + 64};

    if (s->powers.file.size - (last->offset + last->size) < 64)
        return p_err_set(err, P_EUNSUPPORTED,
                         "%s: section %" PRIu32
                         " is the last one, which snarkjs cannot read for a circuit of 2^%" PRIu32
                         " rows",
                         s->powers.file.path, last->type, s->circuit.domain_log2);
    return binfile_read(&s->powers.file, &behind, last->size, bytes, 64, err);
}

/* tau^(rows + i) - tau^i, count of them from i = at on */
static p_status hash_h_chunk(setup *s, uint64_t at, uint64_t count, p_err *err)
{
    uint64_t rows = UINT64_C(1) << s->circuit.domain_log2;
    bool beyond = rows + at + count == UINT64_C(2) << s->powers.power;
    bn_g1 *high = (bn_g1 *)s->block, *low = high + HASH_CHUNK;
    bn_g1x x[ITEM];
    bn_fp scratch[2 * ITEM];
    uint8_t bytes[64] = {0};
    p_status status = ptau_read(&s->powers, PTAU_TAU_G1, at, count, low, err);

    if (status == P_OK)
        status = ptau_read(&s->powers, PTAU_TAU_G1, rows + at, count - beyond, high, err);
    for (uint64_t i = 0; i < count - beyond && status == P_OK; i += ITEM) {
        uint64_t left = count - beyond - i;
        size_t n = left < ITEM ? (size_t)left : ITEM;

        for (size_t k = 0; k < n; k++) {
            bn_g1x_set(&x[k], &high[i + k]);
            bn_g1x_sub_affine(&x[k], &x[k], &low[i + k]);
        }
        bn_g1x_get_batch(high + i, x, scratch, n);
        for (size_t k = 0; k < n; k++)
            uncompressed_g1(hashed_of(s) + (i + k) * 64, &high[i + k]);
    }
    if (status == P_OK && beyond) {
        status = read_beyond(s, bytes, err);
        groth16_beyond(&high[count - 1], bytes, &low[count - 1]);
        uncompressed_g1(hashed_of(s) + (count - 1) * 64, &high[count - 1]);
    }
    return status == P_OK ? hash_bytes(s, hashed_of(s), count * 64, err) : status;
}

/* snarkjs hashes rows - 1 points, but in whole chunks if there is more than one: then one more. */
static p_status hash_h(setup *s, p_err *err)
{
    uint64_t count = (UINT64_C(1) << s->circuit.domain_log2) - 1;
    uint64_t chunk = count < HASH_CHUNK ? count : HASH_CHUNK;
    p_status status = hash_count(s, (uint32_t)count, err);

    for (uint64_t at = 0; at < count && status == P_OK; at += chunk) {
        tell(s, "hash of H", at, count);
        if (p_cancel_requested(s->o->cancel))
            return p_err_set(err, P_ECANCELLED, "cancelled");
        status = hash_h_chunk(s, at, chunk, err);
    }
    return status;
}

/* ---- the file ---- */

static p_status read_head(const setup *s, zkey_head *h, p_err *err)
{
    p_status status = ptau_read(&s->powers, PTAU_ALPHA_G1, 0, 1, &h->alpha1, err);

    if (status == P_OK)
        status = ptau_read(&s->powers, PTAU_BETA_G1, 0, 1, &h->beta1, err);
    h->beta2 = s->powers.beta2;
    bn_g1_generator(&h->delta1);
    bn_g2_generator(&h->delta2);
    bn_g2_generator(&h->gamma2);
    return status;
}

static p_status count_term(void *arg, const groth16_term *t, p_err *err)
{
    setup *s = arg;

    (void)err;
    s->n_coefficients += t->matrix != GROTH16_C;
    return P_OK;
}

static p_status write_all_sums(setup *s, p_err *err)
{
    static const wire_sums_plan both = {{PTAU_BETA_G1, PTAU_ALPHA_G1, PTAU_TAU_G1}},
                                a = {{PTAU_TAU_G1, PTAU_SERIES, PTAU_SERIES}},
                                b1 = {{PTAU_SERIES, PTAU_TAU_G1, PTAU_SERIES}},
                                b2 = {{PTAU_SERIES, PTAU_TAU_G2, PTAU_SERIES}};
    uint64_t wires = s->circuit.wires, publics = (uint64_t)s->circuit.publics + 1;
    p_status status = sum_up(s, "C", both, err);

    if (status == P_OK)
        status = write_sums(s, ZKEY_SECTION_IC, "IC", false, 0, publics, err);
    if (status == P_OK)
        status = write_h(s, err);
    if (status == P_OK)
        status = hash_h(s, err);
    if (status == P_OK)
        status = write_sums(s, 8, "C", false, publics, wires - publics, err);
    if (status == P_OK)
        status = sum_up(s, "A", a, err);
    if (status == P_OK)
        status = write_sums(s, 5, "A", false, 0, wires, err);
    if (status == P_OK)
        status = sum_up(s, "B1", b1, err);
    if (status == P_OK)
        status = write_sums(s, 6, "B1", false, 0, wires, err);
    if (status == P_OK)
        status = sum_up(s, "B2", b2, err);
    return status == P_OK ? write_sums(s, 7, "B2", true, 0, wires, err) : status;
}

static p_status write_key(setup *s, const char *path, p_err *err)
{
    zkey_head head;
    uint8_t digest[EVP_MAX_MD_SIZE];
    p_status status = read_head(s, &head, err);

    tell(s, "coefficients", 0, 1);
    if (status == P_OK)
        status = groth16_circuit_each(&s->circuit, count_term, s, s->o->cancel, err);
    if (status == P_OK && s->n_coefficients > UINT32_MAX)
        status = p_err_set(err, P_EUNSUPPORTED,
                           "%s: %" PRIu64 " entries of A and B; a key holds at most %" PRIu32,
                           s->circuit.file.file.path, s->n_coefficients, UINT32_MAX);
    if (status == P_OK)
        status =
            zkey_write_begin(&s->writer, path, SECTIONS + s->powers.dev, &s->circuit, &head, err);
    if (status == P_OK)
        status = hash_head(s, &head, err);
    if (status == P_OK)
        status = zkey_write_coefficients(&s->writer, &s->circuit, (uint32_t)s->n_coefficients,
                                         s->o->cancel, err);
    if (status == P_OK)
        status = write_all_sums(s, err);
    if (status == P_OK && EVP_DigestFinal_ex(s->hash, digest, NULL) != 1)
        status = p_err_set(err, P_EINTERNAL, "blake2b failed");
    if (status == P_OK)
        status = zkey_write_contributions(&s->writer, digest, err);
    if (status == P_OK && s->powers.dev)
        status = zkey_write_dev_mark(&s->writer, err);
    tell(s, "sync", 0, 1);
    return status == P_OK ? binfile_commit(&s->writer, err) : status;
}

static p_status open_files(setup *s, const char *r1cs, const char *powers, p_err *err)
{
    p_status status = groth16_circuit_open(&s->circuit, r1cs, err);

    if (status == P_OK)
        status = ptau_open(&s->powers, powers, err);
    if (status == P_OK && s->circuit.domain_log2 > s->powers.power)
        status =
            p_err_set(err, P_EINVAL,
                      "%s has powers of tau for 2^%" PRIu32 " rows; the circuit %s has 2^%" PRIu32,
                      powers, s->powers.power, r1cs, s->circuit.domain_log2);
    if (status == P_OK && !s->powers.lagrange[PTAU_TAU_G1])
        status = p_err_set(err, P_EINVAL,
                           "%s: is not prepared for phase 2 (snarkjs powersoftau prepare phase2)",
                           powers);
    return status;
}

static p_status allocate(setup *s, p_err *err)
{
    uint64_t sums = s->circuit.wires * (uint64_t)sizeof(bn_g2x), need = sums + block_bytes(),
             have = p_memory_available();
    p_status status;

    if (need > have)
        return p_err_set(err, P_EEXHAUSTED,
                         "the setup takes %" PRIu64 " MB of memory, the system has %" PRIu64
                         " MB left",
                         need / 1000000 + 1, have / 1000000);
    s->memory.limit = UINT64_MAX;
    status = p_memory_alloc(&s->memory, sums, 1, "the wires' sums", &s->sums, err);
    if (status == P_OK)
        status = p_memory_alloc(&s->memory, block_bytes(), 1, "points", (void **)&s->block, err);
    if (status == P_OK &&
        !((s->hash = EVP_MD_CTX_new()) && EVP_DigestInit_ex(s->hash, EVP_blake2b512(), NULL) == 1))
        status = p_err_set(err, P_EEXHAUSTED, "no memory for blake2b");
    return status;
}

p_status groth16_setup_ptau(const char *r1cs, const char *powers, const char *out,
                            const groth16_setup_options *o, groth16_setup_report *report,
                            p_err *err)
{
    setup s = {.o = o, .powers.file.fd = -1};
    double since = p_clock_seconds(CLOCK_MONOTONIC);
    p_status status = open_files(&s, r1cs, powers, err);

    if (status == P_OK)
        status = allocate(&s, err);
    if (status == P_OK)
        status = p_pool_create(o->threads, &s.pool, err);
    if (status == P_OK)
        status = write_key(&s, out, err);
    binfile_abandon(&s.writer);
    tell(&s, "", 1, 1);
    EVP_MD_CTX_free(s.hash);
    p_memory_free(&s.memory, s.sums, s.circuit.wires * (uint64_t)sizeof(bn_g2x), 1);
    p_memory_free(&s.memory, s.block, block_bytes(), 1);
    if (s.pool)
        p_pool_destroy(s.pool);
    s.report.memory_bytes = p_memory_peak(&s.memory);
    s.report.constraints = s.circuit.constraints;
    s.report.wires = s.circuit.wires;
    s.report.publics = s.circuit.publics;
    s.report.domain_log2 = s.circuit.domain_log2;
    s.report.dev = s.powers.dev;
    s.report.seconds = p_clock_seconds(CLOCK_MONOTONIC) - since;
    ptau_close(&s.powers);
    groth16_circuit_close(&s.circuit);
    if (report)
        *report = s.report;
    return status;
}
