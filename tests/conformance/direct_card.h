/** A card for tests: card_ops whose memory is plain arrays, striped as kernel_abi.h says, and whose
 * kernels are those of hls/kernels, compiled as C and called in this process.
 *
 * With threads each unit of a kernel, the writer and the reader have one of their own, and commands
 * run side by side as on a card. Without, a command runs when it is waited for and not before (runs
 * of its unit that came earlier run first): whoever forgets to wait for what he needs reads what
 * was there before. Each channel of each buffer is an allocation of its exact size, so that the
 * address sanitizer sees a kernel that leaves it.
 *
 * It fails on command, and keeps counts and a timeline of what it did. */
#ifndef ZKP_TESTS_CONFORMANCE_DIRECT_CARD_H
#define ZKP_TESTS_CONFORMANCE_DIRECT_CARD_H

#include "driver/backend.h"
#include "driver/card/card.h"

#include <stdbool.h>

typedef struct direct_card direct_card;

typedef struct direct_options {
    card_caps caps;    /**< channels_log2: 0, 2 or 4 */
    bool threads;      /**< commands run side by side */
    uint32_t least_us; /**< what each run takes at least */
    uint32_t move_us;  /**< and each transfer */
} direct_options;

/** What a command does: a card_kernel, or one of these. */
enum { DIRECT_WRITE = CARD_KERNELS, DIRECT_READ, DIRECT_ANY };

typedef enum direct_fault_kind {
    DIRECT_SOUND,
    DIRECT_REFUSE, /**< start answers P_EDEVICE, and the card is lost */
    DIRECT_FAIL,   /**< the command ends P_EDEVICE, and the card is lost */
    DIRECT_HANG,   /**< it ends when the card is reset */
    DIRECT_FLIP,   /**< one bit of what it writes is inverted */
    DIRECT_SPOIL   /**< one bit in each half of each row of what it writes */
} direct_fault_kind;

typedef struct direct_fault {
    direct_fault_kind kind;
    uint32_t what;  /**< which commands count */
    uint64_t at;    /**< 1: the next of them */
    uint64_t count; /**< how many in a row; UINT64_MAX: for ever */
    uint64_t seed;  /**< of the bits */
} direct_fault;

typedef struct direct_event {
    uint32_t what, unit;
    int64_t submitted_ns, started_ns, ended_ns; /**< CLOCK_MONOTONIC */
    /** The calls of start and wait are numbered: by which it was started, and by which its end was
     * told. Commands that were all started before one of them was told to have ended may run at the
     * same time, however slow the machine is. */
    uint64_t started_by, told_by;
} direct_event;

#define DIRECT_MAX_EVENTS 4096

typedef struct direct_counts {
    uint64_t commands[DIRECT_ANY + 1]; /**< started, each kind and all */
    uint64_t buffers, tickets;         /**< that live */
    uint64_t rows[2];                  /**< allocated, of each side */
    uint64_t allocations, resets;      /**< ever */
    uint64_t faults;                   /**< injected */
    bool closed;                       /**< by card_ops.close */
} direct_counts;

/** Never NULL: without memory the process ends. options are copied. */
direct_card *direct_card_create(const direct_options *options);
/** After card_ops.close. */
void direct_card_destroy(direct_card *card);

extern const card_ops direct_card_ops;

/** Replaces the fault that was set; counting starts anew. Any thread, like the rest. */
void direct_card_fault(direct_card *card, const direct_fault *fault);
/** The next number of calls of reset fail. */
void direct_card_fail_resets(direct_card *card, uint32_t number);
/** The at-th allocation from now and all that follow answer P_EEXHAUSTED; 0: none does. */
void direct_card_fail_allocations(direct_card *card, uint64_t at);
/** Calls hook when the at-th command from now is started; at 0: never. The hook may not call the
 * card. */
void direct_card_hook(direct_card *card, uint64_t at, void (*hook)(void *context), void *context);
void direct_card_counts(direct_card *card, direct_counts *out);
/** Forgets what was recorded. */
void direct_card_clear_events(direct_card *card);
/** Copies what was recorded, at most DIRECT_MAX_EVENTS, in the order of submission. */
size_t direct_card_events(direct_card *card, direct_event *out);

/** card_ops.close also destroys it. */
void direct_card_owned_by_close(direct_card *card);

/** All kernels, two units of gl_lde, gl_merkle and bn_msm_g1, 2^24 rows a side. */
direct_options direct_card_default(uint32_t channels_log2);

/** Device "direct" over it, with 4 channels, and with 1 and 16: for the suite. */
extern const drv_backend drv_backend_direct, drv_backend_direct1, drv_backend_direct16;

#endif
