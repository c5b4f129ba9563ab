/** The client's parts: client.c queues and waits, client_io.c is the thread that does it. */
#ifndef ZKP_DRIVER_XRT_CLIENT_INTERNAL_H
#define ZKP_DRIVER_XRT_CLIENT_INTERNAL_H

#include "driver/xrt/client.h"
#include "driver/xrt/manifest.h"
#include "driver/xrt/spawn.h"

#include <pthread.h>
#include <stdbool.h>

struct card_buffer {
    uint64_t id, rows;
    card_side side;
    uint64_t generation; /**< of the process that it lives in */
};

struct card_ticket {
    card_ticket *next; /**< in its queue, while not all of it was sent */
    xrt_message run;   /**< of a run; else of a transfer: */
    uint64_t buffer, row, rows;
    uint8_t *data;
    uint64_t sent;   /**< rows */
    uint32_t pieces; /**< sent and not answered */
    bool is_run, is_write;
    bool ended;
    p_status status;
    card_ticket *all_next, *all_last; /**< of all that have not ended */
};

typedef struct xrt_queue {
    card_ticket *first, *last;
} xrt_queue;

typedef struct xrt_slot {
    uint64_t id; /**< of the command that uses it; 0: free */
    card_ticket *ticket;
    uint64_t at, rows; /**< of the ticket's rows */
} xrt_slot;

typedef enum xrt_state {
    XRT_STARTING,
    XRT_RUNNING,
    XRT_LOST,
} xrt_state;

struct xrt_client {
    char program[XRT_PATH_BYTES], bitstreams[XRT_PATH_BYTES], image[XRT_IMAGE_NAME_BYTES];
    uint32_t device, slot_count;
    uint64_t slot_rows;

    /* of the thread alone while it runs */
    pthread_t thread;
    bool has_thread;
    int socket, staging_fd, wake;
    uint8_t *staging;
    pid_t pid; /**< under the lock; also after a failed attempt to end it; -1: none */

    pthread_mutex_t lock; /**< of all below */
    pthread_cond_t changed;
    xrt_state state;
    bool stop;   /**< the thread shall end */
    bool polite; /**< and let zkp-card close the card */
    p_err lost;  /**< why, once the state is XRT_LOST */
    uint64_t generation, next_id, next_buffer;
    card_caps caps;
    bool has_caps;
    char about[XRT_TEXT_BYTES];
    xrt_queue writes, reads, runs;
    card_ticket *all;
    struct {
        uint64_t id;
        card_ticket *ticket;
    } open_runs[XRT_MAX_RUNS];
    xrt_slot slots[XRT_MAX_SLOTS]; /**< the first half: uploads */
    struct {
        xrt_message message;
        bool sent, answered;
        p_err answer;
    } alloc;         /**< one at a time */
    uint64_t *frees; /**< buffers to be freed, free_count of them in room for free_room */
    size_t free_count, free_room;
};

/** Starts process and thread and waits for the answer to the hello. No thread is running. */
p_status xrt_io_start(xrt_client *c, p_err *err);

/** Ends both. The lock is not held. */
void xrt_io_stop(xrt_client *c, bool polite);

/** There is something to do. The lock is held. */
void xrt_io_wake(xrt_client *c);

#endif
