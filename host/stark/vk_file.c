/* Files of verifying keys: docs/formats.md, STARK verifying key. */
#include "host/iden3/binfile.h"
#include "host/stark/vk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "zksv"
#define VERSION 1
#define DIGEST_BYTES (8 * DRV_DIGEST_WORDS)

enum { SECTION_PARAMETERS = 1, SECTION_FIXED = 2, SECTION_DIGEST = 3, SECTIONS = 3 };

/* The parameters section: seven numbers of 32 bits, then the constraint graph's hash. */
enum { LEVEL, HASH, LOG_ROWS, LOG_BLOWUP, QUERIES, GRINDING_BITS, CAP_LOG2, NUMBERS };
#define GRAPH_BYTES 32
#define PARAMETERS_BYTES (4 * NUMBERS + GRAPH_BYTES)

void stark_vk_free(stark_vk *vk)
{
    free(vk->fixed_cap);
    *vk = (stark_vk){0};
}

/* ---- writing ---- */

static p_status append_digests(binfile_writer *w, const uint64_t *digests, uint64_t count,
                               p_err *err)
{
    p_status s = P_OK;

    for (uint64_t i = 0; s == P_OK && i < count * DRV_DIGEST_WORDS; i++) {
        s = binfile_append_u32(w, (uint32_t)digests[i], err);
        if (s == P_OK)
            s = binfile_append_u32(w, (uint32_t)(digests[i] >> 32), err);
    }
    return s;
}

static p_status write_parameters(binfile_writer *w, const stark_vk *vk, p_err *err)
{
    const stark_params *p = &vk->params;
    const uint32_t numbers[NUMBERS] = {
        [LEVEL] = (uint32_t)p->level, [HASH] = (uint32_t)p->hash,
        [LOG_ROWS] = p->log_rows,     [LOG_BLOWUP] = p->log_blowup,
        [QUERIES] = p->queries,       [GRINDING_BITS] = p->grinding_bits,
        [CAP_LOG2] = p->cap_log2,
    };
    p_status s = P_OK;

    for (int i = 0; s == P_OK && i < NUMBERS; i++)
        s = binfile_append_u32(w, numbers[i], err);
    return s == P_OK ? binfile_append(w, vk->air->hash, GRAPH_BYTES, err) : s;
}

static p_status write_section(binfile_writer *w, uint32_t type, const stark_vk *vk, p_err *err)
{
    p_status s = binfile_begin(w, type, err);

    if (s != P_OK)
        return s;
    if (type == SECTION_PARAMETERS)
        s = write_parameters(w, vk, err);
    else if (type == SECTION_FIXED)
        s = append_digests(w, vk->fixed_cap, stark_vk_cap_digests(&vk->params, vk->air), err);
    else
        s = append_digests(w, vk->digest, 1, err);
    return s == P_OK ? binfile_end(w, err) : s;
}

p_status stark_vk_write(const stark_vk *vk, const char *path, p_err *err)
{
    binfile_writer w;
    p_status s = binfile_create(&w, path, MAGIC, VERSION, SECTIONS, err);

    for (uint32_t type = 1; s == P_OK && type <= SECTIONS; type++)
        s = write_section(&w, type, vk, err);
    if (s == P_OK)
        s = binfile_commit(&w, err);
    if (s != P_OK)
        binfile_abandon(&w);
    return s;
}

/* ---- reading ---- */

static p_status read_parameters(const binfile *f, const air *a, stark_params *out, p_err *err)
{
    const binfile_section *section;
    uint8_t bytes[PARAMETERS_BYTES];
    p_status s = binfile_find(f, SECTION_PARAMETERS, "parameters", &section, err);
    uint32_t n[NUMBERS];

    if (s == P_OK)
        s = binfile_expect(f, section, "parameters", PARAMETERS_BYTES, err);
    if (s == P_OK)
        s = binfile_read(f, section, 0, bytes, sizeof bytes, err);
    if (s != P_OK)
        return s;
    for (int i = 0; i < NUMBERS; i++)
        n[i] = binfile_u32(bytes + 4 * i);
    if (n[LEVEL] > STARK_P128)
        return binfile_damaged(f, section, 4 * LEVEL, err, "level %" PRIu32 ", expected 0 .. %d",
                               n[LEVEL], STARK_P128);
    if (n[HASH] > DRV_HASH_BN254)
        return binfile_damaged(f, section, 4 * HASH, err, "hash %" PRIu32 ", expected 0 .. %d",
                               n[HASH], DRV_HASH_BN254);
    if (memcmp(bytes + 4 * NUMBERS, a->hash, GRAPH_BYTES) != 0)
        return binfile_damaged(f, section, 4 * NUMBERS, err,
                               "the constraint graph is not that of AIR %s", a->definition.name);
    *out = (stark_params){.level = (stark_level)n[LEVEL],
                          .hash = (drv_hash)n[HASH],
                          .log_rows = n[LOG_ROWS],
                          .log_blowup = n[LOG_BLOWUP],
                          .queries = n[QUERIES],
                          .grinding_bits = n[GRINDING_BITS],
                          .cap_log2 = n[CAP_LOG2]};
    /* ranges, and the declared level */
    if ((s = stark_params_hold(out, a, err)) == P_EINVAL) {
        p_err_prefix(err, "%s: section %d, offset %" PRIu64, f->path, SECTION_PARAMETERS,
                     section->offset);
        if (err)
            err->status = P_ECORRUPT;
        s = P_ECORRUPT;
    }
    return s;
}

