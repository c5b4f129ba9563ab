/* Runs of the kernels as steps: arguments checked, transforms planned as passes. */
#include "driver/opencl/ocl_card.h"

#include "driver/field/bn_fr.h"
#include "driver/field/goldilocks.h"
#include "driver/opencl/kernels/common.h"
#include "hls/include/bn_poseidon_layout.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

p_status ocl_check_rows(const char *name, const card_arg *buffer, uint64_t row, uint64_t rows,
                        p_err *err)
{
    if (row > buffer->rows->rows || rows > buffer->rows->rows - row)
        return p_err_set(err, P_EINVAL,
                         "%s: %" PRIu64 " rows from row %" PRIu64 " of a buffer of %" PRIu64, name,
                         rows, row, buffer->rows->rows);
    return P_OK;
}

/* ---- row_gather ---- */

static p_status run_row_gather(ocl_card *card, const card_arg *a, card_ticket *ticket, p_err *err)
{
    uint64_t count = a[3].value, src_row = a[4].value;
    p_status s = ocl_check_rows("row_gather: src", &a[0], src_row, 0, err);

    if (s == P_OK)
        s = ocl_check_rows("row_gather: index", &a[1], a[5].value,
                           (count + HLS_ROW_WORDS - 1) / HLS_ROW_WORDS, err);
    if (s == P_OK)
        s = ocl_check_rows("row_gather: dst", &a[2], a[6].value, count, err);
    if (s != P_OK || count == 0)
        return s;
    const ocl_arg args[] = {OCL_MEM(a[0].rows->mem), OCL_MEM(a[1].rows->mem),
                            OCL_MEM(a[2].rows->mem), OCL_WORD((cl_uint)count), OCL_WIDE(src_row),
                            OCL_WIDE(a[5].value), OCL_WIDE(a[6].value),
                            /* rows that an index may name */
                            OCL_WIDE(a[0].rows->rows - src_row)};
    return ocl_enqueue(card, ticket, CARD_row_gather, OCL_row_gather, count, args, COUNT(args),
                       err);
}

/* ---- transforms ---- */

#define MAX_PASSES 16

typedef struct pass {
    uint32_t log_n, log_l, radix_log2, flags;
    uint64_t in_rows;
    bool ends;   /* a transform: the only kind of pass that may work in place */
    bool to_tmp; /* else to dst */
    bool tmp_in; /* from tmp; the first pass: from src */
} pass;

typedef struct plan {
    size_t count;
    pass pass[MAX_PASSES];
} plan;

/* Adds a transform's passes of equal radices, or nearly so. */
static void plan_transform(plan *p, uint32_t log_n, uint32_t max_radix, uint32_t flags,
                           uint64_t in_rows)
{
    uint32_t passes = log_n == 0 ? 1 : (log_n + max_radix - 1) / max_radix, log_l = 0;

    for (uint32_t i = 0; i < passes; i++) {
        pass *next = &p->pass[p->count++];

        *next = (pass){.log_n = log_n, .log_l = log_l, .flags = flags & OCL_INVERSE};
        next->radix_log2 = log_n / passes + (i < log_n % passes);
        next->in_rows = i == 0 ? in_rows : (uint64_t)1 << log_n;
        next->flags |= i == 0 ? flags & OCL_SCALE_IN : 0;
        next->ends = i + 1 == passes;
        next->flags |= next->ends ? flags & OCL_SCALE_OUT : 0;
        log_l += next->radix_log2;
    }
}

/* Where each pass writes, from the last, which writes to dst: each to the other place than the pass
 * behind it. If that makes the first one overwrite what it reads, the last one works in place. */
