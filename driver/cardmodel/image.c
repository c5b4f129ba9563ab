#include "driver/cardmodel/image.h"

#include "driver/cardmodel/metadata.h"
#include "driver/cardmodel/zip.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xclbin.h>

/* One table of arguments a kernel, from the lists of kernel_abi.h. */
#define ARG_ROWS(name)                                                                             \
    {                                                                                              \
#name, 'R'                                                                                 \
    }
#define ARG_U32(name)                                                                              \
    {                                                                                              \
#name, 'W'                                                                                 \
    }
#define ARG_U64(name)                                                                              \
    {                                                                                              \
#name, 'D'                                                                                 \
    }
#define ARGS_TABLE(name, ARGS)                                                                     \
    static const image_arg name##_args[] = {ARGS(ARG_ROWS, ARG_U32, ARG_U64)};
HLS_KERNELS(ARGS_TABLE)

#define KERNEL_ROW(name, ARGS) {#name, name##_args, sizeof name##_args / sizeof *name##_args},
static const image_kernel KERNELS[] = {HLS_KERNELS(KERNEL_ROW)};

static const char *const MODES[] = {
    [IMAGE_HW] = "hw", [IMAGE_HW_EMU] = "hw_emu", [IMAGE_SW_EMU] = "sw_emu"};

const char *image_mode_name(image_mode mode)
{
    return MODES[mode];
}

const image_kernel *image_kernel_get(uint32_t kernel)
{
    return &KERNELS[kernel];
}

/* Number IMAGE_KERNELS is the extra one. */
static const image_kernel *kernel_of(const image_spec *spec, uint32_t k)
{
    return k < IMAGE_KERNELS ? &KERNELS[k] : spec->extra;
}

static uint32_t units_of(const image_spec *spec, uint32_t k)
{
    return k < IMAGE_KERNELS ? spec->units[k] : spec->extra != NULL;
}

static p_status check(const image_spec *spec, p_err *err)
{
    uint32_t all = 0;

    for (uint32_t k = 0; k < IMAGE_KERNELS; k++) {
        if (spec->units[k] > IMAGE_MAX_UNITS)
            return p_err_set(err, P_EINVAL, "image %s: %u units of %s, at most %d are possible",
                             spec->name, spec->units[k], KERNELS[k].name, IMAGE_MAX_UNITS);
        all += spec->units[k];
    }
    all += units_of(spec, IMAGE_KERNELS);
    if (all == 0 || all > METADATA_MAX_UNITS)
        return p_err_set(err, P_EINVAL, "image %s: %u units, 1 .. %d are possible", spec->name, all,
                         METADATA_MAX_UNITS);
    if (spec->channels_log2 > HLS_MAX_CHANNELS_LOG2 || spec->channel_mib == 0 ||
        spec->channel_mib > 2048 || spec->mode == IMAGE_HW || strlen(spec->platform) > 63)
        return p_err_set(err, P_EINVAL,
                         "image %s: channels_log2 0 .. %d, channel_mib 1 .. 2048, an emulation "
                         "mode and a platform of at most 63 bytes are possible",
                         spec->name, HLS_MAX_CHANNELS_LOG2);
    return P_OK;
}

/* ---- metadata ---- */

/* Registers of the arguments: 12 bytes for 64 bits (a word stays free), 8 for 32, as Vitis does. */
typedef struct registers {
    uint32_t id, offset;
} registers;

static void write_arg(FILE *to, const char *name, int channel, char type, registers *next)
{
    bool pointer = type == 'R', wide = type != 'W';
    char suffix[16] = "";

    if (pointer)
        snprintf(suffix, sizeof suffix, "_%d", channel);
    fprintf(to, "          <arg name=\"%s%s\" addressQualifier=\"%d\" id=\"%u\" port=\"", name,
            suffix, pointer, next->id);
    if (pointer)
        fprintf(to, "m_axi_%s%s", name, suffix);
    else
        fputs("s_axi_control", to);
    fprintf(to,
            "\" size=\"0x%x\" offset=\"0x%x\" hostOffset=\"0x0\" hostSize=\"0x%x\" type=\"%s\"/>\n",
            wide ? 8u : 4u, next->offset, wide ? 8u : 4u,
            pointer ? "void*"
            : wide  ? "unsigned long"
                    : "unsigned int");
    next->id++;
    next->offset += wide ? 12 : 8;
}

static uint32_t unit_base(uint32_t unit)
{
    return IMAGE_FIRST_UNIT + unit * IMAGE_UNIT_STEP;
}

