#include "host/metrics/metrics.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static metrics *make(void)
{
    metrics *m;
    assert_int_equal(metrics_create(&m, NULL), P_OK);
    return m;
}

static metrics_family *family(metrics *m, const metrics_family_options *o)
{
    metrics_family *f;
    p_err err = {0};
    assert_int_equal(metrics_family_create(m, &f, o, &err), P_OK);
    assert_non_null(f);
    return f;
}

static void expect_text(metrics *m, const char *wanted)
{
    char *text;
    size_t len;
    assert_int_equal(metrics_render(m, &text, &len, NULL), P_OK);
    assert_string_equal(text, wanted);
    assert_int_equal(len, strlen(text));
    free(text);
}

static void empty(void **state)
{
    (void)state;
    metrics *m = make();
    expect_text(m, "");
    family(m, &(metrics_family_options){.name = "never_used", .help = "x"});
    expect_text(m, ""); /* no series, nothing to say */
    metrics_destroy(m);
    metrics_destroy(NULL);
}

static void counters_and_gauges(void **state)
{
    (void)state;
    metrics *m = make();
    metrics_family *c = family(m, &(metrics_family_options){.name = "calls_total",
                                                            .help = "Calls.",
                                                            .type = METRICS_COUNTER,
                                                            .labels = {"method", "code"}});
    metrics_family *g = family(
        m, &(metrics_family_options){.name = "depth", .help = "Depth.", .type = METRICS_GAUGE});
    metrics_series *a = metrics_series_get(c, (const char *const[]){"Execute", "OK"});
    metrics_series *b = metrics_series_get(c, (const char *const[]){"Execute", "INTERNAL"});
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(a, metrics_series_get(c, (const char *const[]){"Execute", "OK"}));
    metrics_add(a, 1);
    metrics_add(a, 2);
    metrics_add(a, -1); /* a counter never goes down */
    metrics_add(a, NAN);
    metrics_observe(a, 7); /* no histogram */
    assert_true(metrics_value(a) == 3);
    metrics_series *depth = metrics_series_get(g, NULL);
    metrics_set(depth, 5);
    metrics_add(depth, -7);
    expect_text(m, "# HELP calls_total Calls.\n"
                   "# TYPE calls_total counter\n"
                   "calls_total{method=\"Execute\",code=\"OK\"} 3\n"
                   "calls_total{method=\"Execute\",code=\"INTERNAL\"} 0\n"
                   "# HELP depth Depth.\n"
                   "# TYPE depth gauge\n"
                   "depth -2\n");
    metrics_set(depth, NAN); /* unknown: not shown */
    metrics_set(a, 1);
    metrics_set(b, NAN);
    expect_text(m, "# HELP calls_total Calls.\n"
                   "# TYPE calls_total counter\n"
                   "calls_total{method=\"Execute\",code=\"OK\"} 1\n");
    metrics_add(NULL, 1);
    metrics_set(NULL, 1);
    metrics_observe(NULL, 1);
    assert_true(metrics_value(NULL) == 0);
    metrics_destroy(m);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {9007199254740991.0, "9007199254740991"},
        {123456789012.0, "123456789012"},
        {1e300, "1e+300"},
        {5e-324, "4.94065645841247e-324"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        metrics *m = make();
        char wanted[128];
        metrics_family *g =
            family(m, &(metrics_family_options){.name = "g", .help = "", .type = METRICS_GAUGE});
        metrics_set(metrics_series_get(g, NULL), cases[i].v);
        snprintf(wanted, sizeof wanted, "# HELP g \n# TYPE g gauge\ng %s\n", cases[i].text);
        expect_text(m, wanted);
        metrics_destroy(m);
    }
}

