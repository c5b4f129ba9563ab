/* The circuit: the checks of stark_verify in their order. */
#include "host/wrap/wrap.h"

#include "host/iden3/wtns.h"
#include "host/stark/vk.h"
#include "host/wrap/gadgets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct circuit {
    r1cs_builder *b;
    const stark_vk *vk;
    const stark_proof *proof; /* NULL: no values */
    stark_shape shape;
    const wrap_hash *hash;
    wrap_transcript transcript;
    wrap_values values;
    wrap_deep deep;
    wrap_fri fri;
    r1cs_gl *publics;
    r1cs_lc *cap[AIR_TREES], *layer_cap[STARK_MAX_LAYERS];
    r1cs_ext *at_z, *at_next, *final;
    r1cs_lc *index_bits; /* of all queries */
    r1cs_gl *leaf;       /* a row of any tree, zero columns included */
    r1cs_gl *rows[AIR_TREES];
    uint64_t counted, parts[WRAP_PARTS]; /* constraints so far, and what they were for */
} circuit;

const char *wrap_part_name(wrap_part part)
{
    static const char *const names[WRAP_PARTS] = {"transcript", "values", "graph", "powers",
                                                  "rows",       "leaves", "paths", "deep",
                                                  "folds",      "final"};

    return (unsigned)part < WRAP_PARTS ? names[part] : "?";
}

/* The constraints since the last call were for this part. */
static void account(circuit *c, wrap_part part)
{
    uint64_t now = r1cs_count(c->b).constraints;

    c->parts[part] += now - c->counted;
    c->counted = now;
}

static const uint64_t *words(const circuit *c, uint64_t place)
{
    return c->proof ? c->proof->words + place : NULL;
}

static uint64_t word(const circuit *c, uint64_t place)
{
    return c->proof ? c->proof->words[place] : 0;
}

static uint64_t tree_cap_count(const circuit *c)
{
    return UINT64_C(1) << c->shape.tree_cap_log2;
}

static uint32_t log_n(const circuit *c)
{
    return c->vk->params.log_rows + c->vk->params.log_blowup;
}

/* ---- memory ---- */

static bool allocate(circuit *c)
{
    const stark_params *p = &c->vk->params;
    const air *a = c->vk->air;
    uint32_t widest = 0;
    bool ok;

    for (int t = 0; t < AIR_TREES; t++) {
        if (c->shape.tree_columns[t] == 0)
            continue;
        c->cap[t] = calloc(tree_cap_count(c), sizeof(*c->cap[t]));
        c->rows[t] = calloc(c->shape.tree_columns[t], sizeof(*c->rows[t]));
        if (!c->cap[t] || !c->rows[t])
            return false;
        if (a->trees[t].columns > widest)
            widest = a->trees[t].columns;
    }
    for (uint32_t k = 0; k < c->shape.layers; k++)
        if (!(c->layer_cap[k] =
                  calloc((size_t)1 << c->shape.layer_cap_log2[k], sizeof(*c->layer_cap[k]))))
            return false;
    c->publics = calloc((size_t)a->definition.publics + 1, sizeof(*c->publics));
    c->at_z = calloc((size_t)c->shape.at_z_count + 1, sizeof(*c->at_z));
    c->at_next = calloc((size_t)c->shape.at_next_count + 1, sizeof(*c->at_next));
    c->final = calloc((size_t)1 << c->shape.final_log2, sizeof(*c->final));
    c->index_bits = calloc((size_t)p->queries * log_n(c), sizeof(*c->index_bits));
    c->leaf = calloc((size_t)widest + 1, sizeof(*c->leaf));
    ok = c->publics && c->at_z && c->at_next && c->final && c->index_bits && c->leaf;
    return ok;
}

static void release(circuit *c)
{
    wrap_deep_destroy(&c->deep);
    for (int t = 0; t < AIR_TREES; t++) {
        free(c->cap[t]);
        free(c->rows[t]);
    }
    for (uint32_t k = 0; k < STARK_MAX_LAYERS; k++)
        free(c->layer_cap[k]);
    free(c->publics);
    free(c->at_z);
    free(c->at_next);
    free(c->final);
    free(c->index_bits);
    free(c->leaf);
}

