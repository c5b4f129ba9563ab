/* Every rule of driver.h for the fields of a job, once for all back ends. What a job's arrays hold
 * is not looked at, except for row indices: a back end may index with them. */
#include "driver/driver_internal.h"
#include "driver/field/bn254_constants.h"
#include "driver/field/goldilocks.h"

#include <inttypes.h>

#define MAX_LOG_BLOWUP 8
#define MAX_OPEN_ROWS ((uint32_t)1 << 20)
#define MAX_POINTS ((uint64_t)1 << 28)
#define MAX_STATES ((uint64_t)1 << 32)
#define GL_POSEIDON_WIDTH 12
#define FR_POSEIDON_MIN_WIDTH 2
#define FR_POSEIDON_MAX_WIDTH 17
#define FR_WORDS 4
#define G1_WORDS 8
#define G2_WORDS 16
#define BN254_ARITY_LOG2 4

#define ALIGN_LINE 64
#define ALIGN_WORD _Alignof(uint64_t)

static const uint64_t FR_R[FR_WORDS] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};

typedef struct check {
    const drv_device *device;
    bool shape_only;
    p_err *err;
} check;

/* A piece of memory of the job, and what the error text calls it. */
typedef struct area {
    const char *field;
    const void *data;
    uint64_t bytes;
} area;

const char *drv_op_name(drv_op op)
{
    static const char *const NAMES[DRV_OP_COUNT] = {
        [DRV_COMMIT] = "commit",    [DRV_OPEN] = "open",         [DRV_READ] = "read",
        [DRV_NTT] = "ntt",          [DRV_MSM_LOAD] = "msm_load", [DRV_MSM] = "msm",
        [DRV_POSEIDON] = "poseidon"};

    return (unsigned)op < DRV_OP_COUNT ? NAMES[op] : "unknown";
}

/* ---- rules that several jobs share ---- */

static p_status in_range(const check *c, const char *field, uint64_t value, uint64_t low,
                         uint64_t high)
{
    if (value >= low && value <= high)
        return P_OK;
    return p_err_set(c->err, P_EINVAL, "%s is %" PRIu64 "; expected %" PRIu64 " to %" PRIu64, field,
                     value, low, high);
}

static p_status array(const check *c, const char *field, const void *data, uint64_t words,
                      uint64_t align, area *out)
{
    *out = (area){field, data, words * sizeof(uint64_t)}; /* at most 2^47, whatever the job */
    if (c->shape_only)
        return P_OK;
    if (!data)
        return p_err_set(c->err, P_EINVAL, "%s is NULL; expected %" PRIu64 " 64-bit words", field,
                         words);
    if ((uintptr_t)data % align != 0)
        return p_err_set(c->err, P_EINVAL, "%s is %p; expected an address aligned to %" PRIu64,
                         field, data, align);
    if (out->bytes > UINTPTR_MAX - (uintptr_t)data)
        return p_err_set(c->err, P_EINVAL,
                         "%s is %p; %" PRIu64 " bytes from there leave the address space", field,
                         data, out->bytes);
    return P_OK;
}

static p_status apart(const check *c, const area *written, const area *other)
{
    uintptr_t a = (uintptr_t)written->data, b = (uintptr_t)other->data;

    if (c->shape_only || written->bytes == 0 || other->bytes == 0)
        return P_OK;
    if (a < b + other->bytes && b < a + written->bytes)
        return p_err_set(c->err, P_EINVAL, "%s overlaps %s", written->field, other->field);
    return P_OK;
}

static area borrowed_area(const drv_handle *h)
{
    return (area){h->op == DRV_COMMIT ? "the leaves that the commitment borrows"
                                      : "the points that the handle borrows",
                  h->borrowed.data, h->borrowed.bytes};
}

