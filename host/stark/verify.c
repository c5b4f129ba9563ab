/* Verifying (docs/stark.md). Nothing of a proof is believed: its length and its words' forms are
 * checked before anything is computed from them. */
#include "host/stark/verify.h"

#include "host/air/eval.h"
#include "host/stark/vk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GENERATOR 7 /* of the domain's coset */
#define SLOTS STARK_FOLD
#define SLOT_WORDS 4

typedef struct verifier {
    const stark_vk *vk;
    const stark_proof *proof;
    const stark_hash *hash;
    const stark_challenges *c;
    stark_shape shape;
    uint32_t log_n;
    gl_t omega_n;
    /* DEEP: for each tree, gamma^off and gamma^(M + off'), and the sums over the evaluations */
    gl_ext scale[AIR_TREES], next_scale[AIR_TREES], at_z[AIR_TREES], at_next[AIR_TREES];
    gl_ext omega_z;
    gl_t fold_roots[SLOTS]; /* omega_8^-k / 8 */
    uint64_t *row;          /* of the widest matrix, zero columns included */
} verifier;

static gl_ext word_ext(const uint64_t *words)
{
    return (gl_ext){{words[0], words[1], words[2]}};
}

/* ---- the key and what comes with the proof ---- */

static p_status check_key(const stark_hash *hash, const stark_vk *vk, bool allow_test, p_err *err)
{
    const stark_params *params = &vk->params;
    uint64_t digest[DRV_DIGEST_WORDS], cap;
    p_status s = stark_params_hold(params, vk->air, err); /* ranges, too */

    if (s != P_OK)
        return s;
    if (params->level == STARK_TEST && !allow_test)
        return p_err_set(err, P_EINVAL,
                         "a key of level test proves nothing, and was not asked for");
    cap = stark_vk_cap_digests(params, vk->air);
    if (cap && !vk->fixed_cap)
        return p_err_set(err, P_EINVAL, "the key has no cap of the fixed columns");
    for (uint64_t i = 0; i < cap; i++)
        if (!stark_hash_digest_ok(params->hash, vk->fixed_cap + DRV_DIGEST_WORDS * i))
            return p_err_set(
                err, P_EINVAL,
                "the key's cap of the fixed columns: digest %" PRIu64 " is not canonical", i);
    stark_vk_digest(params, vk->air, vk->fixed_cap, hash, digest);
    if (memcmp(digest, vk->digest, sizeof digest) != 0)
        return p_err_set(err, P_EINVAL,
                         "the key's digest is not that of its parameters, constraints and cap");
    return P_OK;
}

static p_status check_publics(const stark_vk *vk, const uint64_t *publics, p_err *err)
{
    for (uint32_t i = 0; i < vk->air->definition.publics; i++)
        if (!gl_is_canonical(publics[i]))
            return p_err_set(err, P_EINVAL,
                             "public value %" PRIu32 " is not a canonical element of the field", i);
    return P_OK;
}

/* ---- the identity at z ---- */

static p_status check_identity(const verifier *v, const uint64_t *publics, p_err *err)
{
    static const gl_ext one = {{1, 0, 0}}, x = {{0, 1, 0}};
    const air *a = v->vk->air;
    const gl_ext *at_z = (const gl_ext *)(v->proof->words + v->shape.at_z);
    const gl_ext *at_next = (const gl_ext *)(v->proof->words + v->shape.at_next);
    const uint32_t log_rows = v->vk->params.log_rows;
    const gl_ext z_n = gl_ext_pow2k(v->c->z, log_rows);
    const gl_ext over = gl_ext_scale(v->c->z, gl_inv(GENERATOR));
    air_instance instance = {.publics = publics};
    const gl_ext *q;
    gl_ext combined, sum = {{0}};
    p_status s;

    if (gl_ext_eq(z_n, one) || gl_ext_eq(gl_ext_pow2k(over, v->log_n), one))
        return p_err_set(err, P_EINVAL, "z is a point of the trace or of the domain");
    memcpy(instance.challenges, v->c->air, sizeof instance.challenges);
    s = air_eval_point(a, &instance, log_rows, v->c->z, v->c->lambda, at_z, at_next, NULL,
                       &combined, err);
    if (s != P_OK)
        return s;
    q = at_z + v->shape.at_z_count - v->shape.tree_columns[AIR_TREE_QUOTIENT];
    for (uint32_t j = air_quotients(a); j-- > 0;) {
        gl_ext value = gl_ext_add(q[3 * j], gl_ext_mul(x, q[3 * j + 1]));

        value = gl_ext_add(value, gl_ext_mul(gl_ext_sqr(x), q[3 * j + 2]));
        sum = gl_ext_add(gl_ext_mul(sum, z_n), value);
    }
    if (!gl_ext_eq(combined, gl_ext_mul(gl_ext_sub(z_n, one), sum)))
        return p_err_set(err, P_EINVAL, "the constraints do not hold: C(z) is not (z^N - 1) Q(z)");
    return P_OK;
}

