#include "driver/xrt/discover.h"

#include "driver/xrt/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 640

/* Cut where it is too long: paths may be. */
static void say(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(char *out, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vsnprintf(out, size, format, args) < 0)
        out[0] = '\0';
    va_end(args);
}

/* ---- findings ---- */

static xrt_finding *add(xrt_findings *all, bool fine, const char *what)
{
    xrt_finding *f = &all->list[all->count < XRT_MAX_FINDINGS ? all->count++ : all->count - 1];

    memset(f, 0, sizeof *f);
    f->fine = fine;
    say(f->what, sizeof f->what, "%s", what);
    return f;
}

/* ---- files of the kernel ---- */

/* The first line of a file, without its end; empty if there is none. */
static void read_line(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;

    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
}

/* The last part of what a link names; empty if there is none. */
static void read_link_name(const char *path, char *out, size_t size)
{
    char target[PATH_BYTES];
    ssize_t n = readlink(path, target, sizeof target - 1);

    target[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(target, '/');
    say(out, size, "%s", slash ? slash + 1 : target);
}

/* The first entry of a folder, by name, that begins with prefix; empty if there is none. */
static void find_entry(const char *folder, const char *prefix, char *out, size_t size)
{
    DIR *d = opendir(folder);

    out[0] = '\0';
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 && strlen(e->d_name) < size &&
            (!out[0] || strcmp(e->d_name, out) < 0))
            memcpy(out, e->d_name, strlen(e->d_name) + 1);
    if (d)
        closedir(d);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- what all cards need ---- */

static void look_for_program(const xrt_places *p, xrt_findings *all)
{
    char path[XRT_PATH_BYTES];
    p_err err = {P_OK, ""};
    bool fine = xrt_program_find(p->program, path, &err) == P_OK;
    xrt_finding *f = add(all, fine, "program zkp-card");

    say(f->where, sizeof f->where, "%s",
        p->program ? "the configuration" : "ZKP_CARD, beside this program, the installed one");
    if (fine) {
        say(f->found, sizeof f->found, "%.180s", path);
    } else {
        say(f->found, sizeof f->found, "%.180s", err.text);
        say(f->fix, sizeof f->fix, "install it, or build it where libxrt-dev is installed");
    }
}

static void look_for_library(const xrt_places *p, xrt_findings *all)
{
    static const char *const folders[] = {"/opt/xilinx/xrt/lib",
                                          "/usr/lib/x86_64-linux-gnu",
                                          "/usr/lib/aarch64-linux-gnu",
                                          "/usr/lib64",
                                          "/usr/lib",
                                          "/usr/local/lib"};
    char path[PATH_BYTES], name[96] = "";
    size_t i = 0;

    for (; i < sizeof folders / sizeof folders[0] && !name[0]; i++) {
        say(path, sizeof path, "%s%s/libxrt_coreutil.so.2", p->root ? p->root : "", folders[i]);
        if (exists(path)) {
            read_link_name(path, name, sizeof name);
            if (!name[0])
                say(name, sizeof name, "libxrt_coreutil.so.2");
        }
    }
    xrt_finding *f = add(all, name[0] != '\0', "XRT library");
    if (name[0]) {
        say(f->where, sizeof f->where, "%s", folders[i - 1]);
        say(f->found, sizeof f->found, "%s", name);
    } else {
        say(f->where, sizeof f->where, "/opt/xilinx/xrt/lib, /usr/lib, /usr/lib64, /usr/local/lib");
        say(f->found, sizeof f->found, "no libxrt_coreutil.so.2");
        say(f->fix, sizeof f->fix, "apt install libxrt1, or the xrt package of the card's vendor");
    }
}

static void look_for_manifest(const char *folder, xrt_findings *all, xrt_manifest *m)
{
    p_err err = {P_OK, ""};
    p_status s = xrt_manifest_load(m, folder, &err);
    bool fits = m->kernel_abi == HLS_KERNEL_ABI;
    xrt_finding *f = add(all, s == P_OK && fits && m->count > 0, "manifest of images");

    say(f->where, sizeof f->where, "%.100s/%s", folder, XRT_MANIFEST_NAME);
    if (s != P_OK)
        say(f->found, sizeof f->found, "%.190s", err.text);
    else if (!fits)
        say(f->found, sizeof f->found, "kernel ABI %u, this program has %d", m->kernel_abi,
            HLS_KERNEL_ABI);
    else
        say(f->found, sizeof f->found, "%zu images", m->count);
    if (!f->fine)
        say(f->fix, sizeof f->fix,
            "install images of this release, and name their folder in ZKP_BITSTREAMS");
}

/* ---- one card ---- */

static void look_for_driver(const xrt_places *p, xrt_card *card, const char *function)
{
    char path[PATH_BYTES], driver[64];

    say(path, sizeof path, "%s/driver", function);
    read_link_name(path, driver, sizeof driver);
    bool fine = strcmp(driver, "xocl") == 0;
    xrt_finding *f = add(&card->findings, fine, "kernel driver");
    say(f->where, sizeof f->where, "%.120s", path);
    if (driver[0])
        say(f->found, sizeof f->found, "%s", driver);
    else
        say(f->found, sizeof f->found, "none");
    if (fine)
        return;
    say(path, sizeof path, "%s/module/xocl", p->sysfs);
    if (!exists(path)) {
        size_t n = strlen(f->found);
        say(f->found + n, sizeof f->found - n, ", and module xocl is not loaded");
        say(f->fix, sizeof f->fix, "modprobe xocl (of the xrt-dkms or xrt package)");
    } else {
        say(f->fix, sizeof f->fix,
            "echo %s > /sys/bus/pci/drivers/xocl/bind; see dmesg | grep xocl", card->address);
    }
}

static void look_for_shell(xrt_card *card, const char *function)
{
    char path[PATH_BYTES], rom[64], ready[16];

    find_entry(function, "rom", rom, sizeof rom);
    say(path, sizeof path, "%s/%s/VBNV", function, rom[0] ? rom : "rom");
    read_line(path, card->platform, sizeof card->platform);
    xrt_finding *f = add(&card->findings, card->platform[0] != '\0', "shell");
    say(f->where, sizeof f->where, "%.120s", path);
    say(f->found, sizeof f->found, "%s", card->platform[0] ? card->platform : "nothing");
    if (!f->fine)
        say(f->fix, sizeof f->fix, "xbmgmt program --base --device %.*s0, then a cold reboot",
            (int)strlen(card->address) - 1, card->address);
    say(path, sizeof path, "%s/ready", function);
    read_line(path, ready, sizeof ready);
    bool is_ready = strtoul(ready, NULL, 0) == 1;
    f = add(&card->findings, is_ready, "card ready");
    say(f->where, sizeof f->where, "%.120s", path);
    say(f->found, sizeof f->found, "%s", ready[0] ? ready : "nothing");
    if (!is_ready)
        say(f->fix, sizeof f->fix, "xbutil reset --device %s", card->address);
    say(path, sizeof path, "%s/xclbinuuid", function);
    read_line(path, card->uuid, sizeof card->uuid);
}

static bool may_use(const char *path, const struct stat *st, const xrt_identity *who)
{
    if (!who)
        return access(path, R_OK | W_OK) == 0;
    unsigned bits = st->st_mode & 7;
    for (size_t i = 0; i < who->gid_count; i++)
        if (who->gids[i] == st->st_gid)
            bits = st->st_mode >> 3 & 7;
    if (who->uid == st->st_uid)
        bits = st->st_mode >> 6 & 7;
    return who->uid == 0 || (bits & 6) == 6;
}

static void look_for_node(const xrt_places *p, xrt_card *card, const char *function)
{
    char path[PATH_BYTES], node[64], group[64];
    struct stat st;

    say(path, sizeof path, "%s/drm", function);
    find_entry(path, "renderD", node, sizeof node);
    if (!node[0]) {
        xrt_finding *f = add(&card->findings, false, "render node");
        say(f->where, sizeof f->where, "%.120s", path);
        say(f->found, sizeof f->found, "none");
        say(f->fix, sizeof f->fix, "xbutil examine --device %s; see dmesg | grep xocl",
            card->address);
        return;
    }
    say(path, sizeof path, "%s/dri/%s", p->dev, node);
    bool there = stat(path, &st) == 0;
    xrt_finding *f =
        add(&card->findings, there && may_use(path, &st, p->identity), "permission for the node");
    say(f->where, sizeof f->where, "%.120s", path);
    if (!there) {
        say(f->found, sizeof f->found, "no such device file");
        say(f->fix, sizeof f->fix, "udevadm trigger; in a container: pass %s on", path);
        return;
    }
    /* not getgrgid: a list of groups of the network may be slow */
    say(group, sizeof group, "%u", (unsigned)st.st_gid);
    struct group entry, *known = NULL;
    char room[1024];
    if (getgrgid_r(st.st_gid, &entry, room, sizeof room, &known) == 0 && known)
        say(group, sizeof group, "%.60s", entry.gr_name);
    say(f->found, sizeof f->found, "mode %04o, group %s%s", (unsigned)st.st_mode & 07777, group,
        f->fine ? "" : ", not for this user");
    if (!f->fine)
        say(f->fix, sizeof f->fix,
            "usermod -a -G %s USER, then log in anew (or restart the service)", group);
}

static void look_for_image(const xrt_manifest *m, xrt_card *card)
{
    const xrt_image *image;
    p_err err = {P_OK, ""};
    char path[PATH_BYTES] = "";
    bool fits = xrt_manifest_fit(m, card->platform, card->mode, &image, &err) == P_OK;

    if (fits)
        say(path, sizeof path, "%s/%s", m->folder, image->file);
    bool there = fits && access(path, R_OK) == 0;
    xrt_finding *f = add(&card->findings, there, "image for the shell");
    say(f->where, sizeof f->where, "%.120s", fits ? path : m->folder);
    if (fits && !there) {
        say(f->found, sizeof f->found, "%s", strerror(errno));
        say(f->fix, sizeof f->fix, "install the images of this release");
    } else if (!fits) {
        say(f->found, sizeof f->found, "%.190s", err.text);
        say(f->fix, sizeof f->fix, "build one for %.60s, or flash a shell that there is one for",
            card->platform[0] ? card->platform : "the shell");
    } else {
        say(f->found, sizeof f->found, "%s%s", image->name,
            strcmp(image->uuid, card->uuid) == 0 ? ", loaded already" : "");
        say(card->image, sizeof card->image, "%s", image->name);
    }
}

static void judge(xrt_card *card)
{
    card->usable = true;
    for (size_t i = 0; i < card->findings.count; i++)
        card->usable = card->usable && card->findings.list[i].fine;
}

/* ---- all cards ---- */

typedef struct functions {
    char names[4 * XRT_MAX_CARDS][24];
    size_t count;
} functions;

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void list_functions(const char *folder, functions *out)
{
    DIR *d = opendir(folder);
    char path[PATH_BYTES], vendor[16];

    out->count = 0;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || strlen(e->d_name) >= sizeof out->names[0])
            continue;
        say(path, sizeof path, "%s/%s/vendor", folder, e->d_name);
        read_line(path, vendor, sizeof vendor);
        if (strcmp(vendor, "0x10ee") == 0 && out->count < sizeof out->names / sizeof out->names[0])
            memcpy(out->names[out->count++], e->d_name, strlen(e->d_name) + 1);
    }
    if (d)
        closedir(d);
    qsort(out->names, out->count, sizeof out->names[0], by_name);
}

