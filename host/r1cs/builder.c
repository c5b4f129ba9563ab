#include "host/r1cs/builder.h"

#include "host/iden3/r1cs_file.h"
#include "host/r1cs/arena.h"
#include "host/r1cs/builder_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_VALUES 4096
#define FIRST_MEMOS 256
#define WIDE_PRODUCTS 22 /* that a bn_fr_wide holds */

typedef struct memo {
    uint64_t serial; /* 0: free */
    r1cs_lc made;
} memo;

struct r1cs_builder {
    unsigned modes;
    r1cs_counts counts;
    uint32_t outputs, inputs, publics_made;
    uint64_t serial;
    char label[R1CS_FILE_NAME_BYTES];
    p_err error;
    /* R1CS_BUILD */
    bool writing;
    r1cs_file_writer writer;
    r1cs_arena arena;
    r1cs_term *scratch; /* of r1cs_sum */
    size_t scratch_size;
    /* R1CS_SOLVE */
    uint64_t *values; /* four words a wire, canonical */
    size_t capacity;  /* wires */
    memo *memos;
    size_t memo_slots, memo_count; /* slots: a power of two */
};

bool r1cs_building(const r1cs_builder *b)
{
    return (b->modes & R1CS_BUILD) != 0;
}

bool r1cs_solving(const r1cs_builder *b)
{
    return (b->modes & R1CS_SOLVE) != 0;
}

bool r1cs_failed(const r1cs_builder *b)
{
    return b->error.status != P_OK;
}

void r1cs_fail(r1cs_builder *b, p_status status, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES / 2];
    va_list args;

    if (r1cs_failed(b))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (b->label[0])
        p_err_set(&b->error, status, "constraint %" PRIu64 " (%s): %s", b->counts.constraints,
                  b->label, text);
    else
        p_err_set(&b->error, status, "constraint %" PRIu64 ": %s", b->counts.constraints, text);
}

static void no_memory(r1cs_builder *b)
{
    r1cs_fail(b, P_EEXHAUSTED, "no memory for the circuit");
}

r1cs_counts r1cs_count(const r1cs_builder *b)
{
    return b->counts;
}

void r1cs_count_solved(r1cs_builder *b, uint64_t constraints)
{
    if (!r1cs_failed(b))
        b->counts.constraints += constraints;
}

void r1cs_label(r1cs_builder *b, const char *label)
{
    char text[R1CS_FILE_NAME_BYTES];

    snprintf(text, sizeof text, "%s", label);
    if (strcmp(text, b->label) == 0)
        return;
    memcpy(b->label, text, sizeof text);
    if (r1cs_building(b) && !r1cs_failed(b))
        (void)r1cs_file_put_name(&b->writer, text, &b->error);
}

/* ---- memory ---- */

static bool grow_values(r1cs_builder *b, size_t capacity)
{
    uint64_t *values = malloc(capacity * 32);

    if (!values)
        return false;
    if (b->values) { /* no copy of a witness stays behind */
        memcpy(values, b->values, (size_t)b->counts.wires * 32);
        explicit_bzero(b->values, b->capacity * 32);
        free(b->values);
    }
    b->values = values;
    b->capacity = capacity;
    return true;
}

p_status r1cs_create(unsigned modes, const char *path, uint32_t public_outputs,
                     uint32_t public_inputs, r1cs_builder **out, p_err *err)
{
    r1cs_builder *b;
    p_status s = P_OK;

    *out = NULL;
    if (modes == 0 || (modes & ~(unsigned)(R1CS_BUILD | R1CS_SOLVE)) != 0 ||
        ((modes & R1CS_BUILD) != 0) != (path != NULL) ||
        (uint64_t)public_outputs + public_inputs >= UINT32_MAX)
        return p_err_set(err, P_EINVAL,
                         "circuit: modes %u with%s a path, %" PRIu32 " + %" PRIu32 " public wires",
                         modes, path ? "" : "out", public_outputs, public_inputs);
    b = calloc(1, sizeof *b);
    if (!b)
        return p_err_set(err, P_EEXHAUSTED, "circuit: no memory");
    b->modes = modes;
    b->outputs = public_outputs;
    b->inputs = public_inputs;
    b->counts = (r1cs_counts){.wires = 1, .publics = public_outputs + public_inputs};
    if (r1cs_building(b)) {
        b->writing = true;
        s = r1cs_file_create(&b->writer, path, err);
    }
    if (s == P_OK && r1cs_solving(b)) {
        if (grow_values(b, FIRST_VALUES))
            memcpy(b->values, (const uint64_t[]){1, 0, 0, 0}, 32);
        else
            s = p_err_set(err, P_EEXHAUSTED, "circuit: no memory");
    }
    if (s != P_OK)
        r1cs_destroy(b);
    else
        *out = b;
    return s;
}

