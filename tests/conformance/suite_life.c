/* How jobs, events, handles and memory behave: waiting, cancelling, several at once, lifetime. */
#include "driver/base/clock.h"
#include "tests/conformance/work.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SETS WORK_KINDS

static uint64_t now_ms(void)
{
    return (uint64_t)p_clock_ms(CLOCK_MONOTONIC);
}

static unsigned patience(const suite *s)
{
    return s->o->patience ? s->o->patience : 1;
}

static void sleep_ms(unsigned ms)
{
    struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&nap, NULL);
}

/* size of a job that keeps a fast CPU busy for some tenths of a second */
static unsigned heavy(work_kind kind)
{
    static const unsigned LOG2[WORK_KINDS] = {
        [WORK_COMMIT_GL] = 18,   [WORK_COMMIT_BN] = 13,   [WORK_OPEN] = 14,
        [WORK_READ] = 16,        [WORK_NTT_GL] = 19,      [WORK_NTT_FR] = 19,
        [WORK_POSEIDON_GL] = 18, [WORK_POSEIDON_FR] = 13, [WORK_LOAD_G1] = 18,
        [WORK_MSM_G1] = 17,      [WORK_MSM_G2] = 15};

    return LOG2[kind];
}

/* the expected output of a work by a run alone; NULL if it fails */
static uint64_t *run_alone(suite *s, work *w)
{
    uint64_t *copy;

    suite_at(s, "%s of 2^%u alone", work_name(w->kind), w->log2);
    work_reset(w);
    if (!suite_run_on(s, w->device, &w->job))
        return NULL;
    suite_digest(s, w->out, w->out_words);
    copy = suite_need(malloc(w->out_words * 8 + 8));
    if (w->out_words)
        memcpy(copy, w->out, w->out_words * 8);
    return copy;
}

/* ---- waiting ---- */

static void waiting(suite *s, work *w)
{
    drv_event *event;
    p_err first = {0}, second = {0};
    p_status status;
    unsigned looks = 0;

    suite_at(s, "waiting for %s of 2^%u", work_name(w->kind), w->log2);
    work_reset(w);
    event = suite_submit(s, &w->job);
    if (!event)
        return;
    do {
        status = drv_wait(event, looks % 3 ? 0 : 1, &first);
        looks++;
        suite_check(s, status == P_OK || status == P_EDEADLINE, "drv_wait answers %s: %s",
                    p_status_name(status), first.text);
        if (status == P_EDEADLINE && !drv_ended(event))
            suite_check(s, first.text[0], "P_EDEADLINE without a text");
        sleep_ms(looks > 20 ? 5 : 0);
    } while (status == P_EDEADLINE && looks < 24000 * patience(s));
    suite_check(s, drv_ended(event), "drv_wait answers P_OK for a job that has not ended");
    suite_check(s, drv_wait(event, 0, &second) == status, "a second drv_wait answers otherwise");
    drv_cancel(event); /* of a job that was done: nothing */
    suite_check(s, drv_wait(event, 1000, &second) == status,
                "cancelling after the end changes the answer");
    suite_finish(s, event, &second);
    /* a limit that is too short: cancelled, or done by then */
    work_reset(w);
    status = drv_run(w->device, &w->job, 1, &first);
    suite_check(s, status == P_OK || status == P_EDEADLINE, "drv_run with 1 ms answers %s: %s",
                p_status_name(status), first.text);
}

/* ---- cancelling ---- */

/* milliseconds from the request to the end */
static uint64_t cancel_once(suite *s, work *w, unsigned after_ms)
{
    drv_event *event;
    p_err err = {0};
    p_status status;
    uint64_t start;

    work_reset(w);
    event = suite_submit(s, &w->job);
    if (!event)
        return 0;
    if (after_ms)
        sleep_ms(after_ms);
    start = now_ms();
    drv_cancel(event);
    status = suite_finish(s, event, &err);
    start = now_ms() - start;
    suite_check(s, status == P_OK || status == P_ECANCELLED, "a cancelled job ends %s: %s",
                p_status_name(status), err.text);
    suite_check(s, status == P_OK || err.text[0], "P_ECANCELLED without a text");
    suite_check(s, status == P_OK || !w->made, "a cancelled job leaves a handle");
    return start;
}

