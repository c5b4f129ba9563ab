/* Context, memory, queues and tickets of an OpenCL device. */
#include "driver/opencl/ocl_card.h"

#include "driver/base/clock.h"
#include "driver/base/memory.h"
#include "driver/field/bn_fr.h"
#include "driver/field/goldilocks.h"
#include "driver/opencl/kernels/common.h"
#include "driver/opencl/ocl_program.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES ((uint64_t)256 << 20) /* at most, of runs of bn_msm_g1 */
#define LEAST_BYTES ((uint64_t)16 << 20)
#define TRANSFER_END_MS 10000 /* how long a lost device may still end a transfer */
#define MAX_POLL_NS 500000
#define LOG_LINES 6 /* of a failed build */

p_status ocl_card_lose(ocl_card *card, p_err *err, const char *format, ...)
{
    if (!card->lost) {
        va_list ap;
        size_t length;

        va_start(ap, format);
        vsnprintf(card->reason, sizeof card->reason, format, ap);
        va_end(ap);
        length = strlen(card->reason);
        pthread_mutex_lock(&card->lock);
        if (card->notice[0] && length + 3 < sizeof card->reason)
            snprintf(card->reason + length, sizeof card->reason - length, " (%.100s)",
                     card->notice);
        pthread_mutex_unlock(&card->lock);
        card->lost = true;
        card->lost_ms = p_clock_ms(CLOCK_MONOTONIC);
    }
    return p_err_set(err, P_EDEVICE, "%s", card->reason);
}

static p_status lost(const ocl_card *card, p_err *err)
{
    return p_err_set(err, P_EDEVICE, "%s",
                     card->reason[0] ? card->reason : "the device has not been started");
}

/* ---- context ---- */

static void CL_CALLBACK take_notice(const char *text, const void *more, size_t bytes, void *user)
{
    ocl_card *card = user;

    (void)more;
    (void)bytes;
    pthread_mutex_lock(&card->lock);
    snprintf(card->notice, sizeof card->notice, "%s", text);
    pthread_mutex_unlock(&card->lock);
}

static void context_down(ocl_card *card)
{
    for (size_t i = 0; i < OCL_STEP_COUNT; i++)
        if (card->step[i])
            clReleaseKernel(card->step[i]);
    for (size_t i = 0; i < OCL_PROGRAMS; i++)
        if (card->program[i])
            clReleaseProgram(card->program[i]);
    for (size_t i = 0; i < OCL_SCRATCH_BUFFERS; i++)
        if (card->scratch[i])
            clReleaseMemObject(card->scratch[i]);
    if (card->gl_roots)
        clReleaseMemObject(card->gl_roots);
    if (card->fr_roots)
        clReleaseMemObject(card->fr_roots);
    for (size_t i = 0; i < CARD_KERNELS; i++)
        if (card->run[i])
            clReleaseCommandQueue(card->run[i]);
    if (card->upload)
        clReleaseCommandQueue(card->upload);
    if (card->download)
        clReleaseCommandQueue(card->download);
    if (card->context)
        clReleaseContext(card->context);
    memset(card->step, 0, sizeof card->step);
    memset(card->program, 0, sizeof card->program);
    memset(card->scratch, 0, sizeof card->scratch);
    memset(card->scratch_size, 0, sizeof card->scratch_size);
    memset(card->run, 0, sizeof card->run);
    card->gl_roots = card->fr_roots = NULL;
    card->upload = card->download = NULL;
    card->context = NULL;
}

/* The first lines of what the compiler says, on one line. */
static void build_log(const ocl_card *card, cl_program program, char *out, size_t size)
{
    size_t length = 0, at = 0;
    unsigned lines = 0;
    char *log = NULL;

    snprintf(out, size, "no log");
    if (clGetProgramBuildInfo(program, card->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &length) !=
            CL_SUCCESS ||
        length == 0)
        return;
    log = calloc(1, length + 1);
    if (log && clGetProgramBuildInfo(program, card->device, CL_PROGRAM_BUILD_LOG, length, log,
                                     NULL) == CL_SUCCESS) {
        for (size_t i = 0; log[i] && at + 1 < size && lines < LOG_LINES; i++) {
            lines += log[i] == '\n';
            out[at++] = log[i] == '\n' ? ' ' : log[i];
        }
        out[at] = '\0';
    }
    free(log);
}

