/* Parts of results, computed again on the CPU. */
#include "driver/card/internal.h"
#include "driver/field/goldilocks.h"

#include <stdlib.h>
#include <string.h>

/* ---- transforms ----
 *
 * A value computed from all coefficients shows any single wrong coefficient (what the kernel took
 * in), a coefficient computed from all values any single wrong value. An error in a step in between
 * spreads to 2^s values or coefficients and is seen with the probability that one of the two chosen
 * is among them. */

/* columns of a row that mask chooses, with 32-bit weights: products below 2^96, eight of them fit
 * the sum */
static gl_t weigh(const hls_row *row, const uint32_t weight[HLS_ROW_WORDS])
{
    gl_u128 sum = 0;

    for (unsigned i = 0; i < HLS_ROW_WORDS; i++)
        sum += (gl_u128)row->w[i] * weight[i];
    return gl_reduce128(sum);
}

/* sum of rows[i] z^i */
static p_status evaluate_gl(card_run *run, const hls_row *rows, uint64_t n, gl_t z,
                            const uint32_t weight[HLS_ROW_WORDS], gl_t *out, p_err *err)
{
    p_status s = P_OK;
    gl_t sum = 0;

    for (uint64_t i = n; i-- > 0 && s == P_OK;) {
        sum = gl_add(gl_mul(sum, z), weigh(&rows[i], weight));
        if (i % CARD_POLL_ROWS == 0)
            s = card_poll(run, err);
    }
    *out = sum;
    return s;
}

p_status card_check_gl(card_run *run, const hls_row *coefficients, const hls_row *values,
                       uint32_t log_n, uint64_t shift, uint32_t mask, p_err *err)
{
    uint64_t n = (uint64_t)1 << log_n, k = card_random(run->device) & (n - 1);
    uint64_t j = card_random(run->device) & (n - 1);
    gl_t omega = gl_root_of_unity(log_n), s = gl_from_u64(shift), sum, again;
    uint32_t weight[HLS_ROW_WORDS] = {0};
    p_status status;

    for (unsigned i = 0; i < HLS_ROW_WORDS; i++)
        weight[i] = mask >> i & 1 ? (uint32_t)card_random(run->device) | 1 : 0;
    status = evaluate_gl(run, coefficients, n, gl_mul(s, gl_pow_var(omega, k)), weight, &sum, err);
    if (status != P_OK)
        return status;
    if (sum != weigh(&values[k], weight))
        return p_err_set(err, P_EDEVICE, "gl_lde: value %llu of a transform of 2^%u is wrong",
                         (unsigned long long)k, log_n);
    status = evaluate_gl(run, values, n, gl_inv(gl_pow_var(omega, j)), weight, &sum, err);
    if (status != P_OK)
        return status;
    again = gl_mul(gl_mul(weigh(&coefficients[j], weight), gl_pow_var(s, j)), gl_from_u64(n));
    if (sum != again)
        return p_err_set(err, P_EDEVICE, "gl_lde: coefficient %llu of a transform of 2^%u is wrong",
                         (unsigned long long)j, log_n);
    return P_OK;
}

static p_status evaluate_fr(card_run *run, const uint64_t *words, uint64_t n, const bn_fr *z,
                            bn_fr *sum, p_err *err)
{
    p_status s = P_OK;
    bn_fr term;

    bn_fr_set_zero(sum);
    for (uint64_t i = n; i-- > 0 && s == P_OK;) {
        memcpy(&term, words + 4 * i, sizeof term);
        bn_fr_mul(sum, sum, z);
        bn_fr_add(sum, sum, &term);
        if (i % (CARD_POLL_ROWS / 8) == 0)
            s = card_poll(run, err);
    }
    return s;
}

static p_status canonical_fr(const uint64_t *words, uint64_t n, p_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        bn_fr a;

        memcpy(&a, words + 4 * i, sizeof a);
        if (!bn_fr_is_canonical(&a))
            return p_err_set(err, P_EDEVICE, "number %llu of a result is not below r",
                             (unsigned long long)i);
    }
    return P_OK;
}

/* The map is linear, so the numbers may be in either form; only z and the factors have to be in
 * Montgomery form. */