/* Functions of one card differ behind the dot. The user's is the one with xocl, else the last. */
static void pick_user_function(const char *folder, const functions *all, size_t first, size_t last,
                               char out[32])
{
    char path[PATH_BYTES], driver[64];

    say(out, 32, "%s", all->names[last]);
    for (size_t i = first; i <= last; i++) {
        say(path, sizeof path, "%s/%s/driver", folder, all->names[i]);
        read_link_name(path, driver, sizeof driver);
        if (strcmp(driver, "xocl") == 0)
            say(out, 32, "%s", all->names[i]);
    }
}

static void look_for_cards(const xrt_places *p, const xrt_manifest *m, xrt_report *r)
{
    char folder[PATH_BYTES], function[PATH_BYTES + 40];
    functions all;

    say(folder, sizeof folder, "%s/bus/pci/devices", p->sysfs);
    list_functions(folder, &all);
    for (size_t i = 0, last; i < all.count && r->count < XRT_MAX_CARDS; i = last + 1) {
        size_t stem = strcspn(all.names[i], ".");
        xrt_card *card = &r->cards[r->count++];

        last = i;
        while (last + 1 < all.count && strncmp(all.names[last + 1], all.names[i], stem + 1) == 0)
            last++;
        card->mode = XRT_MODE_HW;
        pick_user_function(folder, &all, i, last, card->address);
        say(function, sizeof function, "%s/%s", folder, card->address);
        look_for_driver(p, card, function);
        look_for_shell(card, function);
        look_for_node(p, card, function);
        look_for_image(m, card);
        judge(card);
    }
    xrt_finding *f = add(&r->general, r->count > 0, "cards");
    say(f->where, sizeof f->where, "%.100s (vendor 0x10ee)", folder);
    say(f->found, sizeof f->found, "%zu", r->count);
    if (!f->fine)
        say(f->fix, sizeof f->fix,
            "plug a card in, or pass it on to this machine or container; lspci -d 10ee:");
}