void r1cs_destroy(r1cs_builder *b)
{
    if (!b)
        return;
    if (b->writing)
        r1cs_file_abandon(&b->writer);
    if (b->values)
        explicit_bzero(b->values, b->capacity * 32);
    if (b->memos)
        explicit_bzero(b->memos, b->memo_slots * sizeof *b->memos);
    free(b->values);
    free(b->memos);
    free(b->scratch);
    r1cs_arena_free(&b->arena);
    free(b);
}

p_status r1cs_finish(r1cs_builder *b, r1cs_counts *counts, const uint64_t **values, p_err *err)
{
    r1cs_file_header header = {.wires = b->counts.wires,
                               .outputs = b->outputs,
                               .inputs = b->inputs,
                               .labels = b->counts.wires};

    if (values)
        *values = NULL;
    if (b->publics_made != b->counts.publics)
        r1cs_fail(b, P_EINTERNAL, "%" PRIu32 " public wires were made of %" PRIu32, b->publics_made,
                  b->counts.publics);
    if (!r1cs_failed(b) && r1cs_building(b))
        (void)r1cs_file_commit(&b->writer, &header, &b->error);
    if (r1cs_failed(b))
        return p_err_set(err, b->error.status, "%s", b->error.text);
    if (counts)
        *counts = b->counts;
    if (values)
        *values = b->values;
    return P_OK;
}

r1cs_scope r1cs_scope_begin(r1cs_builder *b)
{
    return (r1cs_scope){r1cs_arena_place(&b->arena)};
}

void r1cs_scope_end(r1cs_builder *b, r1cs_scope scope)
{
    r1cs_arena_return(&b->arena, scope.place);
}

/* ---- what was made before ---- */

