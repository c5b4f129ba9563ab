/* Input: what a peer sends to the emulated card's model. First byte 0: the rest is an image's
 * metadata. Else requests, each a byte of call number, two bytes of size (little-endian; what is
 * not there any more is cut), and the message. A refusal has a reason, an answer fits its head, and
 * all bytes of an answer can be read. */
#include "driver/cardmodel/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char XML[] =
    "<kernel name=\"toy\">"
    "<arg name=\"from\" addressQualifier=\"1\" id=\"0\" size=\"8\" offset=\"0x10\"/>"
    "<arg name=\"to\" addressQualifier=\"1\" id=\"1\" size=\"8\" offset=\"0x1c\"/>"
    "<arg name=\"n\" addressQualifier=\"0\" id=\"2\" size=\"4\" offset=\"0x28\"/>"
    "<instance name=\"toy_1\"><addrRemap base=\"0x1000\"/></instance></kernel>";

/* the first row at each pointer, whatever the numbers are */
static void toy(const uint64_t *args)
{
    memmove((void *)(uintptr_t)args[1], (const void *)(uintptr_t)args[0], 64);
}

static bool find(void *context, void *library, const char *kernel, model_kernel *out)
{
    (void)context;
    (void)library;
    *out = (model_kernel){toy, NULL};
    return !strcmp(kernel, "toy");
}

static void close_library(void *context, void *library)
{
    (void)context;
    (void)library;
}

static void lost(void *context, const char *reason, bool by_signal)
{
    (void)context;
    (void)reason;
    (void)by_signal;
}

static void read_metadata(const uint8_t *data, size_t size)
{
    metadata *out = malloc(sizeof *out);
    p_err err = {0};

    if (!out)
        abort();
    if (metadata_read((const char *)data, size, out, &err) == P_OK) {
        for (uint32_t i = 0; i < out->units; i++) {
            if (out->unit[i].kernel >= out->kernels)
                abort();
        }
    } else if (!err.text[0]) {
        abort();
    }
    free(out);
}

static void answer(model *card, uint32_t call, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1), *copy;
    model_reply reply;

    if (!exact)
        abort();
    memcpy(exact, bytes, size);
    if (model_answer(card, call, exact, size, 0, &reply) != MODEL_REFUSE) {
        if (reply.head_size > sizeof reply.head || reply.body_size > WIRE_MAX_MESSAGE)
            abort();
        copy = malloc(reply.body_size + 1);
        if (!copy)
            abort();
        memcpy(copy, reply.body_size ? reply.body : exact, reply.body_size);
        free(copy);
    }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const timeline log = {-1};
    const model_faults faults = {0};
    const model_options options = {
        .log = &log, .faults = &faults, .find = find, .close = close_library, .lost = lost};
    model *card;
    p_err err = {0};

    if (size == 0)
        return 0;
    if (data[0] == 0) {
        read_metadata(data + 1, size - 1);
        return 0;
    }
    if (model_create(&options, &card, &err) != P_OK ||
        model_load(card, XML, sizeof XML - 1, NULL, 1 << 16, &err) != P_OK)
        abort();
    data++;
    size--;
    while (size >= 3) {
        size_t length = data[1] | (size_t)data[2] << 8;

        if (length > size - 3)
            length = size - 3;
        answer(card, data[0], data + 3, length);
        data += 3 + length;
        size -= 3 + length;
    }
    model_destroy(card);
    return 0;
}