static p_status handle(const check *c, const char *field, const drv_handle *h, drv_op op)
{
    if (!h)
        return p_err_set(c->err, P_EINVAL, "%s is NULL; expected a handle of %s", field,
                         drv_op_name(op));
    if (h->device != c->device)
        return p_err_set(c->err, P_EINVAL,
                         "%s belongs to another device, %s; expected one of this device, %s", field,
                         h->device->info.name, c->device->info.name);
    if (h->op != op)
        return p_err_set(c->err, P_EINVAL, "%s is a handle of %s; expected one of %s", field,
                         drv_op_name(h->op), drv_op_name(op));
    return P_OK;
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        p_status try_status = (call);                                                              \
        if (try_status != P_OK)                                                                    \
            return try_status;                                                                     \
    } while (0)

/* ---- the jobs ---- */

static p_status check_commit(const check *c, const drv_commit_job *j, drv_checked *out)
{
    area in, cap;

    TRY(in_range(c, "commit.in.columns", j->in.columns, 1, DRV_MAX_COLUMNS));
    TRY(in_range(c, "commit.in.log_rows", j->in.log_rows, 0, DRV_GL_MAX_LOG2));
    TRY(in_range(c, "commit.input", j->input, DRV_VALUES, DRV_LEAVES));
    TRY(in_range(c, "commit.hash", j->hash, DRV_HASH_GL, DRV_HASH_BN254));
    TRY(in_range(c, "commit.log_blowup", j->log_blowup, 0,
                 j->input == DRV_LEAVES ? 0 : MAX_LOG_BLOWUP));
    uint32_t log_leaves = j->in.log_rows + j->log_blowup;
    TRY(in_range(c, "commit.in.log_rows + log_blowup", log_leaves, 0, DRV_GL_MAX_LOG2));
    TRY(in_range(c, "commit.cap_log2", j->cap_log2, 0, log_leaves));
    uint32_t levels = log_leaves - j->cap_log2, arity = 2;
    if (j->hash == DRV_HASH_BN254) {
        if (levels % BN254_ARITY_LOG2 != 0)
            return p_err_set(c->err, P_EINVAL,
                             "commit.cap_log2 is %" PRIu32 " with 2^%" PRIu32
                             " leaves; expected a difference that is a multiple of %d",
                             j->cap_log2, log_leaves, BN254_ARITY_LOG2);
        levels /= BN254_ARITY_LOG2;
        arity = 1 << BN254_ARITY_LOG2;
    }
    TRY(array(c, "commit.in.data", j->in.data, drv_matrix_words(j->in.columns, j->in.log_rows),
              ALIGN_LINE, &in));
    TRY(array(c, "commit.cap", j->cap, (uint64_t)DRV_DIGEST_WORDS << j->cap_log2, ALIGN_WORD,
              &cap));
    TRY(apart(c, &cap, &in));
    if (!c->shape_only && !j->out)
        return p_err_set(c->err, P_EINVAL, "commit.out is NULL; expected the handle's place");
    out->makes = true;
    out->commitment = (drv_commitment){.columns = j->in.columns,
                                       .log_leaves = log_leaves,
                                       .cap_log2 = j->cap_log2,
                                       .levels = levels,
                                       .path_digests = levels * (arity - 1),
                                       .hash = j->hash};
    if (j->input == DRV_LEAVES)
        out->borrowed = (drv_borrowed){in.data, in.bytes};
    return P_OK;
}

