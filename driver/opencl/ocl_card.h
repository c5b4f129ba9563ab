/** An OpenCL device as a card (driver/card/card.h): devices found, memory, queues, tickets, and
 * runs of the kernels. One channel; both sides are the same memory. Inside driver/opencl and its
 * tests.
 *
 * Threads: as card.h says, calls for one card come one at a time. */
#ifndef ZKP_DRIVER_OPENCL_OCL_CARD_H
#define ZKP_DRIVER_OPENCL_OCL_CARD_H

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include "driver/card/card.h"
#include "driver/driver.h"

#include <pthread.h>
#include <stdbool.h>

/* ---- devices (ocl_find.c) ---- */

typedef struct ocl_found {
    cl_platform_id platform;
    cl_device_id device;
    cl_device_type type;
    bool usable;
    bool host_memory;      /**< the device works in the host's memory */
    cl_uint units;         /**< compute units: threads of a CPU */
    uint64_t memory_bytes; /**< all of the device's */
    uint64_t buffer_bytes; /**< of one buffer at most */
    char about[DRV_TEXT_BYTES];
} ocl_found;

#define OCL_MAX_DEVICES 16

/** Devices of all platforms in the order in which the loader names them, at most max; returns how
 * many there are. why (DRV_TEXT_BYTES): what is missing if there is none. */
size_t ocl_find(ocl_found *out, size_t max, char *why);

/** Words for an OpenCL error. */
const char *ocl_error_text(cl_int code);

/* ---- the card (ocl_card.c) ---- */

/** Kernels of the programs: X(name, program). */
#define OCL_STEPS(X)                                                                               \
    X(row_gather, plain)                                                                           \
    X(gl_pass, plain)                                                                              \
    X(fr_pass, plain)                                                                              \
    X(msm_count, plain)                                                                            \
    X(msm_offsets, plain)                                                                          \
    X(msm_scatter, plain)                                                                          \
    X(msm_chunks, plain)                                                                           \
    X(msm_buckets, plain)                                                                          \
    X(msm_ranges, plain)                                                                           \
    X(msm_sums, plain)                                                                             \
    X(bn_poseidon, plain)                                                                          \
    X(gl_absorb, lanes)                                                                            \
    X(gl_nodes, lanes)                                                                             \
    X(gl_permute_states, lanes)

typedef enum ocl_step {
#define OCL_STEP_ENUM(name, program) OCL_##name,
    OCL_STEPS(OCL_STEP_ENUM)
#undef OCL_STEP_ENUM
        OCL_STEP_COUNT
} ocl_step;

typedef enum ocl_program { OCL_plain, OCL_lanes, OCL_PROGRAMS } ocl_program;

/** Memory of a run of bn_msm_g1 that no other run sees (bn_msm_g1.cl). */
enum { OCL_COUNTS, OCL_STARTS, OCL_LIST, OCL_BUCKETS, OCL_HEADS, OCL_PARTIAL, OCL_SCRATCH_BUFFERS };

struct card_buffer {
    cl_mem mem;
    uint64_t rows;
};

struct card_ticket {
    uint64_t generation; /**< of the context that it belongs to */
    bool transfer;       /**< the runtime reads or writes an array of the host */
    size_t events, room;
    cl_event *event; /**< in the order of one queue */
    char what[48];
};

typedef struct ocl_card {
    ocl_found found;
    cl_device_id device; /**< found.device, or a part of it with fewer threads */
    bool part;
    uint32_t lanes;  /**< OCL_LANES of common.h */
    size_t local;    /**< work items of a group */
    char build[128]; /**< options of the compiler, for tests */
    uint64_t rows, used, scratch_bytes;

    /* gone and made again by a reset */
    cl_context context;
    cl_command_queue upload, download, run[CARD_KERNELS];
    cl_program program[OCL_PROGRAMS];
    cl_kernel step[OCL_STEP_COUNT];
    cl_mem gl_roots, fr_roots, scratch[OCL_SCRATCH_BUFFERS];
    uint64_t scratch_size[OCL_SCRATCH_BUFFERS];
    uint64_t generation;
    bool lost;
    int64_t lost_ms;      /**< when */
    char reason[256];     /**< why */
    pthread_mutex_t lock; /**< of notice, which the runtime writes on any thread */
    char notice[256];
} ocl_card;

extern const card_ops OCL_CARD_OPS;

/** Opens a device. options may be NULL. build: more options for the compiler (tests), NULL for
 * none. P_EDEVICE with the compiler's words if the kernels do not build. */
p_status ocl_card_create(const ocl_found *found, const drv_options *options, const char *build,
                         ocl_card **out, p_err *err);

/** The card is lost from now on; returns P_EDEVICE. */
p_status ocl_card_lose(ocl_card *card, p_err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- runs (ocl_run.c) ---- */

typedef struct ocl_arg {
    size_t bytes;
    union {
        cl_mem mem;
        cl_uint word;
        cl_ulong wide;
    };
} ocl_arg;

#define OCL_MEM(m) ((ocl_arg){.bytes = sizeof(cl_mem), .mem = (m)})
#define OCL_WORD(w) ((ocl_arg){.bytes = sizeof(cl_uint), .word = (w)})
#define OCL_WIDE(w) ((ocl_arg){.bytes = sizeof(cl_ulong), .wide = (w)})

/** Enqueues items work items of a step in a kernel's queue. */
p_status ocl_enqueue(ocl_card *card, card_ticket *ticket, card_kernel kernel, ocl_step step,
                     uint64_t items, const ocl_arg *args, size_t count, p_err *err);

/** Checks the arguments of a run and enqueues its steps. */
p_status ocl_run(ocl_card *card, card_kernel kernel, const card_arg *args, size_t count,
                 card_ticket *ticket, p_err *err);
p_status ocl_run_msm(ocl_card *card, const card_arg *args, card_ticket *ticket, p_err *err);

/** A run's rows lie inside their buffer. */
p_status ocl_check_rows(const char *name, const card_arg *buffer, uint64_t row, uint64_t rows,
                        p_err *err);

#endif
