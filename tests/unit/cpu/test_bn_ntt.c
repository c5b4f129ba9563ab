/* The NTT over Fr: against its definition in GMP for small sizes, all instruction sets, thread
 * counts, orders, shifts and cuts into tiles; large sizes at single points and against portable C.
 */
#include "driver/cpu/bn_ntt_kernel.h"
#include "tests/unit/field/random.h"

#include <gmp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS_MAX 3
#define COLUMNS_MAX 9
#define SMALL_LOG 9
#define W 4

static p_memory memory = {.limit = UINT64_MAX};
static p_pool *pools[THREADS_MAX];
static mpz_t R; /* the modulus */

static int set_up(void **state)
{
    (void)state;
    mpz_init_set_str(
        R, "21888242871839275222246405745257275088548364400416034343698204186575808495617", 10);
    for (unsigned i = 0; i < THREADS_MAX; i++)
        if (p_pool_create(i + 1, &pools[i], NULL) != P_OK)
            return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < THREADS_MAX; i++)
        p_pool_destroy(pools[i]);
    mpz_clear(R);
    return atomic_load(&memory.used) == 0 ? 0 : -1;
}

/* Fewer sizes where every step is slow: ZKP_TEST_CASES, a number of random cases elsewhere, is
 * below a tenth of the usual million. */
static bool brief(void)
{
    const char *cases = getenv("ZKP_TEST_CASES");

    return cases && strtoul(cases, NULL, 10) < 100000;
}

static void put(uint64_t w[W], const mpz_t z)
{
    memset(w, 0, W * sizeof *w);
    mpz_export(w, NULL, -1, sizeof *w, 0, 0, z);
}

static void get(mpz_t z, const uint64_t w[W])
{
    mpz_import(z, W, -1, sizeof *w, 0, 0, w);
}

/* 5^((r-1)/2^log), the root that driver.h names. */
static void root_of(mpz_t w, unsigned log)
{
    mpz_t e;

    mpz_init(e);
    mpz_sub_ui(e, R, 1);
    mpz_tdiv_q_2exp(e, e, log);
    mpz_set_ui(w, 5);
    mpz_powm(w, w, e, R);
    mpz_clear(e);
}

