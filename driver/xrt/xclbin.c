#define _GNU_SOURCE /* memmem */
#include "driver/xrt/xclbin.h"

#include "driver/base/hex.h"
#include "driver/xrt/kernel_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* offsets of struct axlf, axlf_header and axlf_section_header */
#define AT_LENGTH 304
#define AT_MODE 332
#define AT_PLATFORM 352
#define AT_UUID 416
#define AT_SECTIONS_COUNT 448
#define AT_SECTIONS 456
#define SECTION_BYTES 40
#define MAX_SECTIONS 1024

enum { EMBEDDED_METADATA = 2, MEM_TOPOLOGY = 6, CONNECTIVITY = 7, IP_LAYOUT = 8 };

/* struct ip_data, connection, mem_data; each behind a count of four bytes */
#define IP_BYTES 80
#define IP_FIRST 8
#define IP_NAME 16
#define IP_NAME_BYTES 64
#define IP_KERNEL 1
#define CONNECTION_BYTES 12
#define CONNECTION_FIRST 4
#define MEM_BYTES 40
#define MEM_FIRST 8

static uint64_t word(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | at[i];
    return v;
}

const char *xrt_mode_name(xrt_mode mode)
{
    static const char *const names[] = {"hw", "hw_emu", "sw_emu", "another"};

    return names[mode <= XRT_MODE_OTHER ? mode : XRT_MODE_OTHER];
}

void xrt_uuid_text(char out[XRT_UUID_TEXT_BYTES], const uint8_t uuid[XRT_UUID_BYTES])
{
    char digits[2 * XRT_UUID_BYTES];

    p_hex_encode(digits, uuid, XRT_UUID_BYTES);
    snprintf(out, XRT_UUID_TEXT_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
             digits + 16, digits + 20);
}

static p_status read_section(xrt_xclbin *out, const uint8_t *bytes, size_t size,
                             const uint8_t *header, p_err *err)
{
    uint64_t kind = word(header, 4), at = word(header + 24, 8), length = word(header + 32, 8);
    xrt_span *span = NULL;

    if (at > size || length > size - at)
        return p_err_set(err, P_ECORRUPT,
                         "section %" PRIu64 " lies at %" PRIu64 " with %" PRIu64
                         " bytes, the file has %zu: it is cut or damaged, copy it again",
                         kind, at, length, size);
    switch (kind) {
    case EMBEDDED_METADATA:
        span = &out->metadata;
        break;
    case MEM_TOPOLOGY:
        span = &out->mem_topology;
        break;
    case CONNECTIVITY:
        span = &out->connectivity;
        break;
    case IP_LAYOUT:
        span = &out->ip_layout;
        break;
    default:
        return P_OK;
    }
    if (span->bytes)
        return p_err_set(err, P_ECORRUPT, "section %" PRIu64 " is there twice", kind);
    *span = (xrt_span){bytes + at, (size_t)length};
    return P_OK;
}

/* a table of records behind a count */
static p_status check_table(const xrt_span *span, size_t first, size_t record, const char *what,
                            p_err *err)
{
    uint64_t count = span->bytes && span->size >= 4 ? word(span->bytes, 4) : 0;

    if (!span->bytes)
        return p_err_set(err, P_ECORRUPT, "there is no section %s", what);
    if (span->size < 4 ||
        (count > 0 && (span->size < first || count > (span->size - first) / record)))
        return p_err_set(err, P_ECORRUPT,
                         "section %s has %zu bytes and says that it has %" PRIu64 " entries", what,
                         span->size, count);
    return P_OK;
}