/* ---- emulation ---- */

static json_t *first_of(json_t *object, const char *key)
{
    return json_array_get(json_object_get(object, key), 0);
}

static void look_for_emulated(const xrt_places *p, const char *mode, const xrt_manifest *m,
                              xrt_report *r)
{
    char path[PATH_BYTES];
    const char *folder = p->emconfig ? p->emconfig : getenv("EMCONFIG_PATH");
    xrt_card *card = &r->cards[r->count++];

    say(path, sizeof path, "%s/emconfig.json", folder ? folder : ".");
    json_t *root = json_load_file(path, 0, NULL);
    json_t *board = first_of(json_object_get(root, "Platform"), "Boards");
    const char *name = json_string_value(json_object_get(first_of(board, "Devices"), "Name"));

    say(card->address, sizeof card->address, "emulated");
    say(card->platform, sizeof card->platform, "%s", name ? name : "");
    card->mode = XRT_MODE_OTHER;
    for (unsigned i = XRT_MODE_HW_EMU; i < XRT_MODE_OTHER; i++)
        if (strcmp(mode, xrt_mode_name((xrt_mode)i)) == 0)
            card->mode = (xrt_mode)i;
    xrt_finding *f = add(&card->findings, name && card->mode != XRT_MODE_OTHER, "emulated card");
    say(f->where, sizeof f->where, "XCL_EMULATION_MODE, %.90s", path);
    say(f->found, sizeof f->found, "mode %.20s, platform %s", mode,
        name ? card->platform : "not named");
    if (!f->fine)
        say(f->fix, sizeof f->fix,
            "set EMCONFIG_PATH to the folder of an emconfig.json, the mode to sw_emu");
    json_decref(root);
    look_for_image(m, card);
    judge(card);
}