static p_status build(ocl_card *card, ocl_program which, const char *name, const char *text,
                      p_err *err)
{
    char options[256], log[512];
    cl_int code;

    card->program[which] = clCreateProgramWithSource(card->context, 1, &text, NULL, &code);
    if (!card->program[which])
        return p_err_set(err, P_EDEVICE, "OpenCL program %s: %s (%d)", name, ocl_error_text(code),
                         code);
    snprintf(options, sizeof options, "-cl-std=CL1.2 -w -D OCL_LANES=%" PRIu32 " %s", card->lanes,
             card->build);
    code = clBuildProgram(card->program[which], 1, &card->device, options, NULL, NULL);
    if (code == CL_SUCCESS)
        return P_OK;
    build_log(card, card->program[which], log, sizeof log);
    return p_err_set(err, P_EDEVICE, "OpenCL program %s does not build: %s (%d): %s", name,
                     ocl_error_text(code), code, log);
}

/* Read-only memory with data in it. */
static p_status table(ocl_card *card, const void *data, size_t bytes, cl_mem *out, p_err *err)
{
    cl_int code;

    /* the pointer is not const in OpenCL's header; with COPY_HOST_PTR it is only read */
    *out = clCreateBuffer(card->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, bytes,
                          (void *)(uintptr_t)data, &code);
    return *out ? P_OK
                : p_err_set(err, P_EDEVICE, "no memory for a table on the device: %s (%d)",
                            ocl_error_text(code), code);
}

static p_status gl_roots(ocl_card *card, p_err *err)
{
    uint64_t *roots = malloc(2 * OCL_ROOTS * sizeof *roots);
    gl_t omega = gl_root_of_unity(2 * OCL_ROOTS_LOG2), w = 1;
    p_status s;

    if (!roots)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a table of roots");
    for (uint32_t i = 0; i < OCL_ROOTS; i++, w = gl_mul(w, omega))
        roots[i] = w;
    omega = w;
    w = 1;
    for (uint32_t i = 0; i < OCL_ROOTS; i++, w = gl_mul(w, omega))
        roots[OCL_ROOTS + i] = w;
    s = table(card, roots, 2 * OCL_ROOTS * sizeof *roots, &card->gl_roots, err);
    free(roots);
    return s;
}

static p_status fr_roots(ocl_card *card, p_err *err)
{
    uint64_t(*roots)[4] = malloc(2 * OCL_ROOTS * sizeof *roots);
    bn_fr omega, w, one;
    /* (r - 1) / 2^24; 5 generates */
    uint64_t e[4] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    p_status s;

    if (!roots)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a table of roots");
    for (unsigned i = 0; i < 4; i++)
        e[i] = e[i] >> (2 * OCL_ROOTS_LOG2) | (i < 3 ? e[i + 1] << (64 - 2 * OCL_ROOTS_LOG2) : 0);
    bn_fr_set_one(&one);
    bn_fr_set_u64(&omega, 5);
    bn_fr_pow_var(&omega, &omega, e);
    for (uint32_t part = 0; part < 2; part++) {
        w = one;
        for (uint32_t i = 0; i < OCL_ROOTS; i++) {
            memcpy(roots[part * OCL_ROOTS + i], &w, sizeof roots[0]);
            bn_fr_mul(&w, &w, &omega);
        }
        omega = w;
    }
    s = table(card, roots, 2 * OCL_ROOTS * sizeof *roots, &card->fr_roots, err);
    free(roots);
    return s;
}

static p_status queue(ocl_card *card, cl_command_queue *out, p_err *err)
{
    cl_int code;

    *out = clCreateCommandQueue(card->context, card->device, 0, &code);
    return *out ? P_OK
                : p_err_set(err, P_EDEVICE, "no OpenCL queue: %s (%d)", ocl_error_text(code), code);
}

