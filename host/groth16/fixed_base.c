#include "host/groth16/fixed_base.h"

#include <assert.h>
#include <string.h>

#define SCALAR_BITS 255 /* 254, and the carry out of the highest window */

typedef struct building {
    const fixed_base *table;
    void *scratch; /* for each thread: projective points, then twice as many coordinates */
    unsigned threads;
} building;

static unsigned windows_of(unsigned bits)
{
    return (SCALAR_BITS + bits - 1) / bits;
}

/* bits of k from a place on; beyond its end there are zeros */
static uint32_t window_of(const uint64_t k[4], unsigned from, unsigned bits)
{
    unsigned word = from / 64, shift = from % 64;
    uint64_t low = k[word] >> shift;

    if (shift + bits > 64 && word < 3)
        low |= k[word + 1] << (64 - shift);
    return (uint32_t)(low & ((UINT64_C(1) << bits) - 1));
}

#define E bn_fp
#define EF(name) bn_fp_##name
#define A bn_g1
#define X bn_g1x
#define AF(name) bn_g1_##name
#define XF(name) bn_g1x_##name
#define FB(name) g1_##name
#include "host/groth16/fixed_base_impl.h"
#undef E
#undef EF
#undef A
#undef X
#undef AF
#undef XF
#undef FB

#define E bn_fp2
#define EF(name) bn_fp2_##name
#define A bn_g2
#define X bn_g2x
#define AF(name) bn_g2_##name
#define XF(name) bn_g2x_##name
#define FB(name) g2_##name
#include "host/groth16/fixed_base_impl.h"
#undef E
#undef EF
#undef A
#undef X
#undef AF
#undef XF
#undef FB

unsigned fixed_base_bits(uint64_t products)
{
    unsigned best = 4;
    uint64_t least = UINT64_MAX;

    for (unsigned bits = 4; bits <= FIXED_BASE_MAX_BITS; bits++) {
        /* an entry of the table takes an addition and its share of the inversion: about two */
        uint64_t work = windows_of(bits) * ((UINT64_C(2) << (bits - 1)) + products);

        if (work < least) {
            least = work;
            best = bits;
        }
    }
    return best;
}

static uint64_t point_bytes(bool g2)
{
    return g2 ? sizeof(bn_g2) : sizeof(bn_g1);
}

/* a projective point and two coordinates: four and two of the six coordinates' sizes */
static uint64_t scratch_bytes(unsigned bits, bool g2, unsigned threads)
{
    uint64_t each = g2 ? sizeof(bn_g2x) + 2 * sizeof(bn_fp2) : sizeof(bn_g1x) + 2 * sizeof(bn_fp);

    return (each << (bits - 1)) * threads;
}

static uint64_t table_bytes(unsigned bits, bool g2)
{
    return (windows_of(bits) * point_bytes(g2)) << (bits - 1);
}

uint64_t fixed_base_bytes(unsigned bits, bool g2, unsigned threads)
{
    return table_bytes(bits, g2) + scratch_bytes(bits, g2, threads);
}

p_status fixed_base_create(fixed_base *out, p_memory *memory, p_pool *pool, unsigned bits, bool g2,
                           const p_cancel *cancel, p_err *err)
{
    building b = {.table = out, .threads = p_pool_threads(pool)};
    uint64_t scratch = scratch_bytes(bits, g2, b.threads);
    p_status s;

    assert(bits >= 2 && bits <= FIXED_BASE_MAX_BITS);
    memset(out, 0, sizeof *out);
    out->bits = bits;
    out->windows = windows_of(bits);
    out->g2 = g2;
    out->memory = memory;
    s = p_memory_alloc(memory, table_bytes(bits, g2), 1, "multiples of a generator", &out->table,
                       err);
    if (s == P_OK)
        s = p_memory_alloc(memory, scratch, 1, "multiples of a generator", &b.scratch, err);
    if (s == P_OK) {
        s = p_pool_run(pool, out->windows, g2 ? g2_window : g1_window, &b, cancel);
        if (s != P_OK)
            p_err_set(err, s, "%s", p_status_text(s));
    }
    p_memory_free(memory, b.scratch, scratch, 1);
    if (s != P_OK)
        fixed_base_destroy(out);
    return s;
}

void fixed_base_destroy(fixed_base *t)
{
    if (t->table)
        p_memory_free(t->memory, t->table, table_bytes(t->bits, t->g2), 1);
    t->table = NULL;
}

void fixed_base_mul_var(const fixed_base *t, void *out, const bn_fr *k, size_t n)
{
    assert(n <= FIXED_BASE_BATCH);
    if (t->g2)
        g2_mul(t, out, k, n);
    else
        g1_mul(t, out, k, n);
}