void xrt_discover(const xrt_places *given, xrt_report *report)
{
    xrt_places p = given ? *given : (xrt_places){0};
    const char *mode = p.emulation ? p.emulation : getenv("XCL_EMULATION_MODE");
    char installed[XRT_FOLDER_BYTES];
    xrt_manifest *m = calloc(1, sizeof *m);

    memset(report, 0, sizeof *report);
    if (!m) {
        add(&report->general, false, "memory");
        return;
    }
    p.sysfs = p.sysfs ? p.sysfs : "/sys";
    p.dev = p.dev ? p.dev : "/dev";
    look_for_program(&p, &report->general);
    look_for_library(&p, &report->general);
    look_for_manifest(xrt_manifest_folder(p.bitstreams, installed), &report->general, m);
    if (mode && mode[0])
        look_for_emulated(&p, mode, m, report);
    else
        look_for_cards(&p, m, report);
    free(m);
    report->usable = true;
    for (size_t i = 0; i < report->general.count; i++)
        report->usable = report->usable && report->general.list[i].fine;
    for (size_t i = 0; i < report->count; i++)
        report->cards[i].usable = report->cards[i].usable && report->usable;
}

/* ---- as text ---- */

static void append(char *out, size_t size, const char *text)
{
    size_t n = strlen(out);

    say(out + n, size - n, "%s", text);
}

static void append_findings(const xrt_findings *all, bool fine, char *out, size_t size)
{
    char text[sizeof(xrt_finding) + 32];

    for (size_t i = 0; i < all->count; i++) {
        const xrt_finding *f = &all->list[i];
        if (f->fine != fine)
            continue;
        if (fine)
            say(text, sizeof text, "%s: %s", f->what, f->found);
        else
            say(text, sizeof text, "%s: looked for in %s, found %s; mend: %s", f->what, f->where,
                f->found, f->fix);
        append(out, size, out[0] ? "; " : "");
        append(out, size, text);
    }
}

void xrt_report_text(const xrt_report *report, size_t card, char *out, size_t size)
{
    const xrt_card *c = card < report->count ? &report->cards[card] : NULL;

    out[0] = '\0';
    if (c && c->usable)
        say(out, size, "%s%s", c->mode == XRT_MODE_HW ? "FPGA card at " : "card, ", c->address);
    if (!c) /* without a card the rest does not matter yet */
        for (size_t i = 0; i < report->general.count; i++)
            if (strcmp(report->general.list[i].what, "cards") == 0) {
                xrt_findings only = {1, {report->general.list[i]}};
                append_findings(&only, false, out, size);
            }
    if (c)
        append_findings(&c->findings, false, out, size);
    if (c || !out[0])
        append_findings(&report->general, false, out, size);
    if (!c) {
        xrt_findings rest = {0};
        for (size_t i = 0; i < report->general.count; i++)
            if (strcmp(report->general.list[i].what, "cards") != 0)
                rest.list[rest.count++] = report->general.list[i];
        append_findings(&rest, false, out, size);
    }
    if (c)
        append_findings(&c->findings, true, out, size);
    append_findings(&report->general, true, out, size);
}