static p_status context_up(ocl_card *card, p_err *err)
{
    static const struct {
        const char *name;
        ocl_program program;
    } STEPS[] = {
#define STEP(name, program) {"ocl_" #name, OCL_##program},
        OCL_STEPS(STEP)
#undef STEP
    };
    cl_int code;
    p_status s;

    card->context = clCreateContext(NULL, 1, &card->device, take_notice, card, &code);
    if (!card->context)
        return p_err_set(err, P_EDEVICE, "no OpenCL context: %s (%d)", ocl_error_text(code), code);
    s = queue(card, &card->upload, err);
    if (s == P_OK)
        s = queue(card, &card->download, err);
    for (size_t i = 0; i < CARD_KERNELS && s == P_OK; i++)
        s = queue(card, &card->run[i], err);
    if (s == P_OK)
        s = build(card, OCL_plain, "plain", OCL_PROGRAM_plain, err);
    if (s == P_OK)
        s = build(card, OCL_lanes, "lanes", OCL_PROGRAM_lanes, err);
    for (size_t i = 0; i < OCL_STEP_COUNT && s == P_OK; i++) {
        card->step[i] = clCreateKernel(card->program[STEPS[i].program], STEPS[i].name, &code);
        if (!card->step[i])
            s = p_err_set(err, P_EDEVICE, "OpenCL kernel %s: %s (%d)", STEPS[i].name,
                          ocl_error_text(code), code);
    }
    if (s == P_OK)
        s = gl_roots(card, err);
    if (s == P_OK)
        s = fr_roots(card, err);
    if (s != P_OK)
        context_down(card);
    return s;
}

/* ---- opening ---- */

/* The device with fewer threads, where it is a CPU that can be divided. */
static void divide(ocl_card *card, const drv_options *options)
{
    cl_device_partition_property properties[] = {CL_DEVICE_PARTITION_BY_COUNTS, 0,
                                                 CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    cl_device_id part;

    if (!(card->found.type & CL_DEVICE_TYPE_CPU) || !options || options->threads == 0 ||
        options->threads >= card->found.units)
        return;
    properties[1] = options->threads;
    if (clCreateSubDevices(card->device, properties, 1, &part, NULL) == CL_SUCCESS) {
        card->device = part;
        card->part = true;
    } else if (options->log) {
        options->log(options->log_context, "the OpenCL device cannot be divided: it uses all of "
                                           "its threads");
    }
}

/* Rows of both sides, which are one memory: the quarter of side B is only what caps says. */
static void share_memory(ocl_card *card, const drv_options *options)
{
    uint64_t bytes = card->found.memory_bytes / 8 * 7;

    if (card->found.host_memory) {
        uint64_t half = p_memory_available() / 2; /* the rest is for the host's side of jobs */

        bytes = bytes < half ? bytes : half;
    }
    if (options && options->memory_bytes != 0 && options->memory_bytes < bytes)
        bytes = options->memory_bytes;
    card->scratch_bytes = bytes / 8 < SCRATCH_BYTES ? bytes / 8 : SCRATCH_BYTES;
    bytes -= card->scratch_bytes;
    /* the known answers that a device gives when it opens need some, whatever jobs may use */
    card->rows = (bytes > LEAST_BYTES ? bytes : LEAST_BYTES) / HLS_ROW_BYTES;
}

static void card_destroy(ocl_card *card)
{
    context_down(card);
    if (card->part)
        clReleaseDevice(card->device);
    pthread_mutex_destroy(&card->lock);
    free(card);
}

p_status ocl_card_create(const ocl_found *found, const drv_options *options, const char *build,
                         ocl_card **out, p_err *err)
{
    ocl_card *card;
    p_status s;

    *out = NULL;
    if (!found->usable)
        return p_err_set(err, P_EMISSING, "the OpenCL device cannot be used: %s", found->about);
    card = calloc(1, sizeof *card);
    if (!card)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a device");
    if (pthread_mutex_init(&card->lock, NULL) != 0) {
        free(card);
        return p_err_set(err, P_EEXHAUSTED, "no memory for a mutex");
    }
    card->found = *found;
    card->device = found->device;
    card->lanes = found->type & CL_DEVICE_TYPE_CPU ? 8 : 1;
    card->local = found->type & CL_DEVICE_TYPE_CPU ? 1 : 64;
    snprintf(card->build, sizeof card->build, "%s", build ? build : "");
    divide(card, options);
    share_memory(card, options);
    s = context_up(card, err);
    if (s != P_OK) {
        card_destroy(card);
        return s;
    }
    *out = card;
    return P_OK;
}

/* ---- card_ops ---- */

static void ocl_caps(void *impl, card_caps *out)
{
    const ocl_card *card = impl;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < CARD_KERNELS; i++)
        out->units[i] = 1;
    out->rows[CARD_SIDE_B] = card->rows / 4;
    out->rows[CARD_SIDE_A] = card->rows - out->rows[CARD_SIDE_B];
    out->patience = card->found.type & CL_DEVICE_TYPE_CPU ? 100 : 10;
}

