/* Commitments: what is opened and read is the extension of what was committed, and leads to the
 * cap; every failed allocation and every cancellation leaves nothing behind; memory stays within
 * its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/cpu/bn_poseidon_set.h"
#include "driver/cpu/commit.h"
#include "driver/field/gl_poseidon.h"
#include "tests/unit/field/random.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONG_MS 60000
#define MAX_LOG_LEAVES 7
#define MAX_COLUMNS 50

/* ---- slow, obvious code ---- */

static gl_t root_of_unity(uint32_t log_n)
{
    return gl_pow_var(7, (GL_P - 1) >> log_n);
}

/* Row i of out: the polynomials of the columns at 7 * omega^i; in and out a row after the other. */
static void slow_extension(gl_t *out, const gl_t *in, drv_input input, uint32_t columns,
                           uint32_t log_rows, uint32_t log_blowup)
{
    uint64_t rows = UINT64_C(1) << log_rows, out_rows = rows << log_blowup;
    gl_t inverse_root = gl_inv(root_of_unity(log_rows)), n_inverse = gl_inv(rows % GL_P);
    gl_t coefficients[1 << MAX_LOG_LEAVES];

    for (uint32_t c = 0; c < columns; c++) {
        for (uint64_t j = 0; j < rows; j++) {
            gl_t sum = 0, x = gl_pow_var(inverse_root, j), power = 1;
            if (input == DRV_COEFFICIENTS) {
                coefficients[j] = gl_from_u64(in[j * columns + c]);
                continue;
            }
            for (uint64_t i = 0; i < rows; i++, power = gl_mul(power, x))
                sum = gl_add(sum, gl_mul(power, gl_from_u64(in[i * columns + c])));
            coefficients[j] = gl_mul(sum, n_inverse);
        }
        for (uint64_t i = 0; i < out_rows; i++) {
            gl_t x = gl_mul(7, gl_pow_var(root_of_unity(log_rows + log_blowup), i)), sum = 0;
            for (uint64_t j = rows; j-- > 0;)
                sum = gl_add(gl_mul(sum, x), coefficients[j]);
            out[i * columns + c] = sum;
        }
    }
}

static void slow_leaf(gl_t digest[4], const gl_t *row, uint32_t columns)
{
    gl_t state[GL_POSEIDON_WIDTH] = {[8] = 1};

    for (uint32_t first = 0; first < columns; first += 8) {
        for (uint32_t i = 0; i < 8; i++)
            state[i] = first + i < columns ? row[first + i] : 0;
        gl_poseidon_permute_portable(state);
    }
    memcpy(digest, state, 4 * sizeof digest[0]);
}

/* The cap's digest that a leaf and its path lead to. */
static void slow_climb(gl_t digest[4], uint64_t leaf, const uint64_t *path, uint32_t levels)
{
    for (uint32_t k = 0; k < levels; k++) {
        gl_t state[GL_POSEIDON_WIDTH] = {0};
        bool right = leaf >> k & 1;
        memcpy(state + (right ? 4 : 0), digest, 4 * sizeof digest[0]);
        memcpy(state + (right ? 0 : 4), path + 4 * k, 4 * sizeof digest[0]);
        gl_poseidon_permute_portable(state);
        memcpy(digest, state, 4 * sizeof digest[0]);
    }
}

