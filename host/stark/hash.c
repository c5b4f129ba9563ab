/* Permutations, leaves and nodes, as in driver/driver.h. */
#include "host/stark/transcript.h"

#include <string.h>

#define BN_CHUNK (BN_POSEIDON_MAX_WIDTH - 1)
#define GL_PER_FR 3
#define MAX_ARITY 16
#define BN_SQUEEZE_WIDTH 3 /* of the transcript's squeezing */
#define FRI_LEAF_WORDS 32

/* widths: bit w for width w of the permutation over BN254. */
static p_status create(drv_hash kind, uint32_t widths, stark_hash *out, p_err *err)
{
    memset(out, 0, sizeof *out);
    out->kind = kind;
    if (kind == DRV_HASH_GL) {
        out->gl = gl_poseidon_for(p_isa_best());
        return P_OK;
    }
    if (kind != DRV_HASH_BN254)
        return p_err_set(err, P_EINVAL, "there is no hash %d for a STARK", (int)kind);
    out->bn = bn_poseidon_select(p_isa_best());
    for (unsigned w = BN_POSEIDON_MIN_WIDTH; w <= BN_POSEIDON_MAX_WIDTH; w++) {
        p_status s = widths >> w & 1 ? bn_poseidon_create(w, &out->bn_width[w], err) : P_OK;

        if (s != P_OK) {
            stark_hash_destroy(out);
            return s;
        }
    }
    return P_OK;
}

p_status stark_hash_create(drv_hash kind, stark_hash *out, p_err *err)
{
    return create(kind, UINT32_MAX, out, err);
}

/* Of a leaf of so many words: whole chunks have the largest width, the rest its own. */
static uint32_t leaf_widths(uint32_t words)
{
    uint32_t elements = (words + GL_PER_FR - 1) / GL_PER_FR;

    return (elements >= BN_CHUNK ? UINT32_C(1) << BN_POSEIDON_MAX_WIDTH : 0) |
           (elements % BN_CHUNK ? UINT32_C(1) << (elements % BN_CHUNK + 1) : 0);
}

p_status stark_hash_create_for(drv_hash kind, const air *a, stark_hash *out, p_err *err)
{
    uint32_t widths = UINT32_C(1) << BN_SQUEEZE_WIDTH | UINT32_C(1) << BN_POSEIDON_MAX_WIDTH;

    for (int t = 0; t < AIR_TREES; t++)
        widths |= leaf_widths(a->trees[t].columns);
    return create(kind, widths | leaf_widths(FRI_LEAF_WORDS), out, err);
}

void stark_hash_destroy(stark_hash *h)
{
    for (unsigned w = 0; w <= BN_POSEIDON_MAX_WIDTH; w++)
        bn_poseidon_destroy(h->bn_width[w]);
    memset(h, 0, sizeof *h);
}

static void leaf_gl(const stark_hash *h, const uint64_t *words, uint32_t count, uint64_t *digest)
{
    gl_t state[GL_POSEIDON_WIDTH] = {0};

    state[GL_POSEIDON_RATE] = 1;
    for (uint32_t i = 0; i < count; i += GL_POSEIDON_RATE) {
        const uint32_t n = count - i < GL_POSEIDON_RATE ? count - i : GL_POSEIDON_RATE;

        memset(state, 0, GL_POSEIDON_RATE * sizeof state[0]);
        memcpy(state, words + i, n * sizeof state[0]);
        h->gl->permute(state);
    }
    memcpy(digest, state, DRV_DIGEST_WORDS * sizeof state[0]);
}

static void leaf_bn(const stark_hash *h, const uint64_t *words, uint32_t count, uint64_t *digest)
{
    uint64_t chain[DRV_DIGEST_WORDS] = {1}, chunk[BN_CHUNK][DRV_DIGEST_WORDS];

    for (uint32_t i = 0; i < count;) {
        unsigned k = 0;

        memset(chunk, 0, sizeof chunk);
        for (; k < BN_CHUNK && i < count; k++)
            for (int j = 0; j < GL_PER_FR && i < count; j++)
                chunk[k][j] = words[i++];
        h->bn->hash(h->bn_width[k + 1], BN_CANONICAL, chain, chunk[0], chain, 1);
    }
    memcpy(digest, chain, sizeof chain);
}

void stark_hash_leaf(const stark_hash *h, const uint64_t *words, uint32_t count,
                     uint64_t digest[DRV_DIGEST_WORDS])
{
    if (h->kind == DRV_HASH_GL)
        leaf_gl(h, words, count, digest);
    else
        leaf_bn(h, words, count, digest);
}

void stark_hash_node(const stark_hash *h, const uint64_t *children,
                     uint64_t digest[DRV_DIGEST_WORDS])
{
    if (h->kind == DRV_HASH_GL) {
        gl_t state[GL_POSEIDON_WIDTH] = {0};

        memcpy(state, children, 2 * DRV_DIGEST_WORDS * sizeof state[0]);
        h->gl->permute(state);
        memcpy(digest, state, DRV_DIGEST_WORDS * sizeof state[0]);
    } else
        h->bn->hash(h->bn_width[BN_POSEIDON_MAX_WIDTH], BN_CANONICAL, NULL, children, digest, 1);
}

bool stark_hash_path(const stark_hash *h, const uint64_t leaf[DRV_DIGEST_WORDS], uint64_t index,
                     const uint64_t *path, uint32_t path_digests, const uint64_t *cap)
{
    const uint32_t arity_log2 = stark_hash_arity_log2(h->kind);
    const uint32_t others = (1u << arity_log2) - 1;
    uint64_t digest[DRV_DIGEST_WORDS], children[MAX_ARITY * DRV_DIGEST_WORDS];

    memcpy(digest, leaf, sizeof digest);
    for (uint32_t at = 0; at < path_digests; at += others) {
        const uint64_t *other = path + (uint64_t)at * DRV_DIGEST_WORDS;

        for (uint32_t child = 0; child <= others; child++) {
            const bool ours = child == (index & others);

            memcpy(children + child * DRV_DIGEST_WORDS, ours ? digest : other, sizeof digest);
            if (!ours)
                other += DRV_DIGEST_WORDS;
        }
        stark_hash_node(h, children, digest);
        index >>= arity_log2;
    }
    return memcmp(digest, cap + index * DRV_DIGEST_WORDS, sizeof digest) == 0;
}

uint32_t stark_hash_arity_log2(drv_hash kind)
{
    return kind == DRV_HASH_GL ? 1 : 4;
}

bool stark_hash_digest_ok(drv_hash kind, const uint64_t digest[DRV_DIGEST_WORDS])
{
    const bn_fr e = {{digest[0], digest[1], digest[2], digest[3]}};

    if (kind != DRV_HASH_GL)
        return bn_fr_is_canonical(&e);
    for (int i = 0; i < DRV_DIGEST_WORDS; i++)
        if (!gl_is_canonical(digest[i]))
            return false;
    return true;
}