static void cancelling(suite *s, work *w, const uint64_t *expected)
{
    static const unsigned AFTER[] = {0, 1, 5, 20, 60};
    uint64_t limit = 1000 * patience(s);

    suite_at(s, "cancelling %s of 2^%u", work_name(w->kind), w->log2);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t took = cancel_once(s, w, AFTER[i]);

        /* the machine may be busy with something else: the best of three counts */
        for (unsigned again = 0; again < 2 && took > limit; again++) {
            uint64_t next = cancel_once(s, w, AFTER[i]);

            took = next < took ? next : took;
        }
        suite_check(s, took <= limit, "it ends %llu ms after the request, %u ms after its start",
                    (unsigned long long)took, AFTER[i]);
    }
    /* the device goes on as if nothing had been */
    work_reset(w);
    if (suite_run(s, &w->job))
        suite_same(s, w->out, expected, w->out_words, "after cancelling");
}

static void lone_jobs(suite *s)
{
    for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
        uint64_t *expected = NULL;
        work w;

        if (work_make_largest(s, &w, s->device, (work_kind)kind, heavy((work_kind)kind))) {
            expected = run_alone(s, &w);
            if (expected) {
                waiting(s, &w);
                cancelling(s, &w, expected);
            }
            work_end(&w);
        }
        free(expected);
        suite_free_all(s);
    }
}

/* ---- several at once ---- */

static unsigned make_all(suite *s, work *set, drv_device *device, unsigned most)
{
    unsigned count = 0;

    for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
        unsigned log2 = most;

        /* the slow ones smaller */
        if (kind == WORK_COMMIT_BN || kind == WORK_POSEIDON_FR || kind == WORK_MSM_G2)
            log2 = most > 3 ? most - 3 : 0;
        if (work_make_largest(s, &set[count], device, (work_kind)kind, log2))
            count++;
    }
    return count;
}

static void together(suite *s)
{
    work set[SETS];
    uint64_t *expected[SETS];
    unsigned count = make_all(s, set, s->device, 11);

    for (unsigned i = 0; i < count; i++)
        expected[i] = run_alone(s, &set[i]);
    for (unsigned round = 0; round < 6; round++) {
        drv_event *event[SETS];

        suite_at(s, "%u jobs at once", count);
        for (unsigned k = 0; k < count; k++)
            work_reset(&set[k]);
        for (unsigned k = 0; k < count; k++)
            event[k] = suite_submit(s, &set[(k + round) % count].job);
        for (unsigned k = 0; k < count; k++) {
            work *w = &set[(k + round) % count];
            p_err err = {0};
            p_status status;

            if (!event[k])
                continue;
            suite_at(s, "%s of 2^%u beside other jobs", work_name(w->kind), w->log2);
            status = suite_finish(s, event[k], &err);
            suite_check(s, status == P_OK, "it ends %s: %s", p_status_name(status), err.text);
            if (expected[(k + round) % count] && status == P_OK)
                suite_same(s, w->out, expected[(k + round) % count], w->out_words,
                           "other bits than alone");
        }
    }
    for (unsigned i = 0; i < count; i++) {
        work_end(&set[i]);
        free(expected[i]);
    }
    suite_free_all(s);
}

typedef struct user {
    work *w;
    const uint64_t *expected;
    unsigned wrong, failed;
    uint32_t ms;
} user;

static void *use(void *arg)
{
    user *u = arg;

    for (unsigned i = 0; i < 12; i++) {
        work_reset(u->w);
        if (drv_run(u->w->device, &u->w->job, u->ms, NULL) != P_OK)
            u->failed++;
        else if (u->w->out_words && memcmp(u->w->out, u->expected, u->w->out_words * 8))
            u->wrong++;
    }
    return NULL;
}

static void from_threads(suite *s)
{
    work set[SETS];
    uint64_t *expected[SETS];
    user users[SETS];
    pthread_t thread[SETS];
    unsigned count = make_all(s, set, s->device, 7), started = 0;

    for (unsigned i = 0; i < count; i++)
        expected[i] = run_alone(s, &set[i]);
    suite_at(s, "jobs from %u threads", count);
    for (; started < count; started++) {
        users[started] = (user){.w = &set[started], .expected = expected[started], .ms = s->job_ms};
        if (!expected[started] || pthread_create(&thread[started], NULL, use, &users[started]) != 0)
            break;
    }
    suite_check(s, started == count, "only %u of %u threads were started", started, count);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(thread[i], NULL);
        suite_check(s, !users[i].failed && !users[i].wrong, "%s: %u runs failed, %u were wrong",
                    work_name(set[i].kind), users[i].failed, users[i].wrong);
    }
    for (unsigned i = 0; i < count; i++) {
        work_end(&set[i]);
        free(expected[i]);
    }
    suite_free_all(s);
}