/* Elements as numbers of 192 bits; a leaf is a chain of chunks, a node has sixteen children. */
static void slow_bn_climb(uint64_t digest[4], cpu_bn_poseidon_set *set, const gl_t *row,
                          uint32_t columns, uint64_t leaf, const uint64_t *path, uint32_t levels)
{
    const bn_poseidon_ops *ops = bn_poseidon_select(P_ISA_PORTABLE);
    const bn_poseidon *poseidon;

    memcpy(digest, (uint64_t[4]){1}, 32);
    for (uint32_t first = 0; first < columns; first += 48) {
        uint32_t left = columns - first < 48 ? columns - first : 48, k = (left + 2) / 3;
        uint64_t state[17 * 4] = {0};
        memcpy(state, digest, 32);
        for (uint32_t i = 0; i < left; i++)
            state[4 + i / 3 * 4 + i % 3] = row[first + i];
        assert_int_equal(cpu_bn_poseidon_get(set, k + 1, &poseidon, NULL), P_OK);
        ops->permute(poseidon, BN_CANONICAL, state, 1);
        memcpy(digest, state, 32);
    }
    assert_int_equal(cpu_bn_poseidon_get(set, 17, &poseidon, NULL), P_OK);
    for (uint32_t k = 0; k < levels; k++, leaf >>= 4) {
        uint64_t state[17 * 4] = {0};
        for (uint64_t child = 0; child < 16; child++) {
            const uint64_t *from = child == leaf % 16 ? digest : path;
            memcpy(state + 4 + 4 * child, from, 32);
            path += from == path ? 4 : 0;
        }
        ops->permute(poseidon, BN_CANONICAL, state, 1);
        memcpy(digest, state, 32);
    }
}

/* ---- every shape ---- */

typedef struct shape {
    drv_input input;
    drv_hash hash;
    uint32_t columns, log_rows, log_blowup, cap_log2;
} shape;

static uint64_t word(uint64_t *seed)
{
    static const uint64_t edges[] = {0, 1, GL_P - 1, GL_P, GL_P + 1, UINT64_MAX, 0xffffffff, 7};
    uint64_t r = test_random(seed);
    return r % 4 == 0 ? edges[r / 4 % 8] : test_random(seed);
}

/* values, a row after the other, as a matrix whose filling columns hold anything */
static uint64_t *blocked(const uint64_t *values, uint32_t columns, uint32_t log_rows)
{
    uint64_t words = drv_matrix_words(columns, log_rows), rows = UINT64_C(1) << log_rows;
    uint64_t *data = aligned_alloc(64, words * 8);

    assert_non_null(data);
    memset(data, 0xb7, words * 8);
    for (uint64_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < columns; c++)
            data[(c / 8 * rows + r) * 8 + c % 8] = values[r * columns + c];
    return data;
}

