#include "host/groth16/zkey.h"

#include "driver/driver.h"
#include "driver/field/bn_fr.h"
#include "host/iden3/field_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are read into words as they are");

#define COUNT_BYTES 4 /* in front of the coefficients */
/* H belongs to the coset of the elements of twice that order */
#define MAX_DOMAIN (UINT32_C(1) << (DRV_FR_MAX_LOG2 - 1))

static const struct {
    uint32_t section, bytes;
    const char *name;
} POINTS[ZKEY_POINTS] = {
    [ZKEY_A] = {5, sizeof(bn_g1), "A"},   [ZKEY_B1] = {6, sizeof(bn_g1), "B1"},
    [ZKEY_B2] = {7, sizeof(bn_g2), "B2"}, [ZKEY_C] = {8, sizeof(bn_g1), "C"},
    [ZKEY_H] = {9, sizeof(bn_g1), "H"},
};

uint64_t zkey_points_count(const zkey *z, zkey_points which)
{
    switch (which) {
    case ZKEY_C:
        return z->n_wires - z->n_public - 1;
    case ZKEY_H:
        return UINT64_C(1) << z->domain_log2;
    default:
        return z->n_wires;
    }
}

uint32_t zkey_points_bytes(zkey_points which)
{
    return POINTS[which].bytes;
}

const char *zkey_points_name(zkey_points which)
{
    return POINTS[which].name;
}

p_status zkey_read_points(const zkey *z, zkey_points which, uint64_t first, uint64_t count,
                          void *out, p_err *err)
{
    uint64_t at, bytes;

    if (__builtin_mul_overflow(first, (uint64_t)POINTS[which].bytes, &at) ||
        __builtin_mul_overflow(count, (uint64_t)POINTS[which].bytes, &bytes))
        return p_err_set(err, P_EINVAL, "%s: section %s has no point %" PRIu64, z->file.path,
                         POINTS[which].name, first);
    return binfile_read(&z->file, z->points[which], at, out, bytes, err);
}

/* ---- the header ---- */

static p_status next_g1(binfile_cursor *c, const char *name, bn_g1 *out, p_err *err)
{
    uint64_t at = c->at, words[8];
    const uint8_t *p;
    p_status s = binfile_next(c, sizeof words, &p, err);

    if (s != P_OK)
        return s;
    memcpy(words, p, sizeof words);
    if (!bn_g1_set_words(out, words))
        return binfile_damaged(c->file, c->section, at, err, "%s is no point of G1", name);
    return P_OK;
}

static p_status next_g2(binfile_cursor *c, const char *name, bn_g2 *out, p_err *err)
{
    uint64_t at = c->at, words[16];
    const uint8_t *p;
    p_status s = binfile_next(c, sizeof words, &p, err);

    if (s != P_OK)
        return s;
    memcpy(words, p, sizeof words);
    if (!bn_g2_set_words(out, words) || !bn_g2_in_subgroup_var(out))
        return binfile_damaged(c->file, c->section, at, err, "%s is no point of G2", name);
    return P_OK;
}

static p_status check_sizes(zkey *z, const binfile_cursor *c, uint32_t domain, p_err *err)
{
    if (z->n_wires <= z->n_public)
        return binfile_damaged(c->file, c->section, c->at, err,
                               "%" PRIu32 " wires with %" PRIu32
                               " public ones; expected at least one more, the constant",
                               z->n_wires, z->n_public);
    if (domain == 0 || (domain & (domain - 1)) != 0 || domain > MAX_DOMAIN)
        return binfile_damaged(c->file, c->section, c->at, err,
                               "a domain of %" PRIu32 "; expected a power of two up to %" PRIu32,
                               domain, MAX_DOMAIN);
    while (domain >> z->domain_log2 != 1)
        z->domain_log2++;
    return P_OK;
}