static void plan_places(plan *p, bool src_is_dst)
{
    size_t n = p->count;

    for (int in_place = 0; in_place < 2; in_place++) {
        for (size_t i = n; i-- > 0;) {
            bool same = in_place && i + 2 == n;

            p->pass[i].to_tmp =
                i + 1 < n && (same ? p->pass[i + 1].to_tmp : !p->pass[i + 1].to_tmp);
        }
        if (!src_is_dst || p->pass[0].to_tmp || p->pass[0].ends)
            break;
    }
    for (size_t i = 1; i < n; i++)
        p->pass[i].tmp_in = p->pass[i - 1].to_tmp;
}

static bool overlap(const card_arg *a, uint64_t a_row, uint64_t a_rows, const card_arg *b,
                    uint64_t b_row, uint64_t b_rows)
{
    return a->rows == b->rows && a_row < b_row + b_rows && b_row < a_row + a_rows;
}

/* The places of a transform's three buffers. */
static p_status check_places(const char *name, const card_arg *a, const uint64_t row[3],
                             uint64_t in_rows, uint64_t out_rows, bool *in_place, p_err *err)
{
    p_status s = ocl_check_rows(name, &a[0], row[0], in_rows, err);

    for (unsigned i = 1; i < 3 && s == P_OK; i++)
        s = ocl_check_rows(name, &a[i], row[i], out_rows, err);
    if (s != P_OK)
        return s;
    *in_place = a[0].rows == a[2].rows && row[0] == row[2] && in_rows == out_rows;
    if (overlap(&a[0], row[0], in_rows, &a[1], row[1], out_rows) ||
        overlap(&a[1], row[1], out_rows, &a[2], row[2], out_rows) ||
        (!*in_place && overlap(&a[0], row[0], in_rows, &a[2], row[2], out_rows)))
        return p_err_set(err, P_EINVAL, "%s: its buffers overlap", name);
    return P_OK;
}

static p_status run_gl_lde(ocl_card *card, const card_arg *a, card_ticket *ticket, p_err *err)
{
    uint64_t mode = a[3].value, log_in = a[4].value, log_out = a[5].value;
    const uint64_t row[3] = {a[6].value, a[7].value, a[8].value};
    bool in_place = false;
    plan p = {0};
    gl_t base = gl_from_u64(a[9].value), factor = 1;
    p_status s;

    if (mode > HLS_EXTEND_COEFFICIENTS || log_in > log_out || log_out > HLS_GL_LDE_MAX_LOG2 ||
        (mode <= HLS_INVERSE && log_in != log_out))
        return p_err_set(err, P_EINVAL,
                         "gl_lde: mode %" PRIu64 ", 2^%" PRIu64 " to 2^%" PRIu64 " rows", mode,
                         log_in, log_out);
    uint64_t in_rows = (uint64_t)1 << log_in, out_rows = (uint64_t)1 << log_out;
    s = check_places("gl_lde", a, row, in_rows, out_rows, &in_place, err);
    if (s != P_OK)
        return s;
    if (mode == HLS_INVERSE || mode == HLS_EXTEND) {
        factor = gl_inv(gl_from_u64(in_rows));
        plan_transform(&p, (uint32_t)log_in, OCL_GL_MAX_RADIX_LOG2,
                       OCL_INVERSE | (mode == HLS_INVERSE ? OCL_SCALE_OUT : 0), in_rows);
    }
    if (mode != HLS_INVERSE)
        plan_transform(&p, (uint32_t)log_out, OCL_GL_MAX_RADIX_LOG2,
                       base != 1 || factor != 1 ? OCL_SCALE_IN : 0, in_rows);
    plan_places(&p, in_place);
    for (size_t i = 0; i < p.count && s == P_OK; i++) {
        const pass *q = &p.pass[i];
        unsigned from = i == 0 ? 0 : q->tmp_in ? 1 : 2, to = q->to_tmp ? 1 : 2;
        const ocl_arg args[] = {
            OCL_MEM(a[from].rows->mem), OCL_MEM(a[to].rows->mem), OCL_MEM(card->gl_roots),
            OCL_WIDE(row[from]),        OCL_WIDE(row[to]),        OCL_WIDE(q->in_rows),
            OCL_WORD(q->log_n),         OCL_WORD(q->log_l),       OCL_WORD(q->radix_log2),
            OCL_WORD(q->flags),         OCL_WIDE(base),           OCL_WIDE(factor)};

        s = ocl_enqueue(card, ticket, CARD_gl_lde, OCL_gl_pass,
                        (uint64_t)1 << (q->log_n - q->radix_log2), args, COUNT(args), err);
    }
    return s;
}

