/* card-pack: writes images of the emulated card, and manifests.
 *
 *   card-pack image --out FILE --entry FILE --kernels SHARED_OBJECT --name NAME --mode MODE
 *             [--platform VBNV] [--channels-log2 K] [--channel-mib M] [--clock-mhz C]
 *             [--extra KERNEL:ARG,...] [--break uuid|hash|platform|length] KERNEL=UNITS...
 *       an image of MODE sw_emu or hw_emu, and its manifest entry. --extra adds a unit of a kernel
 *       that kernel_abi.h does not have; each ARG is R, W or D (rows, 32 bits, 64 bits), an equals
 *       sign and a name. --break spoils what the entry says, or the file, for the tests of whoever
 *       has to refuse it.
 *   card-pack entry --file XCLBIN --entry FILE --name NAME [--channels-log2 K] [--channel-mib M]
 *             [--clock-mhz C] KERNEL=UNITS...
 *       the entry of an image that v++ made
 *   card-pack manifest --out FILE ENTRY...
 *   card-pack emconfig --out FILE [--platform VBNV] [--channel-mib M]
 *       what XRT's emulation reads as the card's description
 *
 * Exit code 0, 1 with the reason on standard error, 2 for usage. */
#include "driver/cardmodel/image.h"

#include "driver/cardmodel/metadata.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum breakage {
    BREAK_NOTHING,
    BREAK_UUID,
    BREAK_HASH,
    BREAK_PLATFORM,
    BREAK_LENGTH
} breakage;

typedef struct arguments {
    const char *command, *out, *entry, *kernels, *file;
    image_spec spec;
    image_kernel extra;
    image_arg extra_args[METADATA_MAX_ARGS];
    breakage broken;
    char **rest;
    int rest_count;
} arguments;

static int usage(const char *what, const char *value)
{
    fprintf(
        stderr,
        "card-pack: %s%s%s\nusage: card-pack image|entry|manifest|emconfig OPTIONS (the head of "
        "driver/cardmodel/pack.c lists them)\n",
        what, value ? " " : "", value ? value : "");
    return 2;
}

static int failed(const char *file, const char *why)
{
    fprintf(stderr, "card-pack: %s: %s\n", file, why);
    return 1;
}

/* ---- files ---- */

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long length;

    *size = 0;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0 &&
        fseek(file, 0, SEEK_SET) == 0 && (bytes = malloc((size_t)length)) != NULL) {
        *size = (size_t)length;
        if (fread(bytes, 1, *size, file) != *size) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}

static int write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(bytes, 1, size, file) == size;

    if (file && fclose(file))
        good = false;
    return good ? 0 : failed(path, strerror(errno));
}

/* ---- the manifest ---- */