static memo *memo_slot(const r1cs_builder *b, uint64_t serial)
{
    size_t at = (size_t)(serial * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (b->memo_slots - 1);

    while (b->memos[at].serial != 0 && b->memos[at].serial != serial)
        at = (at + 1) & (b->memo_slots - 1);
    return &b->memos[at];
}

bool r1cs_memo_find(const r1cs_builder *b, uint64_t serial, r1cs_lc *out)
{
    const memo *m;

    if (serial == 0 || b->memo_slots == 0)
        return false;
    m = memo_slot(b, serial);
    if (m->serial == 0)
        return false;
    *out = m->made;
    return true;
}

void r1cs_memo_keep(r1cs_builder *b, uint64_t serial, r1cs_lc made)
{
    memo *m;

    if (serial == 0 || r1cs_failed(b))
        return;
    if (b->memo_count >= b->memo_slots / 2) {
        r1cs_builder larger = {.memo_slots = b->memo_slots ? b->memo_slots * 2 : FIRST_MEMOS};

        larger.memos = calloc(larger.memo_slots, sizeof *larger.memos);
        if (!larger.memos) {
            no_memory(b);
            return;
        }
        for (size_t i = 0; i < b->memo_slots; i++)
            if (b->memos[i].serial != 0)
                *memo_slot(&larger, b->memos[i].serial) = b->memos[i];
        if (b->memos)
            explicit_bzero(b->memos, b->memo_slots * sizeof *b->memos);
        free(b->memos);
        b->memos = larger.memos;
        b->memo_slots = larger.memo_slots;
    }
    m = memo_slot(b, serial);
    b->memo_count += m->serial == 0;
    *m = (memo){.serial = serial, .made = made};
}

/* ---- wires and combinations ---- */

static r1cs_lc new_wire(r1cs_builder *b, const bn_fr *value)
{
    r1cs_lc r = {.serial = ++b->serial, .single = true};

    if (b->counts.wires == UINT32_MAX) {
        r1cs_fail(b, P_EEXHAUSTED, "more than 2^32 - 1 wires");
        return r;
    }
    if (r1cs_building(b)) {
        r.count = 1;
        r.one = (r1cs_term){b->counts.wires, r1cs_fr_one()};
    }
    if (r1cs_solving(b)) {
        if (b->counts.wires == b->capacity && !grow_values(b, b->capacity * 2)) {
            no_memory(b);
            return r;
        }
        r.value = *value;
        bn_fr_get_words(b->values + 4 * (size_t)b->counts.wires, value);
    }
    b->counts.wires++;
    return r;
}

r1cs_lc r1cs_wire(r1cs_builder *b, bn_fr value)
{
    if (b->publics_made != b->counts.publics)
        r1cs_fail(b, P_EINTERNAL,
                  "a wire is made after %" PRIu32 " of %" PRIu32 " public ones: these come first",
                  b->publics_made, b->counts.publics);
    return new_wire(b, &value);
}

r1cs_lc r1cs_public(r1cs_builder *b, bn_fr value)
{
    if (b->publics_made == b->counts.publics)
        r1cs_fail(b, P_EINTERNAL, "more than the %" PRIu32 " public wires that were announced",
                  b->counts.publics);
    else
        b->publics_made++;
    return new_wire(b, &value);
}

r1cs_lc r1cs_constant(r1cs_builder *b, bn_fr value)
{
    r1cs_lc r = {.constant = true, .value = value};

    if (r1cs_building(b) && !bn_fr_is_zero(&value)) {
        r.count = 1;
        r.one = (r1cs_term){0, value};
    }
    return r;
}

r1cs_lc r1cs_constant_u64(r1cs_builder *b, uint64_t value)
{
    return r1cs_constant(b, r1cs_fr_u64(value));
}

/* The terms of a combination; none, and an error, if they are gone. */
static const r1cs_term *terms_of(r1cs_builder *b, const r1cs_lc *x, uint32_t *count)
{
    *count = x->count;
    if (x->count <= 1)
        return &x->one;
    if (r1cs_arena_holds(x->terms, x->serial))
        return x->terms;
    r1cs_fail(b, P_EINTERNAL, "a combination is used after its scope has ended");
    *count = 0;
    return &x->one;
}

static bool is_one(const bn_fr *x)
{
    static const bn_fr one = BN_FR_R_INIT;

    return bn_fr_eq(x, &one);
}

static r1cs_term scaled(const r1cs_term *t, const bn_fr *factor)
{
    r1cs_term r = *t;

    if (factor && !is_one(factor)) {
        if (is_one(&t->factor))
            r.factor = *factor;
        else
            bn_fr_mul(&r.factor, &t->factor, factor);
    }
    return r;
}

/* Puts terms in the order of wires: merges rising runs, from terms to scratch and back. Returns
 * where they are in the end. */
static r1cs_term *sort_terms(r1cs_term *terms, r1cs_term *scratch, size_t count)
{
    for (;;) {
        size_t at = 0, runs = 0;

        while (at < count) {
            size_t i = at, middle = at + 1, j, end, to = at;

            while (middle < count && terms[middle - 1].wire <= terms[middle].wire)
                middle++;
            end = middle < count ? middle + 1 : count;
            while (end < count && terms[end - 1].wire <= terms[end].wire)
                end++;
            for (j = middle; i < middle || j < end; to++)
                scratch[to] = j == end || (i < middle && terms[i].wire <= terms[j].wire)
                                  ? terms[i++]
                                  : terms[j++];
            at = end;
            runs++;
        }
        if (runs <= 1)
            return scratch;
        r1cs_term *t = terms;

        terms = scratch;
        scratch = t;
    }
}

/* Adds up terms of the same wire, drops those of factor zero. */
static size_t unite_terms(r1cs_term *out, const r1cs_term *in, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count;) {
        r1cs_term t = in[i++];

        while (i < count && in[i].wire == t.wire)
            bn_fr_add(&t.factor, &t.factor, &in[i++].factor);
        if (!bn_fr_is_zero(&t.factor))
            out[n++] = t;
    }
    return n;
}

static bool reserve_scratch(r1cs_builder *b, size_t count)
{
    r1cs_term *scratch;
    size_t size = count * 2;

    if (size <= b->scratch_size)
        return true;
    scratch = realloc(b->scratch, size * sizeof *scratch);
    if (!scratch)
        return false;
    b->scratch = scratch;
    b->scratch_size = size;
    return true;
}