/* ---- handles ---- */

static void release_in_use(suite *s)
{
    static const work_kind USERS[] = {WORK_OPEN, WORK_READ, WORK_MSM_G1};

    for (unsigned k = 0; k < 3; k++) {
        drv_event *event;
        uint64_t *expected;
        p_err err = {0};
        p_status status;
        work w;

        if (work_make_largest(s, &w, s->device, USERS[k], 12)) {
            expected = run_alone(s, &w);
            suite_at(s, "releasing the handle that %s uses", work_name(w.kind));
            work_reset(&w);
            event = expected ? suite_submit(s, &w.job) : NULL;
            if (event) {
                drv_release(w.uses);
                w.uses = NULL;
                status = suite_finish(s, event, &err);
                suite_check(s, status == P_OK, "it ends %s: %s", p_status_name(status), err.text);
                suite_same(s, w.out, expected, w.out_words, "output");
            }
            free(expected);
            work_end(&w);
        }
        suite_free_all(s);
    }
}

static void many_handles(suite *s)
{
    enum { MANY = 40 };
    drv_handle *handle[MANY] = {NULL};
    uint64_t row = 0, first[9], value[9], *paths;
    unsigned made = 0;
    work w;

    if (!work_make_largest(s, &w, s->device, WORK_COMMIT_GL, 6)) {
        suite_free_all(s);
        return;
    }
    suite_at(s, "%u commitments at once", (unsigned)MANY);
    paths = suite_words(s, 4 * 40);
    for (; made < MANY; made++) {
        w.job.commit.out = &handle[made];
        w.input[0] = made;
        if (!suite_run(s, &w.job))
            break;
    }
    for (unsigned i = 0; i < made; i++) {
        unsigned at = i * 7 % MANY; /* 7 is prime to 40 */
        drv_job open = {.op = DRV_OPEN, .open = {handle[at], &row, 1, value, paths}};

        if (made < MANY || !suite_run(s, &open))
            break;
        if (i == 0)
            memcpy(first, value, sizeof(first));
        else /* column 0 differs, the others are the same */
            suite_check(s,
                        value[0] != first[0] && !memcmp(value + 1, first + 1, 8 * sizeof(*value)),
                        "commitment %u was mixed up with another", at);
        drv_release(handle[at]);
        handle[at] = NULL;
    }
    for (unsigned i = 0; i < made; i++)
        drv_release(handle[i]);
    w.made = NULL;
    work_end(&w);
    suite_free_all(s);
}

/* ---- memory ---- */

static void buffers(suite *s, drv_device *device, uint64_t limit)
{
    void *buffer = (void *)&limit, *other; /* not NULL: has to be set */
    p_err err = {0};
    p_status status;
    drv_job job = {.op = DRV_POSEIDON, .poseidon = {.width = 12, .count = 5}};
    uint64_t nonzero = 0;

    suite_at(s, "buffers of the device");
    status = drv_buffer_alloc(device, 5000, &buffer, &err);
    if (!suite_check(s, status == P_OK, "5000 bytes: %s: %s", p_status_name(status), err.text))
        return;
    for (unsigned i = 0; i < 5000 / 8; i++)
        nonzero |= ((uint64_t *)buffer)[i];
    suite_check(s, !nonzero && (uintptr_t)buffer % 4096 == 0,
                "a buffer is not zeroed or not aligned to 4096 bytes");
    job.poseidon.states = buffer;
    status = drv_run(device, &job, s->job_ms, &err);
    suite_check(s, status == P_OK || (status == P_EUNSUPPORTED && !s->o->complete),
                "Poseidon on it: %s: %s", p_status_name(status), err.text);
    if (limit) {
        other = buffer;
        status = drv_buffer_alloc(device, limit, &other, &err);
        suite_check(s, status == P_EEXHAUSTED && !other && err.text[0],
                    "beside 5000 bytes all the memory of the device is given: %s",
                    p_status_name(status));
        if (status == P_OK)
            drv_buffer_free(device, other, limit);
    }
    drv_buffer_free(device, buffer, 5000);
    drv_buffer_free(device, NULL, 5000);
    if (limit) {
        status = drv_buffer_alloc(device, limit / 2, &buffer, &err);
        suite_check(s, status == P_OK, "freed memory is not given again: %s", err.text);
        drv_buffer_free(device, buffer, status == P_OK ? limit / 2 : 0);
    }
}

