/* Runs of bn_msm_g1: as many windows at a time as the scratch memory holds. */
#include "driver/opencl/ocl_card.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POINT_BYTES (2 * HLS_ROW_BYTES)
#define CHUNK_LENGTH 32 /* points that one work item adds */
#define SEGMENT_LENGTH 1024
#define MAX_SEGMENTS 16
#define RANGE_LENGTH 64 /* buckets that one work item sums */
#define MAX_RANGES 256

typedef struct msm_shape {
    uint32_t count, bits, top, windows;
    uint32_t segments, chunks, ranges;
    uint64_t bytes[OCL_SCRATCH_BUFFERS]; /* of one window */
} msm_shape;

static uint32_t between(uint64_t n, uint32_t max)
{
    return n < 1 ? 1 : n > max ? max : (uint32_t)n;
}

static void shape_of(msm_shape *m, uint32_t count, uint32_t bits)
{
    *m = (msm_shape){.count = count, .bits = bits, .top = 1u << (bits - 1)};
    m->windows = HLS_MSM_WINDOWS(bits);
    m->segments = between(count / SEGMENT_LENGTH, MAX_SEGMENTS);
    m->chunks = (count + CHUNK_LENGTH - 1) / CHUNK_LENGTH;
    m->ranges = between(m->top / RANGE_LENGTH, MAX_RANGES);
    m->bytes[OCL_COUNTS] = (uint64_t)m->segments * (m->top + 1) * sizeof(cl_uint);
    m->bytes[OCL_STARTS] = (uint64_t)(m->top + 2) * sizeof(cl_uint);
    m->bytes[OCL_LIST] = (uint64_t)count * sizeof(cl_uint);
    m->bytes[OCL_BUCKETS] = (uint64_t)(m->top + 1) * POINT_BYTES;
    m->bytes[OCL_HEADS] = (uint64_t)m->chunks * POINT_BYTES;
    m->bytes[OCL_PARTIAL] = (uint64_t)m->ranges * POINT_BYTES;
}

/* Scratch memory for windows at a time. What a run before this one uses stays its own: the runtime
 * keeps it, and runs of one kernel come one after the other. */
