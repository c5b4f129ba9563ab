#include "host/stark/proof.h"

#include "host/stark/stark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXT_WORDS 3
#define FOLD_WORDS (EXT_WORDS * STARK_FOLD)

static const char *const tree_name[AIR_TREES] = {"fixed", "main", "aux", "quotient"};

const char *stark_tree_name(air_tree tree)
{
    return tree_name[tree];
}

static uint32_t path_digests(drv_hash hash, uint32_t log_leaves, uint32_t cap_log2)
{
    const uint32_t arity_log2 = stark_hash_arity_log2(hash);

    return (log_leaves - cap_log2) / arity_log2 * ((1u << arity_log2) - 1);
}

/* A part of this many words at the end of what there is. */
static uint64_t take(uint64_t *end, uint64_t words)
{
    const uint64_t at = *end;

    *end += words;
    return at;
}

static void shape_query(stark_shape *s)
{
    uint64_t end = 0;

    for (int t = 0; t < AIR_TREES; t++) {
        const bool there = s->tree_columns[t] != 0;

        s->query_values[t] = take(&end, s->tree_columns[t]);
        s->query_path[t] = take(&end, there ? (uint64_t)s->path_digests * DRV_DIGEST_WORDS : 0);
    }
    for (uint32_t k = 0; k < s->layers; k++) {
        s->query_layer[k] = take(&end, FOLD_WORDS);
        s->query_layer_path[k] = take(&end, (uint64_t)s->layer_path_digests[k] * DRV_DIGEST_WORDS);
    }
    s->query_words = end;
}

void stark_shape_compute(const stark_params *params, const air *a, stark_shape *s)
{
    const uint32_t log_n = params->log_rows + params->log_blowup;
    uint64_t end = 0;

    memset(s, 0, sizeof *s);
    s->tree_cap_log2 = stark_cap_log2(params, log_n);
    s->path_digests = path_digests(params->hash, log_n, s->tree_cap_log2);
    s->layers = stark_layers(params);
    s->final_log2 = stark_final_log2(params);
    for (int t = 0; t < AIR_TREES; t++) {
        s->tree_columns[t] = a->trees[t].real;
        s->at_z_count += a->trees[t].real;
        s->at_next_count += a->trees[t].next;
        if (t != AIR_TREE_FIXED && a->trees[t].real)
            s->cap[t] = take(&end, DRV_DIGEST_WORDS << s->tree_cap_log2);
    }
    s->at_z = take(&end, (uint64_t)s->at_z_count * EXT_WORDS);
    s->at_next = take(&end, (uint64_t)s->at_next_count * EXT_WORDS);
    for (uint32_t k = 0; k < s->layers; k++) {
        s->layer_leaves_log2[k] = log_n - STARK_FOLD_LOG2 * (k + 1);
        s->layer_cap_log2[k] = stark_cap_log2(params, s->layer_leaves_log2[k]);
        s->layer_path_digests[k] =
            path_digests(params->hash, s->layer_leaves_log2[k], s->layer_cap_log2[k]);
        s->layer_cap[k] = take(&end, DRV_DIGEST_WORDS << s->layer_cap_log2[k]);
    }
    s->final = take(&end, (uint64_t)EXT_WORDS << s->final_log2);
    s->nonce = take(&end, 1);
    s->queries = end;
    shape_query(s);
    /* at most 512 queries of 4 * 4096 columns, 4 + 8 paths of 21 levels: far below 2^64 */
    s->words = end + params->queries * s->query_words;
}

/* ---- parts ---- */

static bool part(stark_part *out, uint64_t at, uint64_t words, stark_part_kind kind)
{
    out->at = at;
    out->words = words;
    out->kind = kind;
    return true;
}

static bool part_before_queries(const stark_shape *s, uint64_t at, stark_part *out)
{
    const uint64_t cap_words = DRV_DIGEST_WORDS << s->tree_cap_log2;

    for (int t = AIR_TREE_MAIN; t < AIR_TREES; t++)
        if (s->tree_columns[t] && s->cap[t] == at) {
            snprintf(out->name, sizeof out->name, "cap of %s", tree_name[t]);
            return part(out, at, cap_words, STARK_PART_DIGESTS);
        }
    if (at == s->at_z && s->at_z_count) {
        snprintf(out->name, sizeof out->name, "evaluations at z");
        return part(out, at, (uint64_t)s->at_z_count * EXT_WORDS, STARK_PART_WORDS);
    }
    if (at == s->at_next && s->at_next_count) {
        snprintf(out->name, sizeof out->name, "evaluations at omega z");
        return part(out, at, (uint64_t)s->at_next_count * EXT_WORDS, STARK_PART_WORDS);
    }
    for (uint32_t k = 0; k < s->layers; k++)
        if (at == s->layer_cap[k]) {
            snprintf(out->name, sizeof out->name, "cap of layer %" PRIu32, k);
            return part(out, at, DRV_DIGEST_WORDS << s->layer_cap_log2[k], STARK_PART_DIGESTS);
        }
    if (at == s->final) {
        snprintf(out->name, sizeof out->name, "final polynomial");
        return part(out, at, (uint64_t)EXT_WORDS << s->final_log2, STARK_PART_WORDS);
    }
    snprintf(out->name, sizeof out->name, "nonce");
    return part(out, at, 1, STARK_PART_WORDS);
}

