/* A process with a stream of submits and cancels is killed (SIGKILL) at a random moment, again and
 * again on the same store. What it had acknowledged goes through a pipe, and must be true
 * afterwards: no acknowledged job is lost, none is there twice, none that was cancelled comes back,
 * none that has ended changes.
 *
 * In every third round the disk is full now and then, in every third a write or sync fails (which
 * halts the jobs, and ends the process early).
 *
 * A killed process loses nothing that it has written, so this is about order and atomicity. That
 * what is acknowledged was synced before is what test_disk.c and the store's settings show. */
#include "tests/unit/store/store_test.h"

#include "host/jobs/jobs.h"
#include "tests/fault/shim.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define ROUNDS 150
#define SUBMITTERS 2
#define MAX_JOBS 100000
#define MAX_CHILD_MS 350
#define EXIT_HALTED 5

enum { KILL, KILL_FULL, KILL_BROKEN, KINDS };

/* ---- the process that is killed ---- */

/** One line of the pipe; short writes to a pipe are atomic. */
typedef struct line {
    char kind;     /**< 'i' will submit, 's' submitted, 'c' cancelled, 'e' has ended, 'h' halted */
    char state;    /**< of 'e' */
    job_id id;     /**< "" for 'i' and 'h' */
    char name[32]; /**< what the request says: no two submissions have the same */
} line;

typedef struct child {
    jobs *j;
    int out;
    unsigned round;
    const char *dir;
    atomic_uint next;
    pthread_mutex_t lock;
    job_id recent[32];
    unsigned n_recent;
} child;

static void say(const child *c, char kind, const job_id *id, const char *name, job_state state)
{
    line l = {.kind = kind, .state = (char)state};
    if (id)
        l.id = *id;
    if (name)
        snprintf(l.name, sizeof l.name, "%s", name);
    if (write(c->out, &l, sizeof l) != sizeof l)
        _exit(3);
}

static job_end child_run(void *ctx, job_task *task, job_result *result)
{
    (void)ctx;
    size_t len;
    const uint8_t *request = job_task_request(task, &len);
    unsigned ms = request[len - 1] % 4;
    job_task_checkpoint(task, "stage", request, len, NULL);
    for (unsigned i = 0; i < ms; i++) {
        if (job_task_should_stop(task))
            return JOB_END_STOPPED;
        test_sleep_ms(1);
    }
    result->proof = malloc(len);
    result->publics = malloc(1);
    if (!result->proof || !result->publics)
        _exit(4);
    memcpy(result->proof, request, len);
    result->proof_len = len;
    result->publics[0] = 'x';
    result->publics_len = 1;
    return JOB_END_COMPLETED_OK;
}

static void child_event(void *ctx, const jobs_event *e)
{
    if (e->kind == JOBS_EVENT_ENDED)
        say(ctx, 'e', &e->id, NULL, e->state);
    if (e->kind == JOBS_EVENT_HALTED) {
        say(ctx, 'h', NULL, NULL, 0); /* the end can take a while in a sanitizer's build */
        _exit(EXIT_HALTED);
    }
}

static void *child_submit(void *arg)
{
    child *c = arg;
    for (;;) {
        char name[32];
        job_id id;
        snprintf(name, sizeof name, "%u/%u", c->round, atomic_fetch_add(&c->next, 1));
        say(c, 'i', NULL, name, 0);
        p_status st = jobs_submit(c->j, (const uint8_t *)name, strlen(name), &id, NULL);
        if (st == P_OK) {
            say(c, 's', &id, name, 0);
            pthread_mutex_lock(&c->lock);
            c->recent[c->n_recent++ % 32] = id;
            pthread_mutex_unlock(&c->lock);
        } else if (st == P_EEXHAUSTED) {
            test_sleep_ms(1);
        } else if (c->round % KINDS == KILL_BROKEN) {
            test_sleep_ms(50); /* the event ends the process */
        } else {
            _exit(6);
        }
    }
    return NULL;
}

/** What the disk does meanwhile, by the kind of the round. */
static void disturb(const child *c, uint64_t random)
{
    unsigned kind = c->round % KINDS;
    if (kind == KILL_FULL && random % 4 == 0)
        fault_set(ENOSPC, c->dir, (unsigned)(random >> 8) % 20, 1 + (unsigned)(random >> 16) % 10);
    if (kind == KILL_BROKEN && random % 16 == 0)
        fault_set(EIO, c->dir, (unsigned)(random >> 8) % 20, 1);
}

static void *child_cancel(void *arg)
{
    child *c = arg;
    uint64_t rng = c->round;
    for (;;) {
        disturb(c, test_random(&rng));
        pthread_mutex_lock(&c->lock);
        unsigned n = c->n_recent < 32 ? c->n_recent : 32;
        job_id id = n ? c->recent[test_random(&rng) % n] : (job_id){""};
        pthread_mutex_unlock(&c->lock);
        if (n && jobs_cancel(c->j, &id, NULL) == P_OK)
            say(c, 'c', &id, NULL, 0);
        test_sleep_ms(2 + (unsigned)(test_random(&rng) % 6));
    }
    return NULL;
}

static void child_main(const char *dir, unsigned round, int out)
{
    static child c;
    job_store *s;
    p_err err = {0};
    c.round = round;
    c.out = out;
    c.dir = dir;
    pthread_mutex_init(&c.lock, NULL);
    if (job_store_open(&s, dir, NULL, &err) != P_OK) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    jobs_options o = {.store = s,
                      .max_queue = 40,
                      .max_watches = 10,
                      .run = child_run,
                      .run_ctx = &c,
                      .event = child_event,
                      .event_ctx = &c};
    pthread_t t;
    if (jobs_create(&c.j, &o, &err) != P_OK || jobs_start(c.j, &err) != P_OK)
        _exit(2);
    for (unsigned i = 0; i < SUBMITTERS; i++)
        pthread_create(&t, NULL, child_submit, &c);
    child_cancel(&c);
}