/* The terms of a sum, into r. */
static void sum_terms(r1cs_builder *b, r1cs_lc *r, const r1cs_lc *x, const bn_fr *factors,
                      uint32_t count)
{
    size_t most = 0, n = 0;
    bool rising = true;
    r1cs_term *out;

    for (uint32_t i = 0; i < count; i++)
        most += x[i].count;
    if (most > UINT32_MAX || !(out = r1cs_arena_push(&b->arena, r->serial, most))) {
        no_memory(b);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t terms;
        const r1cs_term *t = terms_of(b, &x[i], &terms);

        if (factors && bn_fr_is_zero(&factors[i]))
            continue;
        for (uint32_t j = 0; j < terms; j++, n++) {
            out[n] = scaled(&t[j], factors ? &factors[i] : NULL);
            rising = rising && (n == 0 || out[n - 1].wire < out[n].wire);
        }
    }
    if (!rising) {
        if (reserve_scratch(b, most)) {
            memcpy(b->scratch, out, n * sizeof *out);
            n = unite_terms(out, sort_terms(b->scratch, b->scratch + most, n), n);
        } else {
            no_memory(b);
            n = 0;
        }
    }
    r->count = (uint32_t)n;
    if (n == 1)
        r->one = out[0];
    r->terms = n > 1 ? out : NULL;
    r1cs_arena_trim(&b->arena, most, n > 1 ? n : 0);
}

static bn_fr sum_values(const r1cs_lc *x, const bn_fr *factors, uint32_t count)
{
    bn_fr sum = r1cs_fr_zero(), part;

    for (uint32_t i = 0; i < count && !factors; i++)
        bn_fr_add(&sum, &sum, &x[i].value);
    for (uint32_t i = 0; i < count && factors;) {
        bn_fr_wide w;

        bn_fr_wide_zero(&w);
        for (int k = 0; k < WIDE_PRODUCTS && i < count; k++, i++)
            bn_fr_wide_mac(&w, &x[i].value, &factors[i]);
        bn_fr_wide_reduce(&part, &w);
        bn_fr_add(&sum, &sum, &part);
    }
    return sum;
}

r1cs_lc r1cs_sum(r1cs_builder *b, const r1cs_lc *x, const bn_fr *factors, uint32_t count)
{
    r1cs_lc r = {.constant = true};

    for (uint32_t i = 0; i < count; i++)
        r.constant = r.constant && (x[i].constant || (factors && bn_fr_is_zero(&factors[i])));
    if (r.constant) {
        /* variables have the factor zero here: their values do not matter */
        return r1cs_constant(b, sum_values(x, factors, count));
    }
    r.serial = ++b->serial;
    if (r1cs_solving(b))
        r.value = sum_values(x, factors, count);
    if (r1cs_building(b) && !r1cs_failed(b))
        sum_terms(b, &r, x, factors, count);
    return r;
}

r1cs_lc r1cs_add(r1cs_builder *b, r1cs_lc x, r1cs_lc y)
{
    const r1cs_lc terms[2] = {x, y};

    if (x.constant && bn_fr_is_zero(&x.value))
        return y;
    if (y.constant && bn_fr_is_zero(&y.value))
        return x;
    return r1cs_sum(b, terms, NULL, 2);
}

r1cs_lc r1cs_sub(r1cs_builder *b, r1cs_lc x, r1cs_lc y)
{
    const r1cs_lc terms[2] = {x, y};
    bn_fr factors[2] = {BN_FR_R_INIT};

    if (y.constant && bn_fr_is_zero(&y.value))
        return x;
    bn_fr_neg(&factors[1], &factors[0]);
    return r1cs_sum(b, terms, factors, 2);
}

r1cs_lc r1cs_scale(r1cs_builder *b, r1cs_lc x, bn_fr factor)
{
    if (is_one(&factor))
        return x;
    return r1cs_sum(b, &x, &factor, 1);
}

/* ---- constraints ---- */

