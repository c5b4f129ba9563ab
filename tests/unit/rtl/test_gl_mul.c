/* hls/rtl/gl_mul.v, behind gl_mul_blackbox.v, against driver/field; and that the deliberate faults
 * of hls/rtl are noticed by the same checks. gl_mul64.v against 128-bit products. Arguments:
 * gl_mul_blackbox.json, gl_mul64_blackbox.json. */
#include "tests/unit/hls/hls_test.h"

#include "driver/field/goldilocks.h"
#include "hls/rtl/gl_mul64_blackbox.h"
#include "hls/rtl/gl_mul_blackbox.h"
#include "hls/rtl/sim/rtl_model.h"

#include <jansson.h>

/* what the black boxes' descriptions say */
static unsigned latency, interval, words_latency;

enum { MAX_LATENCY = 64, FIRST_FAULT = 140, LAST_FAULT = 149 };

typedef struct pair {
    uint64_t a, b;
} pair;

static uint64_t expected(pair p)
{
    return gl_mul(gl_from_u64(p.a), gl_from_u64(p.b));
}

/* Sends pairs, one in each enabled cycle in which `gaps` has a 1 (cyclically, 64 bits), and stops
 * the clock enable where `stalls` has a 1. Each result has to come with done, in the enabled cycle
 * `latency` after its pair and in no other. Returns the number of deviations. */
static long stream(unsigned fault, const pair *pairs, size_t count, uint64_t gaps, uint64_t stalls)
{
    gl_mul_model *m = gl_mul_model_create(fault);
    size_t sent[MAX_LATENCY]; /* pair that went in, by enabled cycle; count: none */
    size_t next = 0, done = 0, now = 0;
    gl_mul_in in = {.reset = 1, .enable = 1};
    gl_mul_out out;
    long bad = 0;

    assert_non_null(m);
    for (size_t i = 0; i < MAX_LATENCY; i++)
        sent[i] = count;
    for (int i = 0; i < 2; i++)
        gl_mul_model_cycle(m, &in, &out);
    in.reset = 0;
    for (size_t cycle = 0; done < count && cycle < 64 * count + 1000; cycle++) {
        size_t due = now < latency ? count : sent[(now - latency) % MAX_LATENCY];

        in.enable = !(stalls >> cycle % 64 & 1);
        in.start = in.enable && next < count && (gaps >> now % 64 & 1);
        in.a = in.start ? pairs[next].a : ~(uint64_t)cycle;
        in.b = in.start ? pairs[next].b : (uint64_t)cycle << 40;
        gl_mul_model_cycle(m, &in, &out);
        bad += out.done != (due < count);
        bad += due < count && out.r != expected(pairs[due]);
        bad += out.ready != in.start;
        bad += in.start && out.idle;
        if (!in.enable)
            continue; /* shows the same until it is taken */
        sent[now % MAX_LATENCY] = in.start ? next : count;
        next += in.start;
        done += due < count;
        now++;
    }
    bad += done != count;
    in.start = 0;
    in.enable = 1;
    gl_mul_model_cycle(m, &in, &out);
    bad += !out.idle;
    gl_mul_model_destroy(m);
    return bad;
}

/* Edge values, limbs of ones of the tiles, powers of two. */
static size_t edge_words(uint64_t *words)
{
    static const uint64_t limbs[] = {
        0x3ffffff,          0xffffffc000000,    0xfff0000000000000,
        0xfffffffffffff,    0xfffffffffc000000, 0x1ffff,
        0x3fffe0000,        0x7fffc00000000,    0xfff8000000000000,
        0x7ffffffffffff,    0xfffffffffffe0000, 0x3ffffffff,
        0xfffffffc00000000, 0xaaaaaaaaaaaaaaaa, 0x5555555555555555,
        0x0123456789abcdef,
    };
    size_t n = 0;

    for (size_t i = 0; i < HLS_EDGE_COUNT; i++)
        words[n++] = HLS_EDGES[i];
    for (size_t i = 0; i < sizeof(limbs) / sizeof(limbs[0]); i++)
        words[n++] = limbs[i];
    for (unsigned i = 0; i < 64; i++)
        words[n++] = (uint64_t)1 << i;
    return n;
}

