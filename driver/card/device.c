/* The device: jobs, recovery, and device cpu where the card cannot be had. */
#include "driver/card/internal.h"

#include "driver/base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LEAVES_MAX_LOG2 28 /* what gl_merkle and bn_poseidon count to */

static const card_patience PATIENCE = {
    .failures = 4, .first_ms = 30000, .most_ms = 900000, .base_ms = 500};

/* ---- words for people ---- */

__attribute__((format(printf, 2, 3))) static void say(card_device *d, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES + 256];
    va_list list;
    int at;

    if (!d->options.log)
        return;
    at = snprintf(text, sizeof text, "%s: ", d->info.name);
    va_start(list, format);
    vsnprintf(text + at, sizeof text - (size_t)at, format, list);
    va_end(list);
    d->options.log(d->options.log_context, text);
}

static const char *job_name(drv_op op)
{
    static const char *const NAMES[DRV_OP_COUNT] = {
        [DRV_COMMIT] = "commit",    [DRV_OPEN] = "open",         [DRV_READ] = "read",
        [DRV_NTT] = "ntt",          [DRV_MSM_LOAD] = "msm_load", [DRV_MSM] = "msm",
        [DRV_POSEIDON] = "poseidon"};

    return (unsigned)op < DRV_OP_COUNT ? NAMES[op] : "unknown";
}

static void set_state(card_device *d, const char *text)
{
    pthread_mutex_lock(&d->small);
    snprintf(d->state, sizeof d->state, "%s", text);
    pthread_mutex_unlock(&d->small);
}

/* ---- open, close ---- */

static uint64_t card_bytes(const card_caps *caps)
{
    uint64_t rows =
        caps->rows[0] > UINT64_MAX - caps->rows[1] ? UINT64_MAX : caps->rows[0] + caps->rows[1];

    return rows > UINT64_MAX / HLS_ROW_BYTES ? UINT64_MAX : rows * HLS_ROW_BYTES;
}

static void free_device(card_device *d)
{
    card_rows_trim(d);
    for (unsigned width = 0; width <= BN_POSEIDON_MAX_WIDTH; width++)
        bn_poseidon_destroy(d->poseidon[width]);
    drv_checker_destroy(d->checker);
    d->ops->close(d->card);
    if (d->cpu_device)
        d->cpu->close(d->cpu_device);
    pthread_mutex_destroy(&d->small);
    pthread_mutex_destroy(&d->busy);
    free(d);
}

static void free_tables(card_device *d)
{
    for (unsigned width = 0; width <= BN_POSEIDON_MAX_WIDTH; width++) {
        card_rows_free(d, d->table[width]);
        d->table[width] = NULL;
    }
}

/* What is needed later than the call, so none of the caller's texts. */
static void keep_options(card_device *d, const drv_options *options)
{
    p_isa isa;

    if (!options)
        return;
    d->options = (drv_options){.threads = options->threads,
                               .memory_bytes = options->memory_bytes,
                               .log = options->log,
                               .log_context = options->log_context};
    if (options->isa && p_isa_parse(options->isa, &isa))
        d->options.isa = p_isa_name(isa);
}

p_status card_device_open(const card_ops *ops, void *card, const char *name, const char *about,
                          const drv_options *options, card_device **out, p_err *err)
{
    card_device *d = calloc(1, sizeof *d);
    card_run run = {.device = d};
    p_status s;

    *out = NULL;
    if (!d) {
        ops->close(card);
        return p_err_set(err, P_EEXHAUSTED, "no memory for device %.64s", name);
    }
    d->ops = ops;
    d->card = card;
    d->patience = PATIENCE;
    keep_options(d, options);
    ops->caps(card, &d->caps);
    d->info = (drv_info){.usable = true, .jobs = 1, .memory_bytes = card_bytes(&d->caps)};
    if (d->options.memory_bytes > 0)
        d->info.memory_bytes = card_min(d->info.memory_bytes, d->options.memory_bytes);
    snprintf(d->info.name, sizeof d->info.name, "%s", name);
    snprintf(d->info.about, sizeof d->info.about, "%s", about);
    d->host.limit = p_memory_available();
    pthread_mutex_init(&d->busy, NULL);
    pthread_mutex_init(&d->small, NULL);
    if (getrandom(&d->random, sizeof d->random, 0) != sizeof d->random)
        d->random = (uint64_t)p_clock_ns(CLOCK_MONOTONIC); /* spot checks, no secrets */
    s = drv_checker_create(&d->checker, err);
    if (s == P_OK)
        s = card_end(&run, card_self_test(&run, err), err);
    if (s != P_OK) {
        free_tables(d);
        free_device(d);
        return s;
    }
    *out = d;
    return P_OK;
}

