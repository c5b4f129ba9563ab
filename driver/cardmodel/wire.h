/** The wire format of XRT's emulation protocol: the part of protocol buffers that its messages use
 * (varints, fixed words, byte strings), and the fixed headers before a request and an answer.
 *
 * Reads bytes that a peer sent: every length is checked against what is there. Borrows the message;
 * no allocation. Any thread. */
#ifndef ZKP_DRIVER_CARDMODEL_WIRE_H
#define ZKP_DRIVER_CARDMODEL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_REQUEST_HEADER 14
#define WIRE_ANSWER_HEADER 9
/** Longest message taken: the shims send 8 MiB of data at a time. */
#define WIRE_MAX_MESSAGE ((size_t)16 << 20)
/** Fields of the messages that the model reads have numbers below this. */
#define WIRE_FIELDS 16

typedef struct wire_reader {
    const uint8_t *at, *end;
} wire_reader;

typedef enum wire_type { WIRE_NUMBER, WIRE_BYTES } wire_type;

typedef struct wire_field {
    uint32_t number;
    wire_type type;
    uint64_t value;       /**< a number, or the length of bytes */
    const uint8_t *bytes; /**< in the message; NULL for a number */
} wire_field;

/** The next field: 1, at the end 0, malformed -1. */
int wire_next(wire_reader *in, wire_field *out);

/** A message by field numbers, the last of each; fields of other numbers are skipped. */
typedef struct wire_message {
    wire_field field[WIRE_FIELDS]; /**< number 0: absent */
} wire_message;

/** false if malformed. */
bool wire_message_read(const void *bytes, size_t size, wire_message *out);

/** Finds field number of that type; false if it is absent or of another type. */
bool wire_message_number(const wire_message *message, uint32_t number, uint64_t *out);
bool wire_message_bytes(const wire_message *message, uint32_t number, const uint8_t **out,
                        size_t *size);

/** Reads a request's header; false if it is none or announces more than WIRE_MAX_MESSAGE. */
bool wire_request_read(const uint8_t header[WIRE_REQUEST_HEADER], size_t *size, uint32_t *call);
void wire_request_write(uint8_t header[WIRE_REQUEST_HEADER], size_t size, uint32_t call);
void wire_answer_write(uint8_t header[WIRE_ANSWER_HEADER], size_t size);

/** Puts fields into a buffer of capacity bytes; what does not fit sets full. */
typedef struct wire_writer {
    uint8_t *bytes;
    size_t size, capacity;
    bool full;
} wire_writer;

void wire_put_number(wire_writer *out, uint32_t number, uint64_t value);
/** The head of a byte string, whose bytes follow. */
void wire_put_length(wire_writer *out, uint32_t number, uint64_t length);
void wire_put_bytes(wire_writer *out, uint32_t number, const void *bytes, size_t size);

#endif