static p_status check_open(const check *c, const drv_open_job *j, drv_checked *out)
{
    area rows, values, paths = {"open.paths", NULL, 0};

    TRY(handle(c, "open.commitment", j->commitment, DRV_COMMIT));
    const drv_commitment *info = &j->commitment->commitment;
    area borrowed = borrowed_area(j->commitment);
    TRY(in_range(c, "open.count", j->count, 1, MAX_OPEN_ROWS));
    TRY(array(c, "open.rows", j->rows, j->count, ALIGN_WORD, &rows));
    TRY(array(c, "open.values", j->values, (uint64_t)j->count * info->columns, ALIGN_WORD,
              &values));
    if (info->path_digests > 0) /* a cap of all leaves has empty paths */
        TRY(array(c, "open.paths", j->paths,
                  (uint64_t)j->count * info->path_digests * DRV_DIGEST_WORDS, ALIGN_WORD, &paths));
    TRY(apart(c, &values, &rows));
    TRY(apart(c, &paths, &rows));
    TRY(apart(c, &paths, &values));
    TRY(apart(c, &values, &borrowed));
    TRY(apart(c, &paths, &borrowed));
    for (uint32_t i = 0; i < j->count && !c->shape_only; i++)
        if (j->rows[i] >> info->log_leaves != 0)
            return p_err_set(c->err, P_EINVAL,
                             "open.rows[%" PRIu32 "] is %" PRIu64 "; expected less than 2^%" PRIu32,
                             i, j->rows[i], info->log_leaves);
    out->uses = j->commitment;
    return P_OK;
}

/* first + count within total, without overflow; count >= 1 */
static p_status part(const check *c, const char *first_field, uint64_t first,
                     const char *count_field, uint64_t count, uint64_t total)
{
    TRY(in_range(c, first_field, first, 0, total - 1));
    return in_range(c, count_field, count, 1, total - first);
}

static p_status check_read(const check *c, const drv_read_job *j, drv_checked *out)
{
    area data;

    TRY(handle(c, "read.commitment", j->commitment, DRV_COMMIT));
    const drv_commitment *info = &j->commitment->commitment;
    area borrowed = borrowed_area(j->commitment);
    TRY(part(c, "read.row", j->row, "read.rows", j->rows, (uint64_t)1 << info->log_leaves));
    TRY(part(c, "read.column", j->column, "read.columns", j->columns, info->columns));
    TRY(array(c, "read.out", j->out, j->rows * j->columns, ALIGN_WORD, &data));
    TRY(apart(c, &data, &borrowed));
    out->uses = j->commitment;
    return P_OK;
}

static bool words_are_zero(const uint64_t w[FR_WORDS])
{
    return (w[0] | w[1] | w[2] | w[3]) == 0;
}

static bool below_r(const uint64_t w[FR_WORDS])
{
    for (int i = FR_WORDS - 1; i >= 0; i--)
        if (w[i] != FR_R[i])
            return w[i] < FR_R[i];
    return false;
}

static p_status check_ntt(const check *c, const drv_ntt_job *j)
{
    area data;
    bool fr = j->field == DRV_BN254_FR;

    TRY(in_range(c, "ntt.field", j->field, DRV_GOLDILOCKS, DRV_BN254_FR));
    TRY(in_range(c, "ntt.layout", j->layout, DRV_COLUMNS, fr ? DRV_COLUMNS : DRV_BLOCKED));
    TRY(in_range(c, "ntt.in_order", j->in_order, DRV_NATURAL, DRV_BIT_REVERSED));
    TRY(in_range(c, "ntt.out_order", j->out_order, DRV_NATURAL, DRV_BIT_REVERSED));
    if (j->in_order == DRV_BIT_REVERSED && j->out_order == DRV_BIT_REVERSED)
        return p_err_set(c->err, P_EINVAL,
                         "ntt.in_order and ntt.out_order are both bit-reversed; expected at least "
                         "one natural");
    TRY(in_range(c, "ntt.log_n", j->log_n, 0, fr ? DRV_FR_MAX_LOG2 : DRV_GL_MAX_LOG2));
    TRY(in_range(c, "ntt.columns", j->columns, 1, DRV_MAX_COLUMNS));
    if (fr ? words_are_zero(j->shift) || !below_r(j->shift) : j->shift[0] % GL_P == 0)
        return p_err_set(c->err, P_EINVAL, "ntt.shift is %s; expected %s",
                         fr && !words_are_zero(j->shift) ? "not below r" : "zero",
                         fr ? "1 to r - 1 (1 for no shift)" : "anything but 0 (1 for no shift)");
    uint64_t words = j->layout == DRV_BLOCKED
                         ? drv_matrix_words(j->columns, j->log_n)
                         : ((uint64_t)j->columns << j->log_n) * (fr ? FR_WORDS : 1);
    return array(c, "ntt.data", j->data, words, ALIGN_LINE, &data);
}

