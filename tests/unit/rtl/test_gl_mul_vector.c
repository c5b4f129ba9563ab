/* hls/rtl/gl_mul_vector.v against driver/field: results, cycles, memories that delay. Argument: the
 * same RTL with a deliberate fault, which has to give wrong results. */
#include "tests/unit/hls/hls_test.h"

#include "driver/field/goldilocks.h"
#include "hls/rtl/sim/rtl_model.h"

#include <dlfcn.h>

/* gl_mul_vector.v: OVERHEAD, and LATENCY of the multiplier */
enum { OVERHEAD = 2, LATENCY = 9, WORDS = 8, GUARD = 16 };

static const char *faulty_path;

typedef struct operands {
    size_t rows;
    uint64_t *a, *b, *c;
    uint64_t args[4];
} operands;

static void setup(operands *o, size_t rows, uint64_t seed)
{
    size_t words = rows * WORDS + GUARD;

    o->rows = rows;
    o->a = calloc(words, 8);
    o->b = calloc(words, 8);
    o->c = calloc(words, 8);
    assert_true(o->a && o->b && o->c);
    for (size_t i = 0; i < words; i++) {
        o->a[i] = hls_test_word(&seed);
        o->b[i] = hls_test_word(&seed);
        o->c[i] = ~(uint64_t)i;
    }
    o->args[0] = (uintptr_t)o->a;
    o->args[1] = (uintptr_t)o->b;
    o->args[2] = (uintptr_t)o->c;
    o->args[3] = rows;
}

static void teardown(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
}

/* words that differ from the products, and words behind them that were written */
static size_t wrong(const operands *o)
{
    size_t bad = 0;

    for (size_t i = 0; i < o->rows * WORDS; i++)
        bad += o->c[i] != gl_mul(gl_from_u64(o->a[i]), gl_from_u64(o->b[i]));
    for (size_t i = o->rows * WORDS; i < o->rows * WORDS + GUARD; i++)
        bad += o->c[i] != ~(uint64_t)i;
    return bad;
}

static const size_t SIZES[] = {0, 1, 2, 9, 10, 64, 65, 1000};

static void exact_cycles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        operands o;
        uint64_t cycles = SIZES[i] == 0 ? 0 : CARD_RTL_MEMORY_LATENCY + LATENCY + SIZES[i];

        setup(&o, SIZES[i], 1 + i);
        card_call_gl_mul_vector(o.args);
        assert_int_equal(wrong(&o), 0);
        assert_int_equal(card_cycles_gl_mul_vector(), OVERHEAD + cycles);
        teardown(&o);
    }
}

static void unready_memories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        operands o;

        setup(&o, 200, seed);
        gl_mul_vector_run(o.args, seed);
        assert_int_equal(wrong(&o), 0);
        assert_true(card_cycles_gl_mul_vector() >
                    OVERHEAD + CARD_RTL_MEMORY_LATENCY + LATENCY + o.rows);
        assert_true(card_cycles_gl_mul_vector() < 16 * o.rows);
        teardown(&o);
    }
}

static void fault_shows(void **state)
{
    void *library = dlopen(faulty_path, RTLD_NOW | RTLD_LOCAL);
    void (*call)(const uint64_t *);
    operands o;

    (void)state;
    if (!library)
        fail_msg("%s", dlerror());
    *(void **)&call = dlsym(library, "card_call_gl_mul_vector");
    assert_non_null(call);
    setup(&o, 100, 3);
    call(o.args);
    assert_true(wrong(&o) > 0);
    teardown(&o);
    dlclose(library);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_cycles),
        cmocka_unit_test(unready_memories),
        cmocka_unit_test(fault_shows),
    };

    if (argc < 2) {
        print_error("usage: %s FAULTY.so\n", argv[0]);
        return 1;
    }
    faulty_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
