/* The worked example of docs/adding-a-backend.md, which goes through this file from top to bottom
 * and names its functions. */
#include "tests/conformance/example_backend.h"

#include "driver/base/memory.h"
#include "tests/conformance/model.h"
#include "tests/conformance/reference_bn.h"
#include "tests/conformance/reference_gl.h"

#include <stdlib.h>
#include <string.h>

/* What the device does at most, so that every job ends within the 100 ms in which a cancelled one
 * has to: these jobs look at the cancel token once, when they start. */
#define MAX_COMMIT_MICROSECONDS 30000
#define MAX_LOG_LEAVES 12
#define MAX_LOG_N 10
#define MAX_NTT_WORDS (1u << 14)
#define MAX_STATES 256
#define MAX_POINTS 24

/* ---- the device ---- */

typedef struct slow_device {
    p_memory memory;  /* the budget of what handles keep */
    ref_bn_hash hash; /* constants, computed once: no mutable globals */
} slow_device;

static size_t slow_probe(const drv_options *options, drv_info *out, size_t max)
{
    (void)options;
    if (max > 0)
        *out = (drv_info){.name = "slow",
                          .about = "reference code, one thread, small jobs only",
                          .usable = true,
                          .memory_bytes = UINT64_MAX,
                          .jobs = 1};
    return 1;
}

static p_status slow_open(const char *unit, const drv_options *options, void **device, p_err *err)
{
    slow_device *d;

    *device = NULL;
    if (unit[0])
        return p_err_set(err, P_ENOTFOUND, "there is no device 'slow:%.64s'; found slow", unit);
    d = calloc(1, sizeof(*d));
    if (!d)
        return p_err_set(err, P_EEXHAUSTED, "no memory for device slow");
    d->memory.limit = options->memory_bytes ? options->memory_bytes : UINT64_MAX;
    ref_bn_hash_make(&d->hash);
    *device = d;
    return P_OK;
}

static void slow_close(void *device)
{
    slow_device *d = device;

    ref_bn_hash_free(&d->hash);
    free(d);
}

static void slow_info(void *device, drv_info *out)
{
    const slow_device *d = device;

    slow_probe(NULL, out, 1);
    out->memory_bytes = d->memory.limit;
}

/* ---- what it can do, and what that takes ---- */

static p_status too_large(const char *what, p_err *err)
{
    return p_err_set(err, P_EUNSUPPORTED, "%s is too large for device slow", what);
}

static p_status slow_supports(void *device, const drv_job *job, p_err *err)
{
    uint32_t log_leaves;

    (void)device;
    switch (job->op) {
    case DRV_COMMIT:
        log_leaves = job->commit.in.log_rows + job->commit.log_blowup;
        if (log_leaves > MAX_LOG_LEAVES || model_cost(job->commit.hash, job->commit.in.columns,
                                                      log_leaves) > MAX_COMMIT_MICROSECONDS)
            return too_large("the matrix", err);
        return P_OK;
    case DRV_NTT:
        if (job->ntt.log_n > MAX_LOG_N ||
            drv_matrix_words(job->ntt.columns, job->ntt.log_n) > MAX_NTT_WORDS)
            return too_large("the transform", err);
        return P_OK;
    case DRV_MSM_LOAD:
        return job->msm_load.count > MAX_POINTS ? too_large("the key", err) : P_OK;
    case DRV_POSEIDON:
        return job->poseidon.count > MAX_STATES ? too_large("the batch", err) : P_OK;
    default: /* of a handle that this device has made */
        return P_OK;
    }
}

static uint64_t commit_bytes(const drv_commit_job *job)
{
    uint32_t log_leaves = job->in.log_rows + job->log_blowup;

    /* rows as they are opened, digests of all levels */
    return (drv_matrix_words(job->in.columns, log_leaves) + (UINT64_C(8) << log_leaves)) * 8;
}

static uint64_t load_bytes(const drv_msm_load_job *job)
{
    return job->count * sizeof(ref_point);
}

static uint64_t slow_estimate(void *device, const drv_job *job)
{
    (void)device;
    switch (job->op) {
    case DRV_COMMIT:
        return commit_bytes(&job->commit);
    case DRV_MSM_LOAD:
        return load_bytes(&job->msm_load);
    default:
        return 0;
    }
}

/* ---- what handles stand for ---- */

/* Begins with what it counts for in the budget. */
typedef struct slow_object {
    uint64_t bytes;
    void *reserved;
    model m;          /* DRV_COMMIT */
    ref_point *point; /* DRV_MSM_LOAD */
    drv_group group;
} slow_object;