/* ---- what is absorbed and drawn ---- */

/* The state after the key's digest: of the native transcript, so that it is a constant. */
static void begin_transcript(circuit *c)
{
    stark_transcript t;

    stark_transcript_init(&t, &c->hash->native);
    stark_absorb_digests(&t, "vk", c->vk->digest, 1);
    wrap_transcript_init(&c->transcript, c->b, c->hash, t.state.bn);
}

static void take_publics(circuit *c, const uint64_t *publics)
{
    uint32_t count = c->vk->air->definition.publics;
    r1cs_lc *wires = calloc((size_t)count + 1, sizeof(*wires));

    if (!wires) {
        r1cs_fail(c->b, P_EEXHAUSTED, "no memory for the public values");
        return;
    }
    r1cs_label(c->b, "public values");
    for (uint32_t i = 0; i < count; i++) {
        bn_fr x;

        bn_fr_set_u64(&x, publics ? publics[i] : 0);
        wires[i] = r1cs_public(c->b, x);
    }
    for (uint32_t i = 0; i < count; i++)
        c->publics[i] = wrap_canonical(c->b, wires[i]);
    free(wires);
    account(c, WRAP_VALUES);
    wrap_absorb_words(&c->transcript, c->publics, count);
}

static void take_cap(circuit *c, int tree)
{
    if (c->shape.tree_columns[tree] == 0)
        return;
    r1cs_label(c->b, "cap of a tree");
    wrap_digests(c->b, words(c, c->shape.cap[tree]), tree_cap_count(c), false, c->cap[tree]);
    wrap_absorb_digests(&c->transcript, c->cap[tree], tree_cap_count(c));
}

/* Reads count elements of K and puts their words behind each other for the transcript. */
static void take_ext(circuit *c, uint64_t place, uint64_t count, r1cs_ext *out, r1cs_gl *flat)
{
    for (uint64_t i = 0; i < count; i++)
        for (int k = 0; k < 3; k++) {
            out[i].c[k] = r1cs_gl_input(c->b, word(c, place + 3 * i + (uint64_t)k));
            flat[3 * i + (uint64_t)k] = out[i].c[k];
        }
}

static bool take_evaluations(circuit *c)
{
    uint64_t count = c->shape.at_z_count, next = c->shape.at_next_count;
    r1cs_gl *flat = malloc(3 * (count + next + 1) * sizeof(*flat));

    if (!flat)
        return false;
    r1cs_label(c->b, "evaluations");
    take_ext(c, c->shape.at_z, count, c->at_z, flat);
    take_ext(c, c->shape.at_next, next, c->at_next, flat + 3 * count);
    account(c, WRAP_VALUES);
    wrap_absorb_words(&c->transcript, flat, 3 * (count + next));
    free(flat);
    return true;
}

static void take_layers(circuit *c)
{
    for (uint32_t k = 0; k < c->shape.layers; k++) {
        uint64_t count = UINT64_C(1) << c->shape.layer_cap_log2[k];

        r1cs_label(c->b, "cap of a FRI layer");
        wrap_digests(c->b, words(c, c->shape.layer_cap[k]), count, false, c->layer_cap[k]);
        wrap_absorb_digests(&c->transcript, c->layer_cap[k], count);
        c->values.beta[k] = wrap_squeeze_ext(&c->transcript);
    }
}

static void take_final(circuit *c)
{
    uint32_t count = 1u << c->shape.final_log2;
    r1cs_gl flat[3u << STARK_MAX_FINAL_LOG2], nonce;
    bn_fr value;

    r1cs_label(c->b, "final polynomial");
    take_ext(c, c->shape.final, count, c->final, flat);
    account(c, WRAP_VALUES);
    wrap_absorb_words(&c->transcript, flat, 3 * (uint64_t)count);
    r1cs_label(c->b, "nonce");
    bn_fr_set_u64(&value, word(c, c->shape.nonce));
    nonce = wrap_canonical(c->b, r1cs_wire(c->b, value));
    wrap_absorb_words(&c->transcript, &nonce, 1);
    r1cs_label(c->b, "grinding");
    wrap_squeeze_grinding(&c->transcript, c->vk->params.grinding_bits);
    r1cs_label(c->b, "query indices");
    wrap_squeeze_indices(&c->transcript, log_n(c), c->vk->params.queries, c->index_bits);
}

