/* What goes wrong while a proof is made: the device fails or computes something wrong, the proof is
 * cancelled, memory is not there, the trace does not satisfy the constraints. Nothing may be left
 * behind: drv_close refuses a device with handles, and stark_prove tells of host arrays. */
#include "tests/unit/stark/prove_test.h"

#define LOG_ROWS 6
#define LOG_BLOWUP 2
#define MAX_RUNS 400

/* ---- the device ---- */

typedef struct outcome {
    p_status status;
    p_err err;

} outcome;

/* A proof on a device with a fault; what is handed out must verify with the key of a sound one. */
static outcome prove_with(proving *t, const stark_vk *vk, const char *fault, const p_cancel *cancel)
{
    drv_device *device = proving_device("fault:cpu", 1, fault);
    stark_options o = {.cancel = cancel};
    outcome out = {P_OK, {P_OK, ""}};
    stark_proof proof = {0};
    stark_key key;

    out.status = stark_setup(t->a, &t->params, device, &o, &key, &out.err);
    if (out.status == P_OK)
        out.status = stark_prove(&key, &t->main, t->publics, &o, &proof, NULL, &out.err);
    if (out.status == P_OK)
        assert_int_equal(stark_verify(vk, t->publics, &proof, true, NULL), P_OK);
    else
        assert_null(proof.words);
    assert_null(strstr(out.err.text, "not given back"));
    stark_proof_free(&proof);
    stark_key_free(&key);
    proving_device_close(device);
    return out;
}

static stark_key sound_key(proving *t, drv_device *device)
{
    p_err err = {P_OK, ""};
    stark_key key;

    expect_ok(stark_setup(t->a, &t->params, device, NULL, &key, &err));
    return key;
}

/* Each run of the device fails in each way: its error comes out. */
static void runs_fail(void **state)
{
    static const struct {
        const char *kind;
        p_status status;
    } kinds[] = {{"error", P_EDEVICE},
                 {"late", P_EDEVICE},
                 {"memory", P_EEXHAUSTED},
                 {"timeout", P_EDEADLINE}};
    drv_device *device = proving_device("cpu", 1, NULL);
    proving t;
    stark_key key;

    (void)state;
    proving_lookup(&t, proving_params(DRV_HASH_GL, LOG_ROWS, LOG_BLOWUP));
    key = sound_key(&t, device);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        unsigned run = 0, step = SANITIZED && k > 0 ? 9 : 1;
        outcome o;

        do {
            char fault[32];

            snprintf(fault, sizeof fault, "%s@%u", kinds[k].kind, run += step);
            o = prove_with(&t, &key.vk, fault, NULL);
            if (o.status != P_OK && o.status != kinds[k].status)
                fail_msg("%s: %s: %s", fault, p_status_name(o.status), o.err.text);
        } while (o.status != P_OK && run < MAX_RUNS);
        assert_int_equal(o.status, P_OK); /* more runs than a proof has */
        assert_true(run > 20);
    }
    stark_key_free(&key);
    proving_close(&t);
    proving_device_close(device);
}

/* A bit of each run's output is inverted: an error, or a proof that is right all the same (what was
 * inverted is not part of it). */
static void runs_are_wrong(void **state)
{
    drv_device *device = proving_device("cpu", 1, NULL);

    (void)state;
    for (int hash = DRV_HASH_GL; hash <= DRV_HASH_BN254; hash++) {
        unsigned seeds = hash == DRV_HASH_GL && !SANITIZED ? 3 : 1, wrong = 0;
        proving t;
        stark_key key;

        proving_lookup(&t, proving_params((drv_hash)hash, LOG_ROWS, LOG_BLOWUP));
        key = sound_key(&t, device);
        for (unsigned seed = 0; seed < seeds; seed++)
            for (unsigned run = 1; run < (hash == DRV_HASH_GL ? 50 : SANITIZED ? 5 : 8); run++) {
                char fault[48];
                outcome o;

                snprintf(fault, sizeof fault, "seed=%u,flip@%u", seed, run);
                o = prove_with(&t, &key.vk, fault, NULL);
                wrong += o.status != P_OK;
                if (o.status != P_OK && o.status != P_EDEVICE)
                    fail_msg("%s: %s: %s", fault, p_status_name(o.status), o.err.text);
            }
        /* most flips of rows lie in rows or columns without use */
        assert_true(wrong > (hash == DRV_HASH_BN254 && SANITIZED ? 1 : 3 * seeds));
        stark_key_free(&key);
        proving_close(&t);
    }
    proving_device_close(device);
}

/* ---- cancelling ---- */

typedef struct canceller {
    p_cancel cancel;
    unsigned phase, calls, at; /* at the call number `at` of this phase */
    bool told;
} canceller;