p_status xrt_xclbin_read(xrt_xclbin *out, const uint8_t *bytes, size_t size, p_err *err)
{
    p_status s = P_OK;

    memset(out, 0, sizeof *out);
    if (size < AT_SECTIONS || memcmp(bytes, "xclbin2", 8) != 0)
        return p_err_set(err, P_ECORRUPT, "this is no xclbin file (expected the mark 'xclbin2')");
    uint64_t length = word(bytes + AT_LENGTH, 8), sections = word(bytes + AT_SECTIONS_COUNT, 4);
    if (length > size || length < AT_SECTIONS)
        return p_err_set(err, P_ECORRUPT,
                         "its header says %" PRIu64 " bytes, the file has %zu: it is cut or "
                         "damaged, copy it again",
                         length, size);
    if (sections > MAX_SECTIONS || sections > (size - AT_SECTIONS) / SECTION_BYTES)
        return p_err_set(err, P_ECORRUPT, "its header says %" PRIu64 " sections", sections);
    memcpy(out->uuid, bytes + AT_UUID, XRT_UUID_BYTES);
    memcpy(out->platform, bytes + AT_PLATFORM, XRT_PLATFORM_BYTES - 1);
    for (char *c = out->platform; *c != '\0'; c++)
        if (*c < 0x21 || *c > 0x7e)
            return p_err_set(err, P_ECORRUPT, "its platform is not a name");
    switch (word(bytes + AT_MODE, 2)) {
    case 0:
    case 1:
        out->mode = XRT_MODE_HW;
        break;
    case 4:
        out->mode = XRT_MODE_HW_EMU;
        break;
    case 5:
        out->mode = XRT_MODE_SW_EMU;
        break;
    default:
        out->mode = XRT_MODE_OTHER;
    }
    for (uint64_t i = 0; i < sections && s == P_OK; i++)
        s = read_section(out, bytes, size, bytes + AT_SECTIONS + i * SECTION_BYTES, err);
    return s;
}

/* ---- compute units ---- */

/* The unit's name is "KERNEL:INSTANCE". */
static bool is_unit(const uint8_t *ip, const char *kernel)
{
    const char *name = (const char *)ip + IP_NAME;
    size_t length = strnlen(name, IP_NAME_BYTES);
    const char *colon = memchr(name, ':', length);

    return word(ip, 4) == IP_KERNEL && colon && (size_t)(colon - name) == strlen(kernel) &&
           memcmp(name, kernel, strlen(kernel)) == 0;
}

static uint64_t ip_count(const xrt_xclbin *x)
{
    return check_table(&x->ip_layout, IP_FIRST, IP_BYTES, "IP_LAYOUT", NULL) == P_OK
               ? word(x->ip_layout.bytes, 4)
               : 0;
}

static const uint8_t *ip_at(const xrt_xclbin *x, uint64_t i)
{
    return x->ip_layout.bytes + IP_FIRST + i * IP_BYTES;
}

uint32_t xrt_xclbin_units(const xrt_xclbin *x, card_kernel kernel)
{
    uint32_t units = 0;

    for (uint64_t i = 0; i < ip_count(x); i++)
        units += is_unit(ip_at(x, i), xrt_kernel_get(kernel)->name);
    return units;
}

/* The place of NAME_number in the IP layout, or the count. */
static uint64_t find_unit(const xrt_xclbin *x, const char *kernel, uint32_t number)
{
    uint64_t i = 0, count = ip_count(x);
    char name[IP_NAME_BYTES];

    snprintf(name, sizeof name, "%s:%s_%" PRIu32, kernel, kernel, number);
    while (i < count && strncmp((const char *)ip_at(x, i) + IP_NAME, name, IP_NAME_BYTES) != 0)
        i++;
    return i;
}

/* ---- arguments, from the XML of EMBEDDED_METADATA ---- */

typedef struct text {
    const char *at, *end;
} text;

/* Where needle begins, or NULL. */
static const char *find(text t, const char *needle)
{
    return t.at < t.end ? memmem(t.at, (size_t)(t.end - t.at), needle, strlen(needle)) : NULL;
}

/* The value of an attribute of the tag t; empty if absent or longer than its place. */
static void attribute(text t, const char *name, char *out, size_t size)
{
    char pattern[40];
    const char *at, *end;

    snprintf(pattern, sizeof pattern, " %s=\"", name);
    out[0] = '\0';
    at = find(t, pattern);
    if (!at)
        return;
    at += strlen(pattern);
    end = memchr(at, '"', (size_t)(t.end - at));
    if (end && (size_t)(end - at) < size) {
        memcpy(out, at, (size_t)(end - at));
        out[end - at] = '\0';
    }
}

/* The text between <kernel name="NAME" and </kernel>. */
static bool find_kernel(text xml, const char *name, text *out)
{
    char pattern[64];

    snprintf(pattern, sizeof pattern, "<kernel name=\"%s\"", name);
    out->at = find(xml, pattern);
    if (!out->at)
        return false;
    out->end = find((text){out->at, xml.end}, "</kernel>");
    return out->end != NULL;
}