static p_status read_header(zkey *z, binfile_cursor *c, p_err *err)
{
    const binfile_section *section;
    uint32_t protocol, domain = 0;
    p_status s = binfile_find(&z->file, ZKEY_SECTION_PROTOCOL, "protocol", &section, err);

    if (s != P_OK)
        return s;
    binfile_cursor_init(c, &z->file, section);
    s = binfile_next_u32(c, &protocol, err);
    if (s == P_OK && protocol != ZKEY_PROTOCOL_GROTH16)
        return p_err_set(err, P_EUNSUPPORTED,
                         "%s: section 1, offset %" PRIu64 ": protocol %" PRIu32
                         "; expected 1, Groth16",
                         z->file.path, section->offset, protocol);
    if (s == P_OK)
        s = binfile_find(&z->file, ZKEY_SECTION_HEADER, "header", &section, err);
    if (s != P_OK)
        return s;
    binfile_cursor_init(c, &z->file, section);
    s = field_header_next(c, FIELD_HEADER_Q, "q", err);
    if (s == P_OK)
        s = field_header_next(c, FIELD_HEADER_R, "r", err);
    if (s == P_OK)
        s = binfile_next_u32(c, &z->n_wires, err);
    if (s == P_OK)
        s = binfile_next_u32(c, &z->n_public, err);
    if (s == P_OK)
        s = binfile_next_u32(c, &domain, err);
    if (s == P_OK)
        s = check_sizes(z, c, domain, err);
    if (s == P_OK)
        s = next_g1(c, "alpha", &z->vk.alpha1, err);
    if (s == P_OK)
        s = next_g1(c, "beta in G1", &z->beta1, err);
    if (s == P_OK)
        s = next_g2(c, "beta in G2", &z->vk.beta2, err);
    if (s == P_OK)
        s = next_g2(c, "gamma", &z->vk.gamma2, err);
    if (s == P_OK)
        s = next_g1(c, "delta in G1", &z->delta1, err);
    if (s == P_OK)
        s = next_g2(c, "delta in G2", &z->vk.delta2, err);
    return s == P_OK ? binfile_finish(c, err) : s;
}

/* ---- the other sections ---- */

static p_status read_ic(zkey *z, binfile_cursor *c, p_err *err)
{
    const binfile_section *section;
    uint64_t count = (uint64_t)z->n_public + 1;
    p_status s = binfile_find(&z->file, ZKEY_SECTION_IC, "IC", &section, err);

    if (s == P_OK)
        s = binfile_expect(&z->file, section, "IC", count * sizeof(bn_g1), err);
    if (s != P_OK)
        return s;
    z->vk.n_public = z->n_public;
    z->vk.ic = malloc(count * sizeof *z->vk.ic);
    if (!z->vk.ic)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory for %" PRIu64 " points", z->file.path,
                         count);
    binfile_cursor_init(c, &z->file, section);
    for (uint64_t i = 0; i < count && s == P_OK; i++)
        s = next_g1(c, "a point", &z->vk.ic[i], err);
    return s;
}

static p_status find_coefficients(zkey *z, p_err *err)
{
    uint8_t count[COUNT_BYTES];
    p_status s =
        binfile_find(&z->file, ZKEY_SECTION_COEFFICIENTS, "coefficients", &z->coefficients, err);

    if (s == P_OK)
        s = binfile_read(&z->file, z->coefficients, 0, count, sizeof count, err);
    if (s != P_OK)
        return s;
    z->n_coefficients = binfile_u32(count);
    return binfile_expect(&z->file, z->coefficients, "coefficients",
                          COUNT_BYTES + (uint64_t)z->n_coefficients * ZKEY_COEFFICIENT_BYTES, err);
}

/* ---- where it is from ---- */

/* Of a contribution: delta after it, three points of its key, a hash, its type. */
#define CONTRIBUTION_BYTES (3 * sizeof(bn_g1) + sizeof(bn_g2) + 64 + 4)

static p_status read_contributions(zkey *z, binfile_cursor *c, const binfile_section *section,
                                   p_err *err)
{
    const uint8_t *p;
    uint32_t count = 0, bytes = 0;
    p_status s;

    binfile_cursor_init(c, &z->file, section);
    s = binfile_next(c, 64, &p, err);
    if (s == P_OK)
        s = binfile_next_u32(c, &count, err);
    for (uint32_t i = 0; i < count && s == P_OK; i++) {
        s = binfile_next(c, CONTRIBUTION_BYTES, &p, err);
        if (s == P_OK && i == count - 1 && memcmp(p, &z->delta1, sizeof z->delta1) != 0)
            return binfile_damaged(c->file, section, c->at - CONTRIBUTION_BYTES, err,
                                   "delta after the last contribution is not the key's delta");
        if (s == P_OK)
            s = binfile_next_u32(c, &bytes, err);
        if (s == P_OK)
            s = binfile_next(c, bytes, &p, err);
    }
    z->n_contributions = count;
    return s == P_OK ? binfile_finish(c, err) : s;
}

static p_status read_origin(zkey *z, binfile_cursor *c, p_err *err)
{
    const binfile_section *list = NULL;
    bool mark = false;
    bn_g1 one;
    p_status s = P_OK;

    for (uint32_t i = 0; i < z->file.count; i++) {
        if (z->file.section[i].type == ZKEY_SECTION_CONTRIBUTIONS) {
            s = binfile_find(&z->file, ZKEY_SECTION_CONTRIBUTIONS, "contributions", &list, err);
            if (s != P_OK)
                return s;
        }
        mark = mark || z->file.section[i].type == ZKEY_SECTION_DEV_MARK;
    }
    if (list && list->size > 0)
        s = read_contributions(z, c, list, err);
    bn_g1_generator(&one);
    if (mark)
        z->setup = ZKEY_SETUP_DEV_INSECURE;
    else if (z->n_contributions == 0 || bn_g1_eq(&z->delta1, &one))
        z->setup = ZKEY_SETUP_NO_CONTRIBUTION;
    else
        z->setup = ZKEY_SETUP_CONTRIBUTED;
    return s;
}