static p_status ocl_alloc(void *impl, card_side side, uint64_t rows, card_buffer **out, p_err *err)
{
    ocl_card *card = impl;
    card_buffer *buffer;
    cl_int code;

    *out = NULL;
    if (card->lost)
        return lost(card, err);
    if (rows == 0 || (side != CARD_SIDE_A && side != CARD_SIDE_B))
        return p_err_set(err, P_EINVAL, "a buffer of %" PRIu64 " rows on side %d", rows, (int)side);
    if (rows > card->rows - card->used)
        return p_err_set(err, P_EEXHAUSTED,
                         "the device's memory: %" PRIu64 " rows are asked for, %" PRIu64
                         " of %" PRIu64 " are left",
                         rows, card->rows - card->used, card->rows);
    if (rows > card->found.buffer_bytes / HLS_ROW_BYTES)
        return p_err_set(err, P_EEXHAUSTED,
                         "a buffer of %" PRIu64 " bytes; the device has at most %" PRIu64
                         " in one piece",
                         rows * HLS_ROW_BYTES, card->found.buffer_bytes);
    buffer = calloc(1, sizeof *buffer);
    if (!buffer)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a buffer's record");
    buffer->mem =
        clCreateBuffer(card->context, CL_MEM_READ_WRITE, rows * HLS_ROW_BYTES, NULL, &code);
    if (!buffer->mem) {
        free(buffer);
        return p_err_set(err, P_EEXHAUSTED,
                         "the device gives no buffer of %" PRIu64 " bytes: %s (%d)",
                         rows * HLS_ROW_BYTES, ocl_error_text(code), code);
    }
    buffer->rows = rows;
    card->used += rows;
    *out = buffer;
    return P_OK;
}

static void ocl_free(void *impl, card_buffer *buffer)
{
    ocl_card *card = impl;

    if (!buffer)
        return;
    card->used -= buffer->rows;
    clReleaseMemObject(buffer->mem); /* the runtime keeps it while a command uses it */
    free(buffer);
}

static card_ticket *ticket_create(ocl_card *card, bool transfer, const char *what, p_err *err)
{
    card_ticket *ticket = calloc(1, sizeof *ticket);

    if (!ticket) {
        p_err_set(err, P_EEXHAUSTED, "no memory for a command");
        return NULL;
    }
    ticket->generation = card->generation;
    ticket->transfer = transfer;
    snprintf(ticket->what, sizeof ticket->what, "%s", what);
    return ticket;
}

static void ticket_destroy(card_ticket *ticket)
{
    for (size_t i = 0; i < ticket->events; i++)
        clReleaseEvent(ticket->event[i]);
    free(ticket->event);
    free(ticket);
}

/* Room for one more event; without it a command could not be waited for. */
static p_status ticket_room(card_ticket *ticket, p_err *err)
{
    if (ticket->events < ticket->room)
        return P_OK;
    size_t room = 2 * ticket->room + 8;
    cl_event *event = realloc(ticket->event, room * sizeof(cl_event));
    if (!event)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a command");
    ticket->event = event;
    ticket->room = room;
    return P_OK;
}