/* ---- objects ---- */

/* Under busy. */
static void free_object(card_device *d, card_object *o)
{
    if (!o)
        return;
    if (o->op == DRV_COMMIT)
        card_commit_free(d, &o->commitment);
    else
        card_rows_free(d, o->points.rows);
    if (o->cpu)
        d->cpu->object_free(d->cpu_device, o->op, o->cpu);
    free(o);
}

/* Under busy: what handles have given up since. */
static void bury(card_device *d)
{
    card_object *o;

    pthread_mutex_lock(&d->small);
    o = d->dead;
    d->dead = NULL;
    pthread_mutex_unlock(&d->small);
    while (o) {
        card_object *next = o->next;

        free_object(d, o);
        o = next;
    }
}

/* While a job runs the card is its own: then its thread does the freeing. */
void card_device_object_free(void *device, drv_op op, void *object)
{
    card_device *d = device;
    card_object *o = object;

    (void)op;
    pthread_mutex_lock(&d->small);
    o->next = d->dead;
    d->dead = o;
    pthread_mutex_unlock(&d->small);
    if (pthread_mutex_trylock(&d->busy) == 0) {
        bury(d);
        pthread_mutex_unlock(&d->busy);
    }
}

void card_device_close(void *device)
{
    card_device *d = device;

    bury(d);
    free_tables(d);
    free_device(d);
}

void card_device_info(void *device, drv_info *out)
{
    card_device *d = device;
    char about[DRV_TEXT_BYTES];

    *out = d->info;
    memcpy(about, d->info.about, sizeof about);
    pthread_mutex_lock(&d->small);
    if (d->state[0] != '\0')
        snprintf(out->about, sizeof out->about, "%.250s; %.250s", about, d->state);
    pthread_mutex_unlock(&d->small);
}

/* ---- what it can do ---- */

static p_status need(const card_device *d, card_kernel kernel, const char *what, p_err *err)
{
    if (d->caps.units[kernel] > 0)
        return P_OK;
    return p_err_set(err, P_EUNSUPPORTED, "%s needs kernel %s, which this image lacks", what,
                     card_kernel_name(kernel));
}

static p_status at_most(uint32_t value, uint32_t most, card_kernel kernel, p_err *err)
{
    if (value <= most)
        return P_OK;
    return p_err_set(err, P_EUNSUPPORTED,
                     "2^%" PRIu32 " rows; kernel %s takes 2^%" PRIu32 " at most", value,
                     card_kernel_name(kernel), most);
}

static p_status supports_commit(const card_device *d, const drv_commit_job *job, p_err *err)
{
    card_kernel hash = job->hash == DRV_HASH_GL ? CARD_gl_merkle : CARD_bn_poseidon;
    uint32_t log_leaves = job->in.log_rows + job->log_blowup;
    p_status s = need(d, hash, "a commitment with this hash", err);

    if (s != P_OK)
        return s;
    if (job->input == DRV_LEAVES)
        return at_most(log_leaves, LEAVES_MAX_LOG2, hash, err);
    s = need(d, CARD_gl_lde, "a commitment", err);
    return s == P_OK ? at_most(log_leaves, HLS_GL_LDE_MAX_LOG2, CARD_gl_lde, err) : s;
}