static bool part_of_query(const stark_shape *s, uint64_t at, stark_part *out)
{
    const uint64_t query = (at - s->queries) / s->query_words,
                   in = (at - s->queries) % s->query_words;

    for (int t = 0; t < AIR_TREES; t++) {
        const uint64_t path = (uint64_t)s->path_digests * DRV_DIGEST_WORDS;

        if (s->tree_columns[t] == 0)
            continue;
        if (in == s->query_values[t]) {
            snprintf(out->name, sizeof out->name, "query %" PRIu64 ": values of %s", query,
                     tree_name[t]);
            return part(out, at, s->tree_columns[t], STARK_PART_WORDS);
        }
        if (in == s->query_path[t] && path) {
            snprintf(out->name, sizeof out->name, "query %" PRIu64 ": path of %s", query,
                     tree_name[t]);
            return part(out, at, path, STARK_PART_DIGESTS);
        }
    }
    for (uint32_t k = 0; k < s->layers; k++) {
        const uint64_t path = (uint64_t)s->layer_path_digests[k] * DRV_DIGEST_WORDS;

        if (in == s->query_layer[k]) {
            snprintf(out->name, sizeof out->name, "query %" PRIu64 ": values of layer %" PRIu32,
                     query, k);
            return part(out, at, FOLD_WORDS, STARK_PART_WORDS);
        }
        if (in == s->query_layer_path[k] && path) {
            snprintf(out->name, sizeof out->name, "query %" PRIu64 ": path of layer %" PRIu32,
                     query, k);
            return part(out, at, path, STARK_PART_DIGESTS);
        }
    }
    return false;
}

bool stark_shape_part(const stark_shape *shape, uint64_t *at, stark_part *out)
{
    if (*at >= shape->words)
        return false;
    if (!(*at < shape->queries ? part_before_queries(shape, *at, out)
                               : part_of_query(shape, *at, out)))
        return false;
    *at += out->words;
    return true;
}

/* ---- canonical forms ---- */

/* The first word of the part that is not what it has to be; part.words if all are. */
static uint64_t first_bad(const stark_part *p, drv_hash hash, const uint64_t *words)
{
    if (p->kind == STARK_PART_WORDS) {
        for (uint64_t i = 0; i < p->words; i++)
            if (!gl_is_canonical(words[i]))
                return i;
    } else
        for (uint64_t i = 0; i < p->words; i += DRV_DIGEST_WORDS)
            if (!stark_hash_digest_ok(hash, words + i))
                return i;
    return p->words;
}

/* bytes_at: offset of the proof's words in a file; NULL: offsets are in words. */
static p_status check(const stark_shape *shape, drv_hash hash, const stark_proof *proof,
                      const uint64_t *bytes_at, p_err *err)
{
    stark_part p;
    uint64_t at = 0;

    if (proof->count != shape->words)
        return p_err_set(err, P_ECORRUPT,
                         "a proof of %" PRIu64 " words, expected %" PRIu64 " for this key",
                         proof->count, shape->words);
    while (stark_shape_part(shape, &at, &p)) {
        const uint64_t bad = first_bad(&p, hash, proof->words + p.at);

        if (bad != p.words)
            return p_err_set(err, P_ECORRUPT, "%s, %s %" PRIu64 ": %s", p.name,
                             bytes_at ? "offset" : "word",
                             bytes_at ? *bytes_at + 8 * (p.at + bad) : p.at + bad,
                             p.kind == STARK_PART_WORDS ? "not a canonical element of the field"
                                                        : "a digest that is not canonical");
    }
    return P_OK;
}

p_status stark_proof_check(const stark_shape *shape, drv_hash hash, const stark_proof *proof,
                           p_err *err)
{
    return check(shape, hash, proof, NULL, err);
}

void stark_proof_free(stark_proof *proof)
{
    free(proof->words);
    *proof = (stark_proof){0};
}

/* ---- bytes ---- */

/* Header: magic 8, version 4, publics 4, words 8, VK digest 32. */
#define AT_VERSION 8
#define AT_PUBLICS 12
#define AT_WORDS 16
#define AT_DIGEST 24
#define HEADER_BYTES 56

static void put(uint8_t *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *in, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)in[i] << 8 * i;
    return value;
}

