#include "tests/conformance/conformance.h"

#include "driver/base/clock.h"
#include "tests/conformance/reference_bn.h"
#include "tests/conformance/reference_gl.h"
#include "tests/conformance/suite.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_FINDINGS 20
#define GUARD UINT64_C(0xc0dedbadc0ffee11)

static const struct {
    const char *name;
    void (*run)(suite *s);
} PART[CONFORMANCE_PARTS] = {
    [CONFORMANCE_GL_NTT] = {"gl_ntt", suite_gl_ntt},
    [CONFORMANCE_BN_NTT] = {"bn_ntt", suite_bn_ntt},
    [CONFORMANCE_POSEIDON] = {"poseidon", suite_poseidon},
    [CONFORMANCE_COMMIT_GL] = {"commit_gl", suite_commit_gl},
    [CONFORMANCE_COMMIT_BN] = {"commit_bn", suite_commit_bn},
    [CONFORMANCE_MSM_G1] = {"msm_g1", suite_msm_g1},
    [CONFORMANCE_MSM_G2] = {"msm_g2", suite_msm_g2},
    [CONFORMANCE_MISUSE] = {"misuse", suite_misuse},
    [CONFORMANCE_LIFE] = {"life", suite_life},
    [CONFORMANCE_FAULT] = {"fault", suite_fault},
};

const char *conformance_part_name(conformance_part part)
{
    return part < CONFORMANCE_PARTS ? PART[part].name : "?";
}

/* ---- findings ---- */

void suite_at(suite *s, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(s->where, sizeof(s->where), format, list);
    va_end(list);
}

bool suite_check(suite *s, bool ok, const char *format, ...)
{
    va_list list;

    s->result->checks++;
    if (ok)
        return true;
    if (s->result->failures++ < SHOWN_FINDINGS) {
        fprintf(s->log, "FINDING %s: %s: ", PART[s->part].name, s->where);
        va_start(list, format);
        vfprintf(s->log, format, list);
        va_end(list);
        fputc('\n', s->log);
        fflush(s->log);
    } else if (s->result->failures == SHOWN_FINDINGS + 1) {
        fprintf(s->log, "FINDING further ones are only counted\n");
    }
    return false;
}

bool suite_same(suite *s, const uint64_t *found, const uint64_t *expected, uint64_t words,
                const char *what)
{
    uint64_t i = 0;

    if (!words || !memcmp(found, expected, words * sizeof(*found)))
        return suite_check(s, true, "same");
    while (found[i] == expected[i])
        i++;
    return suite_check(s, false, "%s: word %llu of %llu is %016llx, expected %016llx", what,
                       (unsigned long long)i, (unsigned long long)words,
                       (unsigned long long)found[i], (unsigned long long)expected[i]);
}

/* splitmix64's mixing function */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void suite_digest(suite *s, const uint64_t *words, uint64_t count)
{
    uint64_t *digest = &s->result->digest[s->part];

    s->outputs = true;
    for (uint64_t i = 0; i < count; i++)
        *digest = mix(*digest * UINT64_C(0x9e3779b97f4a7c15) + words[i]);
}

void *suite_need(void *p)
{
    if (!p) {
        fprintf(stderr, "conformance: this machine has no memory for the test\n");
        exit(2);
    }
    return p;
}

/* ---- numbers ---- */