static void check_shape(drv_device *d, cpu_bn_poseidon_set *set, const shape *s, uint64_t *seed)
{
    static uint64_t values[MAX_COLUMNS << MAX_LOG_LEAVES], expected[MAX_COLUMNS << MAX_LOG_LEAVES];
    static uint64_t rows[3 << MAX_LOG_LEAVES], paths[(3 << MAX_LOG_LEAVES) * 4 * 30];
    static uint64_t opened[(3 << MAX_LOG_LEAVES) * MAX_COLUMNS], cap[4 << MAX_LOG_LEAVES];
    uint64_t in_rows = UINT64_C(1) << s->log_rows, leaves = in_rows << s->log_blowup;
    drv_commitment info;
    drv_handle *h;
    p_err err = {P_OK, ""};

    for (uint64_t i = 0; i < in_rows * s->columns; i++)
        values[i] = word(seed);
    if (s->input == DRV_LEAVES)
        for (uint64_t i = 0; i < in_rows * s->columns; i++)
            expected[i] = gl_from_u64(values[i]);
    else
        slow_extension(expected, values, s->input, s->columns, s->log_rows, s->log_blowup);
    uint64_t *data = blocked(values, s->columns, s->log_rows);
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = {data, s->columns, s->log_rows},
                              .input = s->input,
                              .hash = s->hash,
                              .log_blowup = s->log_blowup,
                              .cap_log2 = s->cap_log2,
                              .cap = cap,
                              .out = &h}};
    if (drv_run(d, &job, LONG_MS, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_int_equal(drv_commitment_info(h, &info), P_OK);

    /* everything read at once, then a rectangle */
    job =
        (drv_job){.op = DRV_READ,
                  .read = {.commitment = h, .rows = leaves, .columns = s->columns, .out = opened}};
    assert_int_equal(drv_run(d, &job, LONG_MS, NULL), P_OK);
    assert_memory_equal(opened, expected, leaves * s->columns * 8);
    uint64_t row = test_random(seed) % leaves, n_rows = 1 + test_random(seed) % (leaves - row);
    uint32_t column = (uint32_t)(test_random(seed) % s->columns);
    uint32_t columns = 1 + (uint32_t)(test_random(seed) % (s->columns - column));
    opened[n_rows * columns] = 12345;
    job.read = (drv_read_job){h, row, n_rows, column, columns, opened};
    assert_int_equal(drv_run(d, &job, LONG_MS, NULL), P_OK);
    for (uint64_t i = 0; i < n_rows; i++)
        assert_memory_equal(opened + i * columns, expected + (row + i) * s->columns + column,
                            columns * 8);
    assert_int_equal(opened[n_rows * columns], 12345);

    /* rows in any order, each at least once */
    uint32_t count = (uint32_t)leaves * 3;
    for (uint64_t i = 0; i < count; i++)
        rows[i] = i < leaves ? leaves - 1 - i : test_random(seed) % leaves;
    job = (drv_job){
        .op = DRV_OPEN,
        .open = {.commitment = h, .rows = rows, .count = count, .values = opened, .paths = paths}};
    assert_int_equal(drv_run(d, &job, LONG_MS, NULL), P_OK);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *leaf = expected + rows[i] * s->columns;
        const uint64_t *path = paths + (uint64_t)i * info.path_digests * 4;
        uint32_t climbed = (s->log_rows + s->log_blowup) - s->cap_log2;
        uint64_t digest[4];
        assert_memory_equal(opened + (uint64_t)i * s->columns, leaf, s->columns * 8);
        if (s->hash == DRV_HASH_GL) {
            slow_leaf(digest, leaf, s->columns);
            slow_climb(digest, rows[i], path, info.levels);
        } else if (i < 4) { /* it is slow */
            slow_bn_climb(digest, set, leaf, s->columns, rows[i], path, info.levels);
        } else {
            continue;
        }
        assert_memory_equal(digest, cap + (rows[i] >> climbed) * 4, 32);
    }
    drv_release(h);
    free(data);
}

static void every_shape(void **state)
{
    (void)state;
    static const uint32_t columns[] = {1, 3, 8, 9, 17, 48, MAX_COLUMNS};
    uint64_t seed = 3;
    static cpu_bn_poseidon_set set; /* empty */

    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
        if (!p_isa_supported(isa))
            continue;
        drv_device *d;
        drv_options options = {.isa = p_isa_name(isa), .threads = 1 + (unsigned)isa % 3};
        assert_int_equal(drv_open("cpu", &options, &d, NULL), P_OK);
        for (uint32_t log_leaves = 0; log_leaves <= MAX_LOG_LEAVES; log_leaves++) {
            for (size_t k = 0; k < 7; k++) {
                shape s = {.columns = columns[k]};
                s.input = (drv_input)(test_random(&seed) % 3);
                s.hash = k % 3 == 0 ? DRV_HASH_BN254 : DRV_HASH_GL;
                s.log_blowup =
                    s.input == DRV_LEAVES ? 0 : (uint32_t)(test_random(&seed) % (log_leaves + 1));
                s.log_rows = log_leaves - s.log_blowup;
                s.cap_log2 = s.hash == DRV_HASH_GL
                                 ? (uint32_t)(test_random(&seed) % (log_leaves + 1))
                                 : log_leaves % 4;
                check_shape(d, &set, &s, &seed);
            }
        }
        assert_int_equal(drv_close(d, LONG_MS, NULL), P_OK);
    }
    cpu_bn_poseidon_clear(&set);
}