static p_status run_fr_ntt(ocl_card *card, const card_arg *a, card_ticket *ticket, p_err *err)
{
    uint64_t mode = a[3].value, log_n = a[4].value;
    const uint64_t row[3] = {a[5].value, a[6].value, a[7].value};
    const uint64_t scale[4] = {a[8].value, a[9].value, a[10].value, a[11].value};
    bool in_place = false;
    plan p = {0};
    bn_fr factor, one, base;
    p_status s;

    if (mode > HLS_INVERSE || log_n > HLS_FR_NTT_MAX_LOG2)
        return p_err_set(err, P_EINVAL, "fr_ntt: mode %" PRIu64 ", 2^%" PRIu64 " elements", mode,
                         log_n);
    uint64_t rows = (((uint64_t)1 << log_n) + 1) / 2;
    s = check_places("fr_ntt", a, row, rows, rows, &in_place, err);
    if (s != P_OK)
        return s;
    bn_fr_set_one(&one);
    memcpy(&base, scale, sizeof base);
    if (mode == HLS_INVERSE) {
        bn_fr_set_u64(&factor, (uint64_t)1 << log_n);
        bn_fr_inv(&factor, &factor);
    } else {
        factor = one;
    }
    plan_transform(&p, (uint32_t)log_n, OCL_FR_MAX_RADIX_LOG2,
                   mode == HLS_INVERSE     ? OCL_INVERSE | OCL_SCALE_OUT
                   : bn_fr_eq(&base, &one) ? 0
                                           : OCL_SCALE_IN,
                   (uint64_t)1 << log_n);
    plan_places(&p, in_place);
    for (size_t i = 0; i < p.count && s == P_OK; i++) {
        const pass *q = &p.pass[i];
        unsigned from = i == 0 ? 0 : q->tmp_in ? 1 : 2, to = q->to_tmp ? 1 : 2;
        uint64_t f[4];

        memcpy(f, &factor, sizeof f);
        const ocl_arg args[] = {OCL_MEM(a[from].rows->mem),
                                OCL_MEM(a[to].rows->mem),
                                OCL_MEM(card->fr_roots),
                                OCL_WIDE(row[from]),
                                OCL_WIDE(row[to]),
                                OCL_WORD(q->log_n),
                                OCL_WORD(q->log_l),
                                OCL_WORD(q->radix_log2),
                                OCL_WORD(q->flags),
                                OCL_WIDE(scale[0]),
                                OCL_WIDE(scale[1]),
                                OCL_WIDE(scale[2]),
                                OCL_WIDE(scale[3]),
                                OCL_WIDE(f[0]),
                                OCL_WIDE(f[1]),
                                OCL_WIDE(f[2]),
                                OCL_WIDE(f[3])};

        s = ocl_enqueue(card, ticket, CARD_fr_ntt, OCL_fr_pass,
                        (uint64_t)1 << (q->log_n - q->radix_log2), args, COUNT(args), err);
    }
    return s;
}

/* ---- gl_merkle ---- */

/* Rows of a level of count digests. */
static uint64_t level_rows(uint64_t count)
{
    return (count + 1) / 2;
}

