#include "tests/conformance/work.h"

#include "tests/conformance/reference_bn.h"

#include <string.h>

#define OPEN_ROWS 40
#define POINTS 64 /* different ones */

const char *work_name(work_kind kind)
{
    static const char *const NAME[WORK_KINDS] = {
        "commit",   "commit for BN254", "open",       "read",        "NTT",        "NTT over Fr",
        "Poseidon", "Poseidon over Fr", "loading G1", "MSM over G1", "MSM over G2"};

    return NAME[kind];
}

/* the shape alone, for drv_estimate */
static void shape(work *w)
{
    unsigned log2 = w->log2;
    drv_commit_job commit = {.in = {.columns = 9, .log_rows = log2},
                             .input = DRV_VALUES,
                             .log_blowup = 1,
                             .cap_log2 = (log2 + 1) % 4};

    switch (w->kind) {
    case WORK_COMMIT_BN:
        commit.hash = DRV_HASH_BN254;
        commit.in.columns = 4;
        /* fall through */
    case WORK_COMMIT_GL:
    case WORK_OPEN: /* first the commitment that they need */
    case WORK_READ:
        w->job = (drv_job){.op = DRV_COMMIT, .commit = commit};
        break;
    case WORK_NTT_GL:
        w->job = (drv_job){.op = DRV_NTT,
                           .ntt = {.layout = DRV_BLOCKED,
                                   .out_order = DRV_BIT_REVERSED,
                                   .log_n = log2,
                                   .columns = 9,
                                   .shift = {7}}};
        break;
    case WORK_NTT_FR:
        w->job = (drv_job){
            .op = DRV_NTT,
            .ntt = {
                .field = DRV_BN254_FR, .inverse = true, .log_n = log2, .columns = 1, .shift = {5}}};
        break;
    case WORK_POSEIDON_GL:
        w->job =
            (drv_job){.op = DRV_POSEIDON, .poseidon = {.width = 12, .count = UINT64_C(1) << log2}};
        break;
    case WORK_POSEIDON_FR:
        w->job = (drv_job){.op = DRV_POSEIDON,
                           .poseidon = {.field = DRV_BN254_FR,
                                        .width = 17,
                                        .form = DRV_MONTGOMERY,
                                        .count = UINT64_C(1) << log2}};
        break;
    case WORK_LOAD_G1:
    case WORK_MSM_G1:
    case WORK_MSM_G2:
        w->job = (drv_job){.op = DRV_MSM_LOAD,
                           .msm_load = {.group = w->kind == WORK_MSM_G2 ? DRV_G2 : DRV_G1,
                                        .count = (UINT64_C(1) << log2) - (log2 > 1)}};
        break;
    case WORK_KINDS:
        break;
    }
}

static void give_out(suite *s, work *w, uint64_t words)
{
    w->out_words = words;
    w->out = suite_words(s, words);
}

/* in place, Goldilocks or Fr */
static void give_data(suite *s, work *w, uint64_t words, bool fr)
{
    give_out(s, w, words);
    w->pristine = suite_words(s, words);
    if (fr)
        suite_fill_fr(s, w->pristine, words / 4);
    else
        suite_fill_gl(s, w->pristine, words);
}

static void give_points(suite *s, work *w)
{
    drv_msm_load_job *load = &w->job.msm_load;
    bool g2 = load->group == DRV_G2;
    unsigned words = g2 ? 16 : 8;
    ref_point g = ref_generator(g2), p = g;

    w->input = suite_words(s, load->count * words);
    for (uint64_t i = 0; i < load->count; i++) {
        if (i >= POINTS) {
            memcpy(w->input + i * words, w->input + i % POINTS * words, words * 8);
            continue;
        }
        ref_point_add(&p, &p, &p);
        ref_point_add(&p, &p, &g);
        ref_point_words(w->input + i * words, &p, g2);
    }
    load->points = w->input;
    load->out = &w->made;
}

/* runs what makes the handle that the job needs */
static bool prepare(suite *s, work *w)
{
    uint64_t *cap = NULL;

    if (w->job.op == DRV_COMMIT) {
        cap = suite_words(s, UINT64_C(4) << w->job.commit.cap_log2);
        w->job.commit.cap = cap;
    }
    if (!suite_run_on(s, w->device, &w->job))
        return false;
    w->uses = w->made;
    w->made = NULL;
    return true;
}