/* ---- memory ---- */

typedef struct direct {
    cpu_run run;
    p_memory memory;
    p_cancel cancel;
    cpu_bn_poseidon_set set;
    drv_commit_job job;
    uint64_t cap[4 << 4];
} direct;

static void direct_begin(direct *x, drv_input input, drv_hash hash, uint32_t columns,
                         uint32_t log_rows)
{
    uint64_t words = drv_matrix_words(columns, log_rows), seed = 5;

    memset(x, 0, sizeof *x);
    x->memory.limit = UINT64_MAX;
    assert_int_equal(p_pool_create(2, &x->run.pool, NULL), P_OK);
    x->run.memory = &x->memory;
    x->run.cancel = &x->cancel;
    x->run.isa = p_isa_best();
    x->run.bn_poseidon = &x->set;
    x->job = (drv_commit_job){.in = {NULL, columns, log_rows},
                              .input = input,
                              .hash = hash,
                              .log_blowup = input == DRV_LEAVES ? 0 : 1,
                              .cap = x->cap};
    x->job.cap_log2 = (log_rows + x->job.log_blowup) % 4;
    x->job.in.data = aligned_alloc(64, words * 8);
    assert_non_null(x->job.in.data);
    for (uint64_t i = 0; i < words; i++)
        x->job.in.data[i] = test_random(&seed);
}

static void direct_end(direct *x)
{
    assert_int_equal(p_memory_used(&x->memory), 0);
    cpu_bn_poseidon_clear(&x->set);
    p_pool_destroy(x->run.pool);
    free(x->job.in.data);
}

static void each_allocation_fails(void **state)
{
    (void)state;
    static direct x;
    static const drv_input inputs[] = {DRV_VALUES, DRV_COEFFICIENTS, DRV_LEAVES};

    for (size_t i = 0; i < 6; i++) {
        direct_begin(&x, inputs[i % 3], i < 3 ? DRV_HASH_GL : DRV_HASH_BN254, 20, 6);
        unsigned failures = 0;
        for (unsigned at = 1;; at++) {
            cpu_commitment *c = (cpu_commitment *)&x;
            p_err err = {P_OK, ""};
            atomic_store(&x.memory.fail_at, at);
            p_status s = cpu_commit(&x.run, &x.job, &c, &err);
            bool failed = atomic_exchange(&x.memory.fail_at, 0) == 0;
            if (failed) {
                assert_int_equal(s, P_EEXHAUSTED);
                assert_int_equal(err.status, P_EEXHAUSTED);
                assert_true(err.text[0] != '\0');
                assert_null(c);
                assert_int_equal(p_memory_used(&x.memory), 0);
                failures++;
                continue;
            }
            assert_int_equal(s, P_OK);
            cpu_commit_free(&x.memory, c);
            break;
        }
        assert_in_range(failures, inputs[i % 3] == DRV_LEAVES ? 1 : 2, 1000);
        cpu_commit_free(&x.memory, NULL);
        direct_end(&x);
    }
}

/* Input, output and 5 %: the output is the extended matrix and the tree. */
static void memory_stays_within_its_bound(void **state)
{
    (void)state;
    static direct x;
    static const struct {
        uint32_t columns, log_rows;
    } shapes[] = {{100, 13}, {8, 15}, {1, 15}, {33, 12}};

    for (size_t i = 0; i < 4; i++) {
        direct_begin(&x, DRV_VALUES, DRV_HASH_GL, shapes[i].columns, shapes[i].log_rows);
        cpu_commitment *c;
        uint64_t in = 8 * drv_matrix_words(shapes[i].columns, shapes[i].log_rows);
        uint64_t out =
            2 * in + 8 * cpu_merkle_words(DRV_HASH_GL, shapes[i].log_rows + 1, x.job.cap_log2);
        assert_int_equal(cpu_commit(&x.run, &x.job, &c, NULL), P_OK);
        if (100 * (in + p_memory_peak(&x.memory)) > 105 * (in + out))
            fail_msg("%u columns, 2^%u rows: %llu bytes beside %llu of input; output %llu",
                     shapes[i].columns, shapes[i].log_rows,
                     (unsigned long long)p_memory_peak(&x.memory), (unsigned long long)in,
                     (unsigned long long)out);
        assert_true(p_memory_peak(&x.memory) <= cpu_commit_bytes(&x.run, &x.job));
        assert_true(p_memory_used(&x.memory) <= out + 2 * 4096); /* no scratch is kept */
        cpu_commit_free(&x.memory, c);
        direct_end(&x);
    }
}

