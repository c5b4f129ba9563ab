#include "driver/cardmodel/model.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Numbers of the requests that are answered (xcl_macros.h of XRT 2022.1). */
enum {
    CALL_CLOSE = 1,
    CALL_LOAD = 3,
    CALL_PLACE = 4,
    CALL_RELEASE = 5,
    CALL_H2D = 6,
    CALL_D2H = 7,
    CALL_WRITE_RAM = 8,
    CALL_WRITE_CONTROL = 9,
    CALL_READ_RAM = 10,
    CALL_READ_CONTROL = 11,
    CALL_PERF_COUNTERS = 14,
    CALL_PERF_TRACE_COUNT = 15,
    CALL_PERF_TRACE = 16,
    CALL_TIMESTAMP = 17,
    CALL_BUS_STATUS = 18,
    CALL_MESSAGES = 19,
    CALL_ENVIRONMENT = 20,
    CALL_SETUP = 28,
    CALL_REGISTER_WRITE = 51,
    CALL_REGISTER_READ = 52
};

#define MAX_PATH_BYTES 1024
#define READ_BYTES 4096 /* most bytes of one read of registers */

struct model {
    model_options options;
    model_memory *memory;
    model_units *units;
    void *library;
    uint8_t read[READ_BYTES];
};

p_status model_create(const model_options *options, model **out, p_err *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return p_err_set(err, P_EEXHAUSTED, "card model: out of memory");
    (*out)->options = *options;
    return P_OK;
}

static void unload(model *card)
{
    model_units_destroy(card->units);
    card->units = NULL;
    if (card->library)
        card->options.close(card->options.context, card->library);
    card->library = NULL;
}

void model_destroy(model *card)
{
    if (!card)
        return;
    unload(card);
    model_memory_destroy(card->memory);
    free(card);
}

p_status model_load(model *card, const char *xml, size_t xml_size, void *library, uint64_t memory,
                    p_err *err)
{
    metadata *description = NULL;
    model_kernel kernels[METADATA_MAX_KERNELS];
    model_unit_host host = {.log = card->options.log,
                            .faults = card->options.faults,
                            .lost = card->options.lost,
                            .context = card->options.context};
    p_status status = P_OK;

    unload(card);
    card->library = library;
    if (card->memory && model_memory_size(card->memory) != memory) {
        model_memory_destroy(card->memory);
        card->memory = NULL;
    }
    if (!card->memory)
        status = model_memory_create(memory, &card->memory, err);
    if (status == P_OK && !(description = malloc(sizeof *description)))
        status = p_err_set(err, P_EEXHAUSTED, "card model: out of memory");
    if (status == P_OK)
        status = metadata_read(xml, xml_size, description, err);
    for (uint32_t i = 0; status == P_OK && i < description->kernels; i++) {
        if (!card->options.find(card->options.context, library, description->kernel[i].name,
                                &kernels[i]))
            status = p_err_set(err, P_EMISSING, "the image's kernels lack card_call_%s",
                               description->kernel[i].name);
    }
    host.memory = card->memory;
    if (status == P_OK)
        status = model_units_create(description, kernels, &host, &card->units, err);
    if (status == P_OK)
        timeline_write(card->options.log, "load kernels=%u units=%u memory=%llu",
                       description->kernels, description->units,
                       (unsigned long long)model_memory_size(card->memory));
    free(description);
    return status;
}

/* ---- files that the shim names ---- */

/* A file below the run folder: the path has to begin with it and has no "..". */
static bool take_path(const model *card, const wire_message *message, uint32_t number,
                      char out[MAX_PATH_BYTES])
{
    const char *folder = card->options.run_folder;
    const uint8_t *bytes;
    size_t size, length = folder ? strlen(folder) : 0;

    if (!folder || !wire_message_bytes(message, number, &bytes, &size) || size >= MAX_PATH_BYTES ||
        size <= length || memcmp(bytes, folder, length) || bytes[length] != '/' ||
        memchr(bytes, 0, size))
        return false;
    memcpy(out, bytes, size);
    out[size] = 0;
    return strstr(out, "/..") == NULL;
}

static char *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    char *bytes = NULL;
    size_t done = 0;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
        (uint64_t)about.st_size <= METADATA_MAX_BYTES)
        bytes = malloc((size_t)about.st_size);
    while (bytes && done < (size_t)about.st_size) {
        ssize_t got = read(fd, bytes + done, (size_t)about.st_size - done);

        if (got <= 0) {
            free(bytes);
            bytes = NULL;
        } else {
            done += (size_t)got;
        }
    }
    close(fd);
    *size = done;
    return bytes;
}