static bool fill(suite *s, work *w)
{
    uint64_t words, *rows;
    drv_commitment info;
    drv_points points;

    if (w->job.op == DRV_COMMIT) {
        words = drv_matrix_words(w->job.commit.in.columns, w->log2);
        w->input = suite_words(s, words);
        suite_fill_gl(s, w->input, words);
        w->job.commit.in.data = w->input;
        w->job.commit.out = &w->made;
    } else if (w->job.op == DRV_MSM_LOAD) {
        give_points(s, w);
    }
    switch (w->kind) {
    case WORK_COMMIT_GL:
    case WORK_COMMIT_BN:
        give_out(s, w, UINT64_C(4) << w->job.commit.cap_log2);
        w->job.commit.cap = w->out;
        return true;
    case WORK_OPEN:
        if (!prepare(s, w) || drv_commitment_info(w->uses, &info) != P_OK)
            return false;
        rows = suite_words(s, OPEN_ROWS);
        for (unsigned i = 0; i < OPEN_ROWS; i++)
            rows[i] = suite_below(s, UINT64_C(1) << info.log_leaves);
        give_out(s, w, OPEN_ROWS * (info.columns + 4 * (uint64_t)info.path_digests));
        w->job = (drv_job){
            .op = DRV_OPEN,
            .open = {w->uses, rows, OPEN_ROWS, w->out, w->out + OPEN_ROWS * info.columns}};
        return true;
    case WORK_READ:
        if (!prepare(s, w) || drv_commitment_info(w->uses, &info) != P_OK)
            return false;
        give_out(s, w, (uint64_t)info.columns << info.log_leaves);
        w->job = (drv_job){
            .op = DRV_READ,
            .read = {w->uses, 0, UINT64_C(1) << info.log_leaves, 0, info.columns, w->out}};
        return true;
    case WORK_NTT_GL:
        give_data(s, w, drv_matrix_words(w->job.ntt.columns, w->log2), false);
        w->job.ntt.data = w->out;
        return true;
    case WORK_NTT_FR:
        give_data(s, w, UINT64_C(4) << w->log2, true);
        w->job.ntt.data = w->out;
        return true;
    case WORK_POSEIDON_GL:
        give_data(s, w, UINT64_C(12) << w->log2, false);
        w->job.poseidon.states = w->out;
        return true;
    case WORK_POSEIDON_FR:
        give_data(s, w, UINT64_C(17 * 4) << w->log2, true);
        w->job.poseidon.states = w->out;
        return true;
    case WORK_LOAD_G1:
        return true;
    case WORK_MSM_G1:
    case WORK_MSM_G2:
        if (!prepare(s, w) || drv_points_info(w->uses, &points) != P_OK)
            return false;
        give_out(s, w, points.group == DRV_G2 ? 16 : 8);
        rows = suite_words(s, 4 * points.count);
        suite_fill_fr(s, rows, points.count);
        w->job = (drv_job){.op = DRV_MSM,
                           .msm = {w->uses, rows, DRV_CANONICAL, 0, points.count, w->out}};
        return true;
    case WORK_KINDS:
        break;
    }
    return false;
}

bool work_make(suite *s, work *w, drv_device *device, work_kind kind, unsigned log2)
{
    uint64_t bytes, seed = s->seed;
    bool ok;

    *w = (work){.kind = kind, .log2 = log2, .device = device};
    shape(w);
    if (drv_estimate(device, &w->job, &bytes, NULL) != P_OK)
        return false;
    /* the same input each time, whatever was made before */
    s->seed = s->o->seed * 1000 + kind;
    ok = fill(s, w);
    s->seed = seed;
    if (!ok)
        work_end(w);
    return ok;
}

bool work_make_largest(suite *s, work *w, drv_device *device, work_kind kind, unsigned most)
{
    for (unsigned log2 = most < s->o->max_log2 ? most : s->o->max_log2;; log2--) {
        if (work_make(s, w, device, kind, log2))
            return true;
        if (!log2)
            return false;
    }
}

void work_reset(work *w)
{
    drv_release(w->made);
    w->made = NULL;
    if (w->pristine)
        memcpy(w->out, w->pristine, w->out_words * 8);
}

void work_end(work *w)
{
    drv_release(w->made);
    drv_release(w->uses);
    w->made = w->uses = NULL;
}
