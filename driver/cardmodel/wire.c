#include "driver/cardmodel/wire.h"

#include <string.h>

enum { KIND_VARINT = 0, KIND_FIXED64 = 1, KIND_LENGTH = 2, KIND_FIXED32 = 5 };

static uint64_t little(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void put_little(uint8_t *bytes, unsigned count, uint64_t value)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

/* At most ten bytes; what lies beyond 64 bits has to be zero. */
static bool varint(wire_reader *in, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte;

        if (in->at == in->end)
            return false;
        byte = *in->at++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool fixed(wire_reader *in, unsigned bytes, uint64_t *out)
{
    if ((size_t)(in->end - in->at) < bytes)
        return false;
    *out = little(in->at, bytes);
    in->at += bytes;
    return true;
}

int wire_next(wire_reader *in, wire_field *out)
{
    uint64_t key;
    bool good;

    if (in->at == in->end)
        return 0;
    if (!varint(in, &key) || key >> 3 == 0 || key >> 3 >= (uint64_t)1 << 29)
        return -1;
    *out = (wire_field){.number = (uint32_t)(key >> 3), .type = WIRE_NUMBER};
    switch (key & 7) {
    case KIND_VARINT:
        good = varint(in, &out->value);
        break;
    case KIND_FIXED64:
        good = fixed(in, 8, &out->value);
        break;
    case KIND_FIXED32:
        good = fixed(in, 4, &out->value);
        break;
    case KIND_LENGTH:
        good = varint(in, &out->value) && out->value <= (uint64_t)(in->end - in->at);
        if (good) {
            out->type = WIRE_BYTES;
            out->bytes = in->at;
            in->at += out->value;
        }
        break;
    default:
        good = false;
    }
    return good ? 1 : -1;
}

bool wire_message_read(const void *bytes, size_t size, wire_message *out)
{
    wire_reader in = {bytes, (const uint8_t *)bytes + size};
    wire_field field;
    int more;

    memset(out, 0, sizeof *out);
    while ((more = wire_next(&in, &field)) > 0) {
        if (field.number < WIRE_FIELDS)
            out->field[field.number] = field;
    }
    return more == 0;
}

bool wire_message_number(const wire_message *message, uint32_t number, uint64_t *out)
{
    const wire_field *field = &message->field[number];

    if (field->number != number || field->type != WIRE_NUMBER)
        return false;
    *out = field->value;
    return true;
}

bool wire_message_bytes(const wire_message *message, uint32_t number, const uint8_t **out,
                        size_t *size)
{
    const wire_field *field = &message->field[number];

    if (field->number != number || field->type != WIRE_BYTES)
        return false;
    *out = field->bytes;
    *size = (size_t)field->value;
    return true;
}

bool wire_request_read(const uint8_t header[WIRE_REQUEST_HEADER], size_t *size, uint32_t *call)
{
    uint64_t length = little(header + 1, 8);

    if (header[0] != (1 << 3 | KIND_FIXED64) || header[9] != (2 << 3 | KIND_FIXED32) ||
        length > WIRE_MAX_MESSAGE)
        return false;
    *size = (size_t)length;
    *call = (uint32_t)little(header + 10, 4);
    return true;
}

void wire_request_write(uint8_t header[WIRE_REQUEST_HEADER], size_t size, uint32_t call)
{
    header[0] = 1 << 3 | KIND_FIXED64;
    put_little(header + 1, 8, size);
    header[9] = 2 << 3 | KIND_FIXED32;
    put_little(header + 10, 4, call);
}

void wire_answer_write(uint8_t header[WIRE_ANSWER_HEADER], size_t size)
{
    header[0] = 1 << 3 | KIND_FIXED64;
    put_little(header + 1, 8, size);
}

static void put_varint(wire_writer *out, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

        if (out->size == out->capacity) {
            out->full = true;
            return;
        }
        out->bytes[out->size++] = byte;
        value >>= 7;
    } while (value);
}

void wire_put_number(wire_writer *out, uint32_t number, uint64_t value)
{
    put_varint(out, (uint64_t)number << 3 | KIND_VARINT);
    put_varint(out, value);
}

void wire_put_length(wire_writer *out, uint32_t number, uint64_t length)
{
    put_varint(out, (uint64_t)number << 3 | KIND_LENGTH);
    put_varint(out, length);
}

void wire_put_bytes(wire_writer *out, uint32_t number, const void *bytes, size_t size)
{
    wire_put_length(out, number, size);
    if (size > out->capacity - out->size) {
        out->full = true;
        return;
    }
    if (size)
        memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}
