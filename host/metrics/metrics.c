#include "host/metrics/internal.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_SERIES 64

/* ---- atomic doubles ---- */

double metrics_bits_to_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static uint64_t double_to_bits(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static double load(const atomic_double *a)
{
    return metrics_bits_to_double(atomic_load_explicit(a, memory_order_relaxed));
}

static void store(atomic_double *a, double d)
{
    atomic_store_explicit(a, double_to_bits(d), memory_order_relaxed);
}

static void add(atomic_double *a, double delta)
{
    uint64_t old = atomic_load_explicit(a, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        a, &old, double_to_bits(metrics_bits_to_double(old) + delta), memory_order_relaxed,
        memory_order_relaxed))
        ;
}

/* ---- names ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(const char *s, bool colon)
{
    if (!s || !(is_letter(*s) || (colon && *s == ':')))
        return false;
    for (; *s; s++)
        if (!is_letter(*s) && !(*s >= '0' && *s <= '9') && !(colon && *s == ':'))
            return false;
    return true;
}

/** Length of the UTF-8 character at s[0..n), 0 if there is none (overlong forms, surrogates, and
 *  values above U+10FFFF are none). */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t len;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        len = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        len = 3;
        low = s[0] == 0xe0 ? 0xa0 : 0x80;
        high = s[0] == 0xed ? 0x9f : 0xbf;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        len = 4;
        low = s[0] == 0xf0 ? 0x90 : 0x80;
        high = s[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (n < len || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return len;
}

/** A label value as it is kept: valid UTF-8 ('?' for each byte that is not), bounded. */
static void clean_value(char out[METRICS_MAX_VALUE_BYTES + 1], const char *value)
{
    const unsigned char *s = (const unsigned char *)(value ? value : "");
    size_t n = strnlen((const char *)s, METRICS_MAX_VALUE_BYTES + 4), at = 0;
    for (size_t i = 0; i < n;) {
        size_t len = utf8_length(s + i, n - i), put = len ? len : 1;
        if (at + put > METRICS_MAX_VALUE_BYTES)
            break;
        if (len)
            memcpy(out + at, s + i, len);
        else
            out[at] = '?';
        at += put;
        i += put;
    }
    out[at] = 0;
}

/* ---- registry ---- */

p_status metrics_create(metrics **out, p_err *err)
{
    *out = NULL;
    metrics *m = calloc(1, sizeof *m);
    if (!m)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the metrics");
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->collect, NULL);
    m->last = &m->first;
    *out = m;
    return P_OK;
}

static void series_free(metrics_series *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < METRICS_MAX_LABELS; i++)
        free(s->values[i]);
    free(s->hits);
    free(s);
}

static void family_free(metrics_family *f)
{
    metrics_series *next;
    for (metrics_series *s = atomic_load(&f->series); s; s = next) {
        next = s->next;
        series_free(s);
    }
    for (size_t i = 0; i < METRICS_MAX_LABELS; i++)
        free(f->labels[i]);
    free(f->name);
    free(f->help);
    free(f);
}

void metrics_destroy(metrics *m)
{
    if (!m)
        return;
    metrics_family *next;
    for (metrics_family *f = m->first; f; f = next) {
        next = f->next;
        family_free(f);
    }
    free(m->process);
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->collect);
    free(m);
}

p_status metrics_collector(metrics *m, metrics_collect_fn *fn, void *ctx, p_err *err)
{
    if (m->n_collectors == MAX_COLLECTORS)
        return p_err_set(err, P_EEXHAUSTED, "metrics: more than %d collectors", MAX_COLLECTORS);
    m->collectors[m->n_collectors].fn = fn;
    m->collectors[m->n_collectors++].ctx = ctx;
    return P_OK;
}

/* ---- families ---- */

static bool ends_with(const char *s, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len > n && !strcmp(s + len - n, suffix);
}

/** Whether two families would print samples of the same name: a histogram owns NAME_bucket,
 *  NAME_sum and NAME_count too. */
static bool names_collide(const metrics_family *f, const char *name, metrics_type type)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    if (!strcmp(f->name, name))
        return true;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t a = strlen(f->name), b = strlen(name), n = strlen(suffixes[i]);
        if (f->type == METRICS_HISTOGRAM && b == a + n && !strncmp(name, f->name, a) &&
            ends_with(name, b, suffixes[i]))
            return true;
        if (type == METRICS_HISTOGRAM && a == b + n && !strncmp(name, f->name, b) &&
            ends_with(f->name, a, suffixes[i]))
            return true;
    }
    return false;
}

static p_status check_labels(const metrics_family_options *o, size_t *n, p_err *err)
{
    *n = 0;
    for (size_t i = 0; i < METRICS_MAX_LABELS && o->labels[i]; i++, (*n)++) {
        const char *l = o->labels[i];
        if (!is_name(l, false) || !strncmp(l, "__", 2) ||
            (o->type == METRICS_HISTOGRAM && !strcmp(l, "le")))
            return p_err_set(err, P_EINVAL, "metric %s: '%s' is no legal label name", o->name, l);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(l, o->labels[j]))
                return p_err_set(err, P_EINVAL, "metric %s: label %s is there twice", o->name, l);
    }
    return P_OK;
}