static void histogram(void **state)
{
    (void)state;
    static const double buckets[] = {0.1, 1, 10};
    metrics *m = make();
    metrics_family *h = family(m, &(metrics_family_options){.name = "seconds",
                                                            .help = "Seconds.",
                                                            .type = METRICS_HISTOGRAM,
                                                            .labels = {"stage"},
                                                            .buckets = buckets,
                                                            .n_buckets = 3});
    metrics_series *s = metrics_series_get(h, (const char *const[]){"run"});
    metrics_observe(s, 0.1); /* a bound belongs to its bucket */
    metrics_observe(s, 0.5);
    metrics_observe(s, 0.5);
    metrics_observe(s, 11);
    metrics_observe(s, -1);
    metrics_observe(s, NAN);
    metrics_set(s, 3); /* not for a histogram */
    metrics_add(s, 3);
    assert_true(metrics_value(s) == 5);
    expect_text(m, "# HELP seconds Seconds.\n"
                   "# TYPE seconds histogram\n"
                   "seconds_bucket{stage=\"run\",le=\"0.1\"} 2\n"
                   "seconds_bucket{stage=\"run\",le=\"1\"} 4\n"
                   "seconds_bucket{stage=\"run\",le=\"10\"} 4\n"
                   "seconds_bucket{stage=\"run\",le=\"+Inf\"} 5\n"
                   "seconds_sum{stage=\"run\"} 11.1\n"
                   "seconds_count{stage=\"run\"} 5\n");
    metrics_destroy(m);
    m = make();
    h = family(m, &(metrics_family_options){.name = "s",
                                            .help = "S.",
                                            .type = METRICS_HISTOGRAM,
                                            .buckets = buckets,
                                            .n_buckets = 1});
    assert_non_null(metrics_series_get(h, NULL)); /* without labels, and without a value yet */
    expect_text(m, "# HELP s S.\n# TYPE s histogram\ns_bucket{le=\"0.1\"} 0\n"
                   "s_bucket{le=\"+Inf\"} 0\ns_sum 0\ns_count 0\n");
    metrics_destroy(m);
}

static void escaping(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } cases[] = {
        {"a\\b\"c\nd", "a\\\\b\\\"c\\nd"},
        {"stra\xc3\x9f"
         "e \xf0\x9f\x98\x80",
         "stra\xc3\x9f"
         "e \xf0\x9f\x98\x80"},
        {"\xff\xc0\xaf", "???"},          /* bytes that never occur, an overlong form */
        {"\xed\xa0\x80", "???"},          /* a surrogate */
        {"\xf4\x90\x80\x80", "????"},     /* above U+10FFFF */
        {"cut \xe2\x82", "cut ??"},       /* ends within a character */
        {"\xe2\x82\xac", "\xe2\x82\xac"}, /* the euro */
        {"", ""},
        {NULL, ""},
        {"}\t,=", "}\t,="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        metrics *m = make();
        char wanted[256];
        metrics_family *g = family(m, &(metrics_family_options){.name = "g",
                                                                .help = "A \\ and\na \"line\".",
                                                                .type = METRICS_GAUGE,
                                                                .labels = {"l"}});
        metrics_set(metrics_series_get(g, (const char *const[]){cases[i].value}), 1);
        snprintf(wanted, sizeof wanted,
                 "# HELP g A \\\\ and\\na \"line\".\n# TYPE g gauge\ng{l=\"%s\"} 1\n",
                 cases[i].shown);
        expect_text(m, wanted);
        metrics_destroy(m);
    }
    /* a long value is cut, at a character; its second half makes no other series */
    char many[400] = "x";
    for (size_t i = 0; i < 100; i++)
        strcat(many, "\xe2\x82\xac");
    metrics *m = make();
    metrics_family *g =
        family(m, &(metrics_family_options){.name = "g", .type = METRICS_GAUGE, .labels = {"l"}});
    metrics_series *s = metrics_series_get(g, (const char *const[]){many});
    many[1 + 3 * 60] = 0;
    assert_ptr_equal(s, metrics_series_get(g, (const char *const[]){many}));
    char *text;
    size_t len;
    assert_int_equal(metrics_render(m, &text, &len, NULL), P_OK);
    many[1 + 3 * 42] = 0; /* 127 bytes: one more character would be 130 */
    char wanted[600];
    snprintf(wanted, sizeof wanted, "# HELP g \n# TYPE g gauge\ng{l=\"%s\"} 0\n", many);
    assert_string_equal(text, wanted);
    free(text);
    metrics_destroy(m);
}

static void bounded(void **state)
{
    (void)state;
    metrics *m = make();
    metrics_family *c = family(m, &(metrics_family_options){.name = "c_total",
                                                            .type = METRICS_COUNTER,
                                                            .labels = {"id", "kind"},
                                                            .max_series = 4});
    char id[16];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "%d", i);
        metrics_add(metrics_series_get(c, (const char *const[]){id, "k"}), 1);
    }
    expect_text(m, "# HELP c_total \n# TYPE c_total counter\n"
                   "c_total{id=\"0\",kind=\"k\"} 1\n"
                   "c_total{id=\"1\",kind=\"k\"} 1\n"
                   "c_total{id=\"2\",kind=\"k\"} 1\n"
                   "c_total{id=\"other\",kind=\"other\"} 97\n");
    metrics_destroy(m);
}

