#include "host/iden3/r1cs_file.h"

#include "driver/field/bn_fr.h"
#include "host/iden3/field_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "r1cs"
#define VERSION 1
#define FACTOR_BYTES 32
#define TERM_BYTES (4 + FACTOR_BYTES)
#define CONSTRAINT_MIN_BYTES 12 /* three numbers of terms */
#define LABEL_BYTES 8
#define NAME_HEAD_BYTES 8 /* first constraint, length */
#define NAMES_MAX_BYTES (64u << 20)
#define BUFFER_BYTES (256u << 10)

enum {
    SECTION_HEADER = 1,
    SECTION_CONSTRAINTS = 2,
    SECTION_MAP = 3,
    SECTION_GATES = 4,          /* circom's list of custom gates, */
    SECTION_GATES_APPLIED = 5,  /* and where they are applied */
    SECTION_NAMES = 0x5a4b5002, /* ours */
    WRITTEN_SECTIONS = 4
};

static const char part_name[] = "ABC";

/* ---- reading ---- */

static p_status next_u64(binfile_cursor *c, uint64_t *out, p_err *err)
{
    const uint8_t *p;
    p_status s = binfile_next(c, 8, &p, err);

    *out = s == P_OK ? binfile_u64(p) : 0;
    return s;
}

static p_status read_header(r1cs_file *f, const binfile_section *section, binfile_cursor *c,
                            p_err *err)
{
    r1cs_file_header *h = &f->header;
    uint32_t *const fields[] = {&h->wires, &h->outputs, &h->inputs, &h->private_inputs};
    uint64_t at;
    p_status s;

    binfile_cursor_init(c, &f->file, section);
    s = field_header_next(c, FIELD_HEADER_R, "r", err);
    at = c->at;
    for (size_t i = 0; i < 4 && s == P_OK; i++)
        s = binfile_next_u32(c, fields[i], err);
    if (s == P_OK)
        s = next_u64(c, &h->labels, err);
    if (s == P_OK)
        s = binfile_next_u32(c, &h->constraints, err);
    if (s == P_OK)
        s = binfile_finish(c, err);
    if (s == P_OK && (uint64_t)1 + h->outputs + h->inputs + (uint64_t)h->private_inputs > h->wires)
        s = binfile_damaged(&f->file, section, at, err,
                            "%" PRIu32 " wires; wire 0, %" PRIu32 " outputs, %" PRIu32
                            " public and %" PRIu32 " private inputs are more",
                            h->wires, h->outputs, h->inputs, h->private_inputs);
    return s;
}

static p_status find_sections(r1cs_file *f, p_err *err)
{
    const binfile_section *section;
    uint64_t least = (uint64_t)f->header.constraints * CONSTRAINT_MIN_BYTES;
    p_status s = binfile_find(&f->file, SECTION_CONSTRAINTS, "constraints", &f->constraints, err);

    if (s == P_OK && f->constraints->size < least)
        s = binfile_damaged(&f->file, f->constraints, 0, err,
                            "%" PRIu32 " constraints take at least %" PRIu64
                            " bytes, the section has %" PRIu64,
                            f->header.constraints, least, f->constraints->size);
    if (s == P_OK)
        s = binfile_find(&f->file, SECTION_MAP, "wire to label", &f->map, err);
    if (s == P_OK)
        s = binfile_expect(&f->file, f->map, "wire to label",
                           (uint64_t)f->header.wires * LABEL_BYTES, err);
    for (uint32_t i = 0; i < f->file.count && s == P_OK; i++) {
        section = &f->file.section[i];
        if (section->type == SECTION_NAMES && !f->names)
            s = binfile_find(&f->file, SECTION_NAMES, "names", &f->names, err);
        /* an empty list is its length, zero */
        if ((section->type == SECTION_GATES || section->type == SECTION_GATES_APPLIED) &&
            section->size > 4)
            s = p_err_set(err, P_EUNSUPPORTED,
                          "%s: section %" PRIu32 ", offset %" PRIu64
                          ": the circuit has custom gates; only A B = C is supported",
                          f->file.path, section->type, section->offset);
    }
    return s;
}

static p_status read_layout(r1cs_file *f, p_err *err)
{
    const binfile_section *header;
    binfile_cursor *c;
    p_status s = binfile_find(&f->file, SECTION_HEADER, "header", &header, err);

    f->names = NULL;
    if (s != P_OK)
        return s;
    c = malloc(sizeof *c);
    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", f->file.path);
    s = read_header(f, header, c, err);
    free(c);
    return s == P_OK ? find_sections(f, err) : s;
}

