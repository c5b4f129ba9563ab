#include "host/iden3/ptau.h"

#include "host/iden3/field_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_HEADER 1
#define SECTION_BETA_G2 6
#define SECTION_CONTRIBUTIONS 7

/* Of a contribution: five points after it, its key of nine, two hashes, its type. */
#define CONTRIBUTION_BYTES (9 * sizeof(bn_g1) + 5 * sizeof(bn_g2) + 216 + 64 + 4)

static const struct {
    uint32_t powers, lagrange, bytes;
    const char *name, *lagrange_name;
} SERIES[PTAU_SERIES] = {
    [PTAU_TAU_G1] = {2, 12, sizeof(bn_g1), "tau in G1", "Lagrange points of tau in G1"},
    [PTAU_TAU_G2] = {3, 13, sizeof(bn_g2), "tau in G2", "Lagrange points of tau in G2"},
    [PTAU_ALPHA_G1] = {4, 14, sizeof(bn_g1), "alpha tau", "Lagrange points of alpha tau"},
    [PTAU_BETA_G1] = {5, 15, sizeof(bn_g1), "beta tau", "Lagrange points of beta tau"},
};

uint32_t ptau_point_bytes(ptau_series series)
{
    return SERIES[series].bytes;
}

static uint64_t powers_of(const ptau *p, ptau_series series)
{
    return series == PTAU_TAU_G1 ? (UINT64_C(2) << p->power) - 1 : UINT64_C(1) << p->power;
}

/* the greatest domain */
static uint32_t lagrange_log2(const ptau *p, ptau_series series)
{
    return p->power + (series == PTAU_TAU_G1);
}

/* ---- points ---- */

static p_status check_points(const ptau *p, const binfile_section *section, uint64_t at,
                             ptau_series series, const void *points, uint64_t count, p_err *err)
{
    const uint8_t *from = points;

    for (uint64_t i = 0; i < count; i++, from += SERIES[series].bytes) {
        uint64_t words[16];
        bn_g1 g1;
        bn_g2 g2;

        memcpy(words, from, SERIES[series].bytes);
        if (series == PTAU_TAU_G2 ? !bn_g2_set_words(&g2, words) : !bn_g1_set_words(&g1, words))
            return binfile_damaged(&p->file, section, at + i * SERIES[series].bytes, err,
                                   "no point of %s's curve", series == PTAU_TAU_G2 ? "G2" : "G1");
    }
    return P_OK;
}

static p_status read_points(const ptau *p, const binfile_section *section, ptau_series series,
                            uint64_t first, uint64_t count, void *out, p_err *err)
{
    uint64_t at = first * SERIES[series].bytes;
    p_status s = binfile_read(&p->file, section, at, out, count * SERIES[series].bytes, err);

    return s == P_OK ? check_points(p, section, at, series, out, count, err) : s;
}

p_status ptau_read(const ptau *p, ptau_series series, uint64_t first, uint64_t count, void *out,
                   p_err *err)
{
    uint64_t all = powers_of(p, series);

    if (first > all || count > all - first)
        return p_err_set(err, P_EINVAL,
                         "%s: has %" PRIu64 " powers of %s; %" PRIu64 " from %" PRIu64
                         " on were asked for",
                         p->file.path, all, SERIES[series].name, count, first);
    return read_points(p, p->powers[series], series, first, count, out, err);
}

p_status ptau_read_lagrange(const ptau *p, ptau_series series, uint32_t log2, uint64_t first,
                            uint64_t count, void *out, p_err *err)
{
    if (!p->lagrange[series])
        return p_err_set(err, P_EINVAL,
                         "%s: is not prepared for phase 2 (snarkjs powersoftau prepare phase2)",
                         p->file.path);
    if (log2 > lagrange_log2(p, series) || first > UINT64_C(1) << log2 ||
        count > (UINT64_C(1) << log2) - first)
        return p_err_set(err, P_EINVAL,
                         "%s: has %s of domains up to 2^%" PRIu32 "; %" PRIu64 " from %" PRIu64
                         " on of 2^%" PRIu32 " were asked for",
                         p->file.path, SERIES[series].lagrange_name, lagrange_log2(p, series),
                         count, first, log2);
    return read_points(p, p->lagrange[series], series, (UINT64_C(1) << log2) - 1 + first, count,
                       out, err);
}

/* ---- opening ---- */

