/** A card as the schedule sees it: memory in rows, kernels that run, nothing else. driver/xrt and
 * driver/opencl implement it; driver/card turns the jobs of driver.h into its commands, once for
 * both. hls/include/kernel_abi.h says what rows, sides, striping and kernels are.
 *
 * Commands are asynchronous: start_* returns a ticket at once, or after a bounded time while the
 * transport is full. Commands do not wait for each other: whoever needs another's result waits for
 * its ticket first. The card may run several at a time, in any order; runs of one unit of a kernel
 * go one after the other. Arrays of the host stay valid and untouched (reads: unread) until the
 * ticket has ended.
 *
 * A command that fails ends P_EDEVICE (with what failed), and from then on the card is lost: all
 * tickets end P_EDEVICE within a second, all starts answer it, until reset. The data in its memory
 * is gone.
 *
 * Threads: calls for one card come one at a time. */
#ifndef ZKP_DRIVER_CARD_CARD_H
#define ZKP_DRIVER_CARD_CARD_H

#include "driver/base/err.h"
#include "hls/include/kernel_abi.h"

#include <stddef.h>
#include <stdint.h>

/** CARD_row_gather, CARD_gl_lde, ...: the kernels of HLS_KERNELS in order. */
typedef enum card_kernel {
#define CARD_ENUM(name, arguments) CARD_##name,
    HLS_KERNELS(CARD_ENUM)
#undef CARD_ENUM
        CARD_KERNELS
} card_kernel;

#define CARD_MAX_ARGS 16 /**< of a kernel, a buffer counted once */

typedef enum card_side { CARD_SIDE_A, CARD_SIDE_B } card_side;

typedef struct card_buffer card_buffer; /**< the transport's */
typedef struct card_ticket card_ticket;

typedef struct card_caps {
    uint32_t units[CARD_KERNELS]; /**< compute units of each kernel; 0: the image lacks it */
    uint32_t channels_log2;       /**< what buffers are striped over: the transport's business */
    uint64_t rows[2];             /**< of each side's memory, for card_buffers */
    uint32_t patience;            /**< factor on the time that a run may take: 1 for hardware */
} card_caps;

/** An argument in the order of the kernel's list in kernel_abi.h: a buffer or a number. */
typedef struct card_arg {
    card_buffer *rows; /**< NULL: a number */
    uint64_t value;
} card_arg;

typedef struct card_ops {
    void (*caps)(void *card, card_caps *out); /**< constant, also over a reset */

    /** rows of one side; contents undefined. P_EEXHAUSTED, P_EDEVICE. Freed also when lost. */
    p_status (*alloc)(void *card, card_side side, uint64_t rows, card_buffer **out, p_err *err);
    /** No command uses it; NULL is allowed. */
    void (*free)(void *card, card_buffer *buffer);

    /** rows consecutive rows, in their order (the transport stripes). rows >= 1. */
    p_status (*start_write)(void *card, card_buffer *buffer, uint64_t row, uint64_t rows,
                            const void *data, card_ticket **out, p_err *err);
    p_status (*start_read)(void *card, card_buffer *buffer, uint64_t row, uint64_t rows, void *data,
                           card_ticket **out, p_err *err);
    /** unit < units[kernel]; args as the kernel's list says, count of them. */
    p_status (*start_run)(void *card, card_kernel kernel, uint32_t unit, const card_arg *args,
                          size_t count, card_ticket **out, p_err *err);

    /** Waits at most timeout_ms (0: looks). P_EDEADLINE: it goes on, the ticket stays; else the
     * command's status, and the ticket is gone. */
    p_status (*wait)(void *card, card_ticket *ticket, uint32_t timeout_ms, p_err *err);

    /** Ends everything on the card by force (tickets end P_EDEVICE and are still waited for) and
     * starts it anew with its image: buffers are to be freed, nothing in memory survives. Takes
     * seconds at most. Failure: the card stays lost; may be called again. */
    p_status (*reset)(void *card, p_err *err);
    /** No tickets and no buffers are left. */
    void (*close)(void *card);
} card_ops;

/** "gl_lde" and so on. */
const char *card_kernel_name(card_kernel kernel);
/** What a kernel's arguments are: 'R' rows, 'W' 32 bits, 'D' 64 bits, one letter each. */
const char *card_kernel_args(card_kernel kernel);

#endif
