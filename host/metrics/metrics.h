/** Numbers that a monitoring system reads: a registry of families (one name, help and type) of
 *  series (one set of label values each), and their text in the Prometheus exposition format 0.0.4.
 *
 *  Order: metrics_create; metrics_family and metrics_collector for everything, by one thread; then,
 *  from any thread, metrics_series, the updates, and metrics_render; metrics_destroy last. Updates
 *  are atomic and never wait. Finding a series walks a short list without a lock; making one takes
 *  a lock for a moment, so whoever updates often keeps the pointer. Series live as long as the
 *  registry.
 *
 *  The number of series of a family is bounded: what would be one more is counted in a series whose
 *  label values are all "other". Label values may come from anywhere; they are escaped, and what is
 *  no UTF-8 in them is replaced. */
#ifndef ZKP_HOST_METRICS_METRICS_H
#define ZKP_HOST_METRICS_METRICS_H

#include "driver/base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct metrics metrics;               /**< a registry */
typedef struct metrics_family metrics_family; /**< owned by the registry */
typedef struct metrics_series metrics_series; /**< owned by its family */

typedef enum metrics_type {
    METRICS_COUNTER, /**< only grows; the name ends in _total by convention */
    METRICS_GAUGE,   /**< goes up and down */
    METRICS_HISTOGRAM,
} metrics_type;

#define METRICS_MAX_LABELS 6
#define METRICS_MAX_BUCKETS 32
#define METRICS_MAX_SERIES 1024     /**< of a family */
#define METRICS_MAX_VALUE_BYTES 128 /**< of a label value; longer ones are cut at a character */

typedef struct metrics_family_options {
    const char *name; /**< [a-zA-Z_:][a-zA-Z0-9_:]*; copied, as are all texts here */
    const char *help; /**< UTF-8; escaped when it is printed */
    metrics_type type;
    /** Label names, [a-zA-Z_][a-zA-Z0-9_]*, not beginning with "__", and not "le" in a histogram;
     *  unused ones NULL. */
    const char *labels[METRICS_MAX_LABELS];
    /** Of a histogram: upper bounds, ascending and finite; +Inf is added. */
    const double *buckets;
    size_t n_buckets;  /**< 1..METRICS_MAX_BUCKETS for a histogram, else 0 */
    size_t max_series; /**< 0: 64; else 2..METRICS_MAX_SERIES */
} metrics_family_options;

p_status metrics_create(metrics **out, p_err *err);
void metrics_destroy(metrics *m); /**< NULL is allowed; nothing else may be running */

/** P_EINVAL for an illegal or repeated name, label or bucket; P_EEXHAUSTED without memory. */
p_status metrics_family_create(metrics *m, metrics_family **out,
                               const metrics_family_options *options, p_err *err);

/** The series with these label values (one for each label, in their order; may be NULL without
 *  labels; a NULL value is ""), made with value 0 if it is new. NULL only if there is no memory for
 *  it; every update accepts NULL and does nothing. */
metrics_series *metrics_series_get(metrics_family *f, const char *const *values);

/** Adds to a counter (delta >= 0; else nothing happens) or a gauge. NaN is ignored. */
void metrics_add(metrics_series *s, double delta);
/** Sets a gauge, or a counter whose count is kept elsewhere. A series that is set to NaN is not
 *  printed until it has a value again: unknown is not zero. */
void metrics_set(metrics_series *s, double value);
/** Counts a value in a histogram. NaN is ignored. */
void metrics_observe(metrics_series *s, double value);
/** The value of a counter or gauge; of a histogram, how many values it has seen. */
double metrics_value(const metrics_series *s);

/** Called at the beginning of metrics_render, to set what is read rather than counted. One call of
 *  it runs at a time; a render meanwhile does not wait for it and shows the figures of before. At
 *  most 8. */
typedef void metrics_collect_fn(void *ctx);
p_status metrics_collector(metrics *m, metrics_collect_fn *fn, void *ctx, p_err *err);

/** Media type of the text. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** The text of all families in the order of their creation; malloc'ed, NUL-terminated, *len without
 *  the NUL; the caller frees it. A histogram's buckets and its count always fit together; its sum
 *  may be that of a moment later. */
p_status metrics_render(metrics *m, char **out, size_t *len, p_err *err);

/** Registers the usual process_* metrics of the calling process (cpu seconds, resident and virtual
 *  memory, open and maximum file handles, start time), read from /proc when they are rendered. What
 *  cannot be read is left out. */
p_status metrics_process(metrics *m, p_err *err);

#endif
