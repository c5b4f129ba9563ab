#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/card/card_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- devices ---- */

static struct {
    pthread_mutex_t lock;
    char text[16384];
    unsigned lines;
} logged = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void log_line(void *context, const char *text)
{
    (void)context;
    pthread_mutex_lock(&logged.lock);
    size_t n = strlen(logged.text);
    snprintf(logged.text + n, sizeof logged.text - n, "%s\n", text);
    logged.lines++;
    pthread_mutex_unlock(&logged.lock);
}

unsigned card_test_log(const char *text, bool *found)
{
    pthread_mutex_lock(&logged.lock);
    unsigned lines = logged.lines;
    if (text)
        *found = strstr(logged.text, text) != NULL;
    if (text && !*found && lines > 0)
        printf("logged: %s", logged.text);
    logged.text[0] = '\0';
    logged.lines = 0;
    pthread_mutex_unlock(&logged.lock);
    return lines;
}

p_status card_test_try(const char *name, drv_device **out, p_err *err)
{
    const drv_options options = {.log = log_line};

    *err = (p_err){P_OK, ""};
    return drv_open(name, &options, out, err);
}

drv_device *card_test_open(const char *name)
{
    drv_device *device;
    p_err err;

    if (card_test_try(name, &device, &err) != P_OK)
        fail_msg("%s: %s", name, err.text);
    return device;
}

void card_test_close(drv_device *device)
{
    assert_int_equal(drv_close(device, CARD_TEST_MS, NULL), P_OK);
}

/* ---- a commitment ---- */

static void run(drv_device *device, const drv_job *job)
{
    p_err err = {P_OK, ""};

    if (drv_run(device, job, CARD_TEST_MS, &err) != P_OK)
        fail_msg("job %d: %s", (int)job->op, err.text);
}

static void commit_and_open(const card_test *t, drv_device *device, uint64_t *cap, uint64_t *values,
                            uint64_t *paths)
{
    drv_handle *handle = NULL;
    drv_job commit = {.op = DRV_COMMIT,
                      .commit = {.in = t->matrix,
                                 .input = DRV_VALUES,
                                 .hash = DRV_HASH_GL,
                                 .log_blowup = t->log_blowup,
                                 .cap_log2 = CARD_TEST_CAP_LOG2,
                                 .cap = cap,
                                 .out = &handle}};

    run(device, &commit);
    drv_job open = {.op = DRV_OPEN,
                    .open = {.commitment = handle,
                             .rows = t->rows,
                             .count = CARD_TEST_OPENED,
                             .values = values,
                             .paths = paths}};
    run(device, &open);
    drv_release(handle);
}

static size_t value_words(const card_test *t)
{
    return (size_t)CARD_TEST_OPENED * t->matrix.columns;
}

static size_t path_words(const card_test *t)
{
    return (size_t)CARD_TEST_OPENED * t->path_digests * DRV_DIGEST_WORDS;
}

static void *allocate(size_t words)
{
    void *p = aligned_alloc(64, (words * 8 + 63) / 64 * 64);

    assert_non_null(p);
    return p;
}

void card_test_make(card_test *t, uint32_t columns, uint32_t log_rows, uint32_t log_blowup)
{
    uint64_t seed = columns * 64 + log_rows, words = drv_matrix_words(columns, log_rows);

    memset(t, 0, sizeof *t);
    t->cpu = card_test_open("cpu");
    t->matrix = (drv_matrix){allocate(words), columns, log_rows};
    t->log_blowup = log_blowup;
    t->path_digests = log_rows + log_blowup - CARD_TEST_CAP_LOG2;
    for (uint64_t i = 0; i < words; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        t->matrix.data[i] = seed ^ seed >> 29;
    }
    for (unsigned i = 0; i < CARD_TEST_OPENED; i++)
        t->rows[i] = t->matrix.data[i] >> (64 - log_rows - log_blowup);
    t->values = allocate(value_words(t));
    t->paths = allocate(path_words(t));
    commit_and_open(t, t->cpu, t->cap, t->values, t->paths);
}

void card_test_free(card_test *t)
{
    card_test_close(t->cpu);
    free(t->matrix.data);
    free(t->values);
    free(t->paths);
}

void card_test_check(const card_test *t, drv_device *device)
{
    uint64_t cap[DRV_DIGEST_WORDS << CARD_TEST_CAP_LOG2] = {0};
    uint64_t *values = allocate(value_words(t)), *paths = allocate(path_words(t));

    memset(values, 0, value_words(t) * 8);
    memset(paths, 0, path_words(t) * 8);
    commit_and_open(t, device, cap, values, paths);
    assert_memory_equal(cap, t->cap, sizeof cap);
    assert_memory_equal(values, t->values, value_words(t) * 8);
    assert_memory_equal(paths, t->paths, path_words(t) * 8);
    free(values);
    free(paths);
}

/* ---- processes ---- */

static size_t read_proc(const char *pid, const char *name, char *out, size_t size)
{
    char path[300];

    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* Calls what for each process until it answers true; then its number, else -1. */
static pid_t each_process(bool (*what)(const char *pid))
{
    DIR *d = opendir("/proc");
    pid_t found = -1;

    for (const struct dirent *e; found < 0 && (e = readdir(d)) != NULL;)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && what(e->d_name))
            found = (pid_t)strtol(e->d_name, NULL, 10);
    closedir(d);
    return found;
}

static bool is_card(const char *pid)
{
    char stat[512], name[64];
    int parent = 0;

    read_proc(pid, "comm", name, sizeof name);
    read_proc(pid, "stat", stat, sizeof stat);
    const char *end = strrchr(stat, ')');
    return strncmp(name, "zkp-card", 8) == 0 && end && sscanf(end, ") %*c %d", &parent) == 1 &&
           parent == getpid();
}

pid_t card_test_card(void)
{
    return each_process(is_card);
}

#define MARK "ZKP_CARD_TEST_MARK"

void card_test_mark(void)
{
    char number[24];

    snprintf(number, sizeof number, "%ld", (long)getpid());
    setenv(MARK, number, 1);
}

static bool is_marked(const char *pid)
{
    static char environment[1 << 17];
    char mark[64];

    if (strtol(pid, NULL, 10) == getpid())
        return false;
    snprintf(mark, sizeof mark, "%s=%ld", MARK, (long)getpid());
    size_t n = read_proc(pid, "environ", environment, sizeof environment);
    return memmem(environment, n, mark, strlen(mark) + 1) != NULL;
}

int card_test_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

void card_test_clean(int descriptors)
{
    char number[24], command[256];
    pid_t left = -1;

    assert_int_equal(card_test_descriptors(), descriptors);
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    for (unsigned i = 0; i < 500; i++) {
        left = each_process(is_marked);
        if (left < 0)
            return;
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    snprintf(number, sizeof number, "%ld", (long)left);
    read_proc(number, "cmdline", command, sizeof command);
    fail_msg("process %ld is left: %s", (long)left, command);
}
