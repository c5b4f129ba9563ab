/* The exposition format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include "host/metrics/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 8192

/** A growing text; after a failed allocation everything is ignored. */
typedef struct text {
    char *bytes;
    size_t len, capacity;
    bool failed;
} text;

static void put_bytes(text *t, const char *bytes, size_t n)
{
    if (t->failed)
        return;
    if (n >= t->capacity - t->len) {
        size_t capacity = t->capacity ? t->capacity : FIRST_BYTES;
        while (capacity - t->len <= n && capacity <= SIZE_MAX / 4)
            capacity *= 2;
        char *grown = realloc(t->bytes, capacity);
        if (!grown || capacity - t->len <= n) {
            free(grown ? grown : t->bytes);
            *t = (text){.failed = true};
            return;
        }
        t->bytes = grown;
        t->capacity = capacity;
    }
    memcpy(t->bytes + t->len, bytes, n);
    t->len += n;
    t->bytes[t->len] = 0;
}

static void put(text *t, const char *s)
{
    put_bytes(t, s, strlen(s));
}

/** HELP escapes backslash and line feed, label values also the quote. */
static void put_escaped(text *t, const char *s, bool quote)
{
    for (; *s; s++) {
        if (*s == '\\')
            put(t, "\\\\");
        else if (*s == '\n')
            put(t, "\\n");
        else if (*s == '"' && quote)
            put(t, "\\\"");
        else
            put_bytes(t, s, 1);
    }
}

/** The shortest form that reads back as the same double. No program of ours calls setlocale, so the
 *  decimal point is one. */
static void put_number(text *t, double v)
{
    char s[40];
    if (isnan(v)) {
        put(t, "NaN");
        return;
    }
    if (isinf(v)) {
        put(t, v > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    put(t, s);
}

/** NAME SUFFIX {labels, le} and a blank. bound is NULL, or of a bucket. */
static void put_sample_name(text *t, const metrics_series *s, const char *suffix,
                            const double *bound)
{
    const metrics_family *f = s->family;
    put(t, f->name);
    put(t, suffix);
    for (size_t i = 0; i < f->n_labels; i++) {
        put(t, i ? "," : "{");
        put(t, f->labels[i]);
        put(t, "=\"");
        put_escaped(t, s->values[i], true);
        put(t, "\"");
    }
    if (bound) {
        put(t, f->n_labels ? ",le=\"" : "{le=\"");
        put_number(t, *bound);
        put(t, "\"");
    }
    put(t, f->n_labels || bound ? "} " : " ");
}

static void put_count(text *t, uint64_t n)
{
    char s[24];
    snprintf(s, sizeof s, "%" PRIu64 "\n", n);
    put(t, s);
}

static void put_histogram(text *t, const metrics_series *s)
{
    const metrics_family *f = s->family;
    uint64_t sum = 0; /* the count is made from the buckets, so that they always agree */
    for (size_t i = 0; i <= f->n_buckets; i++) {
        double bound = i < f->n_buckets ? f->buckets[i] : INFINITY;
        sum += atomic_load_explicit(&s->hits[i], memory_order_relaxed);
        put_sample_name(t, s, "_bucket", &bound);
        put_count(t, sum);
    }
    put_sample_name(t, s, "_sum", NULL);
    put_number(t, metrics_bits_to_double(atomic_load_explicit(&s->value, memory_order_relaxed)));
    put(t, "\n");
    put_sample_name(t, s, "_count", NULL);
    put_count(t, sum);
}

/** True if there is something to print. */
static bool is_known(const metrics_series *s)
{
    return s->hits || !isnan(metrics_value(s));
}

static void put_family(text *t, const metrics_family *f)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const metrics_series *list[METRICS_MAX_SERIES];
    size_t n = 0;
    for (const metrics_series *s = atomic_load_explicit(&f->series, memory_order_acquire);
         s && n < METRICS_MAX_SERIES; s = s->next)
        if (is_known(s))
            list[n++] = s;
    if (!n)
        return;
    put(t, "# HELP ");
    put(t, f->name);
    put(t, " ");
    put_escaped(t, f->help, false);
    put(t, "\n# TYPE ");
    put(t, f->name);
    put(t, " ");
    put(t, types[f->type]);
    put(t, "\n");
    while (n--) { /* oldest first */
        if (f->type == METRICS_HISTOGRAM) {
            put_histogram(t, list[n]);
            continue;
        }
        double v = metrics_value(list[n]);
        put_sample_name(t, list[n], "", NULL);
        put_number(t, v);
        put(t, "\n");
    }
}

p_status metrics_render(metrics *m, char **out, size_t *len, p_err *err)
{
    *out = NULL;
    *len = 0;
    if (pthread_mutex_trylock(&m->collect) == 0) {
        for (size_t i = 0; i < m->n_collectors; i++)
            m->collectors[i].fn(m->collectors[i].ctx);
        pthread_mutex_unlock(&m->collect);
    } /* else another thread collects right now, perhaps waiting for a disk: its last figures do */
    text t = {0};
    put_bytes(&t, "", 0); /* an empty registry gives an empty text, not NULL */
    for (const metrics_family *f = m->first; f; f = f->next)
        put_family(&t, f);
    if (t.failed)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the text of the metrics");
    *out = t.bytes;
    *len = t.len;
    return P_OK;
}