/* a device with room for about four small commitments and for no large one */
static void little_memory(suite *s)
{
    enum { MANY = 64 };
    uint64_t small_bytes = 0, large_bytes = 0, *cap;
    drv_options options = s->o->options;
    drv_device *device = NULL;
    drv_handle *handle[MANY] = {NULL};
    unsigned made = 0;
    p_status status = P_OK;
    p_err err = {0};
    work small, large;

    suite_at(s, "a device with little memory");
    if (!work_make_largest(s, &large, s->device, WORK_COMMIT_GL, 14) ||
        !work_make(s, &small, s->device, WORK_COMMIT_GL, large.log2 > 7 ? 7 : large.log2 / 2) ||
        drv_estimate(s->device, &small.job, &small_bytes, &err) != P_OK ||
        drv_estimate(s->device, &large.job, &large_bytes, &err) != P_OK) {
        suite_free_all(s);
        return;
    }
    suite_check(s, small_bytes && large_bytes > small_bytes,
                "drv_estimate: %llu bytes for a small commit, %llu for a large one",
                (unsigned long long)small_bytes, (unsigned long long)large_bytes);
    options.memory_bytes = 5 * small_bytes < large_bytes ? 5 * small_bytes : large_bytes - 1;
    status = suite_open(s, &options, &device, &err);
    if (!suite_check(s, status == P_OK, "it cannot be opened: %s", err.text))
        goto out;
    for (unsigned round = 0; round < 2; round++) {
        status = drv_run(device, &large.job, s->job_ms, &err);
        suite_check(s, status == P_EEXHAUSTED && err.text[0] && !large.made,
                    "a job of %llu bytes ends %s: %s", (unsigned long long)large_bytes,
                    p_status_name(status), err.text);
        if (status == P_OK)
            work_reset(&large);
        cap = small.job.commit.cap;
        for (made = 0, status = P_OK; made < MANY && status == P_OK; made += status == P_OK) {
            small.job.commit.out = &handle[made];
            status = drv_run(device, &small.job, s->job_ms, &err);
            if (made == 0 && status == P_OK && round == 0)
                suite_digest(s, cap, small.out_words);
        }
        suite_check(s, made >= 1, "a job that fits ends %s: %s", p_status_name(status), err.text);
        suite_check(s, status == P_EEXHAUSTED && err.text[0],
                    "after %u handles of %llu bytes in %llu the next ends %s: %s", made,
                    (unsigned long long)small_bytes, (unsigned long long)options.memory_bytes,
                    p_status_name(status), err.text);
        for (unsigned i = 0; i < made; i++)
            drv_release(handle[i]);
    }
    buffers(s, device, options.memory_bytes);
    suite_close(s, device);
out:
    small.made = NULL;
    work_end(&small);
    work_end(&large);
    suite_free_all(s);
}

/* ---- thread counts ---- */

static void thread_counts(suite *s)
{
    uint64_t *expected[SETS] = {NULL};
    work_kind kinds[SETS];
    unsigned first = 0;

    for (unsigned threads = 1; threads <= 3; threads++) {
        drv_options options = s->o->options;
        drv_device *device = NULL;
        work set[SETS];
        p_err err = {0};
        unsigned count;

        options.threads = threads;
        suite_at(s, "a device with %u threads", threads);
        if (!suite_check(s, suite_open(s, &options, &device, &err) == P_OK,
                         "it cannot be opened: %s", err.text))
            break;
        count = make_all(s, set, device, 12);
        if (threads == 1)
            first = count;
        suite_check(s, count == first, "it supports %u kinds of jobs, with one thread %u", count,
                    first);
        for (unsigned i = 0; i < count && i < first; i++) {
            uint64_t *out = run_alone(s, &set[i]);

            if (threads == 1) {
                expected[i] = out;
                kinds[i] = set[i].kind;
                continue;
            }
            suite_at(s, "%s of 2^%u with %u threads", work_name(set[i].kind), set[i].log2, threads);
            if (out && expected[i] && kinds[i] == set[i].kind)
                suite_same(s, out, expected[i], set[i].out_words, "other bits than with 1");
            free(out);
        }
        for (unsigned i = 0; i < count; i++)
            work_end(&set[i]);
        suite_free_all(s);
        suite_close(s, device);
    }
    for (unsigned i = 0; i < SETS; i++)
        free(expected[i]);
}