static p_status transcript(circuit *c, const uint64_t *publics, p_err *err)
{
    wrap_values *v = &c->values;

    begin_transcript(c);
    *v = (wrap_values){.vk = c->vk,
                       .shape = &c->shape,
                       .publics = c->publics,
                       .at_z = c->at_z,
                       .at_next = c->at_next,
                       .final = c->final};
    take_publics(c, publics);
    if (c->shape.tree_columns[AIR_TREE_FIXED] > 0)
        wrap_digests(c->b, c->vk->fixed_cap, tree_cap_count(c), true, c->cap[AIR_TREE_FIXED]);
    take_cap(c, AIR_TREE_MAIN);
    for (int i = 0; i < AIR_CHALLENGES; i++)
        v->random[i] = wrap_squeeze_ext(&c->transcript);
    take_cap(c, AIR_TREE_AUX);
    v->lambda = wrap_squeeze_ext(&c->transcript);
    take_cap(c, AIR_TREE_QUOTIENT);
    v->z = wrap_squeeze_ext(&c->transcript);
    account(c, WRAP_TRANSCRIPT);
    if (!take_evaluations(c))
        return p_err_set(err, P_EEXHAUSTED, "no memory for the evaluations");
    v->gamma = wrap_squeeze_ext(&c->transcript);
    take_layers(c);
    account(c, WRAP_TRANSCRIPT);
    take_final(c);
    account(c, WRAP_TRANSCRIPT);
    return P_OK;
}

/* ---- queries ---- */

/* Reads a tree's row, hashes it with its zero columns, and follows its path. */
static void open_tree(circuit *c, uint32_t query, int tree, const r1cs_lc *bits)
{
    static const char *const names[AIR_TREES] = {"fixed", "main", "aux", "quotient"};
    const air_tree_info *t = &c->vk->air->trees[tree];
    uint64_t base = c->shape.queries + query * c->shape.query_words;
    r1cs_lc digest;
    char label[64];

    snprintf(label, sizeof(label), "query %u, tree %s", query, names[tree]);
    r1cs_label(c->b, label);
    for (uint32_t i = 0; i < t->columns; i++)
        c->leaf[i] = r1cs_gl_constant(c->b, 0);
    for (uint32_t i = 0; i < t->real; i++) {
        uint32_t position = i < t->next ? i : t->next_padded + i - t->next;

        c->rows[tree][i] = r1cs_gl_input(c->b, word(c, base + c->shape.query_values[tree] + i));
        c->leaf[position] = c->rows[tree][i];
    }
    account(c, WRAP_ROWS);
    digest = wrap_leaf(c->b, c->hash, c->leaf, t->columns);
    account(c, WRAP_LEAVES);
    wrap_path(c->b, c->hash, digest, bits, log_n(c), c->cap[tree], c->shape.tree_cap_log2,
              words(c, base + c->shape.query_path[tree]));
    account(c, WRAP_PATHS);
}

/* Reads a leaf of a FRI layer, its eight values as elements of K. */
static void open_layer(circuit *c, uint32_t query, uint32_t layer, const r1cs_lc *bits,
                       r1cs_ext values[STARK_FOLD])
{
    uint64_t base = c->shape.queries + query * c->shape.query_words;
    r1cs_gl leaf[4 * STARK_FOLD];
    r1cs_lc digest;

    for (uint32_t s = 0; s < STARK_FOLD; s++) {
        for (uint32_t k = 0; k < 3; k++) {
            leaf[4 * s + k] =
                r1cs_gl_input(c->b, word(c, base + c->shape.query_layer[layer] + 3 * s + k));
            values[s].c[k] = leaf[4 * s + k];
        }
        leaf[4 * s + 3] = r1cs_gl_constant(c->b, 0);
    }
    account(c, WRAP_ROWS);
    digest = wrap_leaf(c->b, c->hash, leaf, 4 * STARK_FOLD);
    account(c, WRAP_LEAVES);
    wrap_path(c->b, c->hash, digest, bits, c->shape.layer_leaves_log2[layer], c->layer_cap[layer],
              c->shape.layer_cap_log2[layer], words(c, base + c->shape.query_layer_path[layer]));
    account(c, WRAP_PATHS);
}

