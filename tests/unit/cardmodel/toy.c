#include "tests/unit/cardmodel/cardmodel_test.h"

#include <time.h>

const char TOY_XML[] =
    "<?xml version=\"1.0\"?><project name=\"toy\"><core>"
    "<kernel name=\"toy\" language=\"c\"><port name=\"p\" mode=\"master\"/>"
    "<arg name=\"from\" addressQualifier=\"1\" id=\"0\" size=\"0x8\" offset=\"0x10\"/>"
    "<arg name=\"to\" addressQualifier=\"1\" id=\"1\" size=\"0x8\" offset=\"0x1C\"/>"
    "<arg name=\"add\" addressQualifier=\"0\" id=\"2\" size=\"0x4\" offset=\"0x28\"/>"
    "<instance name=\"toy_1\"><addrRemap base=\"0x1800000\" range=\"0x10000\"/></instance>"
    "<instance name=\"toy_2\"><addrRemap base=\"0x1810000\" range=\"0x10000\"/></instance>"
    "</kernel></core></project>";

static atomic_bool held;

void toy_hold(bool hold)
{
    held = hold;
}

static void toy(const uint64_t *args)
{
    struct timespec pause = {0, 1000000};
    uint64_t word;

    while (held)
        nanosleep(&pause, NULL);
    memcpy(&word, (const void *)(uintptr_t)args[0], sizeof word);
    word += args[2];
    memcpy((void *)(uintptr_t)args[1], &word, sizeof word);
}

bool toy_find(void *context, void *library, const char *kernel, model_kernel *out)
{
    (void)context;
    (void)library;
    *out = (model_kernel){toy, NULL};
    return !strcmp(kernel, "toy");
}

static p_status toy_open(void *context, const char *path, void **library, p_err *err)
{
    toy_card *toy = context;

    toy->opened++;
    *library = NULL;
    return p_err_set(err, P_EUNSUPPORTED, "%s: not opened by a test", path);
}

static void toy_close(void *context, void *library)
{
    (void)context;
    (void)library;
}

static void toy_lost(void *context, const char *reason, bool by_signal)
{
    toy_card *toy = context;

    (void)reason;
    (void)by_signal;
    toy->lost++;
}

static void make(toy_card *t, const char *faults, const char *log_path, bool hw_emu)
{
    p_err err = {0};

    memset(t, 0, sizeof *t);
    t->log = timeline_open(log_path);
    t->options = (model_options){.log = &t->log,
                                 .faults = &t->faults,
                                 .open = toy_open,
                                 .find = toy_find,
                                 .close = toy_close,
                                 .lost = toy_lost,
                                 .context = t,
                                 .run_folder = "/etc",
                                 .hw_emu = hw_emu};
    assert_int_equal(model_faults_read(faults, &t->faults, &err), P_OK);
    assert_int_equal(model_create(&t->options, &t->card, &err), P_OK);
    if (model_load(t->card, TOY_XML, strlen(TOY_XML), NULL, TOY_MEMORY, &err) != P_OK)
        fail_msg("%s", err.text);
}

void toy_card_make(toy_card *t, const char *faults, const char *log_path)
{
    make(t, faults, log_path, false);
}

void toy_card_make_hw(toy_card *t)
{
    make(t, NULL, NULL, true);
}

void toy_card_free(toy_card *t)
{
    model_destroy(t->card);
    timeline_close(&t->log);
}

model_reply toy_ask(toy_card *t, uint32_t call, const wire_writer *request)
{
    model_reply reply;

    assert_false(request->full);
    assert_int_equal(
        model_answer(t->card, call, request->bytes, request->size, timeline_now_us(), &reply),
        MODEL_GO_ON);
    return reply;
}

void toy_write_at(toy_card *t, uint64_t address, uint64_t offset, const void *bytes, size_t size)
{
    uint8_t *buffer = malloc(size + 64);
    wire_writer w = {buffer, 0, size + 64, false};
    model_reply reply;

    assert_non_null(buffer);
    wire_put_bytes(&w, 2, "device", 6);
    wire_put_number(&w, 3, address);
    wire_put_bytes(&w, 4, bytes, size);
    wire_put_number(&w, 5, size);
    wire_put_number(&w, 6, offset);
    reply = toy_ask(t, REQUEST_H2D, &w);
    assert_true(reply.head_size >= 2);
    free(buffer);
}

void toy_read_at(toy_card *t, uint64_t address, uint64_t offset, void *bytes, size_t size)
{
    uint8_t buffer[64];
    wire_writer w = {buffer, 0, sizeof buffer, false};
    model_reply reply;

    wire_put_number(&w, 4, address);
    wire_put_number(&w, 5, size);
    wire_put_number(&w, 6, offset);
    reply = toy_ask(t, REQUEST_D2H, &w);
    assert_int_equal(reply.body_size, size);
    memcpy(bytes, reply.body, size);
}

void toy_write(toy_card *t, uint64_t address, const void *bytes, size_t size)
{
    toy_write_at(t, address, 0, bytes, size);
}

void toy_read(toy_card *t, uint64_t address, void *bytes, size_t size)
{
    toy_read_at(t, address, 0, bytes, size);
}

void toy_start(toy_card *t, unsigned unit, uint64_t from, uint64_t to, uint32_t add)
{
    uint8_t map[TOY_ADD + 4] = {0}, buffer[128];

    memcpy(map + TOY_FROM, &from, 8);
    memcpy(map + TOY_TO, &to, 8);
    memcpy(map + TOY_ADD, &add, 4);
    for (map[0] = 0; map[0] < 2; map[0]++) { /* as the shim: all registers, then with start */
        wire_writer w = {buffer, 0, sizeof buffer, false};

        wire_put_number(&w, 2, TOY_BASE + unit * 0x10000);
        wire_put_number(&w, 3, sizeof map);
        wire_put_bytes(&w, 4, map, sizeof map);
        toy_ask(t, REQUEST_WRITE_CONTROL, &w);
    }
}

uint32_t toy_state(toy_card *t, unsigned unit)
{
    uint8_t buffer[32];
    wire_writer w = {buffer, 0, sizeof buffer, false};
    model_reply reply;
    uint32_t word;

    wire_put_number(&w, 2, TOY_BASE + unit * 0x10000);
    wire_put_number(&w, 3, 4);
    reply = toy_ask(t, REQUEST_READ_CONTROL, &w);
    assert_int_equal(reply.body_size, 4);
    memcpy(&word, reply.body, 4);
    return word;
}

bool toy_done(toy_card *t, unsigned unit)
{
    struct timespec pause = {0, 1000000};

    for (int i = 0; i < 60000; i++) {
        if (toy_state(t, unit) & 2)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}