/* ---- cancelling ---- */

static void *cancel_soon(void *arg)
{
    direct *x = arg;
    static atomic_uint turn;
    long us = 40L << (atomic_fetch_add(&turn, 1) % 9);

    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
    p_cancel_request(&x->cancel);
    return NULL;
}

static void cancel_many(drv_input input, drv_hash hash, uint32_t log_rows)
{
    static direct x;
    unsigned cancelled = 0;

    direct_begin(&x, input, hash, 20, log_rows);
    for (unsigned i = 0; i < 18; i++) {
        pthread_t t;
        cpu_commitment *c;
        atomic_store(&x.cancel.requested, false);
        assert_int_equal(pthread_create(&t, NULL, cancel_soon, &x), 0);
        p_status s = cpu_commit(&x.run, &x.job, &c, NULL);
        pthread_join(t, NULL);
        if (s == P_OK) {
            cpu_commit_free(&x.memory, c);
        } else {
            assert_int_equal(s, P_ECANCELLED);
            assert_null(c);
            cancelled++;
        }
        assert_int_equal(p_memory_used(&x.memory), 0);
    }
    assert_true(cancelled > 0);
    direct_end(&x);
}

static void a_cancelled_commit_leaves_nothing(void **state)
{
    (void)state;
    cancel_many(DRV_VALUES, DRV_HASH_GL, 11);
    cancel_many(DRV_COEFFICIENTS, DRV_HASH_BN254, 8);
}

/* ---- two at once on one device ---- */

static void two_commits_at_once_are_each_right(void **state)
{
    (void)state;
    static uint64_t cap[4][4], data_words[4];
    drv_device *d;
    drv_handle *h[4];
    drv_event *e[4];
    uint64_t *data[4], seed = 11;

    assert_int_equal(drv_open("cpu", NULL, &d, NULL), P_OK);
    for (size_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < 4; i++) { /* 2 and 3 repeat 0 and 1 */
            data_words[i] = drv_matrix_words(13, 10);
            data[i] = aligned_alloc(64, data_words[i] * 8);
            assert_non_null(data[i]);
            for (uint64_t k = 0; k < data_words[i]; k++)
                data[i][k] = i < 2 ? test_random(&seed) : data[i - 2][k];
            drv_job job = {
                .op = DRV_COMMIT,
                .commit = {.in = {data[i], 13, 10}, .log_blowup = 2, .cap = cap[i], .out = &h[i]}};
            assert_int_equal(drv_submit(d, &job, &e[i], NULL), P_OK);
        }
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(drv_wait(e[i], LONG_MS, NULL), P_OK);
            assert_int_equal(drv_event_release(e[i]), P_OK);
            drv_release(h[i]);
            free(data[i]);
        }
        assert_memory_equal(cap[0], cap[2], 32);
        assert_memory_equal(cap[1], cap[3], 32);
        assert_memory_not_equal(cap[0], cap[1], 32);
    }
    assert_int_equal(drv_close(d, LONG_MS, NULL), P_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape),
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(memory_stays_within_its_bound),
        cmocka_unit_test(a_cancelled_commit_leaves_nothing),
        cmocka_unit_test(two_commits_at_once_are_each_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
