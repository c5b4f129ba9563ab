/* The map of 256-bit keys against a list, and the arena below it at its edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/executor/critbit.h"

#define ARENA_BYTES ((size_t)4 << 20)
#define MAX_KEYS 3000

typedef struct record {
    critbit_entry entry;
    uint64_t number;
    uint64_t reserved;
} record;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 32 ^ *state << 32;
}

static void check_keys(const u256 *keys, size_t n)
{
    exec_arena arena;
    critbit map = {0};
    void *bytes = aligned_alloc(64, ARENA_BYTES);
    exec_arena_init(&arena, bytes, ARENA_BYTES);
    size_t inserted = 0;
    exec_ref ref_of[MAX_KEYS];
    for (size_t i = 0; i < n; i++) {
        size_t first = 0; /* the list */
        while (memcmp(&keys[first], &keys[i], sizeof *keys) != 0)
            first++;
        exec_ref found = critbit_find(&arena, &map, &keys[i]);
        if (first < i) {
            assert_int_equal(found, ref_of[first]);
            ref_of[i] = found;
            continue;
        }
        assert_int_equal(found, 0);
        exec_ref ref = exec_ref_alloc(&arena, sizeof(record));
        assert_int_not_equal(ref, 0);
        record *r = exec_ref_ptr(&arena, ref);
        r->entry.key = keys[i];
        r->number = i;
        critbit_insert(&arena, &map, ref);
        ref_of[i] = ref;
        inserted++;
    }
    for (size_t i = 0; i < n; i++) {
        const record *r = exec_ref_ptr(&arena, critbit_find(&arena, &map, &keys[i]));
        assert_memory_equal(&r->entry.key, &keys[i], sizeof *keys);
        for (unsigned bit = 0; bit < 256; bit += 51) { /* neighbours, mostly absent */
            u256 near = keys[i];
            near.limb[bit / 64] ^= UINT64_C(1) << bit % 64;
            exec_ref found = critbit_find(&arena, &map, &near);
            if (found) {
                r = exec_ref_ptr(&arena, found);
                assert_memory_equal(&r->entry.key, &near, sizeof near);
            }
        }
    }
    assert_true(inserted > 0);
    free(bytes);
}

static u256 keys[MAX_KEYS];

static void test_random_keys(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (size_t i = 0; i < MAX_KEYS; i++)
        for (unsigned k = 0; k < 4; k++)
            keys[i].limb[k] = next_random(&seed);
    check_keys(keys, MAX_KEYS);
}

/** Few bits in use: many keys again, many that differ in one bit. */
static void test_dense_keys(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (size_t i = 0; i < MAX_KEYS; i++)
        for (unsigned k = 0; k < 4; k++)
            keys[i].limb[k] = (next_random(&seed) & 3) << 62 | (next_random(&seed) & 1);
    check_keys(keys, MAX_KEYS);
}

/** The worst an attacker can do: one path of all 256 bits. */
static void test_chain(void **state)
{
    (void)state;
    memset(keys, 0, sizeof keys);
    for (size_t i = 0; i < 256; i++)
        keys[i].limb[i / 64] = UINT64_C(1) << i % 64;
    check_keys(keys, 257); /* and zero */
    for (size_t i = 0; i < 128; i++) {
        u256 swap = keys[i];
        keys[i] = keys[256 - i];
        keys[256 - i] = swap;
    }
    check_keys(keys, 257);
}

static void test_empty(void **state)
{
    exec_arena arena;
    critbit map = {0};
    u256 key = {{0}};
    (void)state;
    exec_arena_init(&arena, NULL, 0);
    assert_int_equal(critbit_find(&arena, &map, &key), 0);
    assert_int_equal(exec_ref_alloc(&arena, 16), 0);
    assert_null(exec_arena_alloc(&arena, 1));
}

static void test_arena_edges(void **state)
{
    static _Alignas(64) uint8_t bytes[256];
    exec_arena arena;
    (void)state;
    exec_arena_init(&arena, bytes, sizeof bytes);
    assert_null(exec_arena_alloc(&arena, 257));
    assert_null(exec_arena_alloc(&arena, SIZE_MAX));
    assert_int_equal(arena.used, 0);
    exec_ref first = exec_ref_alloc(&arena, 20); /* unit 0 is never given out */
    assert_int_equal(first, 1);
    assert_ptr_equal(exec_ref_ptr(&arena, first), bytes + 16);
    assert_int_equal(exec_ref_of(&arena, bytes + 16), first);
    size_t mark = exec_arena_mark(&arena);
    assert_ptr_equal(exec_arena_alloc(&arena, 1), bytes + 48);
    assert_ptr_equal(exec_arena_alloc(&arena, 0), bytes + 64);
    assert_null(exec_arena_alloc(&arena, 193));
    assert_ptr_equal(exec_arena_alloc(&arena, 192), bytes + 64);
    assert_null(exec_arena_alloc(&arena, 1));
    assert_int_equal(exec_ref_alloc(&arena, 16), 0);
    assert_int_equal(arena.peak, 256);
    exec_arena_release(&arena, mark);
    assert_ptr_equal(exec_arena_alloc(&arena, 16), bytes + 48);
    assert_int_equal(arena.peak, 256);

    /* references end where they no longer fit, though the arena goes on */
    arena.size = SIZE_MAX;
    arena.used = (size_t)(EXEC_REF_LIMIT - 1) * EXEC_REF_UNIT;
    assert_int_equal(exec_ref_alloc(&arena, 16), 0);
    arena.used -= EXEC_REF_UNIT;
    assert_int_equal(exec_ref_alloc(&arena, 16), EXEC_REF_LIMIT - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_keys), cmocka_unit_test(test_dense_keys),
        cmocka_unit_test(test_chain),       cmocka_unit_test(test_empty),
        cmocka_unit_test(test_arena_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
