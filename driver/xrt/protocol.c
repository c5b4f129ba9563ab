#include "driver/xrt/protocol.h"

#include "driver/xrt/kernel_table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* nothing that could confuse a terminal or a log */
static bool text_byte_fine(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

void xrt_message_init(xrt_message *m, xrt_type type, uint64_t id)
{
    memset(m, 0, sizeof *m);
    m->magic = XRT_PROTOCOL_MAGIC;
    m->version = XRT_PROTOCOL_VERSION;
    m->type = (uint16_t)type;
    m->id = id;
}

void xrt_message_done(xrt_message *m, uint64_t id, p_status status, const char *text)
{
    xrt_message_init(m, XRT_DONE, id);
    m->done.status = (uint32_t)status;
    if (status == P_OK)
        return;
    snprintf(m->done.text, sizeof m->done.text, "%s",
             text && text[0] ? text : p_status_text(status));
    for (char *c = m->done.text; *c != '\0'; c++)
        *c = text_byte_fine(*c) ? *c : '?';
}

/* ---- checks ---- */

static p_status bad(p_err *err, const char *from, const char *field, uint64_t found,
                    const char *expected)
{
    return p_err_set(err, P_EDEVICE, "%s sent a message with %s %" PRIu64 ", expected %s", from,
                     field, found, expected);
}

static p_status check_head(const xrt_message *m, size_t received, const char *from, p_err *err)
{
    if (received != sizeof *m)
        return bad(err, from, "a length of", received, "512");
    if (m->magic != XRT_PROTOCOL_MAGIC)
        return bad(err, from, "the mark", m->magic, "that of this protocol");
    if (m->version != XRT_PROTOCOL_VERSION)
        return p_err_set(err, P_EDEVICE,
                         "%s speaks version %u of the card protocol, expected %u: install driver "
                         "and zkp-card of the same version",
                         from, m->version, XRT_PROTOCOL_VERSION);
    if (m->id == 0)
        return bad(err, from, "the number", 0, "another");
    return P_OK;
}

static bool text_fine(const char *text, size_t size)
{
    size_t length = 0;

    while (length < size && text[length] != '\0')
        if (!text_byte_fine(text[length++]))
            return false;
    return length < size;
}

static const char DRIVER[] = "the driver", CARD[] = "zkp-card";

static p_status check_transfer(const xrt_message *m, const xrt_limits *limits, p_err *err)
{
    if (m->transfer.buffer == 0)
        return bad(err, DRIVER, "buffer", 0, "another");
    if (m->transfer.slot >= limits->slots)
        return bad(err, DRIVER, "slot", m->transfer.slot, "one of the staging memory");
    if (m->transfer.rows == 0 || m->transfer.rows > limits->slot_rows)
        return bad(err, DRIVER, "a count of rows of", m->transfer.rows, "1 to those of a slot");
    if (m->transfer.row > XRT_MAX_ROWS)
        return bad(err, DRIVER, "row", m->transfer.row, "one inside a buffer");
    return P_OK;
}

static p_status check_run(const xrt_message *m, const xrt_limits *limits, p_err *err)
{
    if (m->run.kernel >= CARD_KERNELS)
        return bad(err, DRIVER, "kernel", m->run.kernel, "one of the image");
    if (m->run.unit >= limits->units[m->run.kernel])
        return bad(err, DRIVER, "unit", m->run.unit, "one of the image");
    const xrt_kernel *kernel = xrt_kernel_get((card_kernel)m->run.kernel);
    if (m->run.count != kernel->count)
        return bad(err, DRIVER, "a count of arguments of", m->run.count, "the kernel's");
    for (uint32_t i = 0; i < kernel->count; i++) {
        if (kernel->arguments[i].kind == 'R' && m->run.values[i] == 0)
            return bad(err, DRIVER, "buffer", 0, "another");
        if (kernel->arguments[i].kind == 'W' && m->run.values[i] > UINT32_MAX)
            return bad(err, DRIVER, "an argument of", m->run.values[i], "32 bits");
    }
    return P_OK;
}

p_status xrt_command_check(const xrt_message *m, size_t received, const xrt_limits *limits,
                           p_err *err)
{
    p_status s = check_head(m, received, DRIVER, err);

    if (s != P_OK)
        return s;
    if ((m->type == XRT_HELLO) != !limits)
        return bad(err, DRIVER, "type", m->type, limits ? "no second hello" : "hello first");
    switch (m->type) {
    case XRT_HELLO:
        if (m->hello.slots == 0 || m->hello.slots > XRT_MAX_SLOTS)
            return bad(err, DRIVER, "a count of slots of", m->hello.slots, "1 to 64");
        if (m->hello.slot_rows == 0 || m->hello.slot_rows > XRT_MAX_SLOT_ROWS ||
            m->hello.slot_rows % HLS_ROW_ALIGN != 0)
            return bad(err, DRIVER, "a slot's rows of", m->hello.slot_rows,
                       "a multiple of 256 up to 2^22");
        if (m->hello.kernel_abi != HLS_KERNEL_ABI)
            return p_err_set(err, P_EDEVICE,
                             "the driver has kernel ABI %" PRIu32 ", zkp-card %d: install both of "
                             "the same version",
                             m->hello.kernel_abi, HLS_KERNEL_ABI);
        return P_OK;
    case XRT_ALLOC:
        if (m->alloc.buffer == 0)
            return bad(err, DRIVER, "buffer", 0, "another");
        if (m->alloc.side > CARD_SIDE_B)
            return bad(err, DRIVER, "side", m->alloc.side, "0 or 1");
        if (m->alloc.rows == 0 || m->alloc.rows > XRT_MAX_ROWS)
            return bad(err, DRIVER, "a count of rows of", m->alloc.rows, "1 to 2^36");
        return P_OK;
    case XRT_FREE:
        return m->free.buffer == 0 ? bad(err, DRIVER, "buffer", 0, "another") : P_OK;
    case XRT_WRITE:
    case XRT_READ:
        return check_transfer(m, limits, err);
    case XRT_RUN:
        return check_run(m, limits, err);
    default:
        return bad(err, DRIVER, "type", m->type, "a command");
    }
}

p_status xrt_answer_check(const xrt_message *m, size_t received, const xrt_limits *limits,
                          p_err *err)
{
    p_status s = check_head(m, received, CARD, err);
    bool any = false;

    if (s != P_OK)
        return s;
    switch (m->type) {
    case XRT_WELCOME:
        if (limits)
            return bad(err, CARD, "type", m->type, "one welcome");
        if (m->welcome.channels_log2 > HLS_MAX_CHANNELS_LOG2)
            return bad(err, CARD, "log2 of channels", m->welcome.channels_log2, "0 to 4");
        if (m->welcome.patience == 0 || m->welcome.patience > 1000000)
            return bad(err, CARD, "patience", m->welcome.patience, "1 to 1000000");
        for (unsigned i = 0; i < CARD_KERNELS; i++) {
            if (m->welcome.units[i] > XRT_MAX_UNITS)
                return bad(err, CARD, "compute units", m->welcome.units[i], "at most 16");
            any = any || m->welcome.units[i] > 0;
        }
        if (!any)
            return bad(err, CARD, "compute units", 0, "at least one");
        for (unsigned i = 0; i < 2; i++)
            if (m->welcome.rows[i] == 0 || m->welcome.rows[i] > XRT_MAX_ROWS)
                return bad(err, CARD, "a count of rows of", m->welcome.rows[i], "1 to 2^36");
        if (!text_fine(m->welcome.about, sizeof m->welcome.about))
            return p_err_set(err, P_EDEVICE, "zkp-card sent a text that is none");
        return P_OK;
    case XRT_DONE:
        if (m->done.status > P_EINTERNAL)
            return bad(err, CARD, "status", m->done.status, "a status code");
        if (!text_fine(m->done.text, sizeof m->done.text) ||
            (m->done.status != P_OK) != (m->done.text[0] != '\0'))
            return p_err_set(err, P_EDEVICE, "zkp-card sent a text that is none");
        if (!limits && m->done.status == P_OK)
            return bad(err, CARD, "type", m->type, "a welcome first");
        return P_OK;
    default:
        return bad(err, CARD, "type", m->type, "an answer");
    }
}