static p_status supports_ntt(const card_device *d, const drv_ntt_job *job, p_err *err)
{
    bool gl = job->field == DRV_GOLDILOCKS;
    card_kernel kernel = gl ? CARD_gl_lde : CARD_fr_ntt;
    p_status s = need(d, kernel, gl ? "a transform" : "a transform over Fr", err);

    return s == P_OK
               ? at_most(job->log_n, gl ? HLS_GL_LDE_MAX_LOG2 : HLS_FR_NTT_MAX_LOG2, kernel, err)
               : s;
}

p_status card_device_supports(void *device, const drv_job *job, p_err *err)
{
    const card_device *d = device;

    switch (job->op) {
    case DRV_COMMIT:
        return supports_commit(d, &job->commit, err);
    case DRV_NTT:
        return supports_ntt(d, &job->ntt, err);
    case DRV_MSM_LOAD:
        if (job->msm_load.group != DRV_G1)
            return p_err_set(err, P_EUNSUPPORTED, "no kernel adds points of G2: use device cpu");
        return need(d, CARD_bn_msm_g1, "a sum over G1", err);
    case DRV_POSEIDON:
        return job->poseidon.field == DRV_GOLDILOCKS
                   ? need(d, CARD_gl_merkle, "a permutation", err)
                   : need(d, CARD_bn_poseidon, "a permutation over Fr", err);
    case DRV_OPEN:
    case DRV_READ:
    case DRV_MSM:
        return P_OK; /* of a handle that this device has made */
    case DRV_OP_COUNT:
        break;
    }
    return p_err_set(err, P_EUNSUPPORTED, "job %d is unknown", (int)job->op);
}

uint64_t card_device_estimate(void *device, const drv_job *job)
{
    const card_device *d = device;

    switch (job->op) {
    case DRV_COMMIT:
        return card_commit_bytes(d, &job->commit);
    case DRV_OPEN:
        return card_open_bytes(d, &job->open);
    case DRV_NTT:
        return card_ntt_bytes(&job->ntt);
    case DRV_MSM_LOAD:
        return card_points_bytes(job->msm_load.count);
    case DRV_MSM:
        return card_msm_bytes(d, job->msm.count);
    case DRV_POSEIDON:
        return card_permute_bytes(&job->poseidon);
    case DRV_READ:
    case DRV_OP_COUNT:
        break;
    }
    return 0;
}

/* ---- device cpu ---- */

static p_status open_cpu(card_device *d, p_err *err)
{
    drv_options options = {.threads = d->options.threads, .isa = d->options.isa};

    if (d->cpu_device)
        return P_OK;
    d->cpu = drv_backend_find("cpu");
    if (!d->cpu)
        return p_err_set(err, P_EINTERNAL, "there is no device cpu to fall back to");
    return d->cpu->open("", &options, &d->cpu_device, err);
}

/* The rest of work in place that the card has begun. */
static drv_job rest_of(const drv_job *job, uint64_t done)
{
    drv_job rest = *job;

    if (job->op == DRV_NTT) {
        uint64_t words = job->ntt.field == DRV_BN254_FR ? 4 : 1;

        /* whole blocks were done, so both layouts go on here */
        rest.ntt.data += (done << job->ntt.log_n) * words;
        rest.ntt.columns -= (uint32_t)done;
    } else if (job->op == DRV_POSEIDON) {
        rest.poseidon.states +=
            done * job->poseidon.width * (job->poseidon.field == DRV_BN254_FR ? 4 : 1);
        rest.poseidon.count -= done;
    }
    return rest;
}

static bool all_done(const drv_job *job, uint64_t done)
{
    return (job->op == DRV_NTT && done >= job->ntt.columns) ||
           (job->op == DRV_POSEIDON && done >= job->poseidon.count);
}