static size_t test_pairs(pair **out)
{
    uint64_t words[256], seed = 140;
    size_t n = edge_words(words), count = n * n, more = (size_t)hls_test_cases(20000);
    pair *pairs = calloc(count + more, sizeof(*pairs));

    assert_non_null(pairs);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (pair){words[i / n], words[i % n]};
    for (size_t i = count; i < count + more; i++)
        pairs[i] = (pair){hls_test_word(&seed), hls_test_word(&seed)};
    *out = pairs;
    return count + more;
}

static long all_checks(unsigned fault)
{
    pair *pairs;
    size_t count = test_pairs(&pairs);
    /* a pair in each cycle: that is II = 1 */
    long bad = stream(fault, pairs, count, ~(uint64_t)0, 0);

    bad += stream(fault, pairs, 2000, 0x8001f0e3b5a96c24, 0);
    bad += stream(fault, pairs + count - 2000, 2000, ~(uint64_t)0, 0x123456789abcdef0);
    bad += stream(fault, pairs + count - 2000, 2000, 0xfedcba0123456789, 0x5a5af00d0ff00ff1);
    bad += stream(fault, pairs, 1, 1, 0);
    free(pairs);
    return bad;
}

static void products(void **state)
{
    (void)state;
    assert_int_equal(all_checks(0), 0);
    assert_int_equal(interval, 1);
}

/* The results of one pair alone come when the description says, not before. */
static void latency_is_exact(void **state)
{
    gl_mul_model *m = gl_mul_model_create(0);
    gl_mul_in in = {.reset = 1, .enable = 1};
    gl_mul_out out;
    unsigned cycles = 0;

    (void)state;
    assert_non_null(m);
    gl_mul_model_cycle(m, &in, &out);
    in = (gl_mul_in){.a = 3, .b = 5, .enable = 1, .start = 1};
    gl_mul_model_cycle(m, &in, &out);
    in.start = 0;
    in.a = in.b = 0;
    do {
        gl_mul_model_cycle(m, &in, &out);
        cycles++;
        assert_int_equal(out.r == 15, cycles == latency);
    } while (!out.done && cycles < MAX_LATENCY);
    assert_int_equal(cycles, latency);
    gl_mul_model_destroy(m);
}

static void c_model(void **state)
{
    pair *pairs;
    size_t count = test_pairs(&pairs);

    (void)state;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(gl_mul_blackbox(pairs[i].a, pairs[i].b), expected(pairs[i]));
    free(pairs);
}

static void words(void **state)
{
    pair *pairs;
    size_t count = test_pairs(&pairs);
    uint64_t *a = calloc(4 * count, sizeof(*a)), *b = a + count, *low = b + count;
    uint64_t *high = low + count;

    (void)state;
    assert_non_null(a);
    for (size_t i = 0; i < count; i++) {
        a[i] = pairs[i].a;
        b[i] = pairs[i].b;
    }
    assert_int_equal(gl_mul64_model_run(a, b, low, high, count), words_latency);
    for (size_t i = 0; i < count; i++) {
        gl_u128 product = (gl_u128)a[i] * b[i];
        uint64_t t[2];

        gl_mul64_blackbox(a[i], b[i], &t[0], &t[1]);
        assert_int_equal(low[i], (uint64_t)product);
        assert_int_equal(high[i], (uint64_t)(product >> 64));
        assert_int_equal(t[0], low[i]);
        assert_int_equal(t[1], high[i]);
    }
    free(a);
    free(pairs);
}

static void faults(void **state)
{
    (void)state;
    for (unsigned fault = FIRST_FAULT; fault <= LAST_FAULT; fault++) {
        if (all_checks(fault) == 0)
            fail_msg("fault %u was not noticed", fault);
    }
}

static unsigned performance(const char *file, const char *key)
{
    json_t *box = file ? json_load_file(file, 0, NULL) : NULL;
    const char *text =
        json_string_value(json_object_get(json_object_get(box, "rtl_performance"), key));
    unsigned number = text ? (unsigned)strtoul(text, NULL, 10) : 0;

    json_decref(box);
    return number;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products), cmocka_unit_test(latency_is_exact), cmocka_unit_test(c_model),
        cmocka_unit_test(words),    cmocka_unit_test(faults),
    };

    latency = performance(argc > 1 ? argv[1] : NULL, "latency");
    interval = performance(argc > 1 ? argv[1] : NULL, "II");
    words_latency = performance(argc > 2 ? argv[2] : NULL, "latency");
    if (latency == 0 || latency >= MAX_LATENCY || words_latency == 0) {
        print_error("no usable rtl_performance.latency in both descriptions\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
