/* The card behind XRT: the only file that knows its headers. The XRT native C API and nothing else
 * of it. */
#include "driver/xrt/discover.h"
#include "driver/xrt/kernel_table.h"
#include "driver/xrt/zkp_card.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* their headers are not written for our warnings */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <version.h>
#include <xclbin.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>
#pragma GCC diagnostic pop

#define MAX_SYNC_BYTES ((uint64_t)1 << 31) /* one call of XRT's; it fails from 4 GiB on */

/* how much longer than hardware a run may take: the kernels as C, or as simulated logic */
#define PATIENCE_SW_EMU 100
#define PATIENCE_HW_EMU 10000

#define EMULATION_SECONDS 10 /* for a sw_emu model to start, which takes a quarter of a second */

/* A compute unit with the run handle that all of its runs use. */
typedef struct compute_unit {
    xrtKernelHandle kernel;
    xrtRunHandle run;
    uint64_t set[CARD_MAX_ARGS]; /**< ids of the buffers that are set; 0: none */
} compute_unit;

struct zc_device {
    xrtDeviceHandle device;
    uint32_t channels_log2;
    int groups[2][ZC_CHANNELS]; /**< memory group of each side's channels; -1: no kernel uses it */
    uint32_t units[CARD_KERNELS];
    compute_unit unit[CARD_KERNELS][XRT_MAX_UNITS];
};

static p_status failed(p_err *err, const char *call)
{
    return p_err_set(err, P_EDEVICE, "%s failed: %s", call, errno ? strerror(errno) : "no reason");
}

/* ---- opening ---- */

static p_status load(zc_device *d, const xrt_card *card, const xrt_manifest *m,
                     const xrt_image *image, xuid_t uuid, p_err *err)
{
    char text[XRT_UUID_TEXT_BYTES];
    uint8_t *bytes;
    size_t size;
    p_status s = xrt_image_load(m, image, card->platform, card->mode, &bytes, &size, err);

    if (s != P_OK)
        return s;
    xrt_xclbin x;
    s = xrt_xclbin_read(&x, bytes, size, err); /* was fine just now */
    errno = 0;
    /* the card that has it already is not programmed again */
    if (s == P_OK &&
        (strcmp(card->uuid, image->uuid) != 0 || xrtDeviceLoadXclbinUUID(d->device, x.uuid) != 0)) {
        errno = 0;
        if (xrtDeviceLoadXclbin(d->device, (const struct axlf *)(const void *)bytes) != 0)
            s = failed(err, "xrtDeviceLoadXclbin");
    }
    xrt_image_free(bytes);
    if (s == P_OK && xrtDeviceGetXclbinUUID(d->device, uuid) != 0)
        s = failed(err, "xrtDeviceGetXclbinUUID");
    if (s != P_OK)
        return s;
    xrt_uuid_text(text, uuid);
    if (strcmp(text, image->uuid) != 0)
        s = p_err_set(err, P_EDEVICE, "expected UUID %s on the card after loading, found %s",
                      image->uuid, text);
    return s;
}

/* The memory groups of a unit's ports: those of one side's channel are one. */
static p_status check_groups(zc_device *d, const xrt_kernel *k, const compute_unit *u, p_err *err)
{
    uint32_t count = xrt_kernel_parameter(k, k->count, d->channels_log2);

    for (uint32_t p = 0, channel; p < count; p++) {
        const xrt_argument *a =
            &k->arguments[xrt_kernel_argument(k, p, d->channels_log2, &channel)];
        if (a->kind != 'R')
            continue;
        int group = xrtKernelArgGroupId(u->kernel, (int)p);
        int *known = &d->groups[xrt_argument_side(a)][channel];
        if (group < 0)
            return p_err_set(err, P_EDEVICE, "XRT knows no bank for port %s_%" PRIu32 " of %s",
                             a->name, channel, k->name);
        if (*known >= 0 && *known != group)
            return p_err_set(err, P_EDEVICE,
                             "port %s_%" PRIu32 " of %s is in memory group %d, others in %d",
                             a->name, channel, k->name, group, *known);
        *known = group;
    }
    return P_OK;
}

static p_status open_units(zc_device *d, const xrt_image *image, xuid_t uuid, p_err *err)
{
    p_status s = P_OK;

    memset(d->groups, 0xff, sizeof d->groups);
    for (unsigned k = 0; k < CARD_KERNELS; k++)
        for (uint32_t n = 0; s == P_OK && n < image->units[k]; n++) {
            const xrt_kernel *kernel = xrt_kernel_get((card_kernel)k);
            compute_unit *u = &d->unit[k][n];
            char name[80];
            snprintf(name, sizeof name, "%s:{%s_%" PRIu32 "}", kernel->name, kernel->name, n + 1);
            d->units[k] = n + 1;
            errno = 0;
            u->kernel = xrtPLKernelOpenExclusive(d->device, uuid, name);
            if (!u->kernel)
                s = failed(err, name);
            if (s == P_OK)
                s = check_groups(d, kernel, u, err);
            if (s == P_OK && !(u->run = xrtRunOpen(u->kernel)))
                s = failed(err, "xrtRunOpen");
        }
    return s;
}

