/* Every rule of driver.h broken in turn: P_EINVAL with a text, no event, nothing written, and the
 * device goes on. */
#include "tests/conformance/reference_bn.h"
#include "tests/conformance/suite.h"

#include <string.h>

/* valid jobs on small arrays, to be spoilt; handles only where the device makes them */
typedef struct valid {
    uint64_t *words; /* 4096 words, more than any of these jobs needs */
    uint64_t *out;   /* 4096 words */
    drv_handle *commitment, *points, *place;
    uint64_t row[4];
} valid;

#define WORDS 4096
#define UNTOUCHED ((drv_handle *)&op_name)

static const char *op_name(drv_op op)
{
    static const char *const NAME[DRV_OP_COUNT] = {"commit",   "open", "read",    "ntt",
                                                   "msm_load", "msm",  "poseidon"};

    return op < DRV_OP_COUNT ? NAME[op] : "unknown job";
}

static drv_job commit_job(valid *v)
{
    return (drv_job){.op = DRV_COMMIT,
                     .commit = {.in = {v->words, 3, 4},
                                .log_blowup = 1,
                                .cap_log2 = 1,
                                .cap = v->out,
                                .out = &v->place}};
}

static drv_job open_job(valid *v)
{
    return (drv_job){.op = DRV_OPEN, .open = {v->commitment, v->row, 2, v->out, v->out + 100}};
}

static drv_job read_job(valid *v)
{
    return (drv_job){.op = DRV_READ, .read = {v->commitment, 3, 5, 1, 2, v->out}};
}

static drv_job ntt_job(valid *v, bool fr)
{
    return (drv_job){.op = DRV_NTT,
                     .ntt = {.field = fr ? DRV_BN254_FR : DRV_GOLDILOCKS,
                             .log_n = 4,
                             .columns = 3,
                             .data = v->out,
                             .shift = {1}}};
}

static drv_job load_job(valid *v)
{
    return (drv_job){.op = DRV_MSM_LOAD,
                     .msm_load = {.points = v->words, .count = 3, .out = &v->place}};
}

static drv_job msm_job(valid *v)
{
    return (drv_job){.op = DRV_MSM, .msm = {v->points, v->words, DRV_CANONICAL, 1, 2, v->out}};
}

static drv_job poseidon_job(valid *v, bool fr)
{
    return (drv_job){.op = DRV_POSEIDON,
                     .poseidon = {.field = fr ? DRV_BN254_FR : DRV_GOLDILOCKS,
                                  .width = fr ? 3 : 12,
                                  .count = 3,
                                  .states = v->out}};
}

static void refuse(suite *s, valid *v, const drv_job *job, const char *what)
{
    drv_event *event = (drv_event *)&op_name; /* not NULL: has to be set */
    p_err err = {0};
    p_status status;

    suite_at(s, "%s: %s", op_name(job->op), what);
    v->place = UNTOUCHED;
    suite_keep(s, v->words);
    suite_keep(s, v->out);
    s->result->jobs++;
    status = drv_submit(s->device, job, &event, &err);
    suite_check(s, status == P_EINVAL, "drv_submit answers %s: %s", p_status_name(status),
                err.text);
    suite_check(s, status == P_OK || err.text[0], "there is no error text");
    suite_check(s, (status == P_OK) == (event != NULL), "the event is %p", (void *)event);
    if (status == P_OK)
        suite_finish(s, event, &err);
    suite_check(s, v->place == UNTOUCHED || !v->place, "there is a handle");
    suite_check_buffers(s);
}