/* ---- the one that remembers ---- */

typedef struct promise {
    job_id id;
    bool cancelled;
    job_state ended; /**< final, or JOB_PENDING: nobody said so */
} promise;

typedef struct memory {
    promise *promises;
    size_t n, intents;
    unsigned cancels, ends, halts;
} memory;

static promise *find(memory *m, const job_id *id)
{
    for (size_t i = m->n; i-- > 0;)
        if (job_id_equal(&m->promises[i].id, id))
            return &m->promises[i];
    return NULL;
}

/** An id that was used but not acknowledged (it ended before that) is remembered, too. */
static promise *remember(memory *m, const job_id *id)
{
    promise *p = find(m, id);
    if (!p) {
        assert_true(m->n < MAX_JOBS);
        p = &m->promises[m->n++];
        *p = (promise){.id = *id, .ended = JOB_PENDING};
    }
    return p;
}

static void listen_to(memory *m, int in)
{
    line l;
    size_t have = 0;
    for (;;) {
        ssize_t n = read(in, (char *)&l + have, sizeof l - have);
        if (n < 0 && errno == EINTR)
            continue;
        assert_true(n >= 0);
        if (n == 0)
            break;
        have += (size_t)n;
        if (have < sizeof l)
            continue;
        have = 0;
        promise *p = l.id.text[0] ? remember(m, &l.id) : NULL;
        switch (l.kind) {
        case 'i':
            m->intents++;
            break;
        case 'h':
            m->halts++;
            break;
        case 'c':
            assert_true(p->ended == JOB_PENDING || p->ended == JOB_CANCELLED);
            p->cancelled = true;
            m->cancels++;
            break;
        case 'e':
            assert_true(p->ended == JOB_PENDING || p->ended == (job_state)l.state);
            p->ended = (job_state)l.state;
            m->ends++;
            break;
        default:
            break;
        }
    }
    assert_int_equal(have, 0);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/** All that was promised so far, against the store as it is now. */
static void check(memory *m, const test_dir *d)
{
    p_err err = {0};
    job_store *s = test_open(d);
    for (size_t i = 0; i < m->n; i++) {
        const promise *p = &m->promises[i];
        job_row row;
        p_status st = job_store_get(s, &p->id, &row, &err);
        if (st != P_OK)
            fail_msg("acknowledged job %s is lost", p->id.text);
        if (p->cancelled && row.state != JOB_CANCELLED)
            fail_msg("cancelled job %s is %s", p->id.text, job_state_text(row.state));
        if (p->ended != JOB_PENDING && row.state != p->ended)
            fail_msg("job %s had ended as %s and is %s", p->id.text, job_state_text(p->ended),
                     job_state_text(row.state));
        assert_true(row.state != JOB_RUNNING); /* this is an opening, too */
    }
    job_row *rows;
    size_t n;
    test_ok(job_store_list(s, 0, 0, SIZE_MAX, &rows, &n, &err), &err);
    assert_true(n >= m->n && n <= m->intents);
    char(*names)[32] = calloc(n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) {
        uint8_t *bytes;
        size_t len;
        test_ok(job_store_request(s, &rows[i].id, &bytes, &len, &err), &err);
        assert_true(len < 32);
        memcpy(names[i], bytes, len);
        free(bytes);
        if (rows[i].state == JOB_COMPLETED_OK) {
            job_record r;
            test_ok(job_store_read(s, &rows[i].id, &r, &err), &err);
            assert_int_equal(r.proof_len, len);
            assert_memory_equal(r.proof, names[i], len);
            job_record_free(&r);
        }
    }
    qsort(names, n, sizeof *names, compare_text);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i], names[i - 1]) == 0)
            fail_msg("submission %s is there twice", names[i]);
    job_store_info info;
    test_ok(job_store_stat(s, &info, &err), &err);
    assert_int_equal(test_count_files(d), info.artefacts);
    free(names);
    free(rows);
    job_store_close(s);
}

static void test_kill(void **state)
{
    (void)state;
    test_dir d;
    uint64_t rng = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)rng);
    memory m = {.promises = calloc(MAX_JOBS, sizeof(promise))};
    assert_non_null(m.promises);
    test_make_dir(&d);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int ends[2], status;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            child_main(d.store, round, ends[1]);
            _exit(7);
        }
        close(ends[1]);
        /* somebody must empty the pipe meanwhile, so the killer is a process of its own */
        pid_t killer = fork();
        assert_true(killer >= 0);
        if (killer == 0) {
            test_sleep_ms(5 + (unsigned)(test_random(&rng) % MAX_CHILD_MS));
            kill(pid, SIGKILL);
            _exit(0);
        }
        test_random(&rng);
        listen_to(&m, ends[0]);
        close(ends[0]);
        /* the killer first: until its victim is waited for, the number means nobody else */
        assert_int_equal(waitpid(killer, NULL, 0), killer);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        bool exited = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_HALTED;
        if (!killed && !(exited && round % KINDS == KILL_BROKEN))
            fail_msg("round %u ended by itself with status 0x%x", round, status);
        /* the whole check each time would take long towards the end */
        if (round < 20 || round % 10 == 9)
            check(&m, &d);
    }
    check(&m, &d);
    print_message("%u rounds, %u of them halted by a failing disk: %zu jobs acknowledged, %u "
                  "cancels, %u ends\n",
                  ROUNDS, m.halts, m.n, m.cancels, m.ends);
    assert_true(m.halts > 3);
    assert_true(m.n > 100 && m.cancels > 20 && m.ends > 50);
    free(m.promises);
    test_remove_tree(d.top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