static p_status object_make(slow_device *d, uint64_t bytes, slow_object **out, p_err *err)
{
    slow_object *o = calloc(1, sizeof(*o));
    p_status status;

    *out = NULL;
    if (!o)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a handle");
    o->bytes = bytes;
    /* the memory itself comes from malloc: this one only holds its place in the budget */
    status = p_memory_alloc(&d->memory, bytes, 1, "what a handle keeps", &o->reserved, err);
    if (status != P_OK) {
        free(o);
        return status;
    }
    *out = o;
    return P_OK;
}

static void slow_object_free(void *device, drv_op op, void *object)
{
    slow_device *d = device;
    slow_object *o = object;

    if (op == DRV_COMMIT)
        model_free(&o->m);
    free(o->point);
    p_memory_free(&d->memory, o->reserved, o->bytes, 1);
    free(o);
}

/* ---- the jobs ---- */

static p_status run_commit(slow_device *d, const drv_commit_job *job, void **object, p_err *err)
{
    slow_object *o;
    p_status status = object_make(d, commit_bytes(job), &o, err);

    if (status != P_OK)
        return status;
    model_make(&o->m, job, &d->hash);
    memcpy(job->cap, model_cap(&o->m), (size_t)32 << job->cap_log2);
    *object = o;
    return P_OK;
}

static p_status run_open(const slow_object *o, const drv_open_job *job)
{
    const model *m = &o->m;
    uint64_t path_words = (uint64_t)m->levels * ((1u << m->arity_log2) - 1) * 4;

    for (uint32_t i = 0; i < job->count; i++) {
        memcpy(job->values + (uint64_t)i * m->columns, m->leaves + job->rows[i] * m->columns,
               m->columns * 8);
        model_path(m, job->rows[i], job->paths + i * path_words);
    }
    return P_OK;
}

static p_status run_read(const slow_object *o, const drv_read_job *job)
{
    for (uint64_t i = 0; i < job->rows; i++)
        memcpy(job->out + i * job->columns,
               o->m.leaves + (job->row + i) * o->m.columns + job->column, job->columns * 8);
    return P_OK;
}

static uint64_t place(drv_order order, unsigned log_n, uint64_t i)
{
    uint64_t r = 0;

    if (order == DRV_NATURAL)
        return i;
    for (unsigned bit = 0; bit < log_n; bit++)
        r |= (i >> bit & 1) << (log_n - 1 - bit);
    return r;
}

static uint64_t ntt_word(const drv_ntt_job *job, uint64_t column, uint64_t i)
{
    if (job->layout == DRV_COLUMNS)
        return (column << job->log_n) + i;
    return ((column / DRV_BLOCK_COLUMNS << job->log_n) + i) * DRV_BLOCK_COLUMNS +
           column % DRV_BLOCK_COLUMNS;
}

static p_status run_gl_ntt(const drv_ntt_job *job)
{
    uint64_t n = UINT64_C(1) << job->log_n, a[1 << MAX_LOG_N];
    uint32_t filled = job->layout == DRV_BLOCKED
                          ? (uint32_t)drv_blocks(job->columns) * DRV_BLOCK_COLUMNS
                          : job->columns;

    for (uint32_t c = 0; c < filled; c++) {
        for (uint64_t i = 0; i < n; i++)
            a[i] = job->data[ntt_word(job, c, place(job->in_order, job->log_n, i))];
        if (c < job->columns)
            ref_gl_ntt(a, job->log_n, job->shift[0], job->inverse);
        else
            memset(a, 0, n * 8);
        for (uint64_t i = 0; i < n; i++)
            job->data[ntt_word(job, c, place(job->out_order, job->log_n, i))] = a[i];
    }
    return P_OK;
}

static p_status run_fr_ntt(const drv_ntt_job *job)
{
    uint64_t n = UINT64_C(1) << job->log_n;
    ref_n a[1 << MAX_LOG_N], shift;

    memcpy(&shift, job->shift, sizeof(shift));
    for (uint32_t c = 0; c < job->columns; c++) {
        uint64_t *column = job->data + 4 * ((uint64_t)c << job->log_n);

        for (uint64_t i = 0; i < n; i++)
            ref_reduce(&a[i], column + 4 * place(job->in_order, job->log_n, i), &REF_FR);
        ref_fr_ntt(a, job->log_n, &shift, job->inverse);
        for (uint64_t i = 0; i < n; i++)
            memcpy(column + 4 * place(job->out_order, job->log_n, i), &a[i], sizeof(a[i]));
    }
    return P_OK;
}