static p_status run_gl_merkle(ocl_card *card, const card_arg *a, card_ticket *ticket, p_err *err)
{
    uint64_t op = a[2].value, flags = a[3].value, log_leaves = a[4].value, levels = a[5].value;
    uint64_t src_row = a[6].value, tree_row = a[7].value;
    cl_mem src = a[0].rows->mem, tree = a[1].rows->mem;
    p_status s;

    if (op == HLS_PERMUTE) {
        uint64_t count = log_leaves;
        const ocl_arg args[] = {OCL_MEM(tree), OCL_WORD((cl_uint)count), OCL_WIDE(tree_row)};

        if (count > (uint64_t)1 << 28)
            return p_err_set(err, P_EINVAL, "gl_merkle: %" PRIu64 " states", count);
        s = ocl_check_rows("gl_merkle: states", &a[1], tree_row, 2 * count, err);
        if (s != P_OK || count == 0)
            return s;
        return ocl_enqueue(card, ticket, CARD_gl_merkle, OCL_gl_permute_states,
                           (count + card->lanes - 1) / card->lanes, args, COUNT(args), err);
    }
    if (op > HLS_NODES || log_leaves > 31 || (op == HLS_NODES && levels > log_leaves))
        return p_err_set(err, P_EINVAL,
                         "gl_merkle: operation %" PRIu64 ", 2^%" PRIu64 " leaves, %" PRIu64
                         " levels",
                         op, log_leaves, levels);
    uint64_t count = (uint64_t)1 << log_leaves;
    if (op == HLS_ABSORB) {
        const ocl_arg args[] = {OCL_MEM(src),
                                OCL_MEM(tree),
                                OCL_WORD((cl_uint)flags),
                                OCL_WORD((cl_uint)count),
                                OCL_WIDE(src_row),
                                OCL_WIDE(tree_row)};

        s = ocl_check_rows("gl_merkle: src", &a[0], src_row, count, err);
        if (s == P_OK)
            s = ocl_check_rows("gl_merkle: tree", &a[1], tree_row, level_rows(count), err);
        if (s == P_OK && overlap(&a[0], src_row, count, &a[1], tree_row, level_rows(count)))
            s = p_err_set(err, P_EINVAL, "gl_merkle: its buffers overlap");
        return s != P_OK
                   ? s
                   : ocl_enqueue(card, ticket, CARD_gl_merkle, OCL_gl_absorb,
                                 (count + card->lanes - 1) / card->lanes, args, COUNT(args), err);
    }
    uint64_t rows = 0, from = tree_row;
    for (uint64_t level = 0; level <= levels; level++)
        rows += level_rows(count >> level);
    s = ocl_check_rows("gl_merkle: tree", &a[1], tree_row, rows, err);
    for (uint64_t level = 1; level <= levels && s == P_OK; level++) {
        uint64_t to = from + level_rows(count >> (level - 1)), nodes = count >> level;
        const ocl_arg args[] = {OCL_MEM(tree), OCL_WORD((cl_uint)nodes), OCL_WIDE(from),
                                OCL_WIDE(to)};

        s = ocl_enqueue(card, ticket, CARD_gl_merkle, OCL_gl_nodes,
                        (nodes + card->lanes - 1) / card->lanes, args, COUNT(args), err);
        from = to;
    }
    return s;
}

/* ---- bn_poseidon ---- */