static void cancel_at(void *context, unsigned phase, unsigned percent)
{
    canceller *c = context;

    assert_true(phase < STARK_PHASES && percent <= 100);
    if (phase == c->phase && c->calls++ == c->at) {
        c->told = true;
        p_cancel_request(&c->cancel);
    }
}

/* In each phase, at its start and wherever it says how far it is; a proof that was ready then is a
 * proof. */
static void cancelled(void **state)
{
    drv_device *device = proving_device("cpu", 2, NULL);
    p_err err = {P_OK, ""};
    p_pool *pool;
    proving t;
    stark_key key;

    (void)state;
    expect_ok(p_pool_create(2, &pool, &err));
    proving_lookup(&t, proving_params(DRV_HASH_GL, 9, LOG_BLOWUP));
    key = sound_key(&t, device);
    for (unsigned phase = 0; phase < STARK_PHASES; phase++)
        for (unsigned at = 0; at < 3; at++) {
            canceller c = {.cancel = P_CANCEL_INIT, .phase = phase, .at = at};
            stark_options o = {.pool = at % 2 ? pool : NULL,
                               .cancel = &c.cancel,
                               .progress = cancel_at,
                               .context = &c};
            stark_proof proof;
            p_status s = stark_prove(&key, &t.main, t.publics, &o, &proof, NULL, &err);

            if (c.told && (phase < STARK_PHASE_VERIFY || at == 0)) {
                assert_int_equal(s, P_ECANCELLED);
                assert_null(proof.words);
            } else
                assert_int_equal(s, P_OK);
            assert_true(c.told || at > 0);
            assert_null(strstr(err.text, "not given back"));
            p_err_clear(&err);
            stark_proof_free(&proof);
        }
    stark_key_free(&key);
    proving_close(&t);
    p_pool_destroy(pool);
    proving_device_close(device);
}

static void *request(void *arg)
{
    p_cancel_request(arg);
    return NULL;
}

/* While the device does not answer: the job is cancelled. */
static void cancelled_while_the_device_hangs(void **state)
{
    drv_device *device = proving_device("cpu", 1, NULL);
    proving t;
    stark_key key;

    (void)state;
    proving_lookup(&t, proving_params(DRV_HASH_GL, LOG_ROWS, LOG_BLOWUP));
    key = sound_key(&t, device);
    for (unsigned run = 1; run < 45; run += 3) {
        p_cancel cancel = P_CANCEL_INIT;
        char fault[32];
        outcome o;
        pthread_t thread;

        snprintf(fault, sizeof fault, "hang@%u", run);
        assert_int_equal(pthread_create(&thread, NULL, request, &cancel), 0);
        o = prove_with(&t, &key.vk, fault, &cancel);
        pthread_join(thread, NULL);
        if (o.status != P_ECANCELLED && o.status != P_OK)
            fail_msg("%s: %s: %s", fault, p_status_name(o.status), o.err.text);
    }
    stark_key_free(&key);
    proving_close(&t);
    proving_device_close(device);
}

/* ---- memory ---- */

static void memory_refused(void **state)
{
    drv_device *device = proving_device("cpu", 1, NULL);
    stark_options o = {0};
    stark_report report;
    stark_proof proof;
    p_err err = {P_OK, ""};
    uint64_t need;
    char number[32];
    proving t;
    stark_key key;

    (void)state;
    proving_lookup(&t, proving_params(DRV_HASH_GL, LOG_ROWS, LOG_BLOWUP));
    key = sound_key(&t, device);
    expect_ok(stark_memory(&key, &o, &need, &err));
    o.memory_bytes = need - 1;
    assert_int_equal(stark_prove(&key, &t.main, t.publics, &o, &proof, &report, &err),
                     P_EEXHAUSTED);
    snprintf(number, sizeof number, "%llu", (unsigned long long)need);
    assert_non_null(strstr(err.text, number));
    snprintf(number, sizeof number, "%llu", (unsigned long long)need - 1);
    assert_non_null(strstr(err.text, number));
    o.memory_bytes = need;
    p_err_clear(&err);
    expect_ok(stark_prove(&key, &t.main, t.publics, &o, &proof, &report, &err));
    assert_int_equal(report.memory_bytes, need);
    assert_true(report.peak_bytes <= need && report.peak_bytes >= need - need / 10);
    stark_proof_free(&proof);
    stark_key_free(&key);
    proving_close(&t);
    proving_device_close(device);
}