/* The next <arg ...> tag that has a number (streams and printf's buffer have none). */
static bool next_argument(text *kernel, text *tag, uint64_t *id)
{
    char number[24];

    while ((tag->at = find(*kernel, "<arg ")) != NULL) {
        tag->end = memchr(tag->at, '>', (size_t)(kernel->end - tag->at));
        if (!tag->end)
            return false;
        kernel->at = tag->end;
        attribute(*tag, "id", number, sizeof number);
        if (number[0] != '\0') {
            *id = strtoull(number, NULL, 0);
            return true;
        }
    }
    return false;
}

static p_status check_argument(const xrt_kernel *kernel, text tag, uint32_t parameter,
                               uint32_t channels_log2, p_err *err)
{
    char name[64], expected[64], value[24];
    uint32_t channel;
    const xrt_argument *argument =
        &kernel->arguments[xrt_kernel_argument(kernel, parameter, channels_log2, &channel)];
    bool rows = argument->kind == 'R';
    const struct {
        const char *what;
        uint64_t expected;
    } numbers[] = {
        {"offset", xrt_kernel_register(kernel, parameter, channels_log2)},
        {"size", argument->kind == 'W' ? 4 : 8},
        {"addressQualifier", rows},
    };

    if (rows)
        snprintf(expected, sizeof expected, "%s_%" PRIu32, argument->name, channel);
    else
        snprintf(expected, sizeof expected, "%s", argument->name);
    attribute(tag, "name", name, sizeof name);
    if (strcmp(name, expected) != 0)
        return p_err_set(err, P_ECORRUPT,
                         "argument %" PRIu32 " of kernel %s is '%s', expected '%s'", parameter,
                         kernel->name, name, expected);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        attribute(tag, numbers[i].what, value, sizeof value);
        if (value[0] == '\0' || strtoull(value, NULL, 0) != numbers[i].expected)
            return p_err_set(err, P_ECORRUPT,
                             "argument %s of kernel %s has %s '%s', expected 0x%" PRIx64, expected,
                             kernel->name, numbers[i].what, value, numbers[i].expected);
    }
    return P_OK;
}

static p_status check_arguments(const xrt_xclbin *x, const xrt_kernel *kernel,
                                uint32_t channels_log2, p_err *err)
{
    uint32_t expected = xrt_kernel_parameter(kernel, kernel->count, channels_log2), found = 0;
    text xml, body, tag;
    uint64_t id;
    p_status s = P_OK;

    if (!x->metadata.bytes)
        return p_err_set(err, P_ECORRUPT, "there is no section EMBEDDED_METADATA");
    xml.at = (const char *)x->metadata.bytes;
    xml.end = xml.at + x->metadata.size;
    if (!find_kernel(xml, kernel->name, &body))
        return p_err_set(err, P_ECORRUPT, "its metadata do not describe kernel %s", kernel->name);
    while (s == P_OK && next_argument(&body, &tag, &id)) {
        if (id != found || found >= expected)
            return p_err_set(err, P_ECORRUPT,
                             "kernel %s has an argument %" PRIu64 " behind %" PRIu32
                             " others, expected %" PRIu32 " arguments for %u channels",
                             kernel->name, id, found, expected, 1u << channels_log2);
        s = check_argument(kernel, tag, found++, channels_log2, err);
    }
    if (s == P_OK && found != expected)
        return p_err_set(err, P_ECORRUPT,
                         "kernel %s has %" PRIu32 " arguments, expected %" PRIu32
                         " for %u channels",
                         kernel->name, found, expected, 1u << channels_log2);
    return s;
}

/* ---- banks ---- */

#define MAX_BANKS 64
#define BANKS_TEXT 64

/* The banks of a parameter of a unit, a bit each: one, or the neighbours that a link configuration
 * names as a range (HBM[0:1]). */