static void print_hex(FILE *to, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(to, "%02x", bytes[i]);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Names and platforms are of letters that JSON takes as they are: see plain(). */
static int write_entry(const char *path, const char *file, const image_spec *spec,
                       const image_about *about)
{
    const uint8_t *u = about->uuid;
    FILE *to = fopen(path, "w");
    const char *comma = "";
    bool bad;

    if (!to)
        return failed(path, strerror(errno));
    fprintf(to, "{\"name\": \"%s\", \"file\": \"%s\",\n     \"sha256\": \"", spec->name,
            base_name(file));
    print_hex(to, about->sha256, sizeof about->sha256);
    fputs("\",\n     \"uuid\": \"", to);
    for (int i = 0; i < IMAGE_UUID_BYTES; i++)
        fprintf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
    fprintf(to,
            "\", \"platform\": \"%s\", \"mode\": \"%s\",\n     \"channels_log2\": %u, "
            "\"channel_mib\": %u, \"clock_mhz\": %u,\n     \"kernels\": {",
            about->platform, image_mode_name(about->mode), spec->channels_log2, spec->channel_mib,
            spec->clock_mhz);
    for (uint32_t k = 0; k < IMAGE_KERNELS; k++) {
        if (spec->units[k]) {
            fprintf(to, "%s\"%s\": %u", comma, image_kernel_get(k)->name, spec->units[k]);
            comma = ", ";
        }
    }
    if (spec->extra)
        fprintf(to, "%s\"%s\": 1", comma, spec->extra->name);
    fputs("}}", to);
    bad = ferror(to);
    return fclose(to) || bad ? failed(path, "cannot be written") : 0;
}

static int pack_manifest(const arguments *args)
{
    FILE *to = fopen(args->out, "w");
    bool bad = false;

    if (!to)
        return failed(args->out, strerror(errno));
    fprintf(to, "{\n  \"version\": 1,\n  \"kernel_abi\": %d,\n  \"images\": [", HLS_KERNEL_ABI);
    for (int i = 0; i < args->rest_count; i++) {
        size_t size;
        uint8_t *entry = read_file(args->rest[i], &size);

        if (!entry) {
            fclose(to);
            return failed(args->rest[i], "cannot be read");
        }
        fputs(i ? ",\n    " : "\n    ", to);
        bad |= fwrite(entry, 1, size, to) != size;
        free(entry);
    }
    fputs("\n  ]\n}\n", to);
    bad |= ferror(to) != 0;
    return fclose(to) || bad ? failed(args->out, "cannot be written") : 0;
}

static int pack_entry(const arguments *args)
{
    size_t size;
    uint8_t *bytes = read_file(args->file, &size);
    image_about about;
    p_err err = {0};
    int code = 1;

    if (!bytes)
        return failed(args->file, "cannot be read");
    if (image_read(bytes, size, &about, &err) != P_OK)
        failed(args->file, err.text);
    else
        code = write_entry(args->entry, args->file, &args->spec, &about);
    free(bytes);
    return code;
}

/* ---- images ---- */

static int pack_image(const arguments *args)
{
    static const char OTHER[] = "xilinx_u250_gen3x16_xdma_4_1_202210_1";
    image_spec spec = args->spec;
    size_t kernels_size, size = 0;
    uint8_t *kernels = read_file(args->kernels, &kernels_size), *bytes = NULL;
    image_about about;
    p_err err = {0};
    int code = 1;

    if (!kernels)
        return failed(args->kernels, "cannot be read");
    if (args->broken == BREAK_PLATFORM)
        spec.platform = OTHER;
    if (image_make(&spec, kernels, kernels_size, &bytes, &size, &err) != P_OK ||
        image_read(bytes, size, &about, &err) != P_OK) {
        failed(args->out, err.text);
        goto out;
    }
    if (args->broken == BREAK_LENGTH) {
        size -= size / 3;
        sha256_bytes(about.sha256, bytes, size);
    }
    if (args->broken == BREAK_UUID)
        about.uuid[IMAGE_UUID_BYTES - 1] ^= 1;
    if (args->broken == BREAK_HASH)
        about.sha256[0] ^= 1;
    if (args->broken == BREAK_PLATFORM)
        strcpy(about.platform, args->spec.platform); /* check() of image.c: it fits */
    code = write_file(args->out, bytes, size);
    if (code == 0)
        code = write_entry(args->entry, args->out, &args->spec, &about);
out:
    free(bytes);
    free(kernels);
    return code;
}

static int pack_emconfig(const arguments *args)
{
    FILE *to = fopen(args->out, "w");
    bool bad;

    if (!to)
        return failed(args->out, strerror(errno));
    fprintf(to,
            "{ \"Version\": { \"FileVersion\": \"2.0\", \"ToolVersion\": \"2022.1\" },\n"
            "  \"Platform\": { \"UnifiedPlatform\": \"true\", \"ExpandedPR\": \"true\",\n"
            "    \"Boards\": [ { \"NumBoards\": \"1\", \"Devices\": [\n"
            "      { \"Name\": \"%s\", \"HalMajorVersion\": \"2\", \"HalMinorVersion\": \"0\",\n"
            "        \"DdrBanks\": [",
            args->spec.platform);
    for (int i = 0; i < IMAGE_CHANNELS; i++)
        fprintf(to, "%s { \"Size\": \"%uMB\" }", i ? "," : "", args->spec.channel_mib);
    fputs(" ],\n        \"OclFreqency\": \"300\", \"NumDevices\": \"1\" } ] } ] } }\n", to);
    bad = ferror(to);
    return fclose(to) || bad ? failed(args->out, "cannot be written") : 0;
}

/* ---- arguments ---- */

static bool number(const char *text, uint32_t max, uint32_t *out)
{
    unsigned long value;
    char *end;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9' || value > max)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* what stands in XML and JSON without an escape */
static bool plain(const char *text, size_t max)
{
    return text[0] && strlen(text) <= max &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-") ==
               strlen(text);
}

static bool units(const char *text, image_spec *spec)
{
    const char *equals = strchr(text, '=');

    for (uint32_t k = 0; equals && k < IMAGE_KERNELS; k++) {
        const char *name = image_kernel_get(k)->name;

        if (strlen(name) == (size_t)(equals - text) && !strncmp(name, text, strlen(name)))
            return number(equals + 1, IMAGE_MAX_UNITS, &spec->units[k]) && spec->units[k] > 0;
    }
    return false;
}

/* KERNEL:R=a,W=count; cuts text, which is one of main's arguments */
static bool extra(char *text, arguments *args)
{
    char *list = strchr(text, ':'), *next;
    uint32_t count = 0;

    if (!list)
        return false;
    *list++ = 0;
    for (char *arg = list; arg; arg = next) {
        next = strchr(arg, ',');
        if (next)
            *next++ = 0;
        if (count == METADATA_MAX_ARGS || !strchr("RWD", arg[0]) || !arg[0] || arg[1] != '=' ||
            !plain(arg + 2, 32))
            return false;
        args->extra_args[count++] = (image_arg){arg + 2, arg[0]};
    }
    args->extra = (image_kernel){text, args->extra_args, count};
    args->spec.extra = &args->extra;
    return plain(text, 32);
}

static bool mode(const char *text, image_mode *out)
{
    for (image_mode m = IMAGE_HW_EMU; m <= IMAGE_SW_EMU; m++) {
        if (!strcmp(text, image_mode_name(m))) {
            *out = m;
            return true;
        }
    }
    return false;
}

static bool breakages(const char *text, breakage *out)
{
    static const char *const NAMES[] = {"", "uuid", "hash", "platform", "length"};

    for (breakage b = BREAK_UUID; b <= BREAK_LENGTH; b++) {
        if (!strcmp(text, NAMES[b])) {
            *out = b;
            return true;
        }
    }
    return false;
}

static bool take_option(int option, char *value, arguments *args)
{
    switch (option) {
    case 'o':
        args->out = value;
        return true;
    case 'e':
        args->entry = value;
        return true;
    case 'k':
        args->kernels = value;
        return true;
    case 'f':
        args->file = value;
        return true;
    case 'n':
        args->spec.name = value;
        return plain(value, 32);
    case 'p':
        args->spec.platform = value;
        return plain(value, 63);
    case 'm':
        return mode(value, &args->spec.mode);
    case 'c':
        return number(value, HLS_MAX_CHANNELS_LOG2, &args->spec.channels_log2);
    case 'M':
        return number(value, 65536, &args->spec.channel_mib) && args->spec.channel_mib > 0;
    case 'C':
        return number(value, 1000, &args->spec.clock_mhz);
    case 'x':
        return extra(value, args);
    case 'b':
        return breakages(value, &args->broken);
    default:
        return false;
    }
}

static const struct option OPTIONS[] = {
    {"out", required_argument, NULL, 'o'},
    {"entry", required_argument, NULL, 'e'},
    {"kernels", required_argument, NULL, 'k'},
    {"file", required_argument, NULL, 'f'},
    {"name", required_argument, NULL, 'n'},
    {"platform", required_argument, NULL, 'p'},
    {"mode", required_argument, NULL, 'm'},
    {"channels-log2", required_argument, NULL, 'c'},
    {"channel-mib", required_argument, NULL, 'M'},
    {"clock-mhz", required_argument, NULL, 'C'},
    {"break", required_argument, NULL, 'b'},
    {"extra", required_argument, NULL, 'x'},
    {NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
    arguments args = {.spec = {.platform = IMAGE_PLATFORM,
                               .mode = IMAGE_HW,
                               .channels_log2 = HLS_MAX_CHANNELS_LOG2,
                               .channel_mib = 512}};
    bool image, entry;
    int option;

    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (!take_option(option, optarg, &args))
            return usage("not a valid option or value:", optarg ? optarg : argv[optind - 1]);
    }
    if (optind == argc)
        return usage("no command", NULL);
    args.command = argv[optind++];
    args.rest = argv + optind;
    args.rest_count = argc - optind;
    image = !strcmp(args.command, "image");
    entry = !strcmp(args.command, "entry");
    for (int i = 0; (image || entry) && i < args.rest_count; i++) {
        if (!units(args.rest[i], &args.spec))
            return usage("not KERNEL=UNITS:", args.rest[i]);
    }
    if (image && args.out && args.entry && args.kernels && args.spec.name &&
        args.spec.mode != IMAGE_HW && (args.rest_count || args.spec.extra))
        return pack_image(&args);
    if (entry && args.entry && args.file && args.spec.name && args.rest_count)
        return pack_entry(&args);
    if (!strcmp(args.command, "manifest") && args.out)
        return pack_manifest(&args);
    if (!strcmp(args.command, "emconfig") && args.out && args.rest_count == 0)
        return pack_emconfig(&args);
    return usage("an option is missing, or there is no such command:", args.command);
}