/* ---- closing ---- */

static void close_running(suite *s)
{
    for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
        drv_device *device = NULL;
        drv_event *event[3] = {NULL};
        p_err err = {0};
        p_status status;
        uint64_t start;
        work w;

        if (kind == WORK_OPEN || kind == WORK_READ || kind == WORK_MSM_G1 || kind == WORK_MSM_G2)
            continue; /* their handle would have to be released before */
        suite_at(s, "closing while %s runs", work_name((work_kind)kind));
        if (!suite_check(s, suite_open(s, &s->o->options, &device, &err) == P_OK,
                         "the device cannot be opened: %s", err.text))
            return;
        if (work_make_largest(s, &w, device, (work_kind)kind, heavy((work_kind)kind) - 2)) {
            drv_handle *places[3] = {NULL};

            work_reset(&w);
            /* one runs, others wait: jobs that write to the same place only where they cannot both
             * run */
            for (unsigned i = 0; i < (w.made || w.pristine ? 1 : 3); i++) {
                drv_job job = w.job;

                if (job.op == DRV_COMMIT) {
                    job.commit.out = &places[i];
                    job.commit.cap = suite_words(s, w.out_words);
                }
                if (job.op == DRV_MSM_LOAD)
                    job.msm_load.out = &places[i];
                status = drv_submit(device, &job, &event[i], &err);
                suite_check(s, status == P_OK, "drv_submit answers %s: %s", p_status_name(status),
                            err.text);
            }
            sleep_ms(3);
            start = now_ms();
            status = drv_close(device, 10000 * patience(s), &err);
            if (status == P_EINVAL) { /* a job was faster: its event, its handle come first */
                for (unsigned i = 0; i < 3; i++)
                    if (event[i]) {
                        suite_finish(s, event[i], NULL);
                        event[i] = NULL;
                        drv_release(places[i]);
                        places[i] = NULL;
                    }
                status = drv_close(device, 10000 * patience(s), &err);
            }
            suite_check(s, status == P_OK && now_ms() - start < 10000 * patience(s),
                        "drv_close answers %s after %llu ms: %s", p_status_name(status),
                        (unsigned long long)(now_ms() - start), err.text);
            for (unsigned i = 0; i < 3; i++) {
                if (!event[i])
                    continue;
                status = suite_finish(s, event[i], &err);
                suite_check(s, status == P_ECANCELLED || (status == P_OK && w.pristine),
                            "the job ends %s: %s", p_status_name(status), err.text);
                suite_check(s, !places[i], "a job that closing ended leaves a handle");
            }
        } else {
            suite_close(s, device);
        }
        suite_free_all(s);
    }
}

static void open_and_close(suite *s)
{
    suite_at(s, "opening and closing");
    for (unsigned i = 0; i < 10; i++) {
        drv_device *device = NULL;
        p_err err = {0};

        if (!suite_check(s, suite_open(s, &s->o->options, &device, &err) == P_OK && device,
                         "opening number %u: %s", i, err.text))
            return;
        suite_close(s, device);
    }
}

void suite_life(suite *s)
{
    const drv_info *info = drv_device_info(s->device);

    suite_at(s, "drv_device_info");
    suite_check(s, info->usable && info->name[0] && info->about[0] && info->jobs >= 1,
                "name '%s', about '%s', usable %d, %u jobs at once", info->name, info->about,
                info->usable, info->jobs);
    open_and_close(s);
    buffers(s, s->device, 0);
    release_in_use(s);
    many_handles(s);
    together(s);
    from_threads(s);
    little_memory(s);
    thread_counts(s);
    close_running(s);
    lone_jobs(s);
}