/* The object on device cpu: made again out of the host copy, with the same cap. */
static p_status move_commitment(card_run *run, card_object *o, p_err *err)
{
    card_device *d = run->device;
    card_commitment *c = &o->commitment;
    uint64_t words = (uint64_t)DRV_DIGEST_WORDS << c->shape.cap_log2;
    drv_handle *unused = NULL;
    void *cap;
    p_status s = card_host_alloc(d, words, sizeof(uint64_t), "the cap of a commitment made again",
                                 &cap, err);

    if (s != P_OK)
        return s;
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = c->in,
                              .input = c->input,
                              .hash = c->shape.hash,
                              .log_blowup = c->log_blowup,
                              .cap_log2 = c->shape.cap_log2,
                              .cap = cap,
                              .out = &unused}};
    s = d->cpu->run(d->cpu_device, &job, &o->cpu, run->cancel, err);
    if (s == P_OK && memcmp(cap, c->cap, words * sizeof(uint64_t)) != 0) {
        d->cpu->object_free(d->cpu_device, DRV_COMMIT, o->cpu);
        o->cpu = NULL;
        s = p_err_set(err, P_EDEVICE,
                      "a commitment that device cpu made again has another cap: the card's answer "
                      "or the leaves, which the caller lends, were changed");
    }
    p_memory_free(&d->host, cap, words, sizeof(uint64_t));
    return s;
}

static p_status run_on_cpu(card_run *run, const drv_job *job, card_object *o, p_err *err)
{
    card_device *d = run->device;
    drv_job rest = rest_of(job, run->done);
    p_status s = open_cpu(d, err);
    void *none = NULL;

    if (s != P_OK || all_done(job, run->done))
        return s;
    if (o && !o->cpu && (job->op == DRV_OPEN || job->op == DRV_READ))
        s = move_commitment(run, o, err);
    if (s == P_OK)
        s = d->cpu->run(d->cpu_device, &rest, o ? &o->cpu : &none, run->cancel, err);
    if (s == P_OK && o && o->op == DRV_COMMIT) {
        card_commit_free(d, &o->commitment); /* device cpu has its own */
        o->moved = true;
    }
    return s;
}

/* ---- on the card ---- */

static p_status load_points(card_run *run, const drv_job *job, card_object *o, p_err *err)
{
    card_device *d = run->device;
    p_status s = P_OK;

    /* device cpu keeps no points of its own, so it checks them and is ready to stand in */
    if (!o->cpu) {
        s = open_cpu(d, err);
        if (s == P_OK)
            s = d->cpu->run(d->cpu_device, job, &o->cpu, run->cancel, err);
    }
    o->points.points = job->msm_load.points;
    o->points.count = job->msm_load.count;
    return s == P_OK ? card_points_ensure(run, &o->points, err) : s;
}

static p_status run_on_card(card_run *run, const drv_job *job, card_object *o, p_err *err)
{
    switch (job->op) {
    case DRV_COMMIT:
        return card_commit_make(run, &o->commitment, job->commit.in.data, err);
    case DRV_OPEN:
        return card_open_job(run, &o->commitment, &job->open, err);
    case DRV_READ:
        return card_read_job(run, &o->commitment, &job->read, err);
    case DRV_NTT:
        return card_ntt(run, &job->ntt, err);
    case DRV_MSM_LOAD:
        return load_points(run, job, o, err);
    case DRV_MSM:
        return card_msm(run, &o->points, &job->msm, err);
    case DRV_POSEIDON:
        return card_permute(run, &job->poseidon, err);
    case DRV_OP_COUNT:
        break;
    }
    return p_err_set(err, P_EUNSUPPORTED, "job %d is unknown", (int)job->op);
}

/* ---- recovery ---- */

/* Whether the card is worth a try; one that was left alone is, when its time has come. */
static bool may_try(const card_device *d)
{
    return d->failures < d->patience.failures || p_clock_ms(CLOCK_MONOTONIC) >= d->retry_at_ms;
}

static void failed(card_device *d, const drv_job *job, const p_err *why, bool again)
{
    char text[sizeof d->state];
    uint64_t ms;

    d->failures++;
    if (d->failures < d->patience.failures) {
        say(d, "%s failed on the card (%s); %s, %s", job_name(job->op), why->text,
            d->lost ? "it does not come back from a reset" : "it was reset",
            again ? "now it is tried again" : "now device cpu does it");
        return;
    }
    ms = card_min((uint64_t)d->patience.first_ms << card_min(d->retreats, 20), d->patience.most_ms);
    d->retreats++;
    d->retry_at_ms = p_clock_ms(CLOCK_MONOTONIC) + (int64_t)ms;
    snprintf(text, sizeof text,
             "the card has failed %u times in a row; for %" PRIu64
             " s from then on device cpu does its work",
             d->failures, (ms + 999) / 1000);
    set_state(d, text);
    say(d, "%s failed on the card (%s); %s", job_name(job->op), why->text, text);
}

