/* The report of discover.h as JSON: what zkp-card --probe prints and the driver reads. */
#include "driver/xrt/discover.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *write_findings(const xrt_findings *all)
{
    json_t *list = json_array();

    for (size_t i = 0; i < all->count; i++) {
        const xrt_finding *f = &all->list[i];
        json_array_append_new(list, json_pack("{s:b, s:s, s:s, s:s, s:s}", "fine", (int)f->fine,
                                              "what", f->what, "where", f->where, "found", f->found,
                                              "fix", f->fix));
    }
    return list;
}

p_status xrt_report_write(const xrt_report *r, char **out, p_err *err)
{
    json_t *cards = json_array(), *root;

    for (size_t i = 0; i < r->count; i++) {
        const xrt_card *c = &r->cards[i];
        json_array_append_new(cards,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "address",
                                        c->address, "platform", c->platform, "uuid", c->uuid,
                                        "image", c->image, "mode", xrt_mode_name(c->mode), "usable",
                                        (int)c->usable, "findings", write_findings(&c->findings)));
    }
    root = json_pack("{s:b, s:o, s:o}", "usable", (int)r->usable, "findings",
                     write_findings(&r->general), "cards", cards);
    *out = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return *out ? P_OK : p_err_set(err, P_EEXHAUSTED, "no memory for the report");
}

/* ---- reading: whatever is missing or of another type is empty ---- */

static void read_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(object, key));

    snprintf(out, size, "%s", s ? s : "");
    for (char *c = out; *c != '\0'; c++) /* it goes to logs and terminals */
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

static void read_findings(const json_t *list, xrt_findings *out)
{
    for (size_t i = 0; i < json_array_size(list) && i < XRT_MAX_FINDINGS; i++) {
        const json_t *v = json_array_get(list, i);
        xrt_finding *f = &out->list[out->count++];
        f->fine = json_is_true(json_object_get(v, "fine"));
        read_text(v, "what", f->what, sizeof f->what);
        read_text(v, "where", f->where, sizeof f->where);
        read_text(v, "found", f->found, sizeof f->found);
        read_text(v, "fix", f->fix, sizeof f->fix);
    }
}

static void read_card(const json_t *v, xrt_card *out)
{
    char mode[16];

    read_text(v, "address", out->address, sizeof out->address);
    read_text(v, "platform", out->platform, sizeof out->platform);
    read_text(v, "uuid", out->uuid, sizeof out->uuid);
    read_text(v, "image", out->image, sizeof out->image);
    read_text(v, "mode", mode, sizeof mode);
    out->mode = XRT_MODE_HW;
    while (out->mode < XRT_MODE_OTHER && strcmp(mode, xrt_mode_name(out->mode)) != 0)
        out->mode = (xrt_mode)(out->mode + 1);
    out->usable = json_is_true(json_object_get(v, "usable"));
    read_findings(json_object_get(v, "findings"), &out->findings);
}

p_status xrt_report_read(xrt_report *out, const char *text, size_t length, p_err *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, length, 0, &where);
    const json_t *cards = json_object_get(root, "cards");

    memset(out, 0, sizeof *out);
    if (!json_is_array(cards) || !json_is_array(json_object_get(root, "findings"))) {
        json_decref(root);
        return p_err_set(err, P_EDEVICE, "zkp-card --probe printed no report%s%s", root ? "" : ": ",
                         root ? "" : where.text);
    }
    out->usable = json_is_true(json_object_get(root, "usable"));
    read_findings(json_object_get(root, "findings"), &out->general);
    for (size_t i = 0; i < json_array_size(cards) && i < XRT_MAX_CARDS; i++)
        read_card(json_array_get(cards, i), &out->cards[out->count++]);
    json_decref(root);
    return P_OK;
}
