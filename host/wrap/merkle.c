/* Leaves, nodes and caps over Poseidon-BN254 (driver/driver.h, DRV_HASH_BN254). */
#include "host/wrap/gadgets.h"

#include <assert.h>

static p_status need_width(wrap_hash *h, unsigned width, p_err *err)
{
    return h->width[width] ? P_OK : r1cs_poseidon_create(width, &h->width[width], err);
}

p_status wrap_hash_create(const uint32_t *leaf_words, uint32_t count, wrap_hash *out, p_err *err)
{
    p_status s;

    *out = (wrap_hash){0};
    s = stark_hash_create(DRV_HASH_BN254, &out->native, err);
    if (s == P_OK)
        s = need_width(out, WRAP_SQUEEZE + 1, err);
    if (s == P_OK)
        s = need_width(out, WRAP_CHUNK + 1, err);
    for (uint32_t i = 0; s == P_OK && i < count; i++) {
        uint32_t last = (leaf_words[i] + WRAP_PACKED - 1) / WRAP_PACKED % WRAP_CHUNK;

        if (last > 0)
            s = need_width(out, last + 1, err);
    }
    if (s != P_OK)
        wrap_hash_destroy(out);
    return s;
}

void wrap_hash_destroy(wrap_hash *h)
{
    for (unsigned w = 0; w <= BN_POSEIDON_MAX_WIDTH; w++)
        r1cs_poseidon_destroy(h->width[w]);
    stark_hash_destroy(&h->native);
    *h = (wrap_hash){0};
}

/* Injective on words below 2^64: 2^192 is below r. */
void wrap_pack(r1cs_builder *b, const r1cs_gl *words, uint32_t count, r1cs_lc *out)
{
    static const uint64_t place[WRAP_PACKED][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}};
    bn_fr factor[WRAP_PACKED];

    for (uint32_t k = 0; k < WRAP_PACKED; k++)
        (void)bn_fr_set_words(&factor[k], place[k]);
    for (uint32_t i = 0; i < count; i += WRAP_PACKED) {
        uint32_t n = count - i < WRAP_PACKED ? count - i : WRAP_PACKED;
        r1cs_lc part[WRAP_PACKED];

        for (uint32_t k = 0; k < n; k++)
            part[k] = words[i + k].lc;
        out[i / WRAP_PACKED] = r1cs_sum(b, part, factor, n);
    }
}

r1cs_lc wrap_leaf(r1cs_builder *b, const wrap_hash *h, const r1cs_gl *words, uint32_t count)
{
    r1cs_lc in[WRAP_CHUNK], chain = r1cs_constant_u64(b, 1);

    for (uint32_t i = 0; i < count; i += WRAP_CHUNK * WRAP_PACKED) {
        uint32_t left = count - i;
        uint32_t n = left < WRAP_CHUNK * WRAP_PACKED ? left : WRAP_CHUNK * WRAP_PACKED;
        uint32_t elements = (n + WRAP_PACKED - 1) / WRAP_PACKED;

        wrap_pack(b, words + i, n, in);
        chain = r1cs_poseidon_hash(b, h->width[elements + 1], chain, in);
    }
    return chain;
}

void wrap_digests(r1cs_builder *b, const uint64_t *words, uint64_t count, bool constant,
                  r1cs_lc *out)
{
    for (uint64_t i = 0; i < count; i++) {
        bn_fr x;

        bn_fr_set_zero(&x);
        if (words && !bn_fr_set_words(&x, words + i * DRV_DIGEST_WORDS))
            r1cs_fail(b, P_EINVAL, "a digest is not below the order of the field");
        out[i] = constant ? r1cs_constant(b, x) : r1cs_wire(b, x);
    }
}

/* The number in some bits, in SOLVE. */
static uint32_t number(const r1cs_lc *bits, uint32_t count)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        n |= (uint32_t)!bn_fr_is_zero(&bits[i].value) << i;
    return n;
}

/* The children of a node as wires: the one at the place in bits as computed, the others from the
 * path. */
static void children(r1cs_builder *b, const r1cs_lc *bits, r1cs_lc node, const uint64_t *path,
                     r1cs_lc out[WRAP_ARITY])
{
    uint32_t place = path ? number(bits, WRAP_ARITY_LOG2) : 0;

    for (uint32_t i = 0; i < WRAP_ARITY; i++)
        if (path && i == place)
            out[i] = r1cs_wire(b, node.value);
        else
            wrap_digests(b, path ? path + (i - (i > place)) * DRV_DIGEST_WORDS : NULL, 1, false,
                         &out[i]);
}

r1cs_lc wrap_node(r1cs_builder *b, const wrap_hash *h, r1cs_lc digest, const r1cs_lc *bits,
                  const r1cs_lc in[WRAP_ARITY])
{
    r1cs_equal(b, r1cs_choose(b, bits, WRAP_ARITY_LOG2, in), digest);
    return r1cs_poseidon_hash(b, h->width[WRAP_ARITY + 1], r1cs_constant_u64(b, 0), in);
}

void wrap_path(r1cs_builder *b, const wrap_hash *h, r1cs_lc digest, const r1cs_lc *bits,
               uint32_t bits_count, const r1cs_lc *cap, uint32_t cap_log2, const uint64_t *path)
{
    r1cs_lc in[WRAP_ARITY];

    assert(cap_log2 <= bits_count && (bits_count - cap_log2) % WRAP_ARITY_LOG2 == 0);
    for (; bits_count > cap_log2; bits_count -= WRAP_ARITY_LOG2, bits += WRAP_ARITY_LOG2) {
        children(b, bits, digest, path, in);
        digest = wrap_node(b, h, digest, bits, in);
        if (path)
            path += (WRAP_ARITY - 1) * DRV_DIGEST_WORDS;
    }
    r1cs_equal(b, r1cs_choose(b, bits, cap_log2, cap), digest);
}