static uint64_t point_words(drv_group group)
{
    return group == DRV_G1 ? G1_WORDS : G2_WORDS;
}

static p_status check_msm_load(const check *c, const drv_msm_load_job *j, drv_checked *out)
{
    area points;

    TRY(in_range(c, "msm_load.group", j->group, DRV_G1, DRV_G2));
    TRY(in_range(c, "msm_load.count", j->count, 1, MAX_POINTS));
    TRY(array(c, "msm_load.points", j->points, j->count * point_words(j->group), ALIGN_WORD,
              &points));
    if (!c->shape_only && !j->out)
        return p_err_set(c->err, P_EINVAL, "msm_load.out is NULL; expected the handle's place");
    out->makes = true;
    out->points = (drv_points){.group = j->group, .count = j->count};
    out->borrowed = (drv_borrowed){points.data, points.bytes};
    return P_OK;
}

static p_status check_msm(const check *c, const drv_msm_job *j, drv_checked *out)
{
    area scalars, sum;

    TRY(handle(c, "msm.points", j->points, DRV_MSM_LOAD));
    const drv_points *info = &j->points->points;
    area borrowed = borrowed_area(j->points);
    TRY(in_range(c, "msm.form", j->form, DRV_CANONICAL, DRV_MONTGOMERY));
    TRY(part(c, "msm.first", j->first, "msm.count", j->count, info->count));
    TRY(array(c, "msm.scalars", j->scalars, j->count * FR_WORDS, ALIGN_WORD, &scalars));
    TRY(array(c, "msm.out", j->out, point_words(info->group), ALIGN_WORD, &sum));
    TRY(apart(c, &sum, &scalars));
    TRY(apart(c, &sum, &borrowed));
    out->uses = j->points;
    return P_OK;
}

static p_status check_poseidon(const check *c, const drv_poseidon_job *j)
{
    area states;
    bool fr = j->field == DRV_BN254_FR;

    TRY(in_range(c, "poseidon.field", j->field, DRV_GOLDILOCKS, DRV_BN254_FR));
    TRY(in_range(c, "poseidon.width", j->width, fr ? FR_POSEIDON_MIN_WIDTH : GL_POSEIDON_WIDTH,
                 fr ? FR_POSEIDON_MAX_WIDTH : GL_POSEIDON_WIDTH));
    if (fr)
        TRY(in_range(c, "poseidon.form", j->form, DRV_CANONICAL, DRV_MONTGOMERY));
    TRY(in_range(c, "poseidon.count", j->count, 1, MAX_STATES));
    return array(c, "poseidon.states", j->states, j->count * j->width * (fr ? FR_WORDS : 1),
                 ALIGN_LINE, &states);
}

p_status drv_check_job(const drv_device *device, const drv_job *job, bool shape_only,
                       drv_checked *out, p_err *err)
{
    const check c = {.device = device, .shape_only = shape_only, .err = err};

    *out = (drv_checked){0};
    switch (job->op) {
    case DRV_COMMIT:
        return check_commit(&c, &job->commit, out);
    case DRV_OPEN:
        return check_open(&c, &job->open, out);
    case DRV_READ:
        return check_read(&c, &job->read, out);
    case DRV_NTT:
        return check_ntt(&c, &job->ntt);
    case DRV_MSM_LOAD:
        return check_msm_load(&c, &job->msm_load, out);
    case DRV_MSM:
        return check_msm(&c, &job->msm, out);
    case DRV_POSEIDON:
        return check_poseidon(&c, &job->poseidon);
    case DRV_OP_COUNT:
        break;
    }
    return in_range(&c, "job.op", job->op, 0, DRV_OP_COUNT - 1);
}