p_status r1cs_file_open(r1cs_file *out, const char *path, p_err *err)
{
    p_status s;

    memset(out, 0, sizeof *out);
    s = binfile_open(&out->file, path, MAGIC, VERSION, err);
    if (s == P_OK)
        s = read_layout(out, err);
    if (s != P_OK)
        r1cs_file_close(out);
    return s;
}

p_status r1cs_file_adopt(r1cs_file *out, int fd, const char *path, p_err *err)
{
    p_status s;

    memset(out, 0, sizeof *out);
    s = binfile_adopt(&out->file, fd, path, MAGIC, VERSION, err);
    if (s == P_OK)
        s = read_layout(out, err);
    if (s != P_OK)
        r1cs_file_close(out);
    return s;
}

void r1cs_file_close(r1cs_file *f)
{
    binfile_close(&f->file);
}

void r1cs_file_start(r1cs_file_cursor *c, const r1cs_file *f)
{
    c->file = f;
    binfile_cursor_init(&c->c, &f->file, f->constraints);
    c->constraint = 0;
    c->part = 3; /* of the constraint before the first one */
    c->left = 0;
}

p_status r1cs_file_next(r1cs_file_cursor *c, uint32_t *terms, p_err *err)
{
    uint64_t at = c->c.at;
    uint32_t constraint = c->constraint;
    unsigned part = c->part;
    p_status s;

    *terms = 0;
    if (part >= 2) {
        constraint += part == 2;
        part = 0;
    } else {
        part++;
    }
    if (c->left != 0 || constraint >= c->file->header.constraints)
        return p_err_set(err, P_EINTERNAL, "%s: constraints are read out of order",
                         c->file->file.path);
    c->constraint = constraint;
    c->part = part;
    s = binfile_next_u32(&c->c, terms, err);
    if (s == P_OK && *terms > (c->file->constraints->size - c->c.at) / TERM_BYTES) {
        s = binfile_damaged(&c->file->file, c->file->constraints, at, err,
                            "constraint %" PRIu32 ": %c has %" PRIu32
                            " terms, the section has %" PRIu64 " bytes left",
                            constraint, part_name[part], *terms,
                            c->file->constraints->size - c->c.at);
        *terms = 0;
    }
    c->left = *terms;
    return s;
}

p_status r1cs_file_term(r1cs_file_cursor *c, uint32_t *wire, uint64_t factor[4], p_err *err)
{
    uint64_t at = c->c.at;
    const uint8_t *p;
    bn_fr x;
    p_status s;

    if (c->left == 0)
        return p_err_set(err, P_EINTERNAL, "%s: constraints are read out of order",
                         c->file->file.path);
    s = binfile_next(&c->c, TERM_BYTES, &p, err);
    if (s != P_OK)
        return s;
    c->left--;
    *wire = binfile_u32(p);
    for (int i = 0; i < 4; i++)
        x.l[i] = factor[i] = binfile_u64(p + 4 + 8 * i);
    if (*wire >= c->file->header.wires)
        return binfile_damaged(&c->file->file, c->file->constraints, at, err,
                               "constraint %" PRIu32 ": %c has wire %" PRIu32
                               "; there are %" PRIu32,
                               c->constraint, part_name[c->part], *wire, c->file->header.wires);
    if (!bn_fr_is_canonical(&x))
        return binfile_damaged(&c->file->file, c->file->constraints, at + 4, err,
                               "constraint %" PRIu32 ": a factor of %c is not below r",
                               c->constraint, part_name[c->part]);
    return P_OK;
}

p_status r1cs_file_finish(const r1cs_file_cursor *c, p_err *err)
{
    return binfile_finish(&c->c, err);
}

/* Reads the names; stops after the one of a constraint. */
static p_status read_names(const r1cs_file *f, binfile_cursor *c, uint32_t constraint,
                           char out[R1CS_FILE_NAME_BYTES], p_err *err)
{
    uint32_t last = 0;
    p_status s = P_OK;

    binfile_cursor_init(c, &f->file, f->names);
    while (s == P_OK && c->at < f->names->size) {
        uint64_t at = c->at;
        uint32_t first, bytes = 0;
        const uint8_t *p;

        s = binfile_next_u32(c, &first, err);
        if (s == P_OK)
            s = binfile_next_u32(c, &bytes, err);
        if (s == P_OK && (first < last || first >= f->header.constraints))
            s = binfile_damaged(&f->file, f->names, at, err,
                                "a name of constraint %" PRIu32
                                ": expected numbers in order, below %" PRIu32,
                                first, f->header.constraints);
        if (s == P_OK && bytes >= R1CS_FILE_NAME_BYTES)
            s = binfile_damaged(&f->file, f->names, at + 4, err,
                                "a name of %" PRIu32 " bytes: at most %d were expected", bytes,
                                R1CS_FILE_NAME_BYTES - 1);
        if (s == P_OK)
            s = binfile_next(c, bytes, &p, err);
        if (s != P_OK || first > constraint)
            break;
        for (uint32_t i = 0; i < bytes && s == P_OK; i++)
            if (p[i] < 0x20 || p[i] == 0x7f)
                s = binfile_damaged(&f->file, f->names, at + NAME_HEAD_BYTES + i, err,
                                    "a name with a control character");
        memcpy(out, p, bytes);
        out[bytes] = '\0';
        last = first;
    }
    return s;
}