/* ---- DEEP ---- */

/* Columns of a tree, zero columns included, up to a whole block. */
static uint32_t padded_columns(const verifier *v, int tree)
{
    return (v->vk->air->trees[tree].columns + DRV_BLOCK_COLUMNS - 1) / DRV_BLOCK_COLUMNS *
           DRV_BLOCK_COLUMNS;
}

/* sum of gamma^(width - 1 - c) value_c: the first next_padded places hold next values. */
static gl_ext horner_ext(const verifier *v, const gl_ext *values, uint32_t real,
                         const air_tree_info *tree, uint32_t width)
{
    gl_ext sum = {{0}};

    for (uint32_t c = 0; c < width; c++) {
        sum = gl_ext_mul(sum, v->c->gamma);
        if (c < tree->next)
            sum = gl_ext_add(sum, values[c]);
        else if (c >= tree->next_padded && c - tree->next_padded + tree->next < real)
            sum = gl_ext_add(sum, values[c - tree->next_padded + tree->next]);
    }
    return sum;
}

static void prepare_deep(verifier *v)
{
    const gl_ext *at_z = (const gl_ext *)(v->proof->words + v->shape.at_z);
    const gl_ext *at_next = (const gl_ext *)(v->proof->words + v->shape.at_next);
    gl_ext power = {{1, 0, 0}};

    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *tree = &v->vk->air->trees[t];
        const uint32_t width = padded_columns(v, t);

        v->scale[t] = power;
        v->at_z[t] = horner_ext(v, at_z, tree->real, tree, width);
        power = gl_ext_mul(power, gl_ext_pow_var(v->c->gamma, width));
        at_z += tree->real;
    }
    /* the powers go on where those of the first sums end */
    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *tree = &v->vk->air->trees[t];

        v->next_scale[t] = power;
        v->at_next[t] = horner_ext(v, at_next, tree->next, tree, tree->next_padded);
        power = gl_ext_mul(power, gl_ext_pow_var(v->c->gamma, tree->next_padded));
        at_next += tree->next;
    }
    v->omega_z = gl_ext_scale(v->c->z, gl_root_of_unity(v->vk->params.log_rows));
}

/* sum of gamma^(count - 1 - c) row_c */
static gl_ext horner_row(const verifier *v, const uint64_t *row, uint32_t count)
{
    gl_ext sum = {{0}};

    for (uint32_t c = 0; c < count; c++) {
        sum = gl_ext_mul(sum, v->c->gamma);
        sum.c[0] = gl_add(sum.c[0], row[c]);
    }
    return sum;
}