static size_t reverse(size_t i, unsigned bits)
{
    size_t r = 0;

    for (unsigned b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

static size_t place(size_t i, drv_order order, unsigned log)
{
    return order == DRV_NATURAL ? i : reverse(i, log);
}

static void random_element(uint64_t w[W], uint64_t *seed)
{
    mpz_t z;

    for (int j = 0; j < W; j++)
        w[j] = test_random(seed);
    mpz_init(z);
    get(z, w);
    mpz_mod(z, z, R);
    put(w, z);
    mpz_clear(z);
}

/* Columns of different kinds: zeros, one, all r - 1, r - 1 and 0 in turn, small ones, random ones.
 */
static void fill(uint64_t *x, unsigned log, unsigned columns, uint64_t *seed)
{
    const size_t n = (size_t)1 << log;
    uint64_t top[W];
    mpz_t z;

    mpz_init(z);
    mpz_sub_ui(z, R, 1);
    put(top, z);
    mpz_clear(z);
    for (unsigned c = 0; c < columns; c++)
        for (size_t i = 0; i < n; i++) {
            uint64_t *w = x + ((size_t)c * n + i) * W;

            memset(w, 0, W * sizeof *w);
            if (c == 1 || (c == 2 && i & 1))
                memcpy(w, top, sizeof top);
            else if (c == 3 && i == n / 2)
                w[0] = 1;
            else if (c == 4)
                w[i & 3] = UINT64_MAX >> 3;
            else if (c != 2 && c != 3 && c != 5)
                random_element(w, seed);
        }
}

/* y(k) = sum of x[j] (shift w^k)^j, natural order. */
static void point(mpz_t y, const uint64_t *x, unsigned log, const mpz_t shift, size_t k)
{
    mpz_t at, z;

    mpz_inits(at, z, NULL);
    root_of(at, log);
    mpz_powm_ui(at, at, k, R);
    mpz_mul(at, at, shift);
    mpz_mod(at, at, R);
    mpz_set_ui(y, 0);
    for (size_t j = (size_t)1 << log; j-- > 0;) {
        get(z, x + j * W);
        mpz_mul(y, y, at);
        mpz_add(y, y, z);
        mpz_mod(y, y, R);
    }
    mpz_clears(at, z, NULL);
}

static void define(uint64_t *y, const uint64_t *x, unsigned log, const mpz_t shift)
{
    mpz_t v;

    mpz_init(v);
    for (size_t k = 0; k < (size_t)1 << log; k++) {
        point(v, x, log, shift, k);
        put(y + k * W, v);
    }
    mpz_clear(v);
}

static uint64_t *elements(size_t count)
{
    uint64_t *p = aligned_alloc(64, (count * W * sizeof *p + 63) & ~(size_t)63);

    assert_non_null(p);
    return p;
}

/* Runs job (its data pointer is set here) on the columns of in, and compares with those of want. */
static void check(p_isa isa, unsigned threads, unsigned tile_log, drv_ntt_job job,
                  const uint64_t *in, const uint64_t *want)
{
    const size_t n = (size_t)1 << job.log_n;
    const cpu_run run = {.pool = pools[threads - 1], .memory = &memory, .isa = isa};
    p_err err;
    p_status status;

    job.data = elements(n * job.columns);
    for (size_t c = 0; c < job.columns; c++)
        for (size_t i = 0; i < n; i++)
            memcpy(job.data + (c * n + place(i, job.in_order, job.log_n)) * W, in + (c * n + i) * W,
                   W * sizeof *in);
    p_err_clear(&err);
    atomic_store(&memory.peak, 0);
    status = tile_log == BN_NTT_TILE_LOG ? cpu_bn_ntt(&run, &job, &err)
                                         : bn_ntt_tiled(&run, &job, tile_log, &err);
    if (status != P_OK)
        fail_msg("%s", err.text);
    if (tile_log == BN_NTT_TILE_LOG)
        assert_true(p_memory_peak(&memory) <= cpu_bn_ntt_scratch(&run, &job));
    for (size_t c = 0; c < job.columns; c++)
        for (size_t i = 0; i < n; i++)
            if (memcmp(job.data + (c * n + place(i, job.out_order, job.log_n)) * W,
                       want + (c * n + i) * W, W * sizeof *want) != 0)
                fail_msg("%s, %u threads, tile_log %u, log_n %u, %u columns, inverse %d, orders %d "
                         "%d: element %zu of column %zu differs",
                         p_isa_name(isa), threads, tile_log, job.log_n, job.columns, job.inverse,
                         (int)job.in_order, (int)job.out_order, i, c);
    free(job.data);
}

static const drv_order ORDERS[3][2] = {
    {DRV_NATURAL, DRV_NATURAL}, {DRV_NATURAL, DRV_BIT_REVERSED}, {DRV_BIT_REVERSED, DRV_NATURAL}};

/* Both directions, all orders, instruction sets and thread counts: x to y and back. */
static void check_all(unsigned tile_log, unsigned log, unsigned columns, const uint64_t shift[W],
                      const uint64_t *x, const uint64_t *y)
{
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
        if (!p_isa_supported(isa))
            continue;
        for (unsigned threads = 1; threads <= THREADS_MAX; threads++)
            for (int o = 0; o < 3; o++) {
                drv_ntt_job job = {.field = DRV_BN254_FR,
                                   .layout = DRV_COLUMNS,
                                   .in_order = ORDERS[o][0],
                                   .out_order = ORDERS[o][1],
                                   .log_n = log,
                                   .columns = columns};

                memcpy(job.shift, shift, sizeof job.shift);
                check(isa, threads, tile_log, job, x, y);
                job.inverse = true;
                check(isa, threads, tile_log, job, y, x);
            }
    }
}

static void test_definition(void **state)
{
    static const unsigned column_counts[] = {1, 3, 8, COLUMNS_MAX};
    uint64_t seed = 7, shift[W];
    uint64_t *x = elements(COLUMNS_MAX << SMALL_LOG), *y = elements(COLUMNS_MAX << SMALL_LOG);
    mpz_t z;

    (void)state;
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
        if (!p_isa_supported(isa))
            print_message("skipped: %s, which this CPU has not\n", p_isa_name(isa));
    mpz_init(z);
    for (unsigned log = 0; log <= (brief() ? SMALL_LOG - 2 : SMALL_LOG); log++)
        for (int s = 0; s < 3; s++) {
            const size_t n = (size_t)1 << log;

            memset(shift, 0, sizeof shift);
            shift[0] = 1;
            if (s == 1)
                random_element(shift, &seed);
            if (s == 2) {
                mpz_sub_ui(z, R, 1);
                put(shift, z);
            }
            if (s == 2 && log > 6) /* little new, and the definition is slow */
                continue;
            get(z, shift);
            fill(x, log, COLUMNS_MAX, &seed);
            for (size_t c = 0; c < COLUMNS_MAX; c++)
                define(y + c * n * W, x + c * n * W, log, z);
            for (size_t i = 0; i < sizeof column_counts / sizeof *column_counts; i++) {
                /* from the last ones, so that a single column is a random one */
                const unsigned columns = column_counts[i];
                const size_t skip = (COLUMNS_MAX - columns) * n * W;

                check_all(BN_NTT_TILE_LOG, log, columns, shift, x + skip, y + skip);
                if (log >= 6 && columns != 8)
                    check_all(3, log, columns, shift, x + skip, y + skip);
            }
        }
    mpz_clear(z);
    free(x);
    free(y);
}

/* Sizes that the definition is too slow for: some outputs against it, all against portable C. */
static void test_large(void **state)
{
    static const unsigned logs[] = {11, 14, 15, 17};
    uint64_t seed = 9, shift[W];
    mpz_t z, v;

    (void)state;
    mpz_inits(z, v, NULL);
    for (size_t l = 0; l < (brief() ? 1 : sizeof logs / sizeof *logs); l++) {
        const unsigned log = logs[l];
        const size_t n = (size_t)1 << log;
        uint64_t *x = elements(n), *y = elements(n);
        drv_ntt_job job = {
            .field = DRV_BN254_FR, .layout = DRV_COLUMNS, .log_n = log, .columns = 1, .data = y};
        cpu_run run = {.pool = pools[0], .memory = &memory, .isa = P_ISA_PORTABLE};

        for (size_t i = 0; i < n; i++)
            random_element(x + i * W, &seed);
        random_element(shift, &seed);
        memcpy(job.shift, shift, sizeof shift);
        get(z, shift);
        memcpy(y, x, n * W * sizeof *x);
        assert_int_equal(cpu_bn_ntt(&run, &job, NULL), P_OK);
        for (int i = 0; i < 5; i++) {
            const size_t k = i == 0 ? n - 1 : test_random(&seed) & (n - 1);
            uint64_t want[W];

            point(v, x, log, z, k);
            put(want, v);
            assert_memory_equal(y + k * W, want, sizeof want);
        }
        for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
            for (int o = 0; o < 3 && p_isa_supported(isa); o++) {
                job.in_order = ORDERS[o][0];
                job.out_order = ORDERS[o][1];
                job.inverse = false;
                check(isa, 2, BN_NTT_TILE_LOG, job, x, y);
                job.inverse = true;
                check(isa, 2, l & 1 ? 6 : BN_NTT_TILE_LOG, job, y, x);
            }
        free(x);
        free(y);
    }
    mpz_clears(z, v, NULL);
}

static void test_failures(void **state)
{
    static const uint64_t modulus[W] = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d,
                                        0x30644e72e131a029};
    p_memory small = {.limit = 4096};
    p_cancel cancel = P_CANCEL_INIT;
    p_err err;
    uint64_t *x = elements(64);
    drv_ntt_job job = {.field = DRV_BN254_FR,
                       .layout = DRV_COLUMNS,
                       .log_n = 6,
                       .columns = 1,
                       .data = x,
                       .shift = {1}};
    cpu_run run = {.pool = pools[0], .memory = &small, .isa = p_isa_best()};

    (void)state;
    memset(x, 0, 64 * W * sizeof *x);
    assert_int_equal(cpu_bn_ntt(&run, &job, &err), P_EEXHAUSTED);
    run.memory = &memory;
    memset(job.shift, 0, sizeof job.shift);
    assert_int_equal(cpu_bn_ntt(&run, &job, &err), P_EINVAL);
    memcpy(job.shift, modulus, sizeof modulus);
    assert_int_equal(cpu_bn_ntt(&run, &job, &err), P_EINVAL);
    job.shift[0]--;
    assert_int_equal(cpu_bn_ntt(&run, &job, &err), P_OK);
    run.cancel = &cancel;
    p_cancel_request(&cancel);
    assert_int_equal(cpu_bn_ntt(&run, &job, &err), P_ECANCELLED);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
