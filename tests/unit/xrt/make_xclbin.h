/** Makes an xclbin for tests: header, IP layout, connectivity, memory and metadata of kernels whose
 * ports are as kernel_abi.h has them; what it holds can be spoilt afterwards. */
#ifndef ZKP_TESTS_UNIT_XRT_MAKE_XCLBIN_H
#define ZKP_TESTS_UNIT_XRT_MAKE_XCLBIN_H

#include "driver/xrt/kernel_table.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAKE_PLATFORM "xilinx_u55c_gen3x16_xdma_3_202210_1"
#define MAKE_UUID "00010203-0405-0607-0809-0a0b0c0d0e0f"

typedef struct maker {
    uint8_t bytes[1 << 18];
    size_t size;
} maker;

static inline void make_put(uint8_t *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static inline void make_section(maker *m, unsigned index, uint32_t kind, const void *data,
                                size_t size)
{
    uint8_t *header = m->bytes + 456 + 40 * index;

    m->size = (m->size + 7) / 8 * 8;
    make_put(header, kind, 4);
    make_put(header + 24, m->size, 8);
    make_put(header + 32, size, 8);
    memcpy(m->bytes + m->size, data, size);
    m->size += size;
}

static inline void make_xml(char *out, size_t size, card_kernel kernel, uint32_t k)
{
    const xrt_kernel *t = xrt_kernel_get(kernel);
    uint32_t parameters = xrt_kernel_parameter(t, t->count, k);
    size_t at = strlen(out);

    at += (size_t)snprintf(out + at, size - at, "<kernel name=\"%s\" language=\"c\">\n", t->name);
    for (uint32_t p = 0, channel; p < parameters; p++) {
        const xrt_argument *a = &t->arguments[xrt_kernel_argument(t, p, k, &channel)];
        char name[40];
        if (a->kind == 'R')
            snprintf(name, sizeof name, "%s_%u", a->name, channel);
        else
            snprintf(name, sizeof name, "%s", a->name);
        at += (size_t)snprintf(out + at, size - at,
                               "<arg name=\"%s\" addressQualifier=\"%d\" id=\"%u\" size=\"0x%x\" "
                               "offset=\"0x%X\"/>\n",
                               name, a->kind == 'R', p, a->kind == 'W' ? 4 : 8,
                               xrt_kernel_register(t, p, k));
    }
    snprintf(out + at, size - at, "</kernel>\n");
}

/* units[] of each kernel on 2^k channels of each side, each a range of banks */
static inline void make_xclbin_on(maker *m, const uint32_t units[CARD_KERNELS], uint32_t k,
                                  uint32_t range)
{
    static uint8_t ip[8 + 64 * 80], connections[4 + 4096 * 12], memory[8 + 32 * 40];
    static char xml[1 << 17];
    uint32_t ips = 0, links = 0;

    memset(m, 0, sizeof *m);
    memset(ip, 0, sizeof ip);
    memset(memory, 0, sizeof memory);
    snprintf(xml, sizeof xml, "<?xml version=\"1.0\"?>\n");
    for (unsigned i = 0; i < CARD_KERNELS; i++) {
        const xrt_kernel *t = xrt_kernel_get((card_kernel)i);
        if (units[i] > 0)
            make_xml(xml, sizeof xml, (card_kernel)i, k);
        for (uint32_t u = 1; u <= units[i]; u++, ips++) {
            uint8_t *entry = ip + 8 + 80 * ips;
            make_put(entry, 1, 4);
            snprintf((char *)entry + 16, 64, "%s:%s_%u", t->name, t->name, u);
            for (uint32_t p = 0, channel; p < xrt_kernel_parameter(t, t->count, k); p++) {
                const xrt_argument *a = &t->arguments[xrt_kernel_argument(t, p, k, &channel)];
                if (a->kind != 'R')
                    continue;
                for (uint32_t b = 0; b < range; b++) {
                    uint8_t *link = connections + 4 + 12 * links++;
                    make_put(link, p, 4);
                    make_put(link + 4, ips, 4);
                    make_put(link + 8,
                             (xrt_argument_side(a) == CARD_SIDE_B ? 16 : 0) + channel * range + b,
                             4);
                }
            }
        }
    }
    make_put(ip, ips, 4);
    make_put(connections, links, 4);
    make_put(memory, 32, 4);
    memcpy(m->bytes, "xclbin2", 8);
    make_put(m->bytes + 332, 5, 2);
    snprintf((char *)m->bytes + 352, 64, "%s", MAKE_PLATFORM);
    for (unsigned i = 0; i < 16; i++)
        m->bytes[416 + i] = (uint8_t)i;
    make_put(m->bytes + 448, 4, 4);
    m->size = 456 + 4 * 40;
    make_section(m, 0, 2, xml, strlen(xml));
    make_section(m, 1, 6, memory, sizeof memory);
    make_section(m, 2, 7, connections, 4 + 12 * (size_t)links);
    make_section(m, 3, 8, ip, 8 + 80 * (size_t)ips);
    make_put(m->bytes + 304, m->size, 8);
}

static inline void make_xclbin(maker *m, const uint32_t units[CARD_KERNELS], uint32_t k)
{
    make_xclbin_on(m, units, k, 1);
}

/* Writes a text, not longer, over the first occurrence of another. */
static inline void make_replace(maker *m, const char *from, const char *to)
{
    size_t n = strlen(from);

    for (size_t i = 0; i + n <= m->size; i++)
        if (memcmp(m->bytes + i, from, n) == 0) {
            memcpy(m->bytes + i, to, strlen(to));
            return;
        }
    abort();
}

#endif