/* The rows of a query: in their trees, and f_0 at their point. */
static p_status open_rows(const verifier *v, uint32_t query, uint64_t index, const uint64_t *words,
                          gl_ext *f0, p_err *err)
{
    const gl_t x = gl_mul(GENERATOR, gl_pow_var(v->omega_n, index));
    const gl_ext point = gl_ext_from_base(x);
    gl_ext here = {{0}}, next = {{0}};

    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *tree = &v->vk->air->trees[t];
        const uint64_t *values = words + v->shape.query_values[t];
        const uint64_t *cap =
            t == AIR_TREE_FIXED ? v->vk->fixed_cap : v->proof->words + v->shape.cap[t];
        const uint32_t width = padded_columns(v, t);
        uint64_t leaf[DRV_DIGEST_WORDS];
        gl_ext sum;

        if (v->shape.tree_columns[t] == 0)
            continue;
        memset(v->row, 0, width * sizeof *v->row);
        memcpy(v->row, values, tree->next * sizeof *values);
        memcpy(v->row + tree->next_padded, values + tree->next,
               (tree->real - tree->next) * sizeof *values);
        stark_hash_leaf(v->hash, v->row, tree->columns, leaf);
        if (!stark_hash_path(v->hash, leaf, index, words + v->shape.query_path[t],
                             v->shape.path_digests, cap))
            return p_err_set(err, P_EINVAL,
                             "query %" PRIu32 " (row %" PRIu64
                             "): the path of %s does not lead to its cap",
                             query, index, stark_tree_name((air_tree)t));
        sum = gl_ext_sub(horner_row(v, v->row, width), v->at_z[t]);
        here = gl_ext_add(here, gl_ext_mul(sum, v->scale[t]));
        sum = gl_ext_sub(horner_row(v, v->row, tree->next_padded), v->at_next[t]);
        next = gl_ext_add(next, gl_ext_mul(sum, v->next_scale[t]));
    }
    /* neither difference is zero: z and omega z are not in the domain */
    here = gl_ext_mul(here, gl_ext_inv(gl_ext_sub(point, v->c->z)));
    next = gl_ext_mul(next, gl_ext_inv(gl_ext_sub(point, v->omega_z)));
    *f0 = gl_ext_add(here, next);
    return P_OK;
}

/* ---- FRI ---- */

/* values: of the points x omega_8^s. The next layer's value, at x^8. */
static gl_ext fold(const verifier *v, const uint64_t *values, gl_ext beta, gl_t x)
{
    const gl_ext ratio = gl_ext_scale(beta, gl_inv(x));
    gl_ext sum = {{0}};

    for (int m = SLOTS; m-- > 0;) {
        gl_ext u = {{0}};

        for (int s = 0; s < SLOTS; s++)
            u = gl_ext_add(u, gl_ext_scale(word_ext(values + 3 * s), v->fold_roots[m * s % SLOTS]));
        sum = gl_ext_add(gl_ext_mul(sum, ratio), u);
    }
    return sum;
}

static p_status check_layers(const verifier *v, uint32_t query, uint64_t index,
                             const uint64_t *words, gl_ext value, p_err *err)
{
    const uint64_t *final = v->proof->words + v->shape.final;
    gl_t shift = GENERATOR, omega = v->omega_n;
    gl_ext sum = {{0}};
    gl_t x;

    for (uint32_t k = 0; k < v->shape.layers; k++) {
        const uint64_t leaves = UINT64_C(1) << v->shape.layer_leaves_log2[k];
        const uint64_t slot = index / leaves, leaf = index % leaves;
        const uint64_t *values = words + v->shape.query_layer[k];
        uint64_t row[SLOTS * SLOT_WORDS] = {0}, digest[DRV_DIGEST_WORDS];

        if (!gl_ext_eq(word_ext(values + 3 * slot), value))
            return p_err_set(err, P_EINVAL,
                             "query %" PRIu32 ": layer %" PRIu32 " does not have the value that %s",
                             query, k, k ? "the layer before it folds to" : "the rows combine to");
        for (int s = 0; s < SLOTS; s++)
            memcpy(row + SLOT_WORDS * s, values + 3 * s, 3 * sizeof *row);
        stark_hash_leaf(v->hash, row, SLOTS * SLOT_WORDS, digest);
        if (!stark_hash_path(v->hash, digest, leaf, words + v->shape.query_layer_path[k],
                             v->shape.layer_path_digests[k],
                             v->proof->words + v->shape.layer_cap[k]))
            return p_err_set(err, P_EINVAL,
                             "query %" PRIu32 " (leaf %" PRIu64 "): the path of layer %" PRIu32
                             " does not lead to its cap",
                             query, leaf, k);
        x = gl_mul(shift, gl_pow_var(omega, leaf));
        value = fold(v, values, v->c->fold[k], x);
        index = leaf;
        for (int i = 0; i < STARK_FOLD_LOG2; i++) {
            shift = gl_sqr(shift);
            omega = gl_sqr(omega);
        }
    }
    x = gl_mul(shift, gl_pow_var(omega, index));
    for (uint32_t i = 1u << v->shape.final_log2; i-- > 0;)
        sum = gl_ext_add(gl_ext_scale(sum, x), word_ext(final + 3 * (uint64_t)i));
    if (!gl_ext_eq(sum, value))
        return p_err_set(err, P_EINVAL,
                         "query %" PRIu32
                         ": the last layer does not fold to the final polynomial's value",
                         query);
    return P_OK;
}