p_status stark_proof_write(const stark_vk *vk, const uint64_t *publics, const stark_proof *proof,
                           uint8_t **bytes, size_t *size, p_err *err)
{
    const uint32_t n = vk->air->definition.publics;
    stark_shape shape;
    uint8_t *out;
    p_status s;

    *bytes = NULL;
    *size = 0;
    stark_shape_compute(&vk->params, vk->air, &shape);
    s = stark_proof_check(&shape, vk->params.hash, proof, err);
    for (uint32_t i = 0; s == P_OK && i < n; i++)
        if (!gl_is_canonical(publics[i]))
            s = p_err_set(err, P_EINVAL, "public value %" PRIu32 " is not canonical", i);
    if (s != P_OK)
        return s;
    if (!(out = malloc(HEADER_BYTES + 8 * (n + shape.words))))
        return p_err_set(err, P_EEXHAUSTED, "no memory for a proof's bytes");
    memcpy(out, STARK_PROOF_MAGIC, AT_VERSION);
    put(out + AT_VERSION, STARK_PROOF_VERSION, 4);
    put(out + AT_PUBLICS, n, 4);
    put(out + AT_WORDS, shape.words, 8);
    for (int i = 0; i < DRV_DIGEST_WORDS; i++)
        put(out + AT_DIGEST + 8 * i, vk->digest[i], 8);
    for (uint32_t i = 0; i < n; i++)
        put(out + HEADER_BYTES + 8 * (size_t)i, publics[i], 8);
    for (uint64_t i = 0; i < shape.words; i++)
        put(out + HEADER_BYTES + 8 * (n + i), proof->words[i], 8);
    *bytes = out;
    *size = HEADER_BYTES + 8 * (n + shape.words);
    return P_OK;
}

static p_status damaged(p_err *err, const char *what, size_t at, uint64_t expected, uint64_t found)
{
    return p_err_set(err, P_ECORRUPT,
                     "STARK proof, %s, offset %zu: expected %" PRIu64 ", found %" PRIu64, what, at,
                     expected, found);
}

static p_status parse_header(const stark_vk *vk, const stark_shape *shape, const uint8_t *bytes,
                             size_t size, p_err *err)
{
    const uint64_t n = vk->air->definition.publics;

    if (size < HEADER_BYTES)
        return damaged(err, "length of the header", 0, HEADER_BYTES, size);
    if (memcmp(bytes, STARK_PROOF_MAGIC, AT_VERSION) != 0)
        return p_err_set(err, P_ECORRUPT, "STARK proof, offset 0: does not begin with %s",
                         STARK_PROOF_MAGIC);
    if (get(bytes + AT_VERSION, 4) != STARK_PROOF_VERSION)
        return damaged(err, "format version", AT_VERSION, STARK_PROOF_VERSION,
                       get(bytes + AT_VERSION, 4));
    if (get(bytes + AT_PUBLICS, 4) != n)
        return damaged(err, "number of public values", AT_PUBLICS, n, get(bytes + AT_PUBLICS, 4));
    if (get(bytes + AT_WORDS, 8) != shape->words)
        return damaged(err, "number of words", AT_WORDS, shape->words, get(bytes + AT_WORDS, 8));
    for (int i = 0; i < DRV_DIGEST_WORDS; i++)
        if (get(bytes + AT_DIGEST + 8 * i, 8) != vk->digest[i])
            return p_err_set(err, P_ECORRUPT,
                             "STARK proof, offset %d: the digest of another key, word %d is "
                             "%016" PRIx64 ", expected %016" PRIx64,
                             AT_DIGEST + 8 * i, i, get(bytes + AT_DIGEST + 8 * i, 8),
                             vk->digest[i]);
    if (size != HEADER_BYTES + 8 * (n + shape->words))
        return damaged(err, "length", 0, HEADER_BYTES + 8 * (n + shape->words), size);
    return P_OK;
}

p_status stark_proof_parse(const stark_vk *vk, const uint8_t *bytes, size_t size, stark_proof *out,
                           uint64_t **publics, p_err *err)
{
    const uint64_t n = vk->air->definition.publics, words_at = HEADER_BYTES + 8 * n;
    uint64_t *values = NULL;
    stark_shape shape;
    p_status s;

    *out = (stark_proof){0};
    *publics = NULL;
    stark_shape_compute(&vk->params, vk->air, &shape);
    s = parse_header(vk, &shape, bytes, size, err);
    if (s != P_OK)
        return s;
    out->words = malloc(8 * shape.words);
    out->count = shape.words;
    values = malloc(8 * (n + 1)); /* never of no bytes */
    if (!out->words || !values)
        s = p_err_set(err, P_EEXHAUSTED, "no memory for a proof of %" PRIu64 " words", shape.words);
    for (uint64_t i = 0; s == P_OK && i < n; i++) {
        values[i] = get(bytes + HEADER_BYTES + 8 * i, 8);
        if (!gl_is_canonical(values[i]))
            s = p_err_set(err, P_ECORRUPT,
                          "STARK proof, public value %" PRIu64 ", offset %" PRIu64
                          ": not a canonical element of the field",
                          i, HEADER_BYTES + 8 * i);
    }
    for (uint64_t i = 0; s == P_OK && i < shape.words; i++)
        out->words[i] = get(bytes + words_at + 8 * i, 8);
    if (s == P_OK && (s = check(&shape, vk->params.hash, out, &words_at, err)) != P_OK)
        p_err_prefix(err, "STARK proof");
    if (s == P_OK) {
        *publics = values;
        return P_OK;
    }
    free(values);
    stark_proof_free(out);
    return s;
}