static void write_kernel(FILE *to, const image_spec *spec, uint32_t k, uint32_t *unit)
{
    const image_kernel *kernel = kernel_of(spec, k);
    registers next = {0, METADATA_FIRST_ARG};
    int channels = 1 << spec->channels_log2;

    fprintf(to,
            "        <kernel name=\"%s\" language=\"c\" vlnv=\"zkprover:hls:%s:%d.0\" "
            "workGroupSize=\"1\" interrupt=\"true\" hwControlProtocol=\"ap_ctrl_hs\">\n"
            "          <port name=\"s_axi_control\" mode=\"slave\" range=\"0x%x\" dataWidth=\"32\" "
            "portType=\"addressable\" base=\"0x0\"/>\n",
            kernel->name, kernel->name, HLS_KERNEL_ABI, METADATA_UNIT_BYTES);
    for (uint32_t i = 0; i < kernel->count; i++) {
        for (int c = 0; kernel->args[i].type == 'R' && c < channels; c++)
            fprintf(to,
                    "          <port name=\"m_axi_%s_%d\" mode=\"master\" "
                    "range=\"0xFFFFFFFFFFFFFFFF\" dataWidth=\"512\" portType=\"addressable\" "
                    "base=\"0x0\"/>\n",
                    kernel->args[i].name, c);
    }
    for (uint32_t i = 0; i < kernel->count; i++) {
        const image_arg *arg = &kernel->args[i];

        for (int c = 0; c < (arg->type == 'R' ? channels : 1); c++)
            write_arg(to, arg->name, c, arg->type, &next);
    }
    fputs("          <compileWorkGroupSize x=\"1\" y=\"1\" z=\"1\"/>\n"
          "          <maxWorkGroupSize x=\"1\" y=\"1\" z=\"1\"/>\n",
          to);
    for (uint32_t i = 1; i <= units_of(spec, k); i++)
        fprintf(to,
                "          <instance name=\"%s_%u\"><addrRemap base=\"0x%x\" range=\"0x%x\" "
                "port=\"s_axi_control\"/></instance>\n",
                kernel->name, i, unit_base((*unit)++), IMAGE_UNIT_STEP);
    fputs("        </kernel>\n", to);
}

p_status image_xml(const image_spec *spec, char **out, size_t *size, p_err *err)
{
    p_status status = check(spec, err);
    uint32_t unit = 0;
    FILE *to;
    bool bad;

    *out = NULL;
    *size = 0;
    if (status != P_OK)
        return status;
    to = open_memstream(out, size);
    if (!to)
        return p_err_set(err, P_EEXHAUSTED, "image %s: out of memory", spec->name);
    fprintf(to,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
            "<project name=\"%s\">\n"
            "  <platform vendor=\"zkprover\" boardid=\"emulated\" name=\"card\" "
            "featureRomTime=\"0\">\n"
            "    <device name=\"fpga0\" fpgaDevice=\"virtexuplusHBM:xcu55c:fsvh2892:-2L-e\" "
            "addrWidth=\"0\">\n"
            "      <core name=\"OCL_REGION_0\" target=\"%s\" type=\"clc_region\" "
            "clockFreq=\"0MHz\" numComputeUnits=\"%d\">\n"
            "        <kernelClocks><clock port=\"KERNEL_CLK\" frequency=\"%u.000000MHz\"/>"
            "</kernelClocks>\n",
            spec->name, spec->mode == IMAGE_SW_EMU ? "csim" : "hw_em", METADATA_MAX_UNITS,
            spec->clock_mhz ? spec->clock_mhz : 300);
    for (uint32_t k = 0; k <= IMAGE_KERNELS; k++) {
        if (units_of(spec, k))
            write_kernel(to, spec, k, &unit);
    }
    fputs("      </core>\n    </device>\n  </platform>\n</project>\n", to);
    bad = ferror(to);
    if (fclose(to) || bad) {
        free(*out);
        *out = NULL;
        return p_err_set(err, P_EEXHAUSTED, "image %s: out of memory", spec->name);
    }
    return P_OK;
}

/* ---- sections ---- */

#define MAX_CONNECTIONS (METADATA_MAX_UNITS * METADATA_MAX_ARGS)

/* The structures of xclbin.h end in an array of one: room for as many as there can be. */
typedef struct tables {
    union {
        struct mem_topology head;
        uint8_t bytes[sizeof(struct mem_topology) + IMAGE_CHANNELS * sizeof(struct mem_data)];
    } memory;
    union {
        struct ip_layout head;
        uint8_t bytes[sizeof(struct ip_layout) + METADATA_MAX_UNITS * sizeof(struct ip_data)];
    } units;
    union {
        struct connectivity head;
        uint8_t bytes[sizeof(struct connectivity) + MAX_CONNECTIONS * sizeof(struct connection)];
    } connections;
    size_t memory_size, units_size, connections_size;
} tables;

