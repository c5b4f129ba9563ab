/** What the driver and zkp-card say to each other.
 *
 * zkp-card gets two descriptors from whoever starts it: XRT_FD_SOCKET, a SOCK_SEQPACKET socket with
 * one xrt_message in each packet, and XRT_FD_STAGING, a sealed memory file of slots * slot_rows
 * rows. Numbers are the machine's own: both ends run on it.
 *
 *   driver                          zkp-card
 *   HELLO  what it is, the slots -> WELCOME what the card has, or DONE with an error, then the end
 *   ALLOC  buffer, side, rows    -> DONE
 *   FREE   buffer                   (no answer)
 *   WRITE  slot -> rows          -> DONE once the slot may be used again
 *   READ   rows -> slot          -> DONE once the slot is filled
 *   RUN    kernel, unit, args    -> DONE once the kernel has ended
 *
 * Each command but FREE is answered by one DONE with its id; WRITE, READ and RUN end in any order,
 * runs of one unit in theirs. Until a transfer's DONE the slot is zkp-card's. At most XRT_MAX_RUNS
 * runs are open at once. Either end closes the socket to end it all; a message that breaks these
 * rules is answered by closing the socket.
 *
 * The check functions look at every field of a message that came from the other end; whoever calls
 * them has not used any field before. They write nothing but err. Any thread. */
#ifndef ZKP_DRIVER_XRT_PROTOCOL_H
#define ZKP_DRIVER_XRT_PROTOCOL_H

#include "driver/card/card.h"

#define XRT_FD_SOCKET 3
#define XRT_FD_STAGING 4

#define XRT_PROTOCOL_MAGIC 0x43504b5au /* "ZKPC" */
#define XRT_PROTOCOL_VERSION 1

#define XRT_MESSAGE_BYTES 512
#define XRT_MAX_SLOTS 64
#define XRT_MAX_SLOT_ROWS ((uint64_t)1 << 22) /* 256 MiB */
#define XRT_MAX_RUNS 32
#define XRT_MAX_BUFFERS 65536
/* of a buffer: so that neither rows nor bytes overflow; 4 TiB */
#define XRT_MAX_ROWS ((uint64_t)1 << 36)
#define XRT_MAX_UNITS 16
#define XRT_TEXT_BYTES 448

typedef enum xrt_type {
    XRT_HELLO = 1,
    XRT_ALLOC,
    XRT_FREE,
    XRT_WRITE,
    XRT_READ,
    XRT_RUN,
    XRT_WELCOME = 64,
    XRT_DONE
} xrt_type;

typedef struct xrt_message {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint64_t id; /**< of the command, not 0; a DONE or WELCOME has its command's */
    union {
        struct {
            uint64_t slot_rows;
            uint32_t slots, kernel_abi;
        } hello;
        struct {
            uint64_t rows[2];
            uint32_t units[CARD_KERNELS];
            uint32_t channels_log2, patience;
            char about[XRT_TEXT_BYTES - 64]; /**< the card and its image */
        } welcome;
        struct {
            uint64_t buffer; /**< chosen by the driver, not 0, never used again */
            uint64_t rows;
            uint32_t side;
        } alloc;
        struct {
            uint64_t buffer;
        } free;
        struct {
            uint64_t buffer, row, rows;
            uint32_t slot;
        } transfer; /**< WRITE and READ */
        struct {
            uint64_t values[CARD_MAX_ARGS]; /**< a number, or a buffer */
            uint32_t kernel, unit, count;
        } run;
        struct {
            uint32_t status;           /**< p_status */
            char text[XRT_TEXT_BYTES]; /**< if not P_OK */
        } done;
        uint8_t bytes[XRT_MESSAGE_BYTES - 16];
    };
} xrt_message;

_Static_assert(sizeof(xrt_message) == XRT_MESSAGE_BYTES, "a message has one size");

/** What the two ends agreed on. */
typedef struct xrt_limits {
    uint64_t slot_rows;
    uint32_t slots;
    uint32_t units[CARD_KERNELS];
    uint64_t rows[2];
} xrt_limits;

/** A message of zeros but for its head. */
void xrt_message_init(xrt_message *m, xrt_type type, uint64_t id);

/** A DONE. text: of the error, NULL for none. */
void xrt_message_done(xrt_message *m, uint64_t id, p_status status, const char *text);

/** A packet from the driver, received bytes long (0 .. more than a message): a command that
 * zkp-card can follow as far as this message alone tells; buffers are looked up by the caller.
 * limits: NULL before the HELLO, which must come then and only then. P_EDEVICE. */
p_status xrt_command_check(const xrt_message *m, size_t received, const xrt_limits *limits,
                           p_err *err);

/** A packet from zkp-card: a DONE or, if limits is NULL, possibly a WELCOME. Its texts end inside
 * the message and are printable. P_EDEVICE. */
p_status xrt_answer_check(const xrt_message *m, size_t received, const xrt_limits *limits,
                          p_err *err);

#endif