static void describe(const xrt_card *card, const xrt_image *image, char *out, size_t size)
{
    size_t n;

    snprintf(out, size, "%s %s, platform %s, image %s (",
             card->mode == XRT_MODE_HW ? "card at" : "card,", card->address, card->platform,
             image->name);
    for (unsigned k = 0; k < CARD_KERNELS; k++) {
        n = strlen(out);
        if (image->units[k] > 0)
            snprintf(out + n, size - n, "%s%s", out[n - 1] == '(' ? "" : ", ",
                     xrt_kernel_get((card_kernel)k)->name);
        n = strlen(out);
        if (image->units[k] > 1)
            snprintf(out + n, size - n, " x%" PRIu32, image->units[k]);
    }
    n = strlen(out);
    snprintf(out + n, size - n, "), XRT %s", xrt_build_version);
}

static p_status find_card(const xrt_report *r, uint32_t number, const xrt_card **out, p_err *err)
{
    char text[P_ERR_TEXT_BYTES / 2];

    *out = number < r->count ? &r->cards[number] : NULL;
    if (*out)
        return P_OK;
    xrt_report_text(r, r->count, text, sizeof text);
    return p_err_set(err, r->count > 0 ? P_ENOTFOUND : P_EMISSING,
                     "there is no card %" PRIu32 ", found %zu%s%s", number, r->count,
                     r->count > 0 ? "" : ": ", r->count > 0 ? "" : text);
}

/* ZKP_EMULATION_PATIENCE: for tests of runs that hang, which would take minutes. */
static uint32_t patience(xrt_mode mode)
{
    const char *set = mode == XRT_MODE_HW ? NULL : getenv("ZKP_EMULATION_PATIENCE");
    unsigned long n = set ? strtoul(set, NULL, 10) : 0;

    if (n > 0 && n <= 100000)
        return (uint32_t)n;
    return mode == XRT_MODE_HW ? 1 : mode == XRT_MODE_SW_EMU ? PATIENCE_SW_EMU : PATIENCE_HW_EMU;
}

static p_status open_card(zc_device *d, const xrt_card *card, const xrt_manifest *m,
                          const zc_options *o, xrt_message *welcome, p_err *err)
{
    const xrt_image *image;
    xuid_t uuid;
    p_status s = o->image ? xrt_manifest_find(m, o->image, &image, err)
                          : xrt_manifest_fit(m, card->platform, card->mode, &image, err);

    if (s != P_OK)
        return s;
    d->channels_log2 = image->channels_log2;
    if (card->mode == XRT_MODE_SW_EMU) /* XRT waits for ever for a model that has died */
        alarm(EMULATION_SECONDS);
    errno = 0;
    d->device =
        card->mode == XRT_MODE_HW ? xrtDeviceOpenByBDF(card->address) : xrtDeviceOpen(o->device);
    if (!d->device)
        return failed(err, "xrtDeviceOpen");
    s = load(d, card, m, image, uuid, err);
    if (s == P_OK)
        s = open_units(d, image, uuid, err);
    alarm(0);
    if (s != P_OK)
        return s;
    memcpy(welcome->welcome.units, image->units, sizeof welcome->welcome.units);
    welcome->welcome.channels_log2 = image->channels_log2;
    welcome->welcome.patience = patience(card->mode);
    for (unsigned side = 0; side < 2; side++)
        welcome->welcome.rows[side] =
            ((uint64_t)image->channel_mib << 20 << image->channels_log2) / HLS_ROW_BYTES;
    describe(card, image, welcome->welcome.about, sizeof welcome->welcome.about);
    return P_OK;
}

p_status zc_open(const zc_options *options, zc_device **out, xrt_message *welcome, p_err *err)
{
    char installed[XRT_FOLDER_BYTES];
    const char *folder = xrt_manifest_folder(options->bitstreams, installed);
    xrt_places places = {.bitstreams = folder};
    zc_device *d = calloc(1, sizeof *d);
    xrt_report *report = calloc(1, sizeof *report);
    xrt_manifest *m = calloc(1, sizeof *m);
    const xrt_card *card;
    p_status s = P_OK;

    *out = NULL;
    if (!d || !report || !m)
        s = p_err_set(err, P_EEXHAUSTED, "zkp-card has no memory");
    if (s == P_OK) {
        xrt_discover(&places, report);
        s = find_card(report, options->device, &card, err);
    }
    if (s == P_OK)
        s = xrt_manifest_load(m, folder, err);
    if (s == P_OK)
        s = open_card(d, card, m, options, welcome, err);
    free(report);
    free(m);
    if (s == P_OK)
        *out = d;
    else if (d)
        zc_close(d);
    return s;
}

void zc_close(zc_device *d)
{
    for (unsigned k = 0; k < CARD_KERNELS; k++)
        for (uint32_t n = 0; n < d->units[k]; n++) {
            if (d->unit[k][n].run)
                xrtRunClose(d->unit[k][n].run);
            if (d->unit[k][n].kernel)
                xrtKernelClose(d->unit[k][n].kernel);
        }
    if (d->device)
        xrtDeviceClose(d->device);
    free(d);
}