static p_status run_poseidon(const slow_device *d, const drv_poseidon_job *job)
{
    for (uint64_t i = 0; i < job->count; i++) {
        uint64_t *state = job->states + i * job->width * (job->field == DRV_GOLDILOCKS ? 1 : 4);
        ref_n a[17];

        if (job->field == DRV_GOLDILOCKS) {
            ref_gl_poseidon(state);
            continue;
        }
        for (uint32_t k = 0; k < job->width; k++) {
            ref_reduce(&a[k], state + 4 * k, &REF_FR);
            if (job->form == DRV_MONTGOMERY)
                ref_from_mont(&a[k], a[k].l, &REF_FR);
        }
        ref_poseidon_permute(&d->hash.width[job->width], a);
        for (uint32_t k = 0; k < job->width; k++)
            if (job->form == DRV_MONTGOMERY)
                ref_to_mont(state + 4 * k, &a[k], &REF_FR);
            else
                memcpy(state + 4 * k, &a[k], sizeof(a[k]));
    }
    return P_OK;
}

static p_status run_msm_load(slow_device *d, const drv_msm_load_job *job, void **object, p_err *err)
{
    bool g2 = job->group == DRV_G2;
    slow_object *o;
    p_status status = object_make(d, load_bytes(job), &o, err);

    if (status != P_OK)
        return status;
    o->group = job->group;
    o->point = calloc(job->count, sizeof(*o->point));
    if (!o->point)
        status = p_err_set(err, P_EEXHAUSTED, "no memory for %llu points",
                           (unsigned long long)job->count);
    for (uint64_t i = 0; i < job->count && status == P_OK; i++)
        if (!ref_point_parse(&o->point[i], job->points + i * (g2 ? 16 : 8), g2) ||
            (!job->trusted && !ref_on_curve(&o->point[i], g2)))
            status =
                p_err_set(err, P_EINVAL, "point %llu is not on the curve", (unsigned long long)i);
    if (status == P_OK)
        *object = o;
    else
        slow_object_free(d, DRV_MSM_LOAD, o);
    return status;
}

static p_status run_msm(const slow_object *o, const drv_msm_job *job, p_err *err)
{
    ref_point sum = {.infinite = true}, term;

    for (uint64_t i = 0; i < job->count; i++) {
        ref_n n;

        memcpy(&n, job->scalars + 4 * i, sizeof(n));
        if (!ref_less(&n, &REF_FR))
            return p_err_set(err, P_EINVAL, "scalar %llu is not below the group's order",
                             (unsigned long long)i);
        if (job->form == DRV_MONTGOMERY)
            ref_from_mont(&n, n.l, &REF_FR);
        ref_point_mul(&term, &o->point[job->first + i], &n);
        ref_point_add(&sum, &sum, &term);
    }
    ref_point_words(job->out, &sum, o->group == DRV_G2);
    return P_OK;
}

static p_status slow_run(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                         p_err *err)
{
    slow_device *d = device;

    if (p_cancel_requested(cancel))
        return p_err_set(err, P_ECANCELLED, "cancelled before it started");
    switch (job->op) {
    case DRV_COMMIT:
        return run_commit(d, &job->commit, object, err);
    case DRV_OPEN:
        return run_open(*object, &job->open);
    case DRV_READ:
        return run_read(*object, &job->read);
    case DRV_NTT:
        return job->ntt.field == DRV_GOLDILOCKS ? run_gl_ntt(&job->ntt) : run_fr_ntt(&job->ntt);
    case DRV_MSM_LOAD:
        return run_msm_load(d, &job->msm_load, object, err);
    case DRV_MSM:
        return run_msm(*object, &job->msm, err);
    case DRV_POSEIDON:
        return run_poseidon(d, &job->poseidon);
    case DRV_OP_COUNT:
        break;
    }
    return p_err_set(err, P_EUNSUPPORTED, "job %d is unknown", (int)job->op);
}

const drv_backend drv_backend_slow = {
    .abi = DRV_BACKEND_ABI,
    .name = "slow",
    .probe = slow_probe,
    .open = slow_open,
    .close = slow_close,
    .info = slow_info,
    .supports = slow_supports,
    .estimate = slow_estimate,
    .run = slow_run,
    .object_free = slow_object_free,
};