p_status r1cs_file_name(const r1cs_file *f, uint32_t constraint, char out[R1CS_FILE_NAME_BYTES],
                        p_err *err)
{
    binfile_cursor *c;
    p_status s;

    out[0] = '\0';
    if (!f->names)
        return P_OK;
    c = malloc(sizeof *c);
    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", f->file.path);
    s = read_names(f, c, constraint, out, err);
    free(c);
    if (s != P_OK)
        out[0] = '\0';
    return s;
}

static p_status check_constraints(const r1cs_file *f, r1cs_file_cursor *c, r1cs_file_counts *out,
                                  p_err *err)
{
    p_status s = P_OK;

    r1cs_file_start(c, f);
    for (uint64_t i = 0; i < 3 * (uint64_t)f->header.constraints && s == P_OK; i++) {
        uint32_t terms, wire;
        uint64_t factor[4];

        s = r1cs_file_next(c, &terms, err);
        out->terms[i % 3] += terms;
        while (s == P_OK && terms-- > 0)
            s = r1cs_file_term(c, &wire, factor, err);
    }
    return s == P_OK ? r1cs_file_finish(c, err) : s;
}

static p_status check_map(const r1cs_file *f, binfile_cursor *c, p_err *err)
{
    p_status s = P_OK;

    binfile_cursor_init(c, &f->file, f->map);
    for (uint32_t i = 0; i < f->header.wires && s == P_OK; i++) {
        uint64_t at = c->at, label;

        s = next_u64(c, &label, err);
        if (s == P_OK && label >= f->header.labels)
            s = binfile_damaged(&f->file, f->map, at, err,
                                "wire %" PRIu32 " has label %" PRIu64 "; there are %" PRIu64, i,
                                label, f->header.labels);
    }
    return s;
}

p_status r1cs_file_check(const r1cs_file *f, r1cs_file_counts *out, p_err *err)
{
    r1cs_file_cursor *c = malloc(sizeof *c);
    char name[R1CS_FILE_NAME_BYTES];
    p_status s;

    memset(out, 0, sizeof *out);
    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", f->file.path);
    s = check_constraints(f, c, out, err);
    if (s == P_OK)
        s = check_map(f, &c->c, err);
    if (s == P_OK && f->names)
        s = read_names(f, &c->c, UINT32_MAX, name, err);
    free(c);
    return s;
}

/* ---- writing ---- */

