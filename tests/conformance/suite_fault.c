/* A sequence of commit, open and read with a fault in each of its runs in turn, as a careful caller
 * does it: what comes out is right, or there is a clear error. */
#include "driver/base/clock.h"
#include "driver/check.h"
#include "tests/conformance/suite.h"

#include <stdlib.h>
#include <string.h>

#define LOG_ROWS 6
#define COLUMNS 11
#define LOG_BLOWUP 2
#define CAP_LOG2 4
#define OPENED (1u << CAP_LOG2)
#define READ_FIRST 37
#define READ_ROWS 20
#define RUNS 3 /* of the sequence */
#define JOB_MS 400

typedef struct answer {
    uint64_t cap[4 << CAP_LOG2];
    uint64_t values[OPENED * COLUMNS];
    uint64_t paths[OPENED * 4 * (LOG_ROWS + LOG_BLOWUP) * 15];
    uint64_t read[READ_ROWS * COLUMNS];
} answer;

/* every answer of the device is checked before it counts; P_OK: all of them passed */
static p_status careful(suite *s, drv_device *device, const drv_commit_job *shape, answer *out,
                        p_err *err)
{
    uint64_t rows[OPENED];
    drv_handle *handle = NULL;
    drv_commitment info;
    drv_job job = {.op = DRV_COMMIT, .commit = *shape};
    uint64_t read_rows[READ_ROWS];
    uint32_t ms = JOB_MS * (s->o->patience ? s->o->patience : 1);
    p_status status;

    job.commit.cap = out->cap;
    job.commit.out = &handle;
    status = drv_run(device, &job, ms, err);
    if (status != P_OK) {
        suite_check(s, !handle, "a failed commit leaves a handle");
        return status;
    }
    status = drv_commitment_info(handle, &info);
    if (status != P_OK)
        goto out;
    drv_check_choose(&info, s->o->seed, rows);
    job = (drv_job){.op = DRV_OPEN, .open = {handle, rows, OPENED, out->values, out->paths}};
    status = drv_run(device, &job, ms, err);
    if (status != P_OK)
        goto out;
    status = drv_check_opening(&info, out->cap, rows, OPENED, out->values, out->paths, err);
    if (status != P_OK)
        goto out;
    status =
        drv_check_rows(&shape->in, shape->input, shape->log_blowup, rows, OPENED, out->values, err);
    if (status != P_OK)
        goto out;
    job = (drv_job){.op = DRV_READ, .read = {handle, READ_FIRST, READ_ROWS, 0, COLUMNS, out->read}};
    status = drv_run(device, &job, ms, err);
    if (status != P_OK)
        goto out;
    for (unsigned i = 0; i < READ_ROWS; i++)
        read_rows[i] = READ_FIRST + i;
    status = drv_check_rows(&shape->in, shape->input, shape->log_blowup, read_rows, READ_ROWS,
                            out->read, err);
out:
    drv_release(handle);
    return status;
}

/* true: the sequence was done, with the answers of truth */
static bool with_rules(suite *s, const char *name, const char *rules, const drv_commit_job *shape,
                       const answer *truth)
{
    drv_options options = s->o->options;
    drv_device *device = NULL;
    answer *found = suite_need(calloc(1, sizeof(*found)));
    int64_t start = p_clock_ms(CLOCK_MONOTONIC);
    p_err err = {0};
    p_status status;

    suite_at(s, "commit, open and read with '%s', hash %s", rules,
             shape->hash == DRV_HASH_GL ? "Goldilocks" : "BN254");
    options.fault = rules;
    status = drv_open(name, &options, &device, &err);
    if (!suite_check(s, status == P_OK, "the device cannot be opened: %s", err.text)) {
        free(found);
        return false;
    }
    s->result->jobs++;
    status = careful(s, device, shape, found, &err);
    if (status == P_OK) {
        suite_check(s,
                    !memcmp(found->cap, truth->cap, sizeof(truth->cap)) &&
                        !memcmp(found->values, truth->values, sizeof(truth->values)) &&
                        !memcmp(found->paths, truth->paths, sizeof(truth->paths)) &&
                        !memcmp(found->read, truth->read, sizeof(truth->read)),
                    "all checks passed and an answer is wrong");
    } else {
        suite_check(s, err.status == status && err.text[0], "%s without a text",
                    p_status_name(status));
    }
    free(found);
    /* whatever was injected, nothing is left that would keep the device open */
    suite_close(s, device);
    suite_check(s, p_clock_ms(CLOCK_MONOTONIC) - start < 5000 * (int64_t)(JOB_MS / 100),
                "it took %lld ms", (long long)(p_clock_ms(CLOCK_MONOTONIC) - start));
    return status == P_OK;
}