static void refused(void **state)
{
    (void)state;
    static const double up[] = {1, 2}, down[] = {2, 1}, same[] = {1, 1}, inf[] = {1, INFINITY};
    double many[METRICS_MAX_BUCKETS + 1];
    for (size_t i = 0; i <= METRICS_MAX_BUCKETS; i++)
        many[i] = (double)i;
    const metrics_family_options bad[] = {
        {.name = NULL},
        {.name = ""},
        {.name = "1a"},
        {.name = "a-b"},
        {.name = "a b"},
        {.name = "taken"},
        {.name = "lat_bucket", .type = METRICS_GAUGE}, /* samples of the histogram lat */
        {.name = "lat_count", .type = METRICS_GAUGE},
        {.name = "taken2", .type = METRICS_HISTOGRAM, .buckets = up, .n_buckets = 2},
        {.name = "x", .labels = {"a-b"}},
        {.name = "x", .labels = {""}},
        {.name = "x", .labels = {"a:b"}},
        {.name = "x", .labels = {"__a"}},
        {.name = "x", .labels = {"a", "b", "a"}},
        {.name = "x", .type = METRICS_HISTOGRAM, .labels = {"le"}, .buckets = up, .n_buckets = 2},
        {.name = "x", .type = METRICS_HISTOGRAM},
        {.name = "x", .type = METRICS_GAUGE, .buckets = up, .n_buckets = 2},
        {.name = "x", .type = METRICS_HISTOGRAM, .buckets = down, .n_buckets = 2},
        {.name = "x", .type = METRICS_HISTOGRAM, .buckets = same, .n_buckets = 2},
        {.name = "x", .type = METRICS_HISTOGRAM, .buckets = inf, .n_buckets = 2},
        {.name = "x",
         .type = METRICS_HISTOGRAM,
         .buckets = many,
         .n_buckets = METRICS_MAX_BUCKETS + 1},
        {.name = "x", .max_series = 1},
        {.name = "x", .max_series = METRICS_MAX_SERIES + 1},
    };
    metrics *m = make();
    family(m, &(metrics_family_options){.name = "taken"});
    family(m, &(metrics_family_options){.name = "taken2_sum"});
    family(m, &(metrics_family_options){
                  .name = "lat", .type = METRICS_HISTOGRAM, .buckets = up, .n_buckets = 2});
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        metrics_family *f = (metrics_family *)m;
        p_err err = {0};
        assert_int_equal(metrics_family_create(m, &f, &bad[i], &err), P_EINVAL);
        assert_null(f);
        assert_true(err.text[0]);
    }
    family(m, &(metrics_family_options){.name = "x", .labels = {"le"}}); /* fine in a counter */
    family(m, &(metrics_family_options){.name = "a:b"});
    metrics_destroy(m);
}

static void count_call(void *ctx)
{
    metrics_add(ctx, 1);
}

static void collectors(void **state)
{
    (void)state;
    metrics *m = make();
    metrics_family *g = family(m, &(metrics_family_options){.name = "g", .type = METRICS_GAUGE});
    metrics_series *s = metrics_series_get(g, NULL);
    p_err err = {0};
    for (int i = 0; i < 8; i++)
        assert_int_equal(metrics_collector(m, count_call, s, &err), P_OK);
    assert_int_equal(metrics_collector(m, count_call, s, &err), P_EEXHAUSTED);
    expect_text(m, "# HELP g \n# TYPE g gauge\ng 8\n");
    expect_text(m, "# HELP g \n# TYPE g gauge\ng 16\n");
    metrics_destroy(m);
}

/** A collector that waits, as if for a disk. */
typedef struct slow {
    metrics *m;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool entered, leave;
} slow;