p_status ocl_enqueue(ocl_card *card, card_ticket *ticket, card_kernel kernel, ocl_step step,
                     uint64_t items, const ocl_arg *args, size_t count, p_err *err)
{
    size_t global = (size_t)((items + card->local - 1) / card->local * card->local);
    cl_int code = CL_SUCCESS;
    p_status s = ticket_room(ticket, err);

    if (s != P_OK)
        return s;
    for (size_t i = 0; i < count && code == CL_SUCCESS; i++)
        code = clSetKernelArg(card->step[step], (cl_uint)i, args[i].bytes, &args[i].mem);
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(card->run[kernel], card->step[step], 1, NULL, &global,
                                      &card->local, 0, NULL, &ticket->event[ticket->events]);
    if (code != CL_SUCCESS)
        return ocl_card_lose(card, err, "%s: %s (%d)", card_kernel_name(kernel),
                             ocl_error_text(code), code);
    ticket->events++;
    return P_OK;
}

/* Both directions; data is written to for a read only. */
static p_status start_transfer(ocl_card *card, card_buffer *buffer, uint64_t row, uint64_t rows,
                               bool read, void *data, card_ticket **out, p_err *err)
{
    card_ticket *ticket;
    cl_int code;

    *out = NULL;
    if (card->lost)
        return lost(card, err);
    if (!buffer || !data || rows == 0 || row > buffer->rows || rows > buffer->rows - row)
        return p_err_set(err, P_EINVAL,
                         "a transfer of rows %" PRIu64 " to %" PRIu64 " of a buffer of %" PRIu64,
                         row, row + rows, buffer ? buffer->rows : 0);
    ticket = ticket_create(card, true, read ? "reading" : "writing", err);
    if (!ticket)
        return P_EEXHAUSTED;
    p_status s = ticket_room(ticket, err);
    if (s == P_OK) {
        size_t from = (size_t)(row * HLS_ROW_BYTES), bytes = (size_t)(rows * HLS_ROW_BYTES);

        code = read ? clEnqueueReadBuffer(card->download, buffer->mem, CL_FALSE, from, bytes, data,
                                          0, NULL, ticket->event)
                    : clEnqueueWriteBuffer(card->upload, buffer->mem, CL_FALSE, from, bytes, data,
                                           0, NULL, ticket->event);
        if (code == CL_SUCCESS) {
            ticket->events = 1;
            code = clFlush(read ? card->download : card->upload);
        }
        if (code != CL_SUCCESS && ticket->events == 0)
            s = ocl_card_lose(card, err, "%s the device's memory: %s (%d)", ticket->what,
                              ocl_error_text(code), code);
        else if (code != CL_SUCCESS) /* it may have begun: whoever waits is told */
            ocl_card_lose(card, NULL, "%s the device's memory: %s (%d)", ticket->what,
                          ocl_error_text(code), code);
    }
    if (s != P_OK) {
        ticket_destroy(ticket);
        return s;
    }
    *out = ticket;
    return P_OK;
}

static p_status ocl_start_write(void *card, card_buffer *buffer, uint64_t row, uint64_t rows,
                                const void *data, card_ticket **out, p_err *err)
{
    return start_transfer(card, buffer, row, rows, false, (void *)(uintptr_t)data, out, err);
}

static p_status ocl_start_read(void *card, card_buffer *buffer, uint64_t row, uint64_t rows,
                               void *data, card_ticket **out, p_err *err)
{
    return start_transfer(card, buffer, row, rows, true, data, out, err);
}