static void faults_at_every_run(suite *s, const char *name, const drv_commit_job *shape,
                                const answer *truth)
{
    /* kind, and whether the sequence may be done all the same */
    static const struct {
        const char *kind, *after;
        bool may_pass;
    } KIND[] = {
        {"error", "", false},  {"timeout", "", false}, {"memory", "", false}, {"die", "", false},
        {"late", "", false},   {"slow", ":25", true},  {"hang", "", false},   {"flip", "", false},
        {"error", "+", false}, {"flip", "+", false},
    };
    char rules[96];

    suite_check(s, with_rules(s, name, "", shape, truth), "nothing was injected and it fails");
    for (unsigned k = 0; k < sizeof(KIND) / sizeof(KIND[0]); k++)
        for (unsigned run = 1; run <= RUNS; run++)
            for (unsigned seed = 0; seed < (strcmp(KIND[k].kind, "flip") ? 1 : 12); seed++) {
                snprintf(rules, sizeof(rules), "%s@%u%s,seed=%u", KIND[k].kind, run, KIND[k].after,
                         seed);
                suite_check(s, with_rules(s, name, rules, shape, truth) == KIND[k].may_pass,
                            KIND[k].may_pass ? "a slow device fails" : "the fault was not seen");
            }
    /* a fault that comes after the last run is none */
    snprintf(rules, sizeof(rules), "error@%u,flip@%u+", RUNS + 1, RUNS + 1);
    suite_check(s, with_rules(s, name, rules, shape, truth), "a fault came too early");
    /* and one that comes in some of the runs, at random */
    for (unsigned i = 0; i < 20; i++) {
        uint64_t r = suite_random(s);

        snprintf(rules, sizeof(rules), "%s@%u,slow@*:%u,%s@%u,seed=%llu",
                 KIND[r % 8].kind[0] == 's' ? "late" : KIND[r % 8].kind, (unsigned)(r >> 8) % 5 + 1,
                 (unsigned)(r >> 16) % 10, r >> 24 & 1 ? "flip" : "error",
                 (unsigned)(r >> 32) % 5 + 1, (unsigned long long)(r >> 40));
        with_rules(s, name, rules, shape, truth);
    }
}

void suite_fault(suite *s)
{
    char name[DRV_NAME_BYTES + 8];
    answer *truth;

    suite_at(s, "fault");
    if (!s->o->device || !strncmp(s->o->device, "fault", 5)) {
        fprintf(s->log, "           the device cannot be wrapped: drv_open does not know it, or it "
                        "is a wrapper\n");
        return;
    }
    snprintf(name, sizeof(name), "fault:%s", s->o->device);
    truth = suite_need(malloc(sizeof(*truth)));
    for (unsigned hash = 0; hash < 2; hash++) {
        drv_commit_job shape = {
            .in = {.columns = COLUMNS, .log_rows = LOG_ROWS},
            .input = hash ? DRV_COEFFICIENTS : DRV_VALUES,
            .hash = hash ? DRV_HASH_BN254 : DRV_HASH_GL,
            .log_blowup = LOG_BLOWUP,
            .cap_log2 = CAP_LOG2,
        };
        uint64_t bytes, words = drv_matrix_words(COLUMNS, LOG_ROWS);
        drv_job ask = {.op = DRV_COMMIT, .commit = shape};
        p_err err = {0};
        p_status status = drv_estimate(s->device, &ask, &bytes, &err);

        if (status == P_EUNSUPPORTED) {
            s->result->unsupported++;
            suite_check(s, !s->o->complete, "commit: %s", err.text);
            continue;
        }
        memset(truth, 0, sizeof(*truth));
        shape.in.data = suite_words(s, words);
        suite_fill_gl(s, shape.in.data, words);
        suite_keep(s, shape.in.data);
        status = careful(s, s->device, &shape, truth, &err);
        suite_digest(s, truth->cap, sizeof(truth->cap) / 8);
        if (suite_check(s, status == P_OK, "without the wrapper: %s", err.text))
            faults_at_every_run(s, name, &shape, truth);
        suite_free_all(s);
    }
    free(truth);
}