/* A device with less memory than the proof needs. */
static void device_memory_refused(void **state)
{
    drv_options options = {.threads = 1, .memory_bytes = UINT64_C(20) << 20};
    drv_device *device;
    stark_proof proof;
    p_err err = {P_OK, ""};
    proving t;
    stark_key key;

    (void)state;
    expect_ok(drv_open("cpu", &options, &device, &err));
    proving_lookup(&t, proving_params(DRV_HASH_GL, 13, 4));
    key = sound_key(&t, device);
    assert_int_equal(stark_prove(&key, &t.main, t.publics, NULL, &proof, NULL, &err), P_EEXHAUSTED);
    assert_non_null(strstr(err.text, "20971520"));
    assert_non_null(strstr(err.text, "the device's memory"));
    stark_key_free(&key);
    proving_close(&t);
    proving_device_close(device);
}

/* ---- traces and arguments ---- */

static void wrong_traces(void **state)
{
    drv_device *device = proving_device("cpu", 1, NULL);
    stark_proof proof;
    p_err err = {P_OK, ""};

    (void)state;
    for (int degree = 3; degree <= AIR_MAX_DEGREE; degree += 5) {
        air_definition d = demo_lookup;
        proving t;
        stark_key key;

        d.max_degree = (uint32_t)degree;
        d.code = degree == 3 ? d.code : NULL; /* which is of the graph with degree 3 */
        proving_open(&t, &d, proving_params(DRV_HASH_GL, LOG_ROWS, 3));
        expect_ok(demo_lookup_trace(t.a, LOG_ROWS, 1, 2, 40, &t.main, t.publics, &err));
        key = sound_key(&t, device);
        for (uint32_t c = DEMO_RUN; c <= DEMO_RANGE_COUNT; c++) {
            uint64_t *cell = proving_cell(&t, t.a->columns[c].position, 11), old = *cell;

            *cell = gl_add(old, 1);
            assert_int_equal(stark_prove(&key, &t.main, t.publics, NULL, &proof, NULL, &err),
                             P_EINVAL);
            assert_non_null(strstr(err.text, "does not satisfy the constraints"));
            assert_null(proof.words);
            p_err_clear(&err);
            *cell = old;
        }
        t.publics[3] = gl_add(t.publics[3], 1);
        assert_int_equal(stark_prove(&key, &t.main, t.publics, NULL, &proof, NULL, &err), P_EINVAL);
        assert_non_null(strstr(err.text, "result"));
        p_err_clear(&err);
        t.publics[3] = GL_P;
        assert_int_equal(stark_prove(&key, &t.main, t.publics, NULL, &proof, NULL, &err), P_EINVAL);
        assert_non_null(strstr(err.text, "public value 3"));
        p_err_clear(&err);
        stark_key_free(&key);
        proving_close(&t);
    }
    proving_device_close(device);
}

static void wrong_arguments(void **state)
{
    drv_device *device = proving_device("cpu", 1, NULL);
    stark_proof proof;
    stark_params p128;
    p_err err = {P_OK, ""};
    drv_matrix m;
    proving t;
    stark_key key, other;

    (void)state;
    proving_lookup(&t, proving_params(DRV_HASH_GL, LOG_ROWS, LOG_BLOWUP));
    key = sound_key(&t, device);
    m = t.main;
    m.columns++;
    assert_int_equal(stark_prove(&key, &m, t.publics, NULL, &proof, NULL, &err), P_EINVAL);
    m = t.main;
    m.log_rows++;
    assert_int_equal(stark_prove(&key, &m, t.publics, NULL, &proof, NULL, &err), P_EINVAL);
    m = t.main;
    m.data++;
    assert_int_equal(stark_prove(&key, &m, t.publics, NULL, &proof, NULL, &err), P_EINVAL);
    /* a level that the parameters do not reach; and a key that belongs to other ones */
    p128 = t.params;
    p128.level = STARK_P128;
    assert_int_equal(stark_setup(t.a, &p128, device, NULL, &other, &err), P_EINVAL);
    stark_key_free(&other);
    p_err_clear(&err);
    expect_ok(stark_key_open(&key.vk, device, NULL, &other, &err));
    assert_memory_equal(other.vk.digest, key.vk.digest, sizeof key.vk.digest);
    stark_key_free(&other);
    key.vk.digest[0] ^= 1;
    assert_int_equal(stark_key_open(&key.vk, device, NULL, &other, &err), P_ECORRUPT);
    stark_key_free(&other);
    key.vk.digest[0] ^= 1;
    stark_key_free(&key);
    proving_close(&t);
    proving_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_fail),      cmocka_unit_test(runs_are_wrong),
        cmocka_unit_test(cancelled),      cmocka_unit_test(cancelled_while_the_device_hangs),
        cmocka_unit_test(memory_refused), cmocka_unit_test(device_memory_refused),
        cmocka_unit_test(wrong_traces),   cmocka_unit_test(wrong_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
