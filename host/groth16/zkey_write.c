#include "host/groth16/zkey_write.h"

#include "host/iden3/field_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

p_status zkey_write_begin(binfile_writer *w, const char *path, uint32_t sections,
                          const groth16_circuit *c, const zkey_head *head, p_err *err)
{
    const struct {
        const void *data;
        size_t bytes;
    } points[] = {{&head->alpha1, sizeof head->alpha1}, {&head->beta1, sizeof head->beta1},
                  {&head->beta2, sizeof head->beta2},   {&head->gamma2, sizeof head->gamma2},
                  {&head->delta1, sizeof head->delta1}, {&head->delta2, sizeof head->delta2}};
    p_status s = binfile_create(w, path, ZKEY_MAGIC, ZKEY_VERSION, sections, err);

    if (s == P_OK)
        s = binfile_begin(w, ZKEY_SECTION_PROTOCOL, err);
    if (s == P_OK)
        s = binfile_append_u32(w, ZKEY_PROTOCOL_GROTH16, err);
    if (s == P_OK)
        s = binfile_end(w, err);
    if (s == P_OK)
        s = binfile_begin(w, ZKEY_SECTION_HEADER, err);
    if (s == P_OK)
        s = field_header_append(w, FIELD_HEADER_Q, err);
    if (s == P_OK)
        s = field_header_append(w, FIELD_HEADER_R, err);
    if (s == P_OK)
        s = binfile_append_u32(w, c->wires, err);
    if (s == P_OK)
        s = binfile_append_u32(w, c->publics, err);
    if (s == P_OK)
        s = binfile_append_u32(w, UINT32_C(1) << c->domain_log2, err);
    for (size_t i = 0; i < sizeof points / sizeof points[0] && s == P_OK; i++)
        s = binfile_append(w, points[i].data, points[i].bytes, err);
    return s == P_OK ? binfile_end(w, err) : s;
}

typedef struct writing {
    binfile_writer *w;
    uint64_t left; /* of the entries announced */
} writing;

static p_status write_coefficient(void *arg, const groth16_term *t, p_err *err)
{
    static const bn_fr r2 = BN_FR_R2_INIT;
    writing *c = arg;
    uint32_t head[3] = {(uint32_t)t->matrix, t->row, t->wire};
    bn_fr value;
    p_status s;

    if (t->matrix == GROTH16_C)
        return P_OK;
    if (c->left-- == 0)
        return p_err_set(err, P_ECORRUPT, "the circuit's file has changed meanwhile");
    bn_fr_mul(&value, &t->factor, &r2); /* Montgomery form of the Montgomery form: times 2^512 */
    s = binfile_append(c->w, head, sizeof head, err);
    return s == P_OK ? binfile_append(c->w, &value, sizeof value, err) : s;
}

p_status zkey_write_coefficients(binfile_writer *w, const groth16_circuit *c, uint32_t count,
                                 const p_cancel *cancel, p_err *err)
{
    writing to = {w, count};
    p_status s = binfile_begin(w, ZKEY_SECTION_COEFFICIENTS, err);

    if (s == P_OK)
        s = binfile_append_u32(w, count, err);
    if (s == P_OK)
        s = groth16_circuit_each(c, write_coefficient, &to, cancel, err);
    if (s == P_OK && to.left != 0)
        s = p_err_set(err, P_ECORRUPT, "the circuit's file has changed meanwhile");
    return s == P_OK ? binfile_end(w, err) : s;
}

p_status zkey_write_contributions(binfile_writer *w, const uint8_t hash[64], p_err *err)
{
    p_status s = binfile_begin(w, ZKEY_SECTION_CONTRIBUTIONS, err);

    if (s == P_OK)
        s = binfile_append(w, hash, 64, err);
    if (s == P_OK)
        s = binfile_append_u32(w, 0, err);
    return s == P_OK ? binfile_end(w, err) : s;
}

p_status zkey_write_dev_mark(binfile_writer *w, p_err *err)
{
    time_t now = time(NULL);
    struct tm t;
    char text[80];
    p_status s = binfile_begin(w, ZKEY_SECTION_DEV_MARK, err);

    if (!gmtime_r(&now, &t))
        memset(&t, 0, sizeof t);
    snprintf(text, sizeof text, IDEN3_DEV_MARK " %04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1,
             t.tm_mday);
    if (s == P_OK)
        s = binfile_append(w, text, strlen(text), err);
    return s == P_OK ? binfile_end(w, err) : s;
}