static void succeeded(card_device *d)
{
    if (d->failures >= d->patience.failures) {
        say(d, "the card works again");
        set_state(d, "");
    }
    d->failures = d->retreats = 0;
}

/* One attempt; P_EDEVICE: the card has failed and was reset. */
static p_status attempt(card_run *run, const drv_job *job, card_object *o, p_err *err)
{
    card_device *d = run->device;
    p_status s = P_OK;

    memset(d->pinned, 0, sizeof d->pinned);
    d->recovered = false;
    if (d->lost) {
        s = card_recover(d, err);
        d->recovered = false;
        if (s != P_OK) {
            p_err_prefix(err, "reset");
            d->recovered = true;
            return P_EDEVICE;
        }
    }
    s = run_on_card(run, job, o, err);
    return card_end(run, s, err);
}

/* An object that exists and found no room on the card again goes to device cpu. */
static bool moves(const drv_job *job, const card_object *o, p_status s)
{
    if (s != P_EEXHAUSTED || !o)
        return false;
    return ((job->op == DRV_OPEN || job->op == DRV_READ) && !o->commitment.tree) ||
           (job->op == DRV_MSM && !o->points.rows);
}

static p_status run_job(card_run *run, const drv_job *job, card_object *o, p_err *err)
{
    card_device *d = run->device;
    p_status s = P_EDEVICE;
    p_err why = {P_OK, ""};

    for (unsigned i = 0; i < CARD_ATTEMPTS && may_try(d) && !(o && o->moved); i++) {
        p_err_clear(&why);
        s = attempt(run, job, o, &why);
        if (s == P_OK)
            succeeded(d);
        if (s == P_EDEVICE)
            failed(d, job, &why, i + 1 < CARD_ATTEMPTS && d->failures + 1 < d->patience.failures);
        else
            break;
    }
    if (s != P_EDEVICE && !moves(job, o, s)) {
        if (err)
            *err = why;
        return s;
    }
    if (moves(job, o, s))
        say(d,
            "%s finds no memory on the card for what was lost with it (%s); now device cpu does "
            "it",
            job_name(job->op), why.text);
    return run_on_cpu(run, job, o, err);
}

static p_status make_object(card_device *d, const drv_job *job, card_object **out, p_err *err)
{
    card_object *o = calloc(1, sizeof *o);
    p_status s = P_OK;

    *out = NULL;
    if (!o)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a handle");
    o->op = job->op;
    if (job->op == DRV_COMMIT)
        s = card_commit_begin(d, &job->commit, &o->commitment, err);
    if (s == P_OK)
        *out = o;
    else
        free(o);
    return s;
}

p_status card_device_run(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                         p_err *err)
{
    card_device *d = device;
    card_run run = {.device = d, .cancel = cancel};
    bool makes = job->op == DRV_COMMIT || job->op == DRV_MSM_LOAD;
    card_object *o = makes ? NULL : *object;
    p_status s = P_OK;

    pthread_mutex_lock(&d->busy);
    bury(d);
    if (makes) {
        *object = NULL;
        s = make_object(d, job, &o, err);
    }
    if (s == P_OK)
        s = run_job(&run, job, o, err);
    if (s == P_OK && job->op == DRV_COMMIT && !o->moved)
        memcpy(job->commit.cap, o->commitment.cap,
               ((size_t)DRV_DIGEST_WORDS * sizeof(uint64_t)) << job->commit.cap_log2);
    if (makes && s == P_OK)
        *object = o;
    else if (makes)
        free_object(d, o);
    bury(d);
    pthread_mutex_unlock(&d->busy);
    return s;
}