static p_status find_banks(const xrt_xclbin *x, uint64_t unit, uint32_t parameter, uint64_t *found,
                           p_err *err)
{
    uint64_t count = word(x->connectivity.bytes, 4), banks = word(x->mem_topology.bytes, 4);

    *found = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *c = x->connectivity.bytes + CONNECTION_FIRST + i * CONNECTION_BYTES;
        uint64_t bank = word(c + 8, 4);

        if (word(c, 4) != parameter || word(c + 4, 4) != unit)
            continue;
        if (bank >= banks || bank >= MAX_BANKS)
            return p_err_set(err, P_ECORRUPT,
                             "a port is connected to bank %" PRIu64 ", of %" PRIu64, bank, banks);
        *found |= UINT64_C(1) << bank;
    }
    if (*found == 0)
        return p_err_set(err, P_ECORRUPT, "a port is connected to no bank");
    return P_OK;
}

/* "bank 16", "banks 0 1" */
static const char *banks_text(uint64_t banks, char out[BANKS_TEXT])
{
    size_t at = (size_t)snprintf(out, BANKS_TEXT, "bank%s", banks & (banks - 1) ? "s" : "");

    for (unsigned i = 0; i < MAX_BANKS && at < BANKS_TEXT; i++)
        if (banks >> i & 1)
            at += (size_t)snprintf(out + at, BANKS_TEXT - at, " %u", i);
    return out;
}

static p_status check_banks(const xrt_xclbin *x, const xrt_kernel *kernel, uint32_t number,
                            uint64_t unit, uint32_t channels_log2,
                            uint64_t banks[2][1u << HLS_MAX_CHANNELS_LOG2], p_err *err)
{
    uint32_t parameters = xrt_kernel_parameter(kernel, kernel->count, channels_log2);
    char here[BANKS_TEXT], others[BANKS_TEXT];
    uint64_t found;

    for (uint32_t p = 0, channel; p < parameters; p++) {
        const xrt_argument *a =
            &kernel->arguments[xrt_kernel_argument(kernel, p, channels_log2, &channel)];
        if (a->kind != 'R')
            continue;
        p_status s = find_banks(x, unit, p, &found, err);
        if (s != P_OK) {
            p_err_prefix(err, "port %s_%" PRIu32 " of %s_%" PRIu32, a->name, channel, kernel->name,
                         number);
            return s;
        }
        uint64_t *known = &banks[xrt_argument_side(a)][channel];
        if (*known != 0 && *known != found)
            return p_err_set(err, P_ECORRUPT,
                             "port %s_%" PRIu32 " of %s_%" PRIu32 " is connected to %s, others of "
                             "channel %" PRIu32 " on side %c to %s",
                             a->name, channel, kernel->name, number, banks_text(found, here),
                             channel, xrt_argument_side(a) == CARD_SIDE_A ? 'A' : 'B',
                             banks_text(*known, others));
        *known = found;
    }
    return P_OK;
}

p_status xrt_xclbin_check(const xrt_xclbin *x, const uint32_t units[CARD_KERNELS],
                          uint32_t channels_log2, p_err *err)
{
    uint64_t banks[2][1u << HLS_MAX_CHANNELS_LOG2] = {{0}};
    p_status s = check_table(&x->ip_layout, IP_FIRST, IP_BYTES, "IP_LAYOUT", err);

    if (s == P_OK)
        s = check_table(&x->connectivity, CONNECTION_FIRST, CONNECTION_BYTES, "CONNECTIVITY", err);
    if (s == P_OK)
        s = check_table(&x->mem_topology, MEM_FIRST, MEM_BYTES, "MEM_TOPOLOGY", err);
    for (unsigned k = 0; s == P_OK && k < CARD_KERNELS; k++) {
        const xrt_kernel *kernel = xrt_kernel_get((card_kernel)k);
        uint32_t found = xrt_xclbin_units(x, (card_kernel)k);
        if (found != units[k])
            return p_err_set(err, P_ECORRUPT,
                             "it has %" PRIu32 " compute units of kernel %s, expected %" PRIu32,
                             found, kernel->name, units[k]);
        if (found > 0)
            s = check_arguments(x, kernel, channels_log2, err);
        for (uint32_t u = 1; s == P_OK && u <= found; u++) {
            uint64_t at = find_unit(x, kernel->name, u);
            if (at == ip_count(x))
                return p_err_set(err, P_ECORRUPT, "it has no compute unit %s_%" PRIu32,
                                 kernel->name, u);
            s = check_banks(x, kernel, u, at, channels_log2, banks, err);
        }
    }
    return s;
}