static void put_u32(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

static void put_u64(uint8_t *to, uint64_t v)
{
    put_u32(to, (uint32_t)v);
    put_u32(to + 4, (uint32_t)(v >> 32));
}

static p_status flush(r1cs_file_writer *w, p_err *err)
{
    p_status s = w->filled ? binfile_append(&w->file, w->buffer, w->filled, err) : P_OK;

    w->filled = 0;
    return s;
}

/* Room for some bytes in the buffer. */
static p_status reserve(r1cs_file_writer *w, size_t bytes, uint8_t **out, p_err *err)
{
    p_status s = BUFFER_BYTES - w->filled < bytes ? flush(w, err) : P_OK;

    *out = w->buffer + w->filled;
    w->filled += bytes;
    return s;
}

p_status r1cs_file_create(r1cs_file_writer *w, const char *path, p_err *err)
{
    p_status s;

    memset(w, 0, sizeof *w);
    w->buffer = malloc(BUFFER_BYTES);
    if (!w->buffer)
        return p_err_set(err, P_EEXHAUSTED, "%.100s: no memory", path);
    s = binfile_create(&w->file, path, MAGIC, VERSION, WRITTEN_SECTIONS, err);
    return s == P_OK ? binfile_begin(&w->file, SECTION_CONSTRAINTS, err) : s;
}

p_status r1cs_file_put_count(r1cs_file_writer *w, uint32_t terms, p_err *err)
{
    uint8_t *p;
    p_status s;

    if (w->combinations == 0 && w->constraints == UINT32_MAX)
        return p_err_set(err, P_EEXHAUSTED, "%s: the format holds 2^32 - 1 constraints at most",
                         w->file.path);
    w->constraints += w->combinations == 0;
    w->combinations = (w->combinations + 1) % 3;
    s = reserve(w, 4, &p, err);
    if (s == P_OK)
        put_u32(p, terms);
    return s;
}

p_status r1cs_file_put_term(r1cs_file_writer *w, uint32_t wire, const uint64_t factor[4],
                            p_err *err)
{
    uint8_t *p;
    p_status s = reserve(w, TERM_BYTES, &p, err);

    if (s != P_OK)
        return s;
    put_u32(p, wire);
    for (int i = 0; i < 4; i++)
        put_u64(p + 4 + 8 * i, factor[i]);
    return P_OK;
}

p_status r1cs_file_put_name(r1cs_file_writer *w, const char *name, p_err *err)
{
    size_t bytes = strnlen(name, R1CS_FILE_NAME_BYTES - 1), need = NAME_HEAD_BYTES + bytes;
    uint8_t head[NAME_HEAD_BYTES];

    if (w->names_bytes > 0 && binfile_u32((uint8_t *)w->names + w->names_last) == w->constraints)
        w->names_bytes = w->names_last; /* no constraint came since */
    if (w->names_bytes + need > NAMES_MAX_BYTES)
        return P_OK;
    if (w->names_bytes + need > w->names_capacity) {
        size_t capacity = w->names_capacity * 2 + 4096;
        char *names = realloc(w->names, capacity);

        if (!names)
            return p_err_set(err, P_EEXHAUSTED, "%s: no memory for the constraints' names",
                             w->file.path);
        w->names = names;
        w->names_capacity = capacity;
    }
    put_u32(head, w->constraints);
    put_u32(head + 4, (uint32_t)bytes);
    memcpy(w->names + w->names_bytes, head, sizeof head);
    memcpy(w->names + w->names_bytes + sizeof head, name, bytes);
    w->names_last = w->names_bytes;
    w->names_bytes += need;
    return P_OK;
}

static p_status write_header(r1cs_file_writer *w, const r1cs_file_header *h, p_err *err)
{
    const uint32_t fields[] = {h->wires, h->outputs, h->inputs, h->private_inputs};
    uint8_t labels[8];
    p_status s = binfile_begin(&w->file, SECTION_HEADER, err);

    if (s == P_OK)
        s = field_header_append(&w->file, FIELD_HEADER_R, err);
    for (size_t i = 0; i < 4 && s == P_OK; i++)
        s = binfile_append_u32(&w->file, fields[i], err);
    put_u64(labels, h->labels);
    if (s == P_OK)
        s = binfile_append(&w->file, labels, sizeof labels, err);
    if (s == P_OK)
        s = binfile_append_u32(&w->file, w->constraints, err);
    return s == P_OK ? binfile_end(&w->file, err) : s;
}

static p_status write_map(r1cs_file_writer *w, uint32_t wires, p_err *err)
{
    p_status s = binfile_begin(&w->file, SECTION_MAP, err);

    for (uint32_t i = 0; i < wires && s == P_OK; i++) {
        uint8_t *p;

        s = reserve(w, LABEL_BYTES, &p, err);
        if (s == P_OK)
            put_u64(p, i);
    }
    if (s == P_OK)
        s = flush(w, err);
    return s == P_OK ? binfile_end(&w->file, err) : s;
}

/* A name that no constraint follows is of none: it is not written. */
static size_t names_in_use(const r1cs_file_writer *w)
{
    size_t at = 0;

    while (at < w->names_bytes) {
        const uint8_t *p = (const uint8_t *)w->names + at;

        if (binfile_u32(p) >= w->constraints)
            break;
        at += NAME_HEAD_BYTES + binfile_u32(p + 4);
    }
    return at;
}

p_status r1cs_file_commit(r1cs_file_writer *w, const r1cs_file_header *header, p_err *err)
{
    p_status s;

    if (w->combinations != 0)
        return p_err_set(err, P_EINTERNAL, "%s: the last constraint is not complete", w->file.path);
    s = flush(w, err);
    if (s == P_OK)
        s = binfile_end(&w->file, err);
    if (s == P_OK)
        s = write_header(w, header, err);
    if (s == P_OK)
        s = write_map(w, header->wires, err);
    if (s == P_OK)
        s = binfile_begin(&w->file, SECTION_NAMES, err);
    if (s == P_OK && w->names_bytes > 0)
        s = binfile_append(&w->file, w->names, names_in_use(w), err);
    if (s == P_OK)
        s = binfile_end(&w->file, err);
    return s == P_OK ? binfile_commit(&w->file, err) : s;
}

void r1cs_file_abandon(r1cs_file_writer *w)
{
    binfile_abandon(&w->file);
    free(w->buffer);
    free(w->names);
    w->buffer = NULL;
    w->names = NULL;
}