const char *zkey_setup_name(zkey_setup setup)
{
    static const char *const names[] = {[ZKEY_SETUP_CONTRIBUTED] = "contributed",
                                        [ZKEY_SETUP_NO_CONTRIBUTION] = "no-contribution",
                                        [ZKEY_SETUP_DEV_INSECURE] = "dev-insecure"};

    return (unsigned)setup < sizeof names / sizeof names[0] ? names[setup] : "?";
}

p_status zkey_check_production(const zkey *z, p_err *err)
{
    switch (z->setup) {
    case ZKEY_SETUP_CONTRIBUTED:
        return P_OK;
    case ZKEY_SETUP_NO_CONTRIBUTION:
        return p_err_set(err, P_EINVAL,
                         "%s: the key has no contribution, so that everyone knows its secret delta "
                         "and can prove anything; in production a key of a ceremony is required "
                         "(snarkjs zkey contribute, zkey verify)",
                         z->file.path);
    default:
        return p_err_set(err, P_EINVAL,
                         "%s: the key is of a development setup (" IDEN3_DEV_MARK
                         "): whoever made it may prove anything; in production a key of a ceremony "
                         "is required",
                         z->file.path);
    }
}

static p_status read_all(zkey *z, p_err *err)
{
    binfile_cursor *c = malloc(sizeof *c);
    p_status s;

    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", z->file.path);
    s = read_header(z, c, err);
    if (s == P_OK)
        s = read_ic(z, c, err);
    if (s == P_OK)
        s = read_origin(z, c, err);
    free(c);
    if (s == P_OK)
        s = find_coefficients(z, err);
    for (int i = 0; i < ZKEY_POINTS && s == P_OK; i++) {
        s = binfile_find(&z->file, POINTS[i].section, POINTS[i].name, &z->points[i], err);
        if (s == P_OK)
            s = binfile_expect(&z->file, z->points[i], POINTS[i].name,
                               zkey_points_count(z, (zkey_points)i) * POINTS[i].bytes, err);
    }
    return s;
}

p_status zkey_adopt(zkey *out, int fd, const char *path, p_err *err)
{
    p_status s;

    memset(out, 0, sizeof *out);
    s = binfile_adopt(&out->file, fd, path, ZKEY_MAGIC, ZKEY_VERSION, err);
    if (s == P_OK)
        s = read_all(out, err);
    if (s != P_OK)
        zkey_close(out);
    return s;
}

p_status zkey_open(zkey *out, const char *path, p_err *err)
{
    p_status s;

    memset(out, 0, sizeof *out);
    s = binfile_open(&out->file, path, ZKEY_MAGIC, ZKEY_VERSION, err);
    if (s == P_OK)
        s = read_all(out, err);
    if (s != P_OK)
        zkey_close(out);
    return s;
}

void zkey_close(zkey *z)
{
    free(z->vk.ic);
    z->vk.ic = NULL;
    binfile_close(&z->file);
}

p_status zkey_coefficient_get(const zkey *z, uint32_t index,
                              const uint8_t bytes[ZKEY_COEFFICIENT_BYTES], zkey_coefficient *out,
                              p_err *err)
{
    uint64_t at = COUNT_BYTES + (uint64_t)index * ZKEY_COEFFICIENT_BYTES;
    bn_fr value;

    out->matrix = binfile_u32(bytes);
    out->row = binfile_u32(bytes + 4);
    out->wire = binfile_u32(bytes + 8);
    memcpy(out->value, bytes + 12, sizeof out->value);
    memcpy(value.l, out->value, sizeof value.l);
    if (out->matrix > 1)
        return binfile_damaged(&z->file, z->coefficients, at, err,
                               "coefficient %" PRIu32 " is of matrix %" PRIu32
                               "; expected 0 (A) or 1 (B)",
                               index, out->matrix);
    if (out->row >> z->domain_log2 != 0)
        return binfile_damaged(&z->file, z->coefficients, at + 4, err,
                               "coefficient %" PRIu32 " is of row %" PRIu32
                               ", beyond the domain of 2^%" PRIu32,
                               index, out->row, z->domain_log2);
    if (out->wire >= z->n_wires)
        return binfile_damaged(&z->file, z->coefficients, at + 8, err,
                               "coefficient %" PRIu32 " is of wire %" PRIu32
                               ", beyond the key's %" PRIu32,
                               index, out->wire, z->n_wires);
    if (!bn_fr_is_canonical(&value))
        return binfile_damaged(&z->file, z->coefficients, at + 12, err,
                               "coefficient %" PRIu32 " is not below r", index);
    return P_OK;
}