static void wait_slowly(void *ctx)
{
    slow *s = ctx;
    pthread_mutex_lock(&s->lock);
    s->entered = true;
    pthread_cond_broadcast(&s->changed);
    while (!s->leave)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static void *render_once(void *ctx)
{
    slow *s = ctx;
    char *text;
    size_t len;
    if (metrics_render(s->m, &text, &len, NULL) == P_OK)
        free(text);
    return NULL;
}

static void nobody_waits(void **state)
{
    (void)state;
    slow s = {.m = make(), .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t t;
    assert_int_equal(metrics_collector(s.m, wait_slowly, &s, NULL), P_OK);
    assert_int_equal(pthread_create(&t, NULL, render_once, &s), 0);
    pthread_mutex_lock(&s.lock);
    while (!s.entered)
        pthread_cond_wait(&s.changed, &s.lock);
    pthread_mutex_unlock(&s.lock);
    expect_text(s.m, ""); /* would hang if it waited for the other */
    pthread_mutex_lock(&s.lock);
    s.leave = true;
    pthread_cond_broadcast(&s.changed);
    pthread_mutex_unlock(&s.lock);
    pthread_join(t, NULL);
    metrics_destroy(s.m);
}

/** The value of an unlabelled sample in a text. */
static double sample(const char *text, const char *name)
{
    char line[128];
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    assert_non_null(at);
    return strtod(at + strlen(line), NULL);
}

static void process(void **state)
{
    (void)state;
    metrics *m = make();
    assert_int_equal(metrics_process(m, NULL), P_OK);
    assert_int_equal(metrics_process(m, NULL), P_EINVAL);
    char *text;
    size_t len;
    FILE *open[3];
    assert_int_equal(metrics_render(m, &text, &len, NULL), P_OK);
    double before = sample(text, "process_open_fds");
    double now = (double)time(NULL), start = sample(text, "process_start_time_seconds");
    assert_true(before >= 1 && before <= sample(text, "process_max_fds"));
    assert_true(sample(text, "process_resident_memory_bytes") > 100e3);
    assert_true(sample(text, "process_virtual_memory_bytes") >=
                sample(text, "process_resident_memory_bytes"));
    assert_true(strstr(text, "# TYPE process_cpu_seconds_total counter\n"));
    assert_true(sample(text, "process_cpu_seconds_total") < 600);
    assert_true(start > now - 600 && start <= now + 1);
    free(text);
    for (int i = 0; i < 3; i++)
        assert_non_null(open[i] = fopen("/dev/null", "r"));
    assert_int_equal(metrics_render(m, &text, &len, NULL), P_OK);
    assert_true(sample(text, "process_open_fds") == before + 3);
    assert_true(sample(text, "process_start_time_seconds") == start);
    free(text);
    for (int i = 0; i < 3; i++)
        fclose(open[i]);
    metrics_destroy(m);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 20000

typedef struct shared {
    metrics *m;
    metrics_family *counter, *histogram;
} shared;

static void *update(void *arg)
{
    const shared *s = arg;
    char id[16];
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(id, sizeof id, "%d", i % 10);
        metrics_add(metrics_series_get(s->counter, (const char *const[]){id}), 1);
        metrics_observe(metrics_series_get(s->histogram, NULL), i % 2 ? 0.25 : 2);
    }
    return NULL;
}

static void *render(void *arg)
{
    const shared *s = arg;
    for (int i = 0; i < 200; i++) {
        char *text;
        size_t len;
        if (metrics_render(s->m, &text, &len, NULL) != P_OK)
            return arg;
        const char *inf = strstr(text, "h_bucket{le=\"+Inf\"} "), *n = strstr(text, "\nh_count ");
        bool good = !inf || (n && strtoull(inf + 20, NULL, 10) == strtoull(n + 9, NULL, 10));
        free(text);
        if (!good)
            return arg;
    }
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    static const double buckets[] = {1};
    shared s = {.m = make()};
    s.counter = family(s.m, &(metrics_family_options){
                                .name = "c_total", .type = METRICS_COUNTER, .labels = {"id"}});
    s.histogram = family(
        s.m, &(metrics_family_options){
                 .name = "h", .type = METRICS_HISTOGRAM, .buckets = buckets, .n_buckets = 1});
    pthread_t t[THREADS + 1];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, update, &s), 0);
    assert_int_equal(pthread_create(&t[THREADS], NULL, render, &s), 0);
    for (int i = 0; i <= THREADS; i++) {
        void *bad;
        pthread_join(t[i], &bad);
        assert_null(bad);
    }
    for (int i = 0; i < 10; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        assert_true(metrics_value(metrics_series_get(s.counter, (const char *const[]){id})) ==
                    THREADS * ROUNDS / 10);
    }
    char *text;
    size_t len;
    char wanted[256];
    assert_int_equal(metrics_render(s.m, &text, &len, NULL), P_OK);
    snprintf(wanted, sizeof wanted,
             "h_bucket{le=\"1\"} %d\nh_bucket{le=\"+Inf\"} %d\nh_sum %d\nh_count %d\n",
             THREADS * ROUNDS / 2, THREADS * ROUNDS, THREADS * ROUNDS / 8 * 9, THREADS * ROUNDS);
    assert_non_null(strstr(text, wanted));
    free(text);
    metrics_destroy(s.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),        cmocka_unit_test(counters_and_gauges),
        cmocka_unit_test(numbers),      cmocka_unit_test(histogram),
        cmocka_unit_test(escaping),     cmocka_unit_test(bounded),
        cmocka_unit_test(refused),      cmocka_unit_test(collectors),
        cmocka_unit_test(nobody_waits), cmocka_unit_test(process),
        cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
