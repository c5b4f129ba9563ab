/* The matrices times the witness, and the quotient's values out of that. */
#include "driver/base/pool.h"
#include "driver/field/bn_fr.h"
#include "host/groth16/prover_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WORDS GROTH16_WORDS
#define ELEMENT_BYTES GROTH16_ELEMENT_BYTES
#define COUNT_BYTES 4 /* in front of the coefficients */
#define ITEM_COEFFICIENTS 2048
#define ITEM_BYTES (ITEM_COEFFICIENTS * ZKEY_COEFFICIENT_BYTES)
#define ITEM_ROWS 4096
#define LOCKS 1024 /* of rows, by their number modulo this */
#define AHEAD 16   /* entries whose wires are on their way from memory */
#define AT_ONCE 5  /* products with one reduction: bn_fr_wide_reduce5 */

/* ---- the matrices times the witness ---- */

typedef struct evaluation {
    const groth16_run *r;
    bn_fr *a, *b, *c;
    unsigned char *buffer; /* ITEM_BYTES a worker */
    size_t items;
    atomic_flag lock[LOCKS];
    atomic_flag error_lock;
    size_t error_item; /* the least one with an error */
    p_err err;
} evaluation;

static void lock(atomic_flag *f)
{
    while (atomic_flag_test_and_set_explicit(f, memory_order_acquire))
        ;
}

static void unlock(atomic_flag *f)
{
    atomic_flag_clear_explicit(f, memory_order_release);
}

/* Entries of one row of a matrix, one after the other: their sum so far. */
typedef struct row_sum {
    uint32_t matrix, row;
    unsigned products; /* in wide */
    bn_fr_wide wide;
    bn_fr sum;
} row_sum;

static void reduce(row_sum *s)
{
    bn_fr t;

    if (s->products == 0)
        return;
    bn_fr_wide_reduce5(&t, &s->wide);
    bn_fr_add(&s->sum, &s->sum, &t);
    bn_fr_wide_zero(&s->wide);
    s->products = 0;
}

/* To its row, which entries elsewhere in the file may belong to, too. */
static void put(evaluation *e, row_sum *s)
{
    bn_fr *to = (s->matrix == 0 ? e->a : e->b) + s->row;
    atomic_flag *f = &e->lock[s->row % LOCKS];

    reduce(s);
    lock(f);
    bn_fr_add(to, to, &s->sum);
    unlock(f);
}

/* The value is times 2^512 and the wire a plain number, so that a product becomes Montgomery form
 * by its reduction. Most wires of most circuits are bits. */
static void add_entry(row_sum *s, const zkey_coefficient *k, const uint64_t wire[WORDS])
{
    bn_fr value = {{k->value[0], k->value[1], k->value[2], k->value[3]}};
    bn_fr factor = {{wire[0], wire[1], wire[2], wire[3]}};

    if ((wire[1] | wire[2] | wire[3]) == 0 && wire[0] <= 1) {
        bn_fr_wide t = {{value.l[0], value.l[1], value.l[2], value.l[3], 0, 0, 0, 0}};

        if (wire[0] == 0)
            return;
        bn_fr_wide_add(&s->wide, &t);
    } else {
        bn_fr_wide_mac(&s->wide, &value, &factor);
    }
    if (++s->products == AT_ONCE)
        reduce(s);
}

static p_status add_entries(evaluation *e, uint32_t first, uint32_t count, const uint8_t *bytes,
                            p_err *err)
{
    const groth16_run *r = e->r;
    row_sum s = {0};
    p_status status = P_OK;

    for (uint32_t i = 0; i < count && status == P_OK; i++) {
        zkey_coefficient k;

        if (i + AHEAD < count) {
            uint32_t wire = binfile_u32(bytes + (i + AHEAD) * ZKEY_COEFFICIENT_BYTES + 8);

            if (wire < r->key->n_wires)
                __builtin_prefetch(r->witness + (uint64_t)wire * WORDS);
        }
        status =
            zkey_coefficient_get(r->key, first + i, bytes + i * ZKEY_COEFFICIENT_BYTES, &k, err);
        if (status != P_OK)
            break;
        if (i == 0 || k.row != s.row || k.matrix != s.matrix) {
            if (i > 0)
                put(e, &s);
            s = (row_sum){.matrix = k.matrix, .row = k.row};
        }
        add_entry(&s, &k, r->witness + (uint64_t)k.wire * WORDS);
    }
    if (count > 0 && status == P_OK)
        put(e, &s);
    explicit_bzero(&s, sizeof s);
    return status;
}

