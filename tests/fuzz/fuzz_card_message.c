/* Input: a byte that chooses the direction and whether it is the first, then a packet between
 * driver and zkp-card. What is taken is in range in every field; what is not has a reason. */
#include "driver/xrt/kernel_table.h"
#include "driver/xrt/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "fuzz: %s\n", what);
        abort();
    }
}

static void check_command(const xrt_message *m, const xrt_limits *limits)
{
    switch (m->type) {
    case XRT_HELLO:
        expect(!limits && m->hello.slots - 1 < XRT_MAX_SLOTS &&
                   m->hello.slot_rows - 1 < XRT_MAX_SLOT_ROWS,
               "a hello out of range was taken");
        break;
    case XRT_ALLOC:
        expect(m->alloc.rows - 1 < XRT_MAX_ROWS && m->alloc.side < 2, "an alloc was taken");
        break;
    case XRT_WRITE:
    case XRT_READ:
        expect(m->transfer.slot < limits->slots && m->transfer.rows - 1 < limits->slot_rows &&
                   m->transfer.row <= XRT_MAX_ROWS,
               "a transfer out of range was taken");
        break;
    case XRT_RUN:
        expect(m->run.kernel < CARD_KERNELS && m->run.unit < limits->units[m->run.kernel] &&
                   m->run.count == xrt_kernel_get((card_kernel)m->run.kernel)->count,
               "a run out of range was taken");
        break;
    default:
        expect(m->type == XRT_FREE && m->free.buffer != 0, "a command of no kind was taken");
    }
}

static void check_answer(const xrt_message *m, const xrt_limits *limits)
{
    if (m->type == XRT_WELCOME)
        expect(!limits && memchr(m->welcome.about, 0, sizeof m->welcome.about) &&
                   m->welcome.channels_log2 <= HLS_MAX_CHANNELS_LOG2 &&
                   m->welcome.rows[0] - 1 < XRT_MAX_ROWS && m->welcome.rows[1] - 1 < XRT_MAX_ROWS,
               "a welcome out of range was taken");
    else
        expect(m->type == XRT_DONE && m->done.status <= P_EINTERNAL &&
                   memchr(m->done.text, 0, sizeof m->done.text) != NULL,
               "an answer out of range was taken");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const xrt_limits LIMITS = {
        .slot_rows = 1024, .slots = 8, .units = {1, 2, 3, 0, 1, 16}, .rows = {4096, 4096}};
    const xrt_limits *limits = size > 0 && data[0] & 2 ? &LIMITS : NULL;
    xrt_message m;
    p_err err = {P_OK, ""};
    p_status s;

    if (size == 0)
        return 0;
    /* most inputs shall get past the length and the head */
    xrt_message_init(&m, XRT_HELLO, 1);
    size_t given = size - 1 < sizeof m - 6 ? size - 1 : sizeof m - 6;
    memcpy((uint8_t *)&m + 6, data + 1, given);
    size_t received = data[0] & 4 ? size - 1 : sizeof m;
    if (data[0] & 1) {
        s = xrt_command_check(&m, received, limits, &err);
        if (s == P_OK)
            check_command(&m, limits);
    } else {
        s = xrt_answer_check(&m, received, limits, &err);
        if (s == P_OK)
            check_answer(&m, limits);
    }
    expect(s == P_OK || (s == P_EDEVICE && err.status == s && err.text[0]),
           "a refusal without a reason");
    return 0;
}
