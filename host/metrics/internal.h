/** What the files of this folder share. */
#ifndef ZKP_HOST_METRICS_INTERNAL_H
#define ZKP_HOST_METRICS_INTERNAL_H

#include "host/metrics/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

/** A double that threads add to: its bits in an atomic word. */
typedef _Atomic uint64_t atomic_double;

/** Lists are only ever appended to at their head, with release, so that readers need no lock. */
struct metrics_series {
    metrics_series *next; /**< set before the series is published, never changed */
    metrics_family *family;
    char *values[METRICS_MAX_LABELS];
    atomic_double value;    /**< of a histogram: the sum */
    _Atomic uint64_t *hits; /**< n_buckets + 1 of a histogram, not cumulative; else NULL */
};

struct metrics_family {
    metrics_family *next;
    metrics *registry;
    char *name, *help;
    metrics_type type;
    size_t n_labels, n_buckets, max_series;
    char *labels[METRICS_MAX_LABELS];
    double buckets[METRICS_MAX_BUCKETS];
    metrics_series *_Atomic series; /**< newest first */
    size_t n_series;                /**< under the registry's lock */
};

#define MAX_COLLECTORS 8

struct metrics {
    pthread_mutex_t lock;    /**< making series */
    pthread_mutex_t collect; /**< collectors, one render at a time */
    metrics_family *first, **last;
    struct {
        metrics_collect_fn *fn;
        void *ctx;
    } collectors[MAX_COLLECTORS];
    size_t n_collectors;
    void *process; /**< of metrics_process; freed with the registry */
};

double metrics_bits_to_double(uint64_t bits);

#endif