/* count digests that have to be all of a section. */
static p_status read_digests(const binfile *f, uint32_t type, const char *name, drv_hash hash,
                             uint64_t count, uint64_t *out, const binfile_section **section,
                             p_err *err)
{
    uint8_t bytes[DIGEST_BYTES];
    p_status s = binfile_find(f, type, name, section, err);

    if (s == P_OK)
        s = binfile_expect(f, *section, name, count * DIGEST_BYTES, err);
    for (uint64_t i = 0; s == P_OK && i < count; i++, out += DRV_DIGEST_WORDS) {
        s = binfile_read(f, *section, i * DIGEST_BYTES, bytes, sizeof bytes, err);
        for (int j = 0; s == P_OK && j < DRV_DIGEST_WORDS; j++)
            out[j] = binfile_u64(bytes + 8 * j);
        if (s == P_OK && !stark_hash_digest_ok(hash, out))
            s = binfile_damaged(f, *section, i * DIGEST_BYTES, err,
                                "%s: digest %" PRIu64 " is not canonical", name, i);
    }
    return s;
}

static p_status read_key(const binfile *f, const air *a, stark_vk *out, p_err *err)
{
    const binfile_section *section;
    uint64_t cap, digest[DRV_DIGEST_WORDS];
    stark_hash hash;
    p_status s;

    if (f->count != SECTIONS)
        return p_err_set(err, P_ECORRUPT, "%s: offset 8: %" PRIu32 " sections, expected %d",
                         f->path, f->count, SECTIONS);
    s = read_parameters(f, a, &out->params, err);
    if (s != P_OK)
        return s;
    cap = stark_vk_cap_digests(&out->params, a);
    if (cap && !(out->fixed_cap = malloc(cap * DIGEST_BYTES)))
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory for %" PRIu64 " digests", f->path, cap);
    s = read_digests(f, SECTION_FIXED, "cap of the fixed columns", out->params.hash, cap,
                     out->fixed_cap, &section, err);
    if (s == P_OK)
        s = read_digests(f, SECTION_DIGEST, "digest", out->params.hash, 1, out->digest, &section,
                         err);
    if (s == P_OK)
        s = stark_hash_create_for(out->params.hash, a, &hash, err);
    if (s != P_OK)
        return s;
    stark_vk_digest(&out->params, a, out->fixed_cap, &hash, digest);
    stark_hash_destroy(&hash);
    if (memcmp(digest, out->digest, sizeof digest) != 0)
        return binfile_damaged(f, section, 0, err,
                               "the digest is not that of the parameters, the constraint graph and "
                               "the cap");
    return P_OK;
}

static p_status read_opened(binfile *f, const air *a, stark_vk *out, p_err *err)
{
    p_status s = read_key(f, a, out, err);

    binfile_close(f);
    if (s != P_OK)
        stark_vk_free(out);
    else
        out->air = a;
    return s;
}

p_status stark_vk_adopt(int fd, const char *path, const air *a, stark_vk *out, p_err *err)
{
    binfile f;
    p_status s;

    *out = (stark_vk){0};
    s = binfile_adopt(&f, fd, path, MAGIC, VERSION, err);
    return s == P_OK ? read_opened(&f, a, out, err) : s;
}

p_status stark_vk_read(const char *path, const air *a, stark_vk *out, p_err *err)
{
    binfile f;
    p_status s;

    *out = (stark_vk){0};
    s = binfile_open(&f, path, MAGIC, VERSION, err);
    return s == P_OK ? read_opened(&f, a, out, err) : s;
}