static p_status evaluate_item(void *arg, size_t item, unsigned worker)
{
    evaluation *e = arg;
    const zkey *key = e->r->key;
    uint32_t first = (uint32_t)(item * ITEM_COEFFICIENTS);
    uint32_t left = key->n_coefficients - first;
    uint32_t count = left < ITEM_COEFFICIENTS ? left : ITEM_COEFFICIENTS;
    uint8_t *bytes = e->buffer + (size_t)worker * ITEM_BYTES;
    p_err err = {P_OK, ""};
    p_status s = binfile_read(&key->file, key->coefficients,
                              COUNT_BYTES + (uint64_t)first * ZKEY_COEFFICIENT_BYTES, bytes,
                              (uint64_t)count * ZKEY_COEFFICIENT_BYTES, &err);

    if (s == P_OK)
        s = add_entries(e, first, count, bytes, &err);
    if (s != P_OK) {
        lock(&e->error_lock);
        if (item < e->error_item) {
            e->error_item = item;
            e->err = err;
        }
        unlock(&e->error_lock);
    }
    return s;
}

/* C w = A w times B w in each row, which makes the quotient exact if the witness fits. */
static p_status product_item(void *arg, size_t item, unsigned worker)
{
    evaluation *e = arg;
    uint64_t end = (item + 1) * ITEM_ROWS < e->r->rows ? (item + 1) * ITEM_ROWS : e->r->rows;

    (void)worker;
    for (uint64_t i = item * (uint64_t)ITEM_ROWS; i < end; i++)
        bn_fr_mul(&e->c[i], &e->a[i], &e->b[i]);
    return P_OK;
}

static size_t row_items(uint64_t rows)
{
    return (size_t)((rows + ITEM_ROWS - 1) / ITEM_ROWS);
}

/* a and b are zeros. */
static p_status evaluate(const groth16_run *r, p_pool *pool, bn_fr *a, bn_fr *b, bn_fr *c,
                         p_err *err)
{
    evaluation *e = malloc(sizeof *e);
    uint32_t count = r->key->n_coefficients;
    p_status s = P_OK;

    if (!e)
        return p_err_set(err, P_EEXHAUSTED, "no memory to read coefficients");
    *e = (evaluation){.r = r, .a = a, .b = b, .c = c, .error_item = SIZE_MAX};
    for (int i = 0; i < LOCKS; i++)
        atomic_flag_clear(&e->lock[i]);
    atomic_flag_clear(&e->error_lock);
    e->buffer = malloc((size_t)p_pool_threads(pool) * ITEM_BYTES);
    if (!e->buffer) {
        free(e);
        return p_err_set(err, P_EEXHAUSTED, "no memory to read coefficients");
    }
    s = p_pool_run(pool, ((size_t)count + ITEM_COEFFICIENTS - 1) / ITEM_COEFFICIENTS, evaluate_item,
                   e, r->o->cancel);
    if (s == P_OK)
        s = p_pool_run(pool, row_items(r->rows), product_item, e, r->o->cancel);
    if (s != P_OK && e->error_item < SIZE_MAX)
        s = p_err_set(err, e->err.status, "%s", e->err.text);
    else if (s != P_OK)
        p_err_set(err, s, "%s", p_status_text(s));
    free(e->buffer);
    free(e);
    return s;
}

/* ---- the quotient ---- */

/* The element of order 2 rows: the coset that snarkjs' H points belong to. */
static void coset_shift(uint32_t log2, uint64_t shift[WORDS])
{
    /* 5^((r - 1) / 2^28), driver.h's numbering */
    static const uint64_t minus_one[WORDS] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    uint64_t e[WORDS];
    unsigned bits = log2 + 1;
    bn_fr five, root;

    for (int i = 0; i < WORDS; i++)
        e[i] = minus_one[i] >> bits | (i + 1 < WORDS ? minus_one[i + 1] << (64 - bits) : 0);
    bn_fr_set_u64(&five, 5);
    bn_fr_pow_var(&root, &five, e);
    bn_fr_get_words(shift, &root);
}

