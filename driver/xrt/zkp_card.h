/** Inside zkp-card: the card that zkp_card_serve.c works on, and the service. zkp_card_xrt.c is the
 * card behind XRT; tests link one of their own in its place.
 *
 * Order of calls: zc_open -> { zc_alloc -> zc_sync, zc_start -> zc_poll -> zc_free } -> zc_close.
 * Threads: zc_alloc and zc_free come from one thread, zc_start and zc_poll from another, zc_sync
 * from several at once, for different rows. */
#ifndef ZKP_DRIVER_XRT_ZKP_CARD_H
#define ZKP_DRIVER_XRT_ZKP_CARD_H

#include "driver/xrt/protocol.h"

#include <stdbool.h>

#define ZC_CHANNELS (1u << HLS_MAX_CHANNELS_LOG2)

typedef struct zc_options {
    const char *image;      /**< NULL: the first that fits the card */
    const char *bitstreams; /**< folder of the manifest; NULL: xrt_manifest_folder's */
    uint32_t device;        /**< number of the card */
} zc_options;

typedef struct zc_device zc_device;

/** A buffer: the rows of each channel, mirrored in host memory. */
typedef struct zc_buffer {
    uint8_t *host[ZC_CHANNELS]; /**< hls_stripe_rows rows each */
    void *channel[ZC_CHANNELS]; /**< the device's */
    uint64_t rows;
    card_side side;
    /** The service's. */
    uint64_t id;
    uint32_t uses;
    struct zc_buffer *next;
} zc_buffer;

/** Opens the card and loads the image. welcome: of the answer to the hello; its head is the
 * caller's. */
p_status zc_open(const zc_options *options, zc_device **out, xrt_message *welcome, p_err *err);
void zc_close(zc_device *device);

/** rows and side are set. P_EEXHAUSTED. */
p_status zc_alloc(zc_device *device, zc_buffer *buffer, p_err *err);
void zc_free(zc_device *device, zc_buffer *buffer);

/** Copies bytes of a channel between the mirror and the card; blocks. */
p_status zc_sync(zc_device *device, zc_buffer *buffer, uint32_t channel, uint64_t offset,
                 uint64_t bytes, bool to_card, p_err *err);

/** Starts an idle unit. For arguments of rows buffers[i] is set, else values[i]. */
p_status zc_start(zc_device *device, card_kernel kernel, uint32_t unit,
                  zc_buffer *const buffers[CARD_MAX_ARGS], const uint64_t values[CARD_MAX_ARGS],
                  p_err *err);
/** *ended: the unit is idle again. A failure means that, too. */
p_status zc_poll(zc_device *device, card_kernel kernel, uint32_t unit, bool *ended, p_err *err);

/** Serves the driver on a socket until it closes it or breaks the protocol (then false, and why on
 * standard error). Owns neither descriptor. */
bool zc_serve(int socket, int staging, const zc_options *options);

/** Places of a range of rows: for each channel where its part begins and how long it is, in rows.
 */
typedef struct zc_part {
    uint64_t first, rows; /**< of the channel's */
} zc_part;
void zc_split(uint64_t row, uint64_t rows, uint32_t channels_log2, zc_part parts[ZC_CHANNELS]);
/** Copies rows of a buffer from or to linear memory. */
void zc_copy(const zc_buffer *buffer, uint64_t row, uint64_t rows, uint32_t channels_log2,
             uint8_t *linear, bool to_buffer);

#endif