uint64_t suite_random(suite *s)
{
    return mix(s->seed += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t suite_below(suite *s, uint64_t bound)
{
    return suite_random(s) % bound;
}

uint64_t suite_gl(suite *s)
{
    static const uint64_t EDGE[] = {
        0,
        1,
        2,
        0x7fffffff,
        0xffffffff,
        0x100000000,
        0x1ffffffff,
        0x7fffffffffffffff,
        0x8000000000000000,
        REF_GL_P - 2,
        REF_GL_P - 1,
        REF_GL_P,
        REF_GL_P + 1,
        0xfffffffffffffffe,
        0xffffffffffffffff,
        0xffffffff00000000 >> 1,
    };
    uint64_t choice = suite_random(s);

    return choice & 3 ? suite_random(s) : EDGE[choice >> 2 & 15];
}

void suite_fr(suite *s, uint64_t words[4])
{
    uint64_t choice = suite_random(s);
    ref_n n, one = ref_small(1), zero = ref_small(0);

    for (unsigned i = 0; i < 4; i++)
        n.l[i] = suite_random(s);
    if (!(choice & 7)) {
        n = ref_small(choice >> 3 & 3);
        if (choice >> 5 & 1)
            ref_sub(&n, &zero, &n, &REF_FR);
        if (choice >> 6 & 1) /* 2^(64 k) or so */
            n = (ref_n){.l = {0, choice >> 7 & 1, choice >> 8 & 1, choice >> 9 & 1}};
        if (choice >> 10 & 1)
            ref_sub(&n, &n, &one, &REF_FR);
    }
    ref_reduce(&n, n.l, &REF_FR);
    memcpy(words, n.l, sizeof(n.l));
}

void suite_fill_gl(suite *s, uint64_t *words, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        words[i] = suite_gl(s);
}

void suite_fill_fr(suite *s, uint64_t *words, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        suite_fr(s, words + 4 * i);
}

/* ---- buffers ---- */

uint64_t *suite_words(suite *s, uint64_t words)
{
    uint64_t whole = (words + 2 * SUITE_GUARD_WORDS + 7) & ~UINT64_C(7);
    uint64_t *block = suite_need(aligned_alloc(64, whole * 8));

    if (s->buffers == SUITE_MAX_BUFFERS) {
        fprintf(stderr, "conformance: SUITE_MAX_BUFFERS is too small\n");
        exit(2);
    }
    for (uint64_t i = 0; i < whole; i++)
        block[i] = GUARD + i;
    s->buffer[s->buffers++] = (suite_buffer){.block = block, .words = words};
    return block + SUITE_GUARD_WORDS;
}

void suite_keep(suite *s, const uint64_t *data)
{
    for (unsigned i = 0; i < s->buffers; i++) {
        suite_buffer *b = &s->buffer[i];

        if (b->block + SUITE_GUARD_WORDS == data) {
            if (!b->copy)
                b->copy = suite_need(malloc(b->words * 8 + 8));
            memcpy(b->copy, data, b->words * 8);
        }
    }
}

void suite_check_buffers(suite *s)
{
    for (unsigned i = 0; i < s->buffers; i++) {
        const suite_buffer *b = &s->buffer[i];
        const uint64_t end = SUITE_GUARD_WORDS + b->words;
        bool whole = true;

        for (uint64_t k = 0; k < SUITE_GUARD_WORDS; k++)
            whole = whole && b->block[k] == GUARD + k && b->block[end + k] == GUARD + end + k;
        suite_check(s, whole, "memory beside a buffer of %llu words was written",
                    (unsigned long long)b->words);
        if (b->copy)
            suite_same(s, b->block + SUITE_GUARD_WORDS, b->copy, b->words, "an input was changed");
    }
}

void suite_free_all(suite *s)
{
    suite_check_buffers(s);
    while (s->buffers) {
        suite_buffer *b = &s->buffer[--s->buffers];

        free(b->block);
        free(b->copy);
    }
}

/* ---- jobs ---- */

p_status suite_open(suite *s, const drv_options *options, drv_device **out, p_err *err)
{
    return s->o->device ? drv_open(s->o->device, options, out, err)
                        : drv_open_backend(s->o->backend, NULL, options, out, err);
}

void suite_close(suite *s, drv_device *device)
{
    p_err err = {0};
    p_status status = drv_close(device, s->job_ms, &err);

    suite_check(s, status == P_OK, "closing the device answers %s: %s", p_status_name(status),
                err.text);
}

static const char *op_name(drv_op op)
{
    static const char *const NAME[DRV_OP_COUNT] = {"commit",   "open", "read",    "ntt",
                                                   "msm_load", "msm",  "poseidon"};

    return NAME[op];
}

/* whether a failure is one: P_EUNSUPPORTED may be allowed */
static bool judge(suite *s, const drv_job *job, p_status status, const p_err *err)
{
    if (status == P_EUNSUPPORTED) {
        s->result->unsupported++;
        s->partial = true;
        if (!s->o->complete)
            return false;
    }
    return suite_check(s, status == P_OK, "%s ends %s: %s", op_name(job->op), p_status_name(status),
                       err->text);
}

bool suite_run(suite *s, const drv_job *job)
{
    p_err err = {0};

    s->result->jobs++;
    return judge(s, job, drv_run(s->device, job, s->job_ms, &err), &err);
}

bool suite_run_on(suite *s, drv_device *device, const drv_job *job)
{
    p_err err = {0};
    p_status status = drv_run(device, job, s->job_ms, &err);

    if (status == P_EUNSUPPORTED && device == s->compare)
        return false; /* nothing to compare with */
    return suite_check(s, status == P_OK, "%s on another device ends %s: %s", op_name(job->op),
                       p_status_name(status), err.text);
}

drv_event *suite_submit(suite *s, const drv_job *job)
{
    drv_event *event = NULL;
    p_err err = {0};
    p_status status;

    s->result->jobs++;
    status = drv_submit(s->device, job, &event, &err);
    suite_check(s, (status == P_OK) == (event != NULL), "drv_submit answers %s and an event %p",
                p_status_name(status), (void *)event);
    return judge(s, job, status, &err) ? event : NULL;
}

p_status suite_finish(suite *s, drv_event *event, p_err *err)
{
    p_status status = drv_wait(event, s->job_ms, err);

    if (!suite_check(s, drv_ended(event), "a job did not end in %u ms", s->job_ms)) {
        drv_cancel(event);
        drv_wait(event, s->job_ms, NULL);
    }
    suite_check(s, drv_event_release(event) == P_OK, "an ended job's event cannot be released");
    return status;
}

/* ---- the run ---- */

static bool open_all(suite *s)
{
    p_err err = {0};

    if (suite_open(s, &s->o->options, &s->device, &err) != P_OK) {
        fprintf(s->log, "conformance: the device cannot be opened: %s\n", err.text);
        return false;
    }
    if (s->o->compare && drv_open("cpu", s->o->compare, &s->compare, &err) != P_OK) {
        fprintf(s->log, "conformance: the device cpu cannot be opened to compare with: %s\n",
                err.text);
        return false;
    }
    return true;
}

static void run_part(suite *s, conformance_part part)
{
    uint64_t checks = s->result->checks, failures = s->result->failures, jobs = s->result->jobs;
    uint64_t unsupported = s->result->unsupported;
    double start = p_clock_seconds(CLOCK_MONOTONIC);
    double cpu = p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

    s->part = part;
    s->partial = s->outputs = false;
    /* each part has its own sequence: what runs before does not matter */
    s->seed = s->o->seed * CONFORMANCE_PARTS + part;
    suite_at(s, "start");
    PART[part].run(s);
    suite_free_all(s);
    s->result->digest_valid[part] = s->outputs && !s->partial;
    fprintf(s->log,
            "%-10s %9llu checks %6llu jobs %6llu not supported %4llu findings %6.1f s, of CPU "
            "%6.1f s  ",
            PART[part].name, (unsigned long long)(s->result->checks - checks),
            (unsigned long long)(s->result->jobs - jobs),
            (unsigned long long)(s->result->unsupported - unsupported),
            (unsigned long long)(s->result->failures - failures),
            p_clock_seconds(CLOCK_MONOTONIC) - start,
            p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    if (s->result->digest_valid[part])
        fprintf(s->log, "digest %016llx\n", (unsigned long long)s->result->digest[part]);
    else
        fprintf(s->log, "digest -\n");
    fflush(s->log);
}

int conformance_run(const conformance_options *options, conformance_result *result)
{
    suite s = {.o = options, .result = result, .log = options->log ? options->log : stderr};
    uint32_t parts = options->parts ? options->parts : (1u << CONFORMANCE_PARTS) - 1;
    int code = 2;

    memset(result, 0, sizeof(*result));
    s.job_ms = 120000 * (options->patience ? options->patience : 1);
    if (open_all(&s)) {
        const drv_info *info = drv_device_info(s.device);

        fprintf(s.log, "device %s: %s\n", info->name, info->about);
        for (unsigned part = 0; part < CONFORMANCE_PARTS; part++)
            if (parts >> part & 1)
                run_part(&s, (conformance_part)part);
        code = 0;
    }
    suite_at(&s, "end");
    if (s.compare)
        suite_close(&s, s.compare);
    if (s.device)
        suite_close(&s, s.device);
    return code ? code : result->failures != 0;
}