static p_status check_options(const metrics *m, const metrics_family_options *o, size_t *n_labels,
                              p_err *err)
{
    if (!is_name(o->name, true))
        return p_err_set(err, P_EINVAL, "'%s' is no legal name of a metric",
                         o->name ? o->name : "");
    for (const metrics_family *f = m->first; f; f = f->next)
        if (names_collide(f, o->name, o->type))
            return p_err_set(err, P_EINVAL, "metric %s collides with %s", o->name, f->name);
    bool histogram = o->type == METRICS_HISTOGRAM;
    if (histogram != (o->n_buckets > 0) || o->n_buckets > METRICS_MAX_BUCKETS)
        return p_err_set(err, P_EINVAL,
                         "metric %s: it has %zu buckets; expected 1 to %d for a histogram, else 0",
                         o->name, o->n_buckets, METRICS_MAX_BUCKETS);
    for (size_t i = 0; i < o->n_buckets; i++)
        if (!isfinite(o->buckets[i]) || (i && o->buckets[i] <= o->buckets[i - 1]))
            return p_err_set(err, P_EINVAL, "metric %s: bucket %zu is not above the one before it",
                             o->name, i);
    if (o->max_series == 1 || o->max_series > METRICS_MAX_SERIES)
        return p_err_set(err, P_EINVAL, "metric %s: %zu series; expected 0, or 2 to %d", o->name,
                         o->max_series, METRICS_MAX_SERIES);
    return check_labels(o, n_labels, err);
}

p_status metrics_family_create(metrics *m, metrics_family **out,
                               const metrics_family_options *options, p_err *err)
{
    size_t n_labels = 0;
    *out = NULL;
    p_status st = check_options(m, options, &n_labels, err);
    if (st != P_OK)
        return st;
    metrics_family *f = calloc(1, sizeof *f);
    if (!f)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a metric");
    f->registry = m;
    f->type = options->type;
    f->n_labels = n_labels;
    f->n_buckets = options->n_buckets;
    f->max_series = options->max_series ? options->max_series : DEFAULT_MAX_SERIES;
    for (size_t i = 0; i < f->n_buckets; i++)
        f->buckets[i] = options->buckets[i];
    f->name = strdup(options->name);
    f->help = strdup(options->help ? options->help : "");
    bool complete = f->name && f->help;
    for (size_t i = 0; i < n_labels; i++) {
        f->labels[i] = strdup(options->labels[i]);
        complete = complete && f->labels[i];
    }
    if (!complete) {
        family_free(f);
        return p_err_set(err, P_EEXHAUSTED, "no memory for a metric");
    }
    *m->last = f;
    m->last = &f->next;
    *out = f;
    return P_OK;
}

/* ---- series ---- */

typedef char clean_values[METRICS_MAX_LABELS][METRICS_MAX_VALUE_BYTES + 1];

static metrics_series *find(const metrics_family *f, clean_values values)
{
    metrics_series *s = atomic_load_explicit(&f->series, memory_order_acquire);
    for (; s; s = s->next) {
        size_t i = 0;
        while (i < f->n_labels && !strcmp(s->values[i], values[i]))
            i++;
        if (i == f->n_labels)
            return s;
    }
    return NULL;
}

/** Lock held. */
static metrics_series *series_create(metrics_family *f, clean_values values)
{
    metrics_series *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    bool complete = true;
    for (size_t i = 0; i < f->n_labels; i++) {
        s->values[i] = strdup(values[i]);
        complete = complete && s->values[i];
    }
    if (f->type == METRICS_HISTOGRAM) {
        s->hits = calloc(f->n_buckets + 1, sizeof *s->hits);
        complete = complete && s->hits;
    }
    if (!complete) {
        series_free(s);
        return NULL;
    }
    s->family = f;
    s->next = atomic_load_explicit(&f->series, memory_order_relaxed);
    atomic_store_explicit(&f->series, s, memory_order_release);
    f->n_series++;
    return s;
}

metrics_series *metrics_series_get(metrics_family *f, const char *const *values)
{
    clean_values clean;
    for (size_t i = 0; i < f->n_labels; i++)
        clean_value(clean[i], values ? values[i] : NULL);
    metrics_series *s = find(f, clean);
    if (s)
        return s;
    pthread_mutex_lock(&f->registry->lock);
    s = find(f, clean); /* another thread may have made it meanwhile */
    if (!s && f->n_series + 1 < f->max_series)
        s = series_create(f, clean);
    if (!s) { /* one place is kept for what has no place */
        for (size_t i = 0; i < f->n_labels; i++)
            strcpy(clean[i], "other");
        s = find(f, clean);
        if (!s)
            s = series_create(f, clean);
    }
    pthread_mutex_unlock(&f->registry->lock);
    return s;
}

void metrics_add(metrics_series *s, double delta)
{
    if (!s || isnan(delta) || s->hits || (s->family->type == METRICS_COUNTER && delta < 0))
        return;
    add(&s->value, delta);
}

void metrics_set(metrics_series *s, double value)
{
    if (s && !s->hits)
        store(&s->value, value);
}

void metrics_observe(metrics_series *s, double value)
{
    if (!s || !s->hits || isnan(value))
        return;
    const metrics_family *f = s->family;
    size_t i = 0;
    while (i < f->n_buckets && value > f->buckets[i])
        i++;
    add(&s->value, value);
    atomic_fetch_add_explicit(&s->hits[i], 1, memory_order_relaxed);
}

double metrics_value(const metrics_series *s)
{
    if (!s)
        return 0;
    if (!s->hits)
        return load(&s->value);
    uint64_t n = 0;
    for (size_t i = 0; i <= s->family->n_buckets; i++)
        n += atomic_load_explicit(&s->hits[i], memory_order_relaxed);
    return (double)n;
}