static p_status check_queries(verifier *v, p_err *err)
{
    const gl_t zeta_inv = gl_inv(gl_root_of_unity(STARK_FOLD_LOG2));
    p_status s = P_OK;

    v->fold_roots[0] = gl_inv(SLOTS);
    for (int i = 1; i < SLOTS; i++)
        v->fold_roots[i] = gl_mul(v->fold_roots[i - 1], zeta_inv);
    v->omega_n = gl_root_of_unity(v->log_n);
    prepare_deep(v);
    for (uint32_t q = 0; s == P_OK && q < v->vk->params.queries; q++) {
        const uint64_t *words = v->proof->words + v->shape.queries + q * v->shape.query_words;
        const uint64_t index = v->c->indices[q];
        gl_ext f0 = {{0}};

        s = open_rows(v, q, index, words, &f0, err);
        if (s == P_OK)
            s = check_layers(v, q, index, words, f0, err);
    }
    return s;
}

p_status stark_verify_challenges(const stark_hash *hash, const stark_vk *vk,
                                 const uint64_t *publics, const stark_proof *proof,
                                 const stark_challenges *challenges, p_err *err)
{
    const uint64_t mask = (UINT64_C(1) << vk->params.grinding_bits) - 1;
    verifier v = {.vk = vk, .proof = proof, .hash = hash, .c = challenges};
    uint32_t widest = 0;
    p_status s;

    if (challenges->grinding & mask)
        return p_err_set(err, P_EINVAL, "the nonce does not give %" PRIu32 " zero bits of grinding",
                         vk->params.grinding_bits);
    v.log_n = vk->params.log_rows + vk->params.log_blowup;
    stark_shape_compute(&vk->params, vk->air, &v.shape);
    s = check_identity(&v, publics, err);
    if (s != P_OK)
        return s;
    for (int t = 0; t < AIR_TREES; t++)
        if (padded_columns(&v, t) > widest)
            widest = padded_columns(&v, t);
    v.row = malloc(widest * sizeof *v.row);
    if (!v.row)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a row of %" PRIu32 " columns", widest);
    s = check_queries(&v, err);
    free(v.row);
    return s;
}

p_status stark_verify_with(const stark_hash *hash, const stark_vk *vk, const uint64_t *publics,
                           const stark_proof *proof, bool allow_test, p_err *err)
{
    stark_challenges challenges;
    stark_transcript t;
    stark_shape shape;
    p_status s = check_key(hash, vk, allow_test, err);

    if (s == P_OK)
        s = check_publics(vk, publics, err);
    if (s != P_OK)
        return s;
    stark_shape_compute(&vk->params, vk->air, &shape);
    s = stark_proof_check(&shape, vk->params.hash, proof, err);
    if (s == P_ECORRUPT) {
        s = P_EINVAL;
        if (err)
            err->status = s;
    }
    if (s != P_OK)
        return s;
    stark_transcript_init(&t, hash);
    stark_replay(&t, vk, &shape, publics, proof, &challenges);
    return stark_verify_challenges(hash, vk, publics, proof, &challenges, err);
}

p_status stark_verify(const stark_vk *vk, const uint64_t *publics, const stark_proof *proof,
                      bool allow_test, p_err *err)
{
    stark_hash hash;
    p_status s = stark_hash_create_for(vk->params.hash, vk->air, &hash, err);

    if (s == P_OK)
        s = stark_verify_with(&hash, vk, publics, proof, allow_test, err);
    stark_hash_destroy(&hash);
    return s;
}