static void fill_memory(tables *t, uint32_t channel_mib)
{
    t->memory_size = offsetof(struct mem_topology, m_mem_data);
    t->memory.head.m_count = IMAGE_CHANNELS;
    for (uint32_t i = 0; i < IMAGE_CHANNELS; i++, t->memory_size += sizeof(struct mem_data)) {
        struct mem_data bank = {.m_type = MEM_HBM, .m_used = 1};

        bank.m_size = (uint64_t)channel_mib << 10; /* in KiB */
        bank.m_base_address = ((uint64_t)channel_mib << 20) * i;
        snprintf((char *)bank.m_tag, sizeof bank.m_tag, "HBM[%u]", i);
        memcpy(t->memory.bytes + t->memory_size, &bank, sizeof bank);
    }
}

static void connect_arg(tables *t, uint32_t arg, uint32_t unit, uint32_t channel)
{
    struct connection to = {(int32_t)arg, (int32_t)unit, (int32_t)channel};

    memcpy(t->connections.bytes + t->connections_size, &to, sizeof to);
    t->connections_size += sizeof to;
    t->connections.head.m_count++;
}

static void fill_unit(tables *t, const image_kernel *kernel, uint32_t number, uint32_t channels)
{
    uint32_t unit = (uint32_t)t->units.head.m_count++, id = 0;
    struct ip_data ip = {.m_type = IP_KERNEL, .m_base_address = unit_base(unit)};

    ip.properties = IP_INT_ENABLE_MASK | AP_CTRL_HS << IP_CONTROL_SHIFT;
    snprintf((char *)ip.m_name, sizeof ip.m_name, "%s:%s_%u", kernel->name, kernel->name, number);
    memcpy(t->units.bytes + t->units_size, &ip, sizeof ip);
    t->units_size += sizeof ip;
    for (uint32_t i = 0; i < kernel->count; i++) {
        const image_arg *arg = &kernel->args[i];
        uint32_t first = strcmp(arg->name, "tmp") ? 0 : IMAGE_SIDE_B;

        if (arg->type != 'R') {
            id++;
            continue;
        }
        for (uint32_t c = 0; c < channels; c++)
            connect_arg(t, id++, unit, first + c);
    }
}

static void fill_tables(tables *t, const image_spec *spec)
{
    memset(t, 0, sizeof *t);
    fill_memory(t, spec->channel_mib);
    t->units_size = offsetof(struct ip_layout, m_ip_data);
    t->connections_size = offsetof(struct connectivity, m_connection);
    for (uint32_t k = 0; k <= IMAGE_KERNELS; k++) {
        for (uint32_t i = 1; i <= units_of(spec, k); i++)
            fill_unit(t, kernel_of(spec, k), i, 1u << spec->channels_log2);
    }
}

/* hw_emu: an archive with what simulate.sh starts */
static p_status make_archive(const image_spec *spec, const char *xml, size_t xml_size,
                             const void *kernels, size_t kernels_size, uint8_t **out, size_t *size,
                             p_err *err)
{
    char script[512];
    int length = snprintf(
        script, sizeof script,
        "#!/bin/sh\n"
        "exec \"$XILINX_VITIS/data/emulation/unified/cpu_em/generic_pcie/model/genericpciemodel\" "
        "--xml \"$PWD/kernels.xml\" --kernels \"$PWD/kernels.so\" --memory %llu\n",
        (unsigned long long)spec->channel_mib << 20 << 5);
    const zip_entry entries[] = {
        {"behav_waveform/xsim/simulate.sh", script, (size_t)length, 0755},
        {"behav_waveform/xsim/kernels.xml", xml, xml_size, 0644},
        {"behav_waveform/xsim/kernels.so", kernels, kernels_size, 0755},
    };

    static_assert(IMAGE_CHANNELS == 1 << 5, "memory is the sum of all channels");
    return zip_make(entries, sizeof entries / sizeof *entries, out, size, err);
}

/* ---- the file ---- */

#define SECTIONS 5

typedef struct section {
    uint32_t kind;
    const char *name;
    const void *bytes;
    size_t size;
} section;

static void make_uuid(uint8_t *bytes, size_t size, struct axlf *head)
{
    uint8_t digest[SHA256_BYTES];

    sha256_bytes(digest, bytes, size);
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80); /* RFC 9562: version 8, custom */
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    memcpy(head->m_header.uuid, digest, IMAGE_UUID_BYTES);
    memcpy(&head->m_uniqueId, digest, sizeof head->m_uniqueId);
}

