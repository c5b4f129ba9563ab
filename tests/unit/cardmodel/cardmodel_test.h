/** What the tests of driver/cardmodel share: messages of the protocol, and a small card with a
 * kernel of their own. */
#ifndef ZKP_TESTS_UNIT_CARDMODEL_CARDMODEL_TEST_H
#define ZKP_TESTS_UNIT_CARDMODEL_CARDMODEL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/cardmodel/server.h"

#include <stdatomic.h>

/** Requests, by the numbers of XRT's xcl_macros.h. */
enum {
    REQUEST_CLOSE = 1,
    REQUEST_LOAD = 3,
    REQUEST_PLACE = 4,
    REQUEST_RELEASE = 5,
    REQUEST_H2D = 6,
    REQUEST_D2H = 7,
    REQUEST_WRITE_RAM = 8,
    REQUEST_WRITE_CONTROL = 9,
    REQUEST_READ_RAM = 10,
    REQUEST_READ_CONTROL = 11,
    REQUEST_MESSAGES = 19,
    REQUEST_ENVIRONMENT = 20,
    REQUEST_SETUP = 28,
    REQUEST_REGISTER_WRITE = 51,
    REQUEST_REGISTER_READ = 52
};

#define TOY_BASE 0x1800000
#define TOY_MEMORY ((uint64_t)1 << 20)
#define TOY_FROM 0x10 /**< registers of the arguments */
#define TOY_TO 0x1c
#define TOY_ADD 0x28

/** Two units of a kernel `toy`: the first word of the row `to` becomes that of `from` plus `add`.
 */
extern const char TOY_XML[];

typedef struct toy_card {
    model *card;
    timeline log;
    model_faults faults;
    model_options options;
    _Atomic int lost; /**< calls of lost */
    int opened;       /**< libraries that were asked for; all are refused */
} toy_card;

/** As toy_card_make, for the shim of hw_emu. */
void toy_card_make_hw(toy_card *toy);
/** faults: as in faults.h, or NULL; log_path: or NULL. Fails the test if anything fails. */
void toy_card_make(toy_card *toy, const char *faults, const char *log_path);
void toy_card_free(toy_card *toy);

/** The toy's kernel: for the tests that make their own options. */
bool toy_find(void *context, void *library, const char *kernel, model_kernel *out);

/** Sends one request and checks that it is answered. */
model_reply toy_ask(toy_card *toy, uint32_t call, const wire_writer *request);

void toy_write(toy_card *toy, uint64_t address, const void *bytes, size_t size);
void toy_read(toy_card *toy, uint64_t address, void *bytes, size_t size);
/** The same with the offset inside of a buffer that shims send. */
void toy_write_at(toy_card *toy, uint64_t address, uint64_t offset, const void *bytes, size_t size);
void toy_read_at(toy_card *toy, uint64_t address, uint64_t offset, void *bytes, size_t size);
/** The registers of unit 0 or 1. */
void toy_start(toy_card *toy, unsigned unit, uint64_t from, uint64_t to, uint32_t add);
uint32_t toy_state(toy_card *toy, unsigned unit);
/** Runs that are started while hold is true end only after it is false. */
void toy_hold(bool hold);
/** Polls until the unit says done; false after a minute. */
bool toy_done(toy_card *toy, unsigned unit);

#endif
