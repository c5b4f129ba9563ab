/** The emulated card: answers the requests of XRT's emulation shims (Debian's libxrt_swemu and
 * libxrt_hwemu), whatever bytes they are.
 *
 * Life: create, then model_load or the shim's own request to load (sw_emu), then model_answer for
 * each request, destroy. One thread. */
#ifndef ZKP_DRIVER_CARDMODEL_MODEL_H
#define ZKP_DRIVER_CARDMODEL_MODEL_H

#include "driver/cardmodel/units.h"
#include "driver/cardmodel/wire.h"

typedef struct model model;

typedef struct model_options {
    const timeline *log;        /**< borrowed */
    const model_faults *faults; /**< borrowed */
    /** Opens an image's kernels (sw_emu): the file that the shim wrote, below run_folder. NULL:
     * requests to load are refused. */
    p_status (*open)(void *context, const char *path, void **library, p_err *err);
    /** false: the library lacks it. */
    bool (*find)(void *context, void *library, const char *kernel, model_kernel *out);
    void (*close)(void *context, void *library);
    /** As in model_unit_host. */
    void (*lost)(void *context, const char *reason, bool signal);
    void *context;
    const char *run_folder; /**< borrowed; files outside are not opened. NULL: none are */
    /** The shim of hw_emu: any request to close ends the card, and transfers inside a buffer have
     * its address and an offset, where sw_emu's shim has added the two (and sends both, too). */
    bool hw_emu;
} model_options;

p_status model_create(const model_options *options, model **out, p_err *err);
/** Waits for all runs. */
void model_destroy(model *card);

/** Makes the card anew: memory of that many bytes (or the old one, if it is as large), kernels of
 * the library, units of the metadata. Takes library over, also on failure. */
p_status model_load(model *card, const char *xml, size_t xml_size, void *library, uint64_t memory,
                    p_err *err);

typedef enum model_next {
    MODEL_GO_ON,
    MODEL_END,   /**< the answer is the last one */
    MODEL_REFUSE /**< the request is malformed; there is no answer */
} model_next;

typedef struct model_reply {
    uint8_t head[64];
    size_t head_size;
    const uint8_t *body; /**< follows head; valid until the next call */
    size_t body_size;
} model_reply;

/** Carries out one request. start_us: when it began to arrive (for the log). */
model_next model_answer(model *card, uint32_t call, const uint8_t *request, size_t size,
                        uint64_t start_us, model_reply *out);

#endif