/* The sum of the banks' sizes, field 7 in each field 8. */
static bool banks_size(const uint8_t *request, size_t size, uint64_t *out)
{
    wire_reader in = {request, request + size};
    wire_field field;
    uint64_t sum = 0;

    while (wire_next(&in, &field) > 0) {
        wire_message bank;
        uint64_t bytes;

        if (field.number != 8 || field.type != WIRE_BYTES)
            continue;
        if (!wire_message_read(field.bytes, (size_t)field.value, &bank) ||
            !wire_message_number(&bank, 7, &bytes) || bytes > MODEL_MEMORY_MAX - sum)
            return false;
        sum += bytes;
    }
    *out = sum;
    return sum > 0;
}

static p_status load(model *card, const wire_message *message, const uint8_t *request, size_t size,
                     p_err *err)
{
    char xml_path[MAX_PATH_BYTES], library_path[MAX_PATH_BYTES], *xml;
    size_t xml_size = 0;
    uint64_t memory;
    void *library;
    p_status status;

    if (!card->options.open || !take_path(card, message, 1, xml_path) ||
        !take_path(card, message, 2, library_path))
        return p_err_set(err, P_EINVAL, "load: files are not below the run folder");
    if (!banks_size(request, size, &memory))
        return p_err_set(err, P_EINVAL, "load: no banks, or more than %llu bytes",
                         (unsigned long long)MODEL_MEMORY_MAX);
    xml = read_file(xml_path, &xml_size);
    if (!xml)
        return p_err_set(err, P_EIO, "load: %s cannot be read", xml_path);
    status = card->options.open(card->options.context, library_path, &library, err);
    if (status == P_OK)
        status = model_load(card, xml, xml_size, library, memory, err);
    free(xml);
    return status;
}

/* ---- requests ---- */

typedef struct request {
    model *card;
    const wire_message *message;
    const uint8_t *bytes;
    size_t size;
    uint64_t start_us;
    wire_writer out; /* into reply->head */
    model_reply *reply;
} request;

static void answer_bool(request *r, bool good)
{
    wire_put_number(&r->out, 1, good);
}

static void answer_bytes(request *r, uint64_t first, const uint8_t *bytes, size_t size)
{
    wire_put_number(&r->out, 1, first);
    wire_put_length(&r->out, 2, size);
    r->reply->body = bytes;
    r->reply->body_size = size;
}

static bool number(const request *r, uint32_t field, uint64_t *out)
{
    return wire_message_number(r->message, field, out);
}

static void refused(const request *r, const char *what, uint64_t address, uint64_t size)
{
    timeline_write(r->card->options.log, "refused %s address=0x%llx size=%llu", what,
                   (unsigned long long)address, (unsigned long long)size);
}

static bool transferred(const request *r, const char *what, uint64_t address, uint64_t size)
{
    timeline_write(r->card->options.log, "%s address=0x%llx size=%llu took=%llu", what,
                   (unsigned long long)address, (unsigned long long)size,
                   (unsigned long long)(timeline_now_us() - r->start_us));
    return true;
}

/* What a transfer's address lacks: see model_options.hw_emu. Sums wrap; what they give is checked.
 */
static uint64_t inside_buffer(const request *r)
{
    uint64_t offset = 0;

    return r->card->options.hw_emu && number(r, 6, &offset) ? offset : 0;
}

/* Host to card: data is field 4. */
static bool to_card(request *r, uint64_t address, uint64_t *size)
{
    const uint8_t *data;
    size_t length;
    uint8_t *memory;

    *size = 0;
    if (!wire_message_bytes(r->message, 4, &data, &length))
        return false;
    memory = model_memory_at(r->card->memory, address, length);
    if (!memory) {
        refused(r, "h2d", address, length);
        return true;
    }
    if (length)
        memcpy(memory, data, length);
    *size = length;
    return transferred(r, "h2d", address, length);
}

static bool from_card(request *r)
{
    uint64_t address, size;
    const uint8_t *memory;

    if (!number(r, 4, &address) || !number(r, 5, &size) || size > WIRE_MAX_MESSAGE)
        return false;
    address += inside_buffer(r);
    memory = model_memory_at(r->card->memory, address, size);
    if (!memory) {
        refused(r, "d2h", address, size);
        size = 0;
    }
    answer_bytes(r, size, memory, (size_t)size);
    return !memory || transferred(r, "d2h", address, size);
}