static p_status write_lc(r1cs_builder *b, const r1cs_lc *x)
{
    static const uint64_t one[4] = {1, 0, 0, 0};
    uint32_t count;
    const r1cs_term *t = terms_of(b, x, &count);
    p_status s = r1cs_file_put_count(&b->writer, count, &b->error);

    for (uint32_t i = 0; i < count && s == P_OK; i++) {
        uint64_t words[4];

        if (is_one(&t[i].factor)) {
            s = r1cs_file_put_term(&b->writer, t[i].wire, one, &b->error);
            continue;
        }
        bn_fr_get_words(words, &t[i].factor);
        s = r1cs_file_put_term(&b->writer, t[i].wire, words, &b->error);
    }
    b->counts.terms += count;
    return s;
}

void r1cs_constrain(r1cs_builder *b, r1cs_lc x, r1cs_lc y, r1cs_lc z)
{
    if (r1cs_failed(b))
        return;
    if (r1cs_solving(b)) {
        bn_fr product;

        bn_fr_mul(&product, &x.value, &y.value);
        if (!bn_fr_eq(&product, &z.value)) {
            r1cs_fail(b, P_EINVAL, "the values do not satisfy it");
            return;
        }
    }
    if (r1cs_building(b) && write_lc(b, &x) == P_OK && write_lc(b, &y) == P_OK)
        (void)write_lc(b, &z);
    b->counts.constraints++;
}

void r1cs_equal(r1cs_builder *b, r1cs_lc x, r1cs_lc y)
{
    r1cs_constrain(b, x, r1cs_constant(b, r1cs_fr_one()), y);
}

r1cs_lc r1cs_mul(r1cs_builder *b, r1cs_lc x, r1cs_lc y)
{
    bn_fr value = r1cs_fr_zero();
    r1cs_lc z;

    if (x.constant)
        return r1cs_scale(b, y, x.value);
    if (y.constant)
        return r1cs_scale(b, x, y.value);
    if (r1cs_solving(b))
        bn_fr_mul(&value, &x.value, &y.value);
    z = r1cs_wire(b, value);
    r1cs_constrain(b, x, y, z);
    return z;
}

r1cs_lc r1cs_to_wire(r1cs_builder *b, r1cs_lc x)
{
    r1cs_lc w;

    if (x.single)
        return x;
    w = r1cs_wire(b, x.value);
    r1cs_equal(b, x, w);
    return w;
}

r1cs_lc r1cs_inverse(r1cs_builder *b, r1cs_lc x)
{
    bn_fr value = r1cs_fr_zero();
    r1cs_lc w;

    if (x.constant && bn_fr_is_zero(&x.value)) {
        r1cs_fail(b, P_EINVAL, "the inverse of the constant zero");
        return x;
    }
    if (x.constant || r1cs_solving(b))
        bn_fr_inv(&value, &x.value);
    if (x.constant)
        return r1cs_constant(b, value);
    w = r1cs_wire(b, value);
    r1cs_constrain(b, x, w, r1cs_constant(b, r1cs_fr_one()));
    return w;
}

void r1cs_boolean(r1cs_builder *b, r1cs_lc x)
{
    r1cs_scope scope;
    r1cs_lc less[2];

    if (!r1cs_building(b) && (bn_fr_is_zero(&x.value) || is_one(&x.value))) {
        b->counts.constraints++; /* most constraints are of this kind */
        return;
    }
    scope = r1cs_scope_begin(b);
    less[0] = r1cs_constant(b, r1cs_fr_one());
    bn_fr_neg(&less[0].value, &less[0].value);
    less[0].one.factor = less[0].value;
    less[1] = x;
    r1cs_constrain(b, x, r1cs_sum(b, less, NULL, 2), (r1cs_lc){.constant = true});
    r1cs_scope_end(b, scope);
}

r1cs_lc r1cs_select(r1cs_builder *b, r1cs_lc bit, r1cs_lc x, r1cs_lc y)
{
    bool none = bit.constant || (x.constant && y.constant);
    r1cs_scope scope;
    r1cs_lc z;

    if (none)
        return r1cs_add(b, y, r1cs_mul(b, bit, r1cs_sub(b, x, y)));
    /* one wire for the result: bit (x - y) = z - y */
    z = r1cs_wire(b, bn_fr_is_zero(&bit.value) ? y.value : x.value);
    scope = r1cs_scope_begin(b);
    r1cs_constrain(b, bit, r1cs_sub(b, x, y), r1cs_sub(b, z, y));
    r1cs_scope_end(b, scope);
    return z;
}
