/* The back end "xrt": cards behind zkp-card, through the schedule of driver/card. */
#define _GNU_SOURCE /* pipe2 */
#include "driver/backend.h"
#include "driver/base/clock.h"
#include "driver/card/card_device.h"
#include "driver/xrt/client.h"
#include "driver/xrt/discover.h"
#include "driver/xrt/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROBE_MS 5000
#define MAX_REPORT_BYTES 65536

/* ---- probing ---- */

/* Everything that a program prints until it closes its end; bounded in time and size. */
static size_t read_all(int fd, char *out, size_t size)
{
    int64_t until = p_clock_ms(CLOCK_MONOTONIC) + PROBE_MS;
    size_t n = 0;

    while (n < size) {
        int64_t left = until - p_clock_ms(CLOCK_MONOTONIC);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0 || (poll(&p, 1, (int)left) <= 0 && errno != EINTR))
            return 0;
        ssize_t got = read(fd, out + n, size - n);
        if (got == 0)
            return n;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return 0;
        n += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* Asks a zkp-card: one that an environment of its own surrounds (the emulated card's) sees other
 * cards than this process. */
static p_status ask_program(const char *program, const char *bitstreams, xrt_report *report,
                            p_err *err)
{
    char name[] = "zkp-card", probe[] = "--probe", flag[] = "--bitstreams", folder[XRT_PATH_BYTES];
    char *argv[] = {name, probe, flag, folder, NULL};
    const int target = 1;
    int fds[2];
    pid_t pid;
    char *text = malloc(MAX_REPORT_BYTES);
    size_t length = 0;

    snprintf(folder, sizeof folder, "%s", bitstreams);
    if (!text || pipe2(fds, O_CLOEXEC) != 0) {
        free(text);
        return p_err_set(err, P_EEXHAUSTED, "no memory or descriptors to ask %s", program);
    }
    p_status s = xrt_spawn(program, argv, &fds[1], &target, 1, &pid, err);
    close(fds[1]);
    if (s == P_OK) {
        length = read_all(fds[0], text, MAX_REPORT_BYTES);
        xrt_spawn_end(pid, length > 0 ? PROBE_MS : 0, NULL, 0);
        s = length > 0 ? xrt_report_read(report, text, length, err)
                       : p_err_set(err, P_EDEVICE, "%s --probe says nothing", program);
    }
    close(fds[0]);
    free(text);
    if (s == P_OK && report->general.count > 0) /* it calls itself by another name */
        snprintf(report->general.list[0].found, sizeof report->general.list[0].found, "%.190s",
                 program);
    return s;
}

/* What there is. A program that was named may be the emulated card's and is asked; otherwise this
 * process sees the same as zkp-card would. */
static void report_make(const drv_options *o, xrt_report *report)
{
    xrt_places places = {.program = o ? o->card_program : NULL,
                         .bitstreams = o ? o->bitstreams : NULL};
    const char *set = getenv("ZKP_CARD");
    char program[XRT_PATH_BYTES], installed[XRT_FOLDER_BYTES];
    p_err err = {P_OK, ""};

    if ((places.program || (set && set[0])) &&
        xrt_program_find(places.program, program, &err) == P_OK) {
        if (ask_program(program, xrt_manifest_folder(places.bitstreams, installed), report, &err) ==
            P_OK)
            return;
        memset(report, 0, sizeof *report);
        report->general.count = 1;
        xrt_finding *f = &report->general.list[0];
        snprintf(f->what, sizeof f->what, "program zkp-card");
        snprintf(f->where, sizeof f->where, "%.120s", program);
        snprintf(f->found, sizeof f->found, "%.180s", err.text);
        snprintf(f->fix, sizeof f->fix, "install one of this release");
        return;
    }
    xrt_discover(&places, report);
}

static size_t xrt_probe(const drv_options *options, drv_info *out, size_t max)
{
    xrt_report *report = calloc(1, sizeof *report);

    if (!report)
        return 0;
    report_make(options, report);
    size_t count = report->count > 0 ? report->count : 1; /* none: one entry says why */
    for (size_t i = 0; i < count && i < max; i++) {
        bool real = i < report->count && report->cards[i].mode == XRT_MODE_HW;
        out[i] = (drv_info){.usable = i < report->count && report->cards[i].usable,
                            .rank = real ? DRV_RANK_CARD : DRV_RANK_NAMED_ONLY,
                            .memory_bytes = UINT64_MAX,
                            .jobs = 1};
        snprintf(out[i].name, sizeof out[i].name, "xrt:%zu", i);
        xrt_report_text(report, i, out[i].about, sizeof out[i].about);
    }
    free(report);
    return count;
}

/* ---- opening ---- */

/* "", "0", "0/IMAGE" */
static p_status parse_unit(const char *unit, uint32_t *device, const char **image, p_err *err)
{
    size_t digits = strspn(unit, "0123456789");
    const char *rest = unit + digits;

    *device = digits > 0 && digits < 3 ? (uint32_t)strtoul(unit, NULL, 10) : 0;
    *image = rest[0] == '/' ? rest + 1 : NULL;
    if (digits > 2 || *device >= XRT_MAX_CARDS || (unit[0] != '\0' && digits == 0) ||
        (rest[0] != '\0' && rest[0] != '/') || (*image && (*image)[0] == '\0'))
        return p_err_set(err, P_ENOTFOUND,
                         "there is no device 'xrt:%.40s'; cards are xrt:0 to xrt:%d, one with an "
                         "image xrt:0/IMAGE",
                         unit, XRT_MAX_CARDS - 1);
    return P_OK;
}

static p_status open_named(const char *program, const drv_options *options, uint32_t device,
                           const char *image, void **out, p_err *err)
{
    char installed[XRT_FOLDER_BYTES];
    const char *bitstreams = xrt_manifest_folder(options ? options->bitstreams : NULL, installed);
    xrt_client_options o = {
        .program = program, .bitstreams = bitstreams, .image = image, .device = device};
    xrt_client *client;
    card_device *card;
    char name[DRV_NAME_BYTES];

    p_status s = xrt_client_open(&o, &client, err);
    if (s != P_OK)
        return s;
    snprintf(name, sizeof name, "xrt:%" PRIu32 "%s%.32s", device, image ? "/" : "",
             image ? image : "");
    s = card_device_open(&xrt_client_ops, client, name, xrt_client_about(client), options, &card,
                         err);
    *out = s == P_OK ? card : NULL;
    return s;
}

static p_status xrt_open(const char *unit, const drv_options *options, void **out, p_err *err)
{
    char program[XRT_PATH_BYTES];
    uint32_t device;
    const char *image;
    p_status s = parse_unit(unit, &device, &image, err);

    *out = NULL;
    if (s == P_OK)
        s = xrt_program_find(options ? options->card_program : NULL, program, err);
    if (s == P_OK)
        s = open_named(program, options, device, image, out, err);
    return s;
}

const drv_backend drv_backend_xrt = {
    .abi = DRV_BACKEND_ABI,
    .name = "xrt",
    .probe = xrt_probe,
    .open = xrt_open,
    .close = card_device_close,
    .info = card_device_info,
    .supports = card_device_supports,
    .estimate = card_device_estimate,
    .run = card_device_run,
    .object_free = card_device_object_free,
};