/* The value in the slot that three bits say. */
static r1cs_ext slot(circuit *c, const r1cs_lc *bits, const r1cs_ext values[STARK_FOLD])
{
    r1cs_ext out;

    for (int k = 0; k < 3; k++) {
        r1cs_lc coefficients[STARK_FOLD];

        for (uint32_t s = 0; s < STARK_FOLD; s++)
            coefficients[s] = values[s].c[k].lc;
        out.c[k] = r1cs_gl_assume(r1cs_choose(c->b, bits, STARK_FOLD_LOG2, coefficients), 64);
    }
    return out;
}

static void check_query(circuit *c, uint32_t query)
{
    const r1cs_lc *bits = c->index_bits + (size_t)query * log_n(c);
    r1cs_ext values[STARK_FOLD], folded = {0};
    gl_t shift = 7;
    char label[64];

    snprintf(label, sizeof(label), "query %u", query);
    r1cs_label(c->b, label);
    for (int t = 0; t < AIR_TREES; t++)
        if (c->shape.tree_columns[t] > 0)
            open_tree(c, query, t, bits);
    for (uint32_t k = 0; k < c->shape.layers; k++) {
        uint32_t leaf_log2 = c->shape.layer_leaves_log2[k];
        r1cs_ext mine;

        snprintf(label, sizeof(label), "query %u, FRI layer %u", query, k);
        r1cs_label(c->b, label);
        open_layer(c, query, k, bits, values);
        mine = slot(c, bits + leaf_log2, values);
        snprintf(label, sizeof(label), "query %u, value in FRI layer %u", query, k);
        r1cs_label(c->b, label);
        if (k == 0)
            wrap_deep_check(c->b, &c->values, &c->deep, bits, c->rows, mine);
        else
            r1cs_ext_equal(c->b, folded, r1cs_ext_scale(c->b, mine, STARK_FOLD));
        account(c, k == 0 ? WRAP_DEEP : WRAP_FOLDS);
        folded = wrap_fold(c->b, c->fri.powers[k], bits, leaf_log2, shift, values);
        account(c, WRAP_FOLDS);
        for (int i = 0; i < STARK_FOLD_LOG2; i++)
            shift = gl_sqr(shift);
    }
    snprintf(label, sizeof(label), "query %u, final polynomial", query);
    r1cs_label(c->b, label);
    wrap_final_check(c->b, &c->values, bits, folded);
    account(c, WRAP_FINAL);
}

/* ---- the whole ---- */

static p_status check_arguments(const r1cs_builder *b, const stark_vk *vk, const stark_shape *shape,
                                const stark_hash *hash, const uint64_t *publics,
                                const stark_proof *proof, p_err *err)
{
    uint64_t digest[DRV_DIGEST_WORDS];

    if (vk->params.hash != DRV_HASH_BN254)
        return p_err_set(err, P_EINVAL,
                         "a circuit needs a key with the hash Poseidon-BN254, found "
                         "Poseidon-Goldilocks");
    if (vk->air->trees[AIR_TREE_FIXED].real > 0 && !vk->fixed_cap)
        return p_err_set(err, P_EINVAL, "the key has fixed columns and no cap of their tree");
    stark_vk_digest(&vk->params, vk->air, vk->fixed_cap, hash, digest);
    if (memcmp(digest, vk->digest, sizeof(digest)) != 0)
        return p_err_set(err, P_EINVAL, "the key's digest is not that of its parameters and cap");
    if (!r1cs_solving(b))
        return P_OK;
    if (!proof || (!publics && vk->air->definition.publics > 0))
        return p_err_set(err, P_EINVAL, "a witness needs a proof and its public values");
    if (proof->count != shape->words)
        return p_err_set(err, P_EINVAL, "a proof for this key has %llu words, found %llu",
                         (unsigned long long)shape->words, (unsigned long long)proof->count);
    return P_OK;
}