/* ---- memory ---- */

p_status zc_alloc(zc_device *d, zc_buffer *b, p_err *err)
{
    uint64_t bytes = hls_stripe_rows(b->rows, d->channels_log2) * HLS_ROW_BYTES;

    for (uint32_t c = 0; c < 1u << d->channels_log2; c++) {
        int group = d->groups[b->side][c];
        if (group < 0) {
            zc_free(d, b);
            return p_err_set(err, P_EEXHAUSTED, "no kernel of the image uses side %c",
                             b->side == CARD_SIDE_A ? 'A' : 'B');
        }
        b->channel[c] = xrtBOAlloc(d->device, bytes, 0, (xrtMemoryGroup)group);
        b->host[c] = b->channel[c] ? xrtBOMap(b->channel[c]) : NULL;
        if (!b->host[c]) {
            zc_free(d, b);
            return p_err_set(err, P_EEXHAUSTED,
                             "the card has no %" PRIu64 " bytes left in channel %" PRIu32
                             " of side %c",
                             bytes, c, b->side == CARD_SIDE_A ? 'A' : 'B');
        }
    }
    return P_OK;
}

void zc_free(zc_device *d, zc_buffer *b)
{
    for (uint32_t c = 0; c < 1u << d->channels_log2; c++) {
        if (b->channel[c])
            xrtBOFree(b->channel[c]);
        b->channel[c] = NULL;
    }
}

p_status zc_sync(zc_device *d, zc_buffer *b, uint32_t channel, uint64_t offset, uint64_t bytes,
                 bool to_card, p_err *err)
{
    enum xclBOSyncDirection way = to_card ? XCL_BO_SYNC_BO_TO_DEVICE : XCL_BO_SYNC_BO_FROM_DEVICE;

    (void)d;
    if (offset % HLS_ROW_BYTES != 0 || bytes % HLS_ROW_BYTES != 0)
        return p_err_set(err, P_EINTERNAL, "a transfer that is not made of rows");
    while (bytes > 0) {
        uint64_t part = bytes < MAX_SYNC_BYTES ? bytes : MAX_SYNC_BYTES;
        errno = 0;
        if (xrtBOSync(b->channel[channel], way, part, offset) != 0)
            return failed(err, to_card ? "xrtBOSync to the card" : "xrtBOSync from the card");
        offset += part;
        bytes -= part;
    }
    return P_OK;
}

/* ---- runs ---- */

static p_status set_rows(compute_unit *u, uint32_t parameter, uint32_t argument, const zc_buffer *b,
                         uint32_t channels, p_err *err)
{
    if (u->set[argument] == b->id) /* a number is never used again */
        return P_OK;
    u->set[argument] = 0;
    for (uint32_t c = 0; c < channels; c++)
        if (xrtRunSetArg(u->run, (int)(parameter + c), b->channel[c]) != 0)
            return failed(err, "xrtRunSetArg of a buffer");
    u->set[argument] = b->id;
    return P_OK;
}

p_status zc_start(zc_device *d, card_kernel kernel, uint32_t unit,
                  zc_buffer *const buffers[CARD_MAX_ARGS], const uint64_t values[CARD_MAX_ARGS],
                  p_err *err)
{
    const xrt_kernel *k = xrt_kernel_get(kernel);
    compute_unit *u = &d->unit[kernel][unit];
    p_status s = P_OK;
    int rc = 0;

    errno = 0;
    for (uint32_t i = 0, p = 0; s == P_OK && rc == 0 && i < k->count; i++) {
        if (k->arguments[i].kind == 'R') {
            s = set_rows(u, p, i, buffers[i], 1u << d->channels_log2, err);
            p += 1u << d->channels_log2;
        } else if (k->arguments[i].kind == 'W') {
            rc = xrtRunSetArg(u->run, (int)p++, (uint32_t)values[i]);
        } else {
            rc = xrtRunSetArg(u->run, (int)p++, values[i]);
        }
    }
    if (rc != 0)
        s = failed(err, "xrtRunSetArg of a number");
    if (s == P_OK && xrtRunStart(u->run) != 0)
        s = failed(err, "xrtRunStart");
    if (s != P_OK)
        p_err_prefix(err, "kernel %s", k->name);
    return s;
}

p_status zc_poll(zc_device *d, card_kernel kernel, uint32_t unit, bool *ended, p_err *err)
{
    enum ert_cmd_state state = xrtRunState(d->unit[kernel][unit].run);

    *ended = state == ERT_CMD_STATE_COMPLETED;
    switch (state) {
    case ERT_CMD_STATE_COMPLETED:
    case ERT_CMD_STATE_NEW:
    case ERT_CMD_STATE_QUEUED:
    case ERT_CMD_STATE_SUBMITTED:
    case ERT_CMD_STATE_RUNNING:
        return P_OK;
    default:
        return p_err_set(err, P_EDEVICE, "kernel %s ended in XRT's state %d",
                         xrt_kernel_get(kernel)->name, (int)state);
    }
}