static p_status assemble(const image_spec *spec, const section *sections, uint8_t **out,
                         size_t *size, p_err *err)
{
    size_t heads =
               offsetof(struct axlf, m_sections) + SECTIONS * sizeof(struct axlf_section_header),
           at = heads;
    struct axlf head;
    uint8_t *bytes;

    memset(&head, 0, sizeof head);
    memcpy(head.m_magic, "xclbin2", 8);
    head.m_signature_length = -1;
    memset(head.reserved, 0xff, sizeof head.reserved);
    memset(head.m_keyBlock, 0xff, sizeof head.m_keyBlock);
    head.m_header.m_versionMajor = 2; /* of XRT 2022.1, whose emulation it is for */
    head.m_header.m_versionMinor = 13;
    head.m_header.m_versionPatch = 466;
    head.m_header.m_mode = spec->mode == IMAGE_HW_EMU ? XCLBIN_HW_EMU : XCLBIN_SW_EMU;
    memcpy(head.m_header.m_platformVBNV, spec->platform, strlen(spec->platform));
    head.m_header.m_numSections = SECTIONS;
    for (int i = 0; i < SECTIONS; i++)
        at = (at + 7) / 8 * 8 + sections[i].size;
    head.m_header.m_length = at;
    bytes = calloc(1, at);
    if (!bytes)
        return p_err_set(err, P_EEXHAUSTED, "image %s: out of memory", spec->name);
    at = heads;
    for (int i = 0; i < SECTIONS; i++) {
        struct axlf_section_header row = {.m_sectionKind = sections[i].kind,
                                          .m_sectionSize = sections[i].size};

        at = (at + 7) / 8 * 8;
        row.m_sectionOffset = at;
        memcpy(row.m_sectionName, sections[i].name, strlen(sections[i].name));
        memcpy(bytes + offsetof(struct axlf, m_sections) + (size_t)i * sizeof row, &row,
               sizeof row);
        memcpy(bytes + at, sections[i].bytes, sections[i].size);
        at += sections[i].size;
    }
    memcpy(bytes, &head, offsetof(struct axlf, m_sections));
    make_uuid(bytes, at, &head);
    memcpy(bytes, &head, offsetof(struct axlf, m_sections));
    *out = bytes;
    *size = at;
    return P_OK;
}

p_status image_make(const image_spec *spec, const void *kernels, size_t kernels_size, uint8_t **out,
                    size_t *size, p_err *err)
{
    tables *t = malloc(sizeof *t);
    char *xml = NULL;
    size_t xml_size = 0, archive_size = 0;
    uint8_t *archive = NULL;
    p_status status;

    *out = NULL;
    *size = 0;
    if (!t)
        return p_err_set(err, P_EEXHAUSTED, "image %s: out of memory", spec->name);
    status = image_xml(spec, &xml, &xml_size, err);
    if (status == P_OK && spec->mode == IMAGE_HW_EMU)
        status =
            make_archive(spec, xml, xml_size, kernels, kernels_size, &archive, &archive_size, err);
    if (status == P_OK) {
        fill_tables(t, spec);
        status =
            assemble(spec,
                     (section[]){
                         {BITSTREAM, "bitstream", archive ? archive : kernels,
                          archive ? archive_size : kernels_size},
                         {EMBEDDED_METADATA, "metadata", xml, xml_size},
                         {MEM_TOPOLOGY, "mem_topology", t->memory.bytes, t->memory_size},
                         {IP_LAYOUT, "ip_layout", t->units.bytes, t->units_size},
                         {CONNECTIVITY, "connectivity", t->connections.bytes, t->connections_size},
                     },
                     out, size, err);
    }
    free(archive);
    free(xml);
    free(t);
    return status;
}

p_status image_read(const uint8_t *bytes, size_t size, image_about *out, p_err *err)
{
    struct axlf head;

    memset(out, 0, sizeof *out);
    if (size < sizeof head)
        return p_err_set(err, P_ECORRUPT, "%zu bytes, an xclbin has at least %zu", size,
                         sizeof head);
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.m_magic, "xclbin2", 8))
        return p_err_set(err, P_ECORRUPT, "it does not begin with xclbin2");
    if (head.m_header.m_length != size)
        return p_err_set(err, P_ECORRUPT, "its header says %llu bytes, it has %zu",
                         (unsigned long long)head.m_header.m_length, size);
    switch (head.m_header.m_mode) {
    case XCLBIN_FLAT:
    case XCLBIN_PR:
        out->mode = IMAGE_HW;
        break;
    case XCLBIN_HW_EMU:
    case XCLBIN_HW_EMU_PR:
        out->mode = IMAGE_HW_EMU;
        break;
    case XCLBIN_SW_EMU:
        out->mode = IMAGE_SW_EMU;
        break;
    default:
        return p_err_set(err, P_ECORRUPT, "its mode is %u", head.m_header.m_mode);
    }
    memcpy(out->platform, head.m_header.m_platformVBNV, sizeof out->platform);
    if (!memchr(out->platform, 0, sizeof out->platform))
        return p_err_set(err, P_ECORRUPT, "its platform's name has no end");
    memcpy(out->uuid, head.m_header.uuid, sizeof out->uuid);
    if (!sha256_bytes(out->sha256, bytes, size))
        return p_err_set(err, P_EEXHAUSTED, "SHA-256: no memory");
    return P_OK;
}