static p_status read_header(ptau *p, binfile_cursor *c, p_err *err)
{
    const binfile_section *section;
    p_status s = binfile_find(&p->file, SECTION_HEADER, "header", &section, err);

    if (s != P_OK)
        return s;
    binfile_cursor_init(c, &p->file, section);
    s = field_header_next(c, FIELD_HEADER_Q, "q", err);
    if (s == P_OK)
        s = binfile_next_u32(c, &p->power, err);
    if (s == P_OK && (p->power < 1 || p->power > PTAU_MAX_POWER))
        return binfile_damaged(&p->file, section, c->at - 4, err,
                               "power %" PRIu32 "; expected 1 .. %d", p->power, PTAU_MAX_POWER);
    if (s == P_OK)
        s = binfile_next_u32(c, &p->ceremony_power, err);
    if (s == P_OK && p->ceremony_power < p->power)
        return binfile_damaged(&p->file, section, c->at - 4, err,
                               "power %" PRIu32 " of the ceremony, below the file's %" PRIu32,
                               p->ceremony_power, p->power);
    return s == P_OK ? binfile_finish(c, err) : s;
}

static p_status read_beta(ptau *p, p_err *err)
{
    const binfile_section *section;
    uint64_t words[16];
    p_status s = binfile_find(&p->file, SECTION_BETA_G2, "beta in G2", &section, err);

    if (s == P_OK)
        s = binfile_expect(&p->file, section, "beta in G2", sizeof words, err);
    if (s == P_OK)
        s = binfile_read(&p->file, section, 0, words, sizeof words, err);
    if (s == P_OK && (!bn_g2_set_words(&p->beta2, words) || !bn_g2_in_subgroup_var(&p->beta2)))
        return binfile_damaged(&p->file, section, 0, err, "beta is no point of G2");
    return s;
}

static p_status read_contributions(ptau *p, binfile_cursor *c, p_err *err)
{
    const binfile_section *section;
    const uint8_t *bytes;
    uint32_t length = 0;
    p_status s = binfile_find(&p->file, SECTION_CONTRIBUTIONS, "contributions", &section, err);

    if (s != P_OK)
        return s;
    binfile_cursor_init(c, &p->file, section);
    s = binfile_next_u32(c, &p->n_contributions, err);
    for (uint32_t i = 0; i < p->n_contributions && s == P_OK; i++) {
        s = binfile_next(c, CONTRIBUTION_BYTES, &bytes, err);
        if (s == P_OK)
            s = binfile_next_u32(c, &length, err);
        if (s == P_OK)
            s = binfile_next(c, length, &bytes, err);
    }
    return s == P_OK ? binfile_finish(c, err) : s;
}

static bool has_section(const ptau *p, uint32_t type)
{
    for (uint32_t i = 0; i < p->file.count; i++)
        if (p->file.section[i].type == type)
            return true;
    return false;
}

static p_status find_series(ptau *p, ptau_series i, p_err *err)
{
    bool prepared = false; /* all or none of the four */
    uint64_t bytes = powers_of(p, i) * SERIES[i].bytes;
    p_status s = binfile_find(&p->file, SERIES[i].powers, SERIES[i].name, &p->powers[i], err);

    for (int k = 0; k < PTAU_SERIES; k++)
        prepared = prepared || has_section(p, SERIES[k].lagrange);
    if (s == P_OK)
        s = binfile_expect(&p->file, p->powers[i], SERIES[i].name, bytes, err);
    if (s != P_OK || !prepared)
        return s;
    s = binfile_find(&p->file, SERIES[i].lagrange, SERIES[i].lagrange_name, &p->lagrange[i], err);
    if (s != P_OK)
        return s;
    bytes = ((UINT64_C(2) << lagrange_log2(p, i)) - 1) * SERIES[i].bytes;
    return binfile_expect(&p->file, p->lagrange[i], SERIES[i].lagrange_name, bytes, err);
}

static p_status read_all(ptau *p, p_err *err)
{
    binfile_cursor *c = malloc(sizeof *c);
    p_status s;

    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", p->file.path);
    s = read_header(p, c, err);
    for (int i = 0; i < PTAU_SERIES && s == P_OK; i++)
        s = find_series(p, (ptau_series)i, err);
    p->dev = has_section(p, IDEN3_DEV_MARK_SECTION);
    if (s == P_OK)
        s = read_beta(p, err);
    if (s == P_OK)
        s = read_contributions(p, c, err);
    free(c);
    return s;
}

p_status ptau_adopt(ptau *out, int fd, const char *path, p_err *err)
{
    p_status s;

    memset(out, 0, sizeof *out);
    s = binfile_adopt(&out->file, fd, path, "ptau", 1, err);
    if (s == P_OK)
        s = read_all(out, err);
    if (s != P_OK)
        ptau_close(out);
    return s;
}

p_status ptau_open(ptau *out, const char *path, p_err *err)
{
    p_status s;

    memset(out, 0, sizeof *out);
    s = binfile_open(&out->file, path, "ptau", 1, err);
    if (s == P_OK)
        s = read_all(out, err);
    if (s != P_OK)
        ptau_close(out);
    return s;
}

void ptau_close(ptau *p)
{
    binfile_close(&p->file);
}