/* the macro's arguments: a fresh valid job, one statement that spoils it */
#define REFUSE(fresh, spoil)                                                                       \
    do {                                                                                           \
        drv_job j = fresh;                                                                         \
        spoil;                                                                                     \
        refuse(s, v, &j, #spoil);                                                                  \
    } while (0)

static void commits(suite *s, valid *v)
{
    REFUSE(commit_job(v), j.commit.in.data = NULL);
    REFUSE(commit_job(v), j.commit.in.data += 1); /* not aligned */
    REFUSE(commit_job(v), j.commit.in.columns = 0);
    REFUSE(commit_job(v), j.commit.in.columns = DRV_MAX_COLUMNS + 1);
    REFUSE(commit_job(v), j.commit.in.columns = UINT32_MAX);
    REFUSE(commit_job(v), j.commit.in.log_rows = DRV_GL_MAX_LOG2 + 1);
    REFUSE(commit_job(v), j.commit.in.log_rows = 64);
    REFUSE(commit_job(v), j.commit.in.log_rows = UINT32_MAX);
    REFUSE(commit_job(v), j.commit.in.log_rows = DRV_GL_MAX_LOG2); /* with a blow-up */
    REFUSE(commit_job(v), j.commit.log_blowup = 9);
    REFUSE(commit_job(v), j.commit.log_blowup = UINT32_MAX);
    REFUSE(commit_job(v), j.commit.input = DRV_LEAVES); /* with a blow-up */
    REFUSE(commit_job(v), j.commit.input = (drv_input)3);
    REFUSE(commit_job(v), j.commit.input = (drv_input)-1);
    REFUSE(commit_job(v), j.commit.hash = (drv_hash)2);
    REFUSE(commit_job(v), j.commit.cap_log2 = 6);
    REFUSE(commit_job(v), j.commit.cap_log2 = UINT32_MAX);
    REFUSE(commit_job(v), (j.commit.hash = DRV_HASH_BN254, j.commit.cap_log2 = 2));
    REFUSE(commit_job(v), (j.commit.hash = DRV_HASH_BN254, j.commit.cap_log2 = 0));
    REFUSE(commit_job(v), j.commit.cap = NULL);
    REFUSE(commit_job(v), j.commit.cap = v->words + 8); /* overlaps the input */
    REFUSE(commit_job(v), j.commit.out = NULL);
}

static void openings(suite *s, valid *v)
{
    v->row[0] = 31, v->row[1] = 0;
    REFUSE(open_job(v), j.open.commitment = NULL);
    REFUSE(open_job(v), j.open.rows = NULL);
    REFUSE(open_job(v), j.open.values = NULL);
    REFUSE(open_job(v), j.open.paths = NULL);
    REFUSE(open_job(v), j.open.count = 0);
    REFUSE(open_job(v), j.open.count = (1 << 20) + 1);
    REFUSE(open_job(v), j.open.count = UINT32_MAX);
    REFUSE(open_job(v), v->row[1] = 32);
    REFUSE(open_job(v), v->row[1] = UINT64_MAX);
    v->row[1] = 0;
    REFUSE(read_job(v), j.read.commitment = NULL);
    REFUSE(read_job(v), j.read.out = NULL);
    REFUSE(read_job(v), j.read.rows = 0);
    REFUSE(read_job(v), j.read.columns = 0);
    REFUSE(read_job(v), j.read.rows = 30);
    REFUSE(read_job(v), j.read.row = 32);
    REFUSE(read_job(v), j.read.row = UINT64_MAX - 3); /* and the end wraps around */
    REFUSE(read_job(v), j.read.rows = UINT64_MAX);
    REFUSE(read_job(v), j.read.column = 3);
    REFUSE(read_job(v), j.read.columns = 3);
    REFUSE(read_job(v), j.read.column = UINT32_MAX);
    REFUSE(read_job(v), j.read.columns = UINT32_MAX);
}

static void transforms(suite *s, valid *v)
{
    for (unsigned fr = 0; fr <= 1; fr++) {
        REFUSE(ntt_job(v, fr), j.ntt.data = NULL);
        REFUSE(ntt_job(v, fr), j.ntt.data += 4); /* not aligned to 64 bytes */
        REFUSE(ntt_job(v, fr), j.ntt.columns = 0);
        REFUSE(ntt_job(v, fr), j.ntt.columns = DRV_MAX_COLUMNS + 1);
        REFUSE(ntt_job(v, fr), j.ntt.log_n = UINT32_MAX);
        REFUSE(ntt_job(v, fr), j.ntt.log_n = DRV_GL_MAX_LOG2 + 1);
        REFUSE(ntt_job(v, fr), j.ntt.in_order = (drv_order)2);
        REFUSE(ntt_job(v, fr), j.ntt.out_order = (drv_order)-1);
        REFUSE(ntt_job(v, fr), j.ntt.in_order = j.ntt.out_order = DRV_BIT_REVERSED);
        REFUSE(ntt_job(v, fr), j.ntt.layout = (drv_layout)2);
        REFUSE(ntt_job(v, fr), j.ntt.field = (drv_field)2);
        REFUSE(ntt_job(v, fr), j.ntt.shift[0] = 0);
    }
    REFUSE(ntt_job(v, false), j.ntt.shift[0] = UINT64_C(0xffffffff00000001)); /* 0 again */
    REFUSE(ntt_job(v, true), j.ntt.log_n = DRV_FR_MAX_LOG2 + 1);
    REFUSE(ntt_job(v, true), j.ntt.layout = DRV_BLOCKED);
    REFUSE(ntt_job(v, true), memcpy(j.ntt.shift, REF_FR.l, 32)); /* not below the modulus */
    REFUSE(ntt_job(v, true), memset(j.ntt.shift, 0xff, 32));
}

static void sums(suite *s, valid *v)
{
    REFUSE(load_job(v), j.msm_load.points = NULL);
    REFUSE(load_job(v), j.msm_load.count = 0);
    REFUSE(load_job(v), j.msm_load.count = (UINT64_C(1) << 28) + 1);
    REFUSE(load_job(v), j.msm_load.count = UINT64_MAX);
    REFUSE(load_job(v), j.msm_load.group = (drv_group)2);
    REFUSE(load_job(v), j.msm_load.out = NULL);
    REFUSE(msm_job(v), j.msm.points = NULL);
    if (!v->points)
        return;
    REFUSE(msm_job(v), j.msm.scalars = NULL);
    REFUSE(msm_job(v), j.msm.out = NULL);
    REFUSE(msm_job(v), j.msm.form = (drv_form)2);
    REFUSE(msm_job(v), j.msm.count = 0);
    REFUSE(msm_job(v), j.msm.count = 3);
    REFUSE(msm_job(v), j.msm.first = 2);
    REFUSE(msm_job(v), j.msm.first = 3);
    REFUSE(msm_job(v), j.msm.first = UINT64_MAX); /* and the end wraps around */
    REFUSE(msm_job(v), j.msm.count = UINT64_MAX);
}

static void permutations(suite *s, valid *v)
{
    for (unsigned fr = 0; fr <= 1; fr++) {
        REFUSE(poseidon_job(v, fr), j.poseidon.states = NULL);
        REFUSE(poseidon_job(v, fr), j.poseidon.states += 1); /* not aligned */
        REFUSE(poseidon_job(v, fr), j.poseidon.count = 0);
        REFUSE(poseidon_job(v, fr), j.poseidon.count = (UINT64_C(1) << 32) + 1);
        REFUSE(poseidon_job(v, fr), j.poseidon.width = 0);
        REFUSE(poseidon_job(v, fr), j.poseidon.width = 18);
        REFUSE(poseidon_job(v, fr), j.poseidon.width = UINT32_MAX);
        REFUSE(poseidon_job(v, fr), j.poseidon.width = fr ? 1 : 11);
        REFUSE(poseidon_job(v, fr), j.poseidon.field = (drv_field)2);
    }
    REFUSE(poseidon_job(v, true), j.poseidon.form = (drv_form)2);
}

/* one thing's handle where another's belongs */
static void handles(suite *s, valid *v)
{
    drv_commitment commitment;
    drv_points points;
    drv_device *other = NULL;
    p_err err = {0};

    REFUSE(commit_job(v), j.op = DRV_OP_COUNT);
    REFUSE(commit_job(v), j.op = (drv_op)-1);
    suite_at(s, "handles");
    if (v->commitment) {
        drv_handle *real = v->commitment;

        suite_check(s, drv_points_info(real, &points) == P_EINVAL,
                    "drv_points_info takes a commitment");
        REFUSE(msm_job(v), j.msm.points = v->commitment);
        suite_at(s, "closing with a handle");
        suite_check(s, drv_close(s->device, 1000, &err) == P_EINVAL && err.text[0],
                    "the device closes or gives no reason");
        suite_at(s, "a second device");
        if (suite_check(s, suite_open(s, &s->o->options, &other, &err) == P_OK,
                        "it cannot be opened: %s", err.text)) {
            drv_job job = commit_job(v);

            job.commit.out = &v->commitment;
            if (suite_run_on(s, other, &job)) { /* a handle of another device */
                REFUSE(open_job(v), v->row[1] = 1);
                REFUSE(read_job(v), v->row[1] = 0);
                drv_release(v->commitment);
            }
            v->commitment = real;
            suite_close(s, other);
        }
    }
    if (v->points) {
        drv_handle *real = v->commitment;

        suite_at(s, "handles");
        suite_check(s, drv_commitment_info(v->points, &commitment) == P_EINVAL,
                    "drv_commitment_info takes points");
        v->commitment = v->points;
        REFUSE(open_job(v), v->row[1] = 0);
        REFUSE(read_job(v), v->row[1] = 0);
        v->commitment = real;
    }
    drv_release(NULL);
    suite_check(s, drv_event_release(NULL) == P_OK, "drv_event_release refuses NULL");
}

static void estimates(suite *s, valid *v)
{
    drv_job job = commit_job(v);
    uint64_t bytes = 0, more = 0;
    p_err err = {0};
    p_status status;

    suite_at(s, "drv_estimate");
    job.commit.in.data = NULL;
    job.commit.cap = NULL;
    job.commit.out = NULL;
    status = drv_estimate(s->device, &job, &bytes, &err);
    suite_check(s, status == P_OK || (status == P_EUNSUPPORTED && !s->o->complete),
                "it answers %s for a job without arrays: %s", p_status_name(status), err.text);
    /* at least what the handle has to keep: extended matrix and leaves' digests */
    suite_check(s, status != P_OK || bytes >= 32 * (8 + 4) * 8, "%llu bytes for 32 x 3 values",
                (unsigned long long)bytes);
    job.commit.in.log_rows = 8;
    if (status == P_OK && drv_estimate(s->device, &job, &more, &err) == P_OK)
        suite_check(s, more > bytes && more >= 512 * (8 + 4) * 8,
                    "%llu bytes for 2^4 rows and %llu for 2^8", (unsigned long long)bytes,
                    (unsigned long long)more);
    job.commit.in.columns = 0;
    status = drv_estimate(s->device, &job, &bytes, &err);
    suite_check(s, status == P_EINVAL, "it answers %s for no columns", p_status_name(status));
}

static void devices(suite *s)
{
    drv_device *device = (drv_device *)&op_name; /* not NULL: has to be set */
    p_err err = {0};
    drv_info list[16], *info = list;
    size_t found = drv_list(&s->o->options, list, 16);
    p_status status = drv_open("no such device", NULL, &device, &err);

    suite_at(s, "drv_open of what does not exist");
    suite_check(s, status == P_ENOTFOUND && !device, "it answers %s", p_status_name(status));
    for (size_t i = 0; i < found && i < 16; i++)
        suite_check(s, strstr(err.text, info[i].name) != NULL, "the text does not name %s: %s",
                    info[i].name, err.text);
    suite_check(s, drv_list(&s->o->options, NULL, 0) == found,
                "drv_list counts otherwise without a place");
    suite_check(s, drv_close(NULL, 0, NULL) == P_OK, "drv_close refuses NULL");
}

/* numbers beyond the modulus: the answer may be either, the memory beside must stay */
static void large_numbers(suite *s, valid *v)
{
    drv_job jobs[2] = {ntt_job(v, true), poseidon_job(v, true)};

    for (unsigned i = 0; i < 2; i++) {
        p_err err = {0};
        p_status status;

        memset(v->out, 0xff, 64 * 8);
        suite_at(s, "%s of numbers beyond the modulus", op_name(jobs[i].op));
        s->result->jobs++;
        status = drv_run(s->device, &jobs[i], s->job_ms, &err);
        suite_check(s, status == P_OK || status == P_EINVAL || status == P_EUNSUPPORTED,
                    "it ends %s: %s", p_status_name(status), err.text);
    }
}

void suite_misuse(suite *s)
{
    valid *v = &(valid){.words = suite_words(s, WORDS), .out = suite_words(s, WORDS)};
    drv_job job;
    ref_point g = ref_generator(false), p = g;
    uint64_t *rest;

    suite_fill_gl(s, v->words, WORDS);
    suite_fill_gl(s, v->out, WORDS);
    suite_at(s, "preparing");
    job = commit_job(v);
    job.commit.cap = suite_words(s, 8);
    job.commit.out = &v->commitment;
    suite_run(s, &job);
    rest = suite_words(s, 3 * 8);
    for (unsigned i = 0; i < 3; i++) {
        ref_point_words(rest + 8 * i, &p, false);
        ref_point_add(&p, &p, &g);
    }
    job = load_job(v);
    job.msm_load.points = rest;
    job.msm_load.out = &v->points;
    suite_run(s, &job);

    commits(s, v);
    if (v->commitment)
        openings(s, v);
    transforms(s, v);
    sums(s, v);
    permutations(s, v);
    handles(s, v);
    estimates(s, v);
    devices(s);
    suite_check_buffers(s);
    /* valid ones go through as before */
    v->row[0] = 5;
    if (v->commitment) {
        rest = suite_words(s, WORDS);
        job = open_job(v);
        job.open.values = rest;
        job.open.paths = rest + 100;
        suite_at(s, "a valid job after all that");
        suite_run(s, &job);
    }
    drv_release(v->commitment);
    drv_release(v->points);
    suite_free_all(s);
    v->out = suite_words(s, WORDS);
    large_numbers(s, v);
    suite_free_all(s);
}