static p_status scratch(ocl_card *card, const msm_shape *m, uint32_t windows, p_err *err)
{
    for (size_t i = 0; i < OCL_SCRATCH_BUFFERS; i++) {
        uint64_t bytes = m->bytes[i] * windows;
        cl_int code;

        if (bytes <= card->scratch_size[i])
            continue;
        if (card->scratch[i])
            clReleaseMemObject(card->scratch[i]);
        card->scratch_size[i] = 0;
        card->scratch[i] =
            clCreateBuffer(card->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
        if (!card->scratch[i])
            return p_err_set(err, P_EEXHAUSTED,
                             "bn_msm_g1: no %" PRIu64 " bytes on the device: %s (%d)", bytes,
                             ocl_error_text(code), code);
        card->scratch_size[i] = bytes;
    }
    return P_OK;
}

static p_status run_windows(ocl_card *card, const card_arg *a, const msm_shape *m,
                            const uint64_t bias[4], uint32_t first, uint32_t windows,
                            card_ticket *ticket, p_err *err)
{
    cl_mem points = a[0].rows->mem, scalars = a[1].rows->mem, sums = a[2].rows->mem;
    const uint64_t points_row = a[5].value, scalars_row = a[6].value, sums_row = a[7].value;
    const cl_mem *t = card->scratch;
    const ocl_arg count[] = {OCL_MEM(scalars),        OCL_MEM(t[OCL_COUNTS]), OCL_WIDE(scalars_row),
                             OCL_WIDE(bias[0]),       OCL_WIDE(bias[1]),      OCL_WIDE(bias[2]),
                             OCL_WIDE(bias[3]),       OCL_WORD(m->count),     OCL_WORD(m->bits),
                             OCL_WORD(first),         OCL_WORD(windows),      OCL_WORD(m->segments),
                             OCL_WORD(m->windows - 1)};
    const ocl_arg offsets[] = {OCL_MEM(t[OCL_COUNTS]), OCL_MEM(t[OCL_STARTS]), OCL_WORD(m->bits),
                               OCL_WORD(windows), OCL_WORD(m->segments)};
    const ocl_arg scatter[] = {OCL_MEM(scalars),      OCL_MEM(t[OCL_COUNTS]),  OCL_MEM(t[OCL_LIST]),
                               OCL_WIDE(scalars_row), OCL_WIDE(bias[0]),       OCL_WIDE(bias[1]),
                               OCL_WIDE(bias[2]),     OCL_WIDE(bias[3]),       OCL_WORD(m->count),
                               OCL_WORD(m->bits),     OCL_WORD(first),         OCL_WORD(windows),
                               OCL_WORD(m->segments), OCL_WORD(m->windows - 1)};
    const ocl_arg chunks[] = {OCL_MEM(points),         OCL_MEM(t[OCL_STARTS]), OCL_MEM(t[OCL_LIST]),
                              OCL_MEM(t[OCL_BUCKETS]), OCL_MEM(t[OCL_HEADS]),  OCL_WIDE(points_row),
                              OCL_WORD(m->count),      OCL_WORD(m->bits),      OCL_WORD(windows),
                              OCL_WORD(m->chunks),     OCL_WORD(CHUNK_LENGTH)};
    const ocl_arg buckets[] = {
        OCL_MEM(t[OCL_STARTS]), OCL_MEM(t[OCL_BUCKETS]), OCL_MEM(t[OCL_HEADS]), OCL_WORD(m->bits),
        OCL_WORD(windows),      OCL_WORD(m->chunks),     OCL_WORD(CHUNK_LENGTH)};
    const ocl_arg ranges[] = {OCL_MEM(t[OCL_BUCKETS]), OCL_MEM(t[OCL_PARTIAL]), OCL_WORD(m->bits),
                              OCL_WORD(windows), OCL_WORD(m->ranges)};
    const ocl_arg total[] = {OCL_MEM(t[OCL_PARTIAL]), OCL_MEM(sums),     OCL_WIDE(sums_row),
                             OCL_WORD(first),         OCL_WORD(windows), OCL_WORD(m->ranges)};
    const struct {
        ocl_step step;
        uint64_t items; /* of each window */
        const ocl_arg *args;
        size_t count;
    } steps[] = {
        {OCL_msm_count, m->segments, count, COUNT(count)},
        {OCL_msm_offsets, 1, offsets, COUNT(offsets)},
        {OCL_msm_scatter, m->segments, scatter, COUNT(scatter)},
        {OCL_msm_chunks, m->chunks, chunks, COUNT(chunks)},
        {OCL_msm_buckets, m->top, buckets, COUNT(buckets)},
        {OCL_msm_ranges, m->ranges, ranges, COUNT(ranges)},
        {OCL_msm_sums, 1, total, COUNT(total)},
    };
    p_status s = P_OK;

    for (size_t i = 0; i < COUNT(steps) && s == P_OK; i++)
        s = ocl_enqueue(card, ticket, CARD_bn_msm_g1, steps[i].step, steps[i].items * windows,
                        steps[i].args, steps[i].count, err);
    return s;
}

p_status ocl_run_msm(ocl_card *card, const card_arg *a, card_ticket *ticket, p_err *err)
{
    uint64_t count = a[3].value, bits = a[4].value, window_bytes = 0, bias[4] = {0};
    uint32_t at_once;
    msm_shape m;
    p_status s;

    if (count < 1 || count > (uint64_t)1 << 26 || bits < 2 || bits > HLS_MSM_MAX_WINDOW)
        return p_err_set(err, P_EINVAL,
                         "bn_msm_g1: %" PRIu64 " points, windows of %" PRIu64 " bits", count, bits);
    shape_of(&m, (uint32_t)count, (uint32_t)bits);
    s = ocl_check_rows("bn_msm_g1: points", &a[0], a[5].value, count, err);
    if (s == P_OK)
        s = ocl_check_rows("bn_msm_g1: scalars", &a[1], a[6].value, (count + 1) / 2, err);
    if (s == P_OK)
        s = ocl_check_rows("bn_msm_g1: sums", &a[2], a[7].value, 2 * (uint64_t)m.windows, err);
    if (s != P_OK)
        return s;
    for (size_t i = 0; i < OCL_SCRATCH_BUFFERS; i++)
        window_bytes += m.bytes[i];
    at_once = (uint32_t)(card->scratch_bytes / window_bytes);
    if (at_once == 0)
        return p_err_set(err, P_EEXHAUSTED,
                         "bn_msm_g1: %" PRIu64 " points need %" PRIu64
                         " bytes beside them on the device; %" PRIu64 " are set apart",
                         count, window_bytes, card->scratch_bytes);
    at_once = at_once < m.windows ? at_once : m.windows;
    s = scratch(card, &m, at_once, err);
    /* half a window in each but the last (bn_msm_g1.cl) */
    for (uint32_t w = 0; w + 1 < m.windows; w++) {
        uint32_t bit = w * m.bits + m.bits - 1;

        bias[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    for (uint32_t first = 0; first < m.windows && s == P_OK; first += at_once) {
        uint32_t left = m.windows - first;

        s = run_windows(card, a, &m, bias, first, left < at_once ? left : at_once, ticket, err);
    }
    return s;
}