static p_status run_bn_poseidon(ocl_card *card, const card_arg *a, card_ticket *ticket, p_err *err)
{
    uint64_t op = a[3].value, flags = a[4].value, columns = a[6].value, count = a[7].value;
    uint64_t t = op == HLS_NODES ? HLS_BN_POSEIDON_MAX_WIDTH : a[5].value;
    uint64_t src_row = a[8].value, stride = a[9].value, table_row = a[10].value;
    uint64_t dst_row = a[11].value, dst_rows;
    p_status s;

    if (op > HLS_PERMUTE || t < HLS_BN_POSEIDON_MIN_WIDTH || t > HLS_BN_POSEIDON_MAX_WIDTH ||
        count > UINT32_MAX ||
        (op == HLS_ABSORB && (columns > 3 * (t - 1) || columns + 3 <= 3 * (t - 1))))
        return p_err_set(err, P_EINVAL,
                         "bn_poseidon: operation %" PRIu64 ", width %" PRIu64 ", %" PRIu64
                         " columns, %" PRIu64 " states",
                         op, t, columns, count);
    dst_rows = (count * (op == HLS_PERMUTE ? t : 1) + 1) / 2;
    s = ocl_check_rows("bn_poseidon: table", &a[1], table_row, hls_bn_poseidon_rows((uint32_t)t),
                       err);
    if (s == P_OK)
        s = ocl_check_rows("bn_poseidon: dst", &a[2], dst_row, dst_rows, err);
    if (op == HLS_ABSORB) {
        uint64_t blocks = (columns + HLS_ROW_WORDS - 1) / HLS_ROW_WORDS;

        if (s == P_OK && blocks > 1 && stride > a[0].rows->rows) /* so that nothing overflows */
            s = p_err_set(err, P_EINVAL, "bn_poseidon: a stride of %" PRIu64 " rows", stride);
        for (uint64_t b = 0; b < blocks && s == P_OK; b++) {
            s = ocl_check_rows("bn_poseidon: src", &a[0], src_row + b * stride, count, err);
            if (s == P_OK && overlap(&a[0], src_row + b * stride, count, &a[2], dst_row, dst_rows))
                s = p_err_set(err, P_EINVAL, "bn_poseidon: its buffers overlap");
        }
    } else if (op == HLS_NODES && s == P_OK) {
        s = ocl_check_rows("bn_poseidon: src", &a[0], src_row, 8 * count, err);
        if (s == P_OK && overlap(&a[0], src_row, 8 * count, &a[2], dst_row, dst_rows))
            s = p_err_set(err, P_EINVAL, "bn_poseidon: its buffers overlap");
    }
    if (s != P_OK || count == 0)
        return s;
    const ocl_arg args[] = {
        OCL_MEM(a[0].rows->mem),    OCL_MEM(a[1].rows->mem),  OCL_MEM(a[2].rows->mem),
        OCL_WORD((cl_uint)op),      OCL_WORD((cl_uint)flags), OCL_WORD((cl_uint)t),
        OCL_WORD((cl_uint)columns), OCL_WORD((cl_uint)count), OCL_WIDE(src_row),
        OCL_WIDE(stride),           OCL_WIDE(table_row),      OCL_WIDE(dst_row)};
    return ocl_enqueue(card, ticket, CARD_bn_poseidon, OCL_bn_poseidon, count, args, COUNT(args),
                       err);
}

/* ---- all ---- */

p_status ocl_run(ocl_card *card, card_kernel kernel, const card_arg *args, size_t count,
                 card_ticket *ticket, p_err *err)
{
    const char *letters = card_kernel_args(kernel), *name = card_kernel_name(kernel);

    if (count != strlen(letters))
        return p_err_set(err, P_EINVAL, "%s: %zu arguments; expected %zu", name, count,
                         strlen(letters));
    for (size_t i = 0; i < count; i++)
        if ((letters[i] == 'R') != (args[i].rows != NULL) ||
            (letters[i] == 'W' && args[i].value > UINT32_MAX))
            return p_err_set(err, P_EINVAL, "%s: argument %zu is not a %s", name, i,
                             letters[i] == 'R'   ? "buffer"
                             : letters[i] == 'W' ? "number of 32 bits"
                                                 : "number");
    switch (kernel) {
    case CARD_row_gather:
        return run_row_gather(card, args, ticket, err);
    case CARD_gl_lde:
        return run_gl_lde(card, args, ticket, err);
    case CARD_gl_merkle:
        return run_gl_merkle(card, args, ticket, err);
    case CARD_fr_ntt:
        return run_fr_ntt(card, args, ticket, err);
    case CARD_bn_msm_g1:
        return ocl_run_msm(card, args, ticket, err);
    case CARD_bn_poseidon:
        return run_bn_poseidon(card, args, ticket, err);
    default:
        return p_err_set(err, P_EINVAL, "there is no kernel %d", (int)kernel);
    }
}