static drv_job transform_job(uint32_t log2, uint64_t *data, uint32_t columns)
{
    return (drv_job){.op = DRV_NTT,
                     .ntt = {.field = DRV_BN254_FR,
                             .layout = DRV_COLUMNS,
                             .inverse = true,
                             .in_order = DRV_NATURAL,
                             .out_order = DRV_BIT_REVERSED,
                             .log_n = log2,
                             .columns = columns,
                             .data = data,
                             .shift = {1, 0, 0, 0}}};
}

/* Values on the coset out of those on the domain. */
static p_status transform(const groth16_run *r, drv_device *device, uint64_t *data,
                          uint32_t columns, p_err *err)
{
    drv_job job = transform_job(r->key->domain_log2, data, columns);
    p_status s = groth16_run_job(r, device, &job, err);

    if (s != P_OK)
        return s;
    job.ntt.inverse = false;
    job.ntt.in_order = DRV_BIT_REVERSED;
    job.ntt.out_order = DRV_NATURAL;
    coset_shift(r->key->domain_log2, job.ntt.shift);
    return groth16_run_job(r, device, &job, err);
}

typedef struct quotient {
    bn_fr *a;
    const bn_fr *b, *c;
    uint64_t rows;
} quotient;

static p_status quotient_item(void *arg, size_t item, unsigned worker)
{
    const quotient *q = arg;
    uint64_t end = (item + 1) * ITEM_ROWS < q->rows ? (item + 1) * ITEM_ROWS : q->rows;

    (void)worker;
    for (uint64_t i = item * (uint64_t)ITEM_ROWS; i < end; i++) {
        bn_fr_mul(&q->a[i], &q->a[i], &q->b[i]);
        bn_fr_sub(&q->a[i], &q->a[i], &q->c[i]);
    }
    return P_OK;
}

static p_status make_quotient(groth16_run *r, drv_device *device, uint64_t *bc, p_err *err)
{
    bn_fr *a = (bn_fr *)r->quotient, *b = (bn_fr *)bc;
    quotient q = {a, b, b + r->rows, r->rows};
    p_pool *pool;
    p_status s = p_pool_create(r->o->threads, &pool, err);

    if (s != P_OK)
        return s;
    s = evaluate(r, pool, a, b, b + r->rows, err);
    groth16_enter(r, GROTH16_TRANSFORM, 0);
    if (s == P_OK)
        s = transform(r, device, r->quotient, 1, err);
    if (s == P_OK)
        s = transform(r, device, bc, 2, err);
    if (s == P_OK) {
        s = p_pool_run(pool, row_items(r->rows), quotient_item, &q, r->o->cancel);
        if (s != P_OK)
            p_err_set(err, s, "%s", p_status_text(s));
    }
    p_pool_destroy(pool);
    return s;
}

p_status groth16_quotient(groth16_run *r, drv_device *device, p_err *err)
{
    uint64_t bytes = r->rows * ELEMENT_BYTES, *bc = NULL;
    p_status s = drv_buffer_alloc(r->o->cpu, bytes, (void **)&r->quotient, err);

    groth16_enter(r, GROTH16_EVALUATE, 0);
    if (s == P_OK)
        s = drv_buffer_alloc(r->o->cpu, 2 * bytes, (void **)&bc, err);
    if (s == P_OK)
        s = make_quotient(r, device, bc, err);
    if (bc)
        drv_buffer_free(r->o->cpu, bc, 2 * bytes);
    return s;
}

void groth16_quotient_free(groth16_run *r)
{
    if (r->quotient)
        drv_buffer_free(r->o->cpu, r->quotient, r->rows * ELEMENT_BYTES);
    r->quotient = NULL;
}

p_status groth16_quotient_memory(const zkey *key, const groth16_options *o, uint64_t *bytes,
                                 uint64_t *kept, p_err *err)
{
    drv_job job = transform_job(key->domain_log2, NULL, 2);
    uint64_t scratch = 0;
    p_status s = drv_estimate(o->cpu, &job, &scratch, err);

    *kept = ELEMENT_BYTES * (UINT64_C(1) << key->domain_log2);
    *bytes = 3 * *kept + scratch;
    return s;
}
