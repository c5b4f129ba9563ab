/** A card behind zkp-card: card_ops of driver/card/card.h.
 *
 * A thread of the client starts the process, talks to it, copies between arrays of the host and the
 * staging memory, and notices its death; calls only queue work for it and wait. Half of the staging
 * slots are for uploads, half for downloads, so that neither waits for the other. */
#ifndef ZKP_DRIVER_XRT_CLIENT_H
#define ZKP_DRIVER_XRT_CLIENT_H

#include "driver/card/card.h"
#include "driver/xrt/protocol.h"

typedef struct xrt_client_options {
    const char *program;    /**< path of zkp-card */
    const char *bitstreams; /**< folder of the manifest */
    const char *image;      /**< NULL: the first that fits */
    uint32_t device;
    uint32_t slots;     /**< of the staging memory, 2 .. XRT_MAX_SLOTS; 0: the usual */
    uint64_t slot_rows; /**< 0: the usual */
} xrt_client_options;

typedef struct xrt_client xrt_client;

extern const card_ops xrt_client_ops; /**< their card is an xrt_client */

/** Starts zkp-card and waits for its answer. Statuses and texts are zkp-card's where it gave some,
 * else P_EDEVICE. */
p_status xrt_client_open(const xrt_client_options *options, xrt_client **out, p_err *err);

/** What card and image are; valid until close. */
const char *xrt_client_about(const xrt_client *client);

/** The process, -1 if there is none at this moment: for tests. */
int xrt_client_pid(xrt_client *client);

#endif