static p_status ocl_start_run(void *impl, card_kernel kernel, uint32_t unit, const card_arg *args,
                              size_t count, card_ticket **out, p_err *err)
{
    ocl_card *card = impl;
    card_ticket *ticket;
    p_status s;

    *out = NULL;
    if (card->lost)
        return lost(card, err);
    if ((unsigned)kernel >= CARD_KERNELS || unit != 0)
        return p_err_set(err, P_EINVAL, "there is no unit %" PRIu32 " of kernel %d", unit,
                         (int)kernel);
    ticket = ticket_create(card, false, card_kernel_name(kernel), err);
    if (!ticket)
        return P_EEXHAUSTED;
    s = ocl_run(card, kernel, args, count, ticket, err);
    if (s == P_OK) {
        cl_int code = clFlush(card->run[kernel]);

        if (code != CL_SUCCESS)
            s = ocl_card_lose(card, err, "%s: %s (%d)", ticket->what, ocl_error_text(code), code);
    } else if (s != P_EDEVICE && ticket->events > 0) {
        /* half a run is in the queue, and it would meet the next one's data */
        s = ocl_card_lose(card, err, "%s was only half enqueued", ticket->what);
    }
    if (s != P_OK) {
        ticket_destroy(ticket);
        return s;
    }
    *out = ticket;
    return P_OK;
}

/* CL_COMPLETE when the last has ended, an error if one failed, else what the last one does. */
static cl_int ticket_state(const card_ticket *ticket)
{
    cl_int state = CL_COMPLETE, code;

    for (size_t i = ticket->events; i-- > 0;) {
        code = clGetEventInfo(ticket->event[i], CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state,
                              &state, NULL);
        if (code != CL_SUCCESS)
            return code;
        if (state != CL_COMPLETE)
            return state;
    }
    return CL_COMPLETE;
}

static p_status ocl_wait(void *impl, card_ticket *ticket, uint32_t timeout_ms, p_err *err)
{
    ocl_card *card = impl;
    int64_t start = p_clock_ns(CLOCK_MONOTONIC);
    long pause = 10000;
    p_status s;

    for (;;) {
        cl_int state = ticket_state(ticket);
        bool gone = card->lost || ticket->generation != card->generation;
        int64_t now = p_clock_ns(CLOCK_MONOTONIC);

        if (state < 0 && ticket->generation == card->generation)
            s = ocl_card_lose(card, err, "%s failed on the device: %s (%d)", ticket->what,
                              ocl_error_text(state), state);
        else if (gone && (state <= CL_COMPLETE || !ticket->transfer ||
                          now / 1000000 - card->lost_ms > TRANSFER_END_MS))
            /* a transfer that goes on has the array's address: it is waited for while there is
             * hope, since its array is the caller's again after this */
            s = lost(card, err);
        else if (state == CL_COMPLETE)
            s = P_OK;
        else if (now - start >= (int64_t)timeout_ms * 1000000)
            return p_err_set(err, P_EDEADLINE, "%s goes on after %" PRIu32 " ms", ticket->what,
                             timeout_ms);
        else {
            struct timespec span = {0, pause};

            nanosleep(&span, NULL);
            pause = pause < MAX_POLL_NS ? pause * 2 : MAX_POLL_NS;
            continue;
        }
        ticket_destroy(ticket);
        return s;
    }
}

static p_status ocl_reset(void *impl, p_err *err)
{
    ocl_card *card = impl;
    p_status s;

    ocl_card_lose(card, NULL, "the device was reset");
    context_down(card); /* what runs keeps its own part of the old context alive */
    card->generation++;
    pthread_mutex_lock(&card->lock);
    card->notice[0] = '\0';
    pthread_mutex_unlock(&card->lock);
    s = context_up(card, err);
    if (s != P_OK) {
        snprintf(card->reason, sizeof card->reason, "the device does not start again");
        return s;
    }
    card->lost = false;
    return P_OK;
}

static void ocl_close(void *card)
{
    card_destroy(card);
}

const card_ops OCL_CARD_OPS = {
    .caps = ocl_caps,
    .alloc = ocl_alloc,
    .free = ocl_free,
    .start_write = ocl_start_write,
    .start_read = ocl_start_read,
    .start_run = ocl_start_run,
    .wait = ocl_wait,
    .reset = ocl_reset,
    .close = ocl_close,
};