static p_status build(circuit *c, const uint64_t *publics, p_err *err)
{
    p_status s;

    if (!allocate(c))
        return p_err_set(err, P_EEXHAUSTED, "no memory for the circuit of a verifier");
    s = transcript(c, publics, err);
    if (s != P_OK || r1cs_failed(c->b)) /* the error is the builder's, which r1cs_finish tells */
        return s;
    wrap_identity(c->b, &c->values);
    account(c, WRAP_GRAPH);
    if (r1cs_failed(c->b))
        return P_OK;
    r1cs_label(c->b, "powers of gamma and beta");
    if (!wrap_deep_create(c->b, &c->values, &c->deep))
        return p_err_set(err, P_EEXHAUSTED, "no memory for the powers of gamma");
    wrap_fri_init(c->b, &c->values, &c->fri);
    account(c, WRAP_POWERS);
    for (uint32_t q = 0; q < c->vk->params.queries && !r1cs_failed(c->b); q++) {
        r1cs_scope scope = r1cs_scope_begin(c->b);

        check_query(c, q);
        r1cs_scope_end(c->b, scope);
    }
    return P_OK;
}

p_status wrap_hash_for_key(const stark_vk *vk, wrap_hash *out, p_err *err)
{
    uint32_t words[AIR_TREES + 1] = {4 * STARK_FOLD}, count = 1;

    for (int t = 0; t < AIR_TREES; t++)
        if (vk->air->trees[t].columns > 0)
            words[count++] = vk->air->trees[t].columns;
    return wrap_hash_create(words, count, out, err);
}

p_status wrap_circuit_with(r1cs_builder *b, const stark_vk *vk, const wrap_hash *hash,
                           const uint64_t *publics, const stark_proof *proof,
                           uint64_t parts[WRAP_PARTS], p_err *err)
{
    circuit c = {.b = b,
                 .vk = vk,
                 .hash = hash,
                 .proof = r1cs_solving(b) ? proof : NULL,
                 .counted = r1cs_count(b).constraints};
    p_status s = stark_params_check(&vk->params, vk->air, err);

    if (s != P_OK)
        return s;
    stark_shape_compute(&vk->params, vk->air, &c.shape);
    s = check_arguments(b, vk, &c.shape, &hash->native, publics, proof, err);
    if (s == P_OK)
        s = build(&c, r1cs_solving(b) ? publics : NULL, err);
    if (parts)
        memcpy(parts, c.parts, sizeof(c.parts));
    release(&c);
    return s;
}

p_status wrap_circuit(r1cs_builder *b, const stark_vk *vk, const uint64_t *publics,
                      const stark_proof *proof, uint64_t parts[WRAP_PARTS], p_err *err)
{
    wrap_hash hash;
    p_status s = wrap_hash_for_key(vk, &hash, err);

    if (s != P_OK)
        return s;
    s = wrap_circuit_with(b, vk, &hash, publics, proof, parts, err);
    wrap_hash_destroy(&hash);
    return s;
}

p_status wrap_write(const stark_vk *vk, const uint64_t *publics, const stark_proof *proof,
                    const char *r1cs_path, const char *wtns_path, r1cs_counts *counts,
                    uint64_t parts[WRAP_PARTS], p_err *err)
{
    r1cs_builder *b = NULL;
    r1cs_counts n;
    const uint64_t *values = NULL;
    unsigned modes = (r1cs_path ? R1CS_BUILD : 0) | (wtns_path ? R1CS_SOLVE : 0);
    p_status s;

    if (modes == 0)
        return p_err_set(err, P_EINVAL, "neither a circuit nor a witness was asked for");
    s = r1cs_create(modes, r1cs_path, 0, vk->air->definition.publics, &b, err);
    if (s == P_OK)
        s = wrap_circuit(b, vk, publics, proof, parts, err);
    if (s == P_OK)
        s = r1cs_finish(b, &n, wtns_path ? &values : NULL, err);
    if (s == P_OK && wtns_path)
        s = wtns_write(wtns_path, values, n.wires, err);
    if (s == P_OK && counts)
        *counts = n;
    r1cs_destroy(b);
    return s;
}