p_status card_check_fr(card_run *run, const uint64_t *coefficients, const uint64_t *values,
                       uint32_t log_n, const uint64_t shift[4], p_err *err)
{
    static const bn_fr ROOT = BN_FR_ROOT_INIT;
    uint64_t n = (uint64_t)1 << log_n, k = card_random(run->device) & (n - 1);
    uint64_t j = card_random(run->device) & (n - 1), e[4] = {k};
    bn_fr omega = ROOT, s, z, sum, again;
    p_status status;

    for (uint32_t i = log_n; i < BN_FR_TWO_ADICITY; i++)
        bn_fr_sqr(&omega, &omega);
    if (!bn_fr_set_words(&s, shift))
        return p_err_set(err, P_EINTERNAL, "a shift is not below r");
    status = canonical_fr(coefficients, n, err);
    if (status == P_OK)
        status = canonical_fr(values, n, err);
    if (status != P_OK)
        return status;
    bn_fr_pow_var(&z, &omega, e);
    bn_fr_mul(&z, &z, &s);
    status = evaluate_fr(run, coefficients, n, &z, &sum, err);
    if (status != P_OK)
        return status;
    if (memcmp(&sum, values + 4 * k, sizeof sum) != 0)
        return p_err_set(err, P_EDEVICE, "fr_ntt: value %llu of a transform of 2^%u is wrong",
                         (unsigned long long)k, log_n);
    e[0] = j;
    bn_fr_pow_var(&z, &omega, e);
    bn_fr_inv(&z, &z);
    status = evaluate_fr(run, values, n, &z, &sum, err);
    if (status != P_OK)
        return status;
    memcpy(&again, coefficients + 4 * j, sizeof again);
    bn_fr_pow_var(&z, &s, e);
    bn_fr_mul(&again, &again, &z);
    bn_fr_set_u64(&z, n);
    bn_fr_mul(&again, &again, &z);
    if (!bn_fr_eq(&sum, &again))
        return p_err_set(err, P_EDEVICE, "fr_ntt: coefficient %llu of a transform of 2^%u is wrong",
                         (unsigned long long)j, log_n);
    return P_OK;
}

/* ---- commitments ---- */

/* Rows that are opened, as logarithms: one of each of as many parts of the tree, so one below each
 * digest of the cap while those are no more. */
#define GL_LEAST_LOG2 4
#define GL_MOST_LOG2 6
#define BN_LOG2 2
#define EXTENDED_WORK ((uint64_t)1 << 22) /* multiplications for rows beyond the first */
#define CALL_WORK ((uint64_t)1 << 25)     /* and of one call: a tenth of a second */

/* Rows of whole blocks, in parts that take so long that a cancelled job still ends in time. */
static p_status check_extension(card_run *run, const card_commitment *c, uint64_t row,
                                uint64_t first, uint64_t blocks, const uint64_t *values, p_err *err)
{
    uint64_t n = (uint64_t)1 << c->in.log_rows;
    uint64_t each = card_max(1, CALL_WORK / n / DRV_BLOCK_COLUMNS);
    uint32_t columns = c->shape.columns;
    p_status s = P_OK;

    for (uint64_t b = first; b < first + blocks && s == P_OK; b += each) {
        uint64_t end = card_min(b + each, first + blocks) * DRV_BLOCK_COLUMNS;
        drv_matrix part = {.data = c->in.data + (b << c->in.log_rows) * DRV_BLOCK_COLUMNS,
                           .columns = (uint32_t)(card_min(end, columns) - b * DRV_BLOCK_COLUMNS),
                           .log_rows = c->in.log_rows};

        s = card_poll(run, err);
        if (s == P_OK)
            s = drv_check_rows(&part, c->input, c->log_blowup, &row, 1,
                               values + (b - first) * DRV_BLOCK_COLUMNS, err);
    }
    return s;
}

p_status card_check_row(card_run *run, const card_commitment *c, uint64_t row, uint64_t first,
                        uint64_t blocks, const hls_row *rows, p_err *err)
{
    return check_extension(run, c, row, first, blocks, card_words(rows), err);
}

p_status card_check_commit(card_run *run, const card_commitment *c, const uint64_t *cap, p_err *err)
{
    card_device *d = run->device;
    bool gl = c->shape.hash == DRV_HASH_GL;
    drv_commitment parts = c->shape;
    uint64_t path_words = (uint64_t)c->shape.path_digests * DRV_DIGEST_WORDS;
    uint64_t rows[1 << GL_MOST_LOG2], words, extended;
    uint32_t count, columns = c->shape.columns;
    void *p;
    p_status s;

    parts.cap_log2 = (uint32_t)card_min(
        gl ? card_min(card_max(parts.cap_log2, GL_LEAST_LOG2), GL_MOST_LOG2) : BN_LOG2,
        parts.log_leaves);
    count = 1u << parts.cap_log2;
    drv_check_choose(&parts, card_random(d), rows);
    words = count * (columns + path_words);
    s = card_host_alloc(d, words, sizeof(uint64_t), "rows to check", &p, err);
    if (s != P_OK)
        return s;
    uint64_t *values = p, *paths = values + (uint64_t)count * columns;
    s = card_open_rows(run, c, rows, count, values, paths, err);
    if (s == P_OK)
        s = drv_checker_opening(d->checker, &c->shape, cap, rows, count, values, paths, err);
    extended = card_max(1, EXTENDED_WORK / (((uint64_t)1 << c->in.log_rows) * columns));
    for (uint32_t i = 0; i < count && i < extended && c->matrix && s == P_OK; i++)
        s = check_extension(run, c, rows[i], 0, drv_blocks(columns), values + (uint64_t)i * columns,
                            err);
    p_memory_free(&d->host, p, words, sizeof(uint64_t));
    return s;
}