static bool write_control(request *r, uint64_t address, uint32_t data_field)
{
    const uint8_t *data;
    size_t size;

    if (!wire_message_bytes(r->message, data_field, &data, &size))
        return false;
    if (!model_units_write(r->card->units, address, data, size))
        refused(r, "register write", address, size);
    answer_bool(r, true);
    return true;
}

static bool read_some(request *r, uint64_t address, uint64_t size, bool registers)
{
    const uint8_t *memory = NULL;

    if (size > READ_BYTES)
        return false;
    if (registers)
        model_units_read(r->card->units, address, r->card->read, (size_t)size);
    else if (!(memory = model_memory_at(r->card->memory, address, size)))
        memset(r->card->read, 0, (size_t)size);
    answer_bytes(r, 1, memory ? memory : r->card->read, (size_t)size);
    return true;
}

static bool place(request *r)
{
    uint64_t address, size;
    bool good;

    if (!number(r, 1, &address) || !number(r, 2, &size))
        return false;
    good = r->card->memory && model_memory_place(r->card->memory, address, size);
    if (good)
        timeline_write(r->card->options.log, "place address=0x%llx size=%llu",
                       (unsigned long long)address, (unsigned long long)size);
    else
        refused(r, "place", address, size);
    answer_bool(r, good);
    return true;
}

static bool release(request *r)
{
    uint64_t address;

    if (!number(r, 1, &address))
        return false;
    if (model_memory_release(r->card->memory, address))
        timeline_write(r->card->options.log, "release address=0x%llx", (unsigned long long)address);
    else
        refused(r, "release", address, 0);
    answer_bool(r, true);
    return true;
}

static bool carry_out(request *r, uint32_t call, bool *end)
{
    uint64_t address = 0, offset = 0, size = 0;
    p_err err = {0};

    switch (call) {
    case CALL_CLOSE:
        number(r, 3, &offset);
        *end = offset != 0 || r->card->options.hw_emu;
        answer_bool(r, true);
        return true;
    case CALL_LOAD:
        if (load(r->card, r->message, r->bytes, r->size, &err) != P_OK)
            timeline_write(r->card->options.log, "refused %s", err.text);
        answer_bool(r, err.status == P_OK);
        return true;
    case CALL_PLACE:
        return place(r);
    case CALL_RELEASE:
        return release(r);
    case CALL_H2D:
        if (!number(r, 3, &address) || !to_card(r, address + inside_buffer(r), &size))
            return false;
        wire_put_number(&r->out, 1, size);
        return true;
    case CALL_D2H:
        return from_card(r);
    case CALL_WRITE_RAM:
        if (!number(r, 2, &address) || !to_card(r, address, &size))
            return false;
        answer_bool(r, true);
        return true;
    case CALL_READ_RAM:
    case CALL_READ_CONTROL:
        return number(r, 2, &address) && number(r, 3, &size) &&
               read_some(r, address, size, call == CALL_READ_CONTROL);
    case CALL_WRITE_CONTROL:
        return number(r, 2, &address) && write_control(r, address, 4);
    case CALL_REGISTER_WRITE:
        return number(r, 1, &address) && number(r, 2, &offset) &&
               write_control(r, address + offset, 3);
    case CALL_REGISTER_READ:
        return number(r, 1, &address) && number(r, 2, &offset) && number(r, 3, &size) &&
               read_some(r, address + offset, size, true);
    case CALL_ENVIRONMENT:
    case CALL_SETUP:
        answer_bool(r, true);
        return true;
    case CALL_TIMESTAMP:
        wire_put_number(&r->out, 1, timeline_now_us());
        return true;
    case CALL_PERF_COUNTERS:
    case CALL_PERF_TRACE_COUNT:
    case CALL_PERF_TRACE:
    case CALL_BUS_STATUS:
    case CALL_MESSAGES: /* nothing to tell: all fields are optional */
        return true;
    default:
        return false;
    }
}

model_next model_answer(model *card, uint32_t call, const uint8_t *bytes, size_t size,
                        uint64_t start_us, model_reply *out)
{
    wire_message message;
    bool end = false;
    request r = {.card = card,
                 .message = &message,
                 .bytes = bytes,
                 .size = size,
                 .start_us = start_us,
                 .out = {out->head, 0, sizeof out->head, false},
                 .reply = out};

    out->body = NULL;
    out->body_size = 0;
    if (!wire_message_read(bytes, size, &message) || !carry_out(&r, call, &end) || r.out.full) {
        timeline_write(card->options.log, "refused request %u of %zu bytes", call, size);
        return MODEL_REFUSE;
    }
    out->head_size = r.out.size;
    return end ? MODEL_END : MODEL_GO_ON;
}
