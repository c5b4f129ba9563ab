/* Devices: the table of back ends, opening, closing, asking. */
#include "driver/driver_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* in the order in which drv_list shows them */
static const drv_backend *const BACKENDS[] = {
    &drv_backend_xrt,
    &drv_backend_opencl,
    &drv_backend_cpu,
    &drv_backend_fault,
};

#define BACKEND_COUNT (sizeof BACKENDS / sizeof BACKENDS[0])

const drv_backend *drv_backend_find(const char *name)
{
    for (size_t i = 0; i < BACKEND_COUNT; i++)
        if (strcmp(BACKENDS[i]->name, name) == 0)
            return BACKENDS[i];
    return NULL;
}

size_t drv_list(const drv_options *options, drv_info *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        size_t room = n < max ? max - n : 0;
        size_t found = BACKENDS[i]->probe(options, room > 0 ? out + n : NULL, room);
        for (size_t k = 0; k < found && k < room; k++) {
            out[n + k].name[DRV_NAME_BYTES - 1] = '\0';
            out[n + k].about[DRV_TEXT_BYTES - 1] = '\0';
        }
        n += found;
    }
    return n;
}

/* ---- opening ---- */

/* All devices in an array to be freed; NULL without memory. */
static drv_info *find_all(const drv_options *options, size_t *count)
{
    size_t room = drv_list(options, NULL, 0) + 1; /* never nothing, so that NULL is a failure */
    drv_info *found = calloc(room, sizeof *found);
    size_t n = found ? drv_list(options, found, room) : 0;

    *count = n < room ? n : room;
    return found;
}

/* What exists, for a person who named something else or has nothing usable. */
static void describe(char *text, size_t size, const drv_info *found, size_t n, bool with_reason)
{
    snprintf(text, size, "nothing");
    for (size_t i = 0, at = 0; i < n && at < size; i++) {
        int wrote = with_reason
                        ? snprintf(text + at, size - at, "%s%s (%s)", i > 0 ? "; " : "",
                                   found[i].name, found[i].about)
                        : snprintf(text + at, size - at, "%s%s", i > 0 ? ", " : "", found[i].name);
        at += wrote > 0 ? (size_t)wrote : 0;
    }
}

size_t drv_best(const drv_info *found, size_t n, uint32_t below)
{
    size_t best = n;

    for (size_t i = 0; i < n; i++)
        if (found[i].usable && found[i].rank < below && found[i].rank > DRV_RANK_NAMED_ONLY &&
            (best == n || found[i].rank > found[best].rank))
            best = i;
    return best;
}

/* The usable device of the highest rank; of those with one rank the first. One that does not open
 * takes those of its rank with it: whatever comes next is slower and surer. */
static p_status open_best(const drv_options *options, drv_device **out, p_err *err)
{
    char text[P_ERR_TEXT_BYTES / 2];
    p_status s = P_EMISSING;
    size_t n, i;
    drv_info *found = find_all(options, &n);

    if (!found)
        return p_err_set(err, P_EEXHAUSTED, "no memory to list the devices");
    i = drv_best(found, n, UINT32_MAX);
    if (i == n) {
        describe(text, sizeof text, found, n, true);
        p_err_set(err, s, "no device can be used; found %s", text);
    }
    while (i < n) {
        p_err why = {P_OK, ""};
        size_t next = drv_best(found, n, found[i].rank);

        s = drv_open(found[i].name, options, out, &why);
        if (s == P_OK)
            break;
        if (options && options->log) {
            snprintf(text, sizeof text, "device %s does not open: %s", found[i].name, why.text);
            options->log(options->log_context, text);
        }
        if (next == n)
            p_err_set(err, s, "%s", why.text);
        i = next;
    }
    free(found);
    return s;
}

p_status drv_open(const char *name, const drv_options *options, drv_device **out, p_err *err)
{
    char head[DRV_NAME_BYTES], text[P_ERR_TEXT_BYTES / 2];

    if (!out)
        return p_err_set(err, P_EINVAL, "drv_open: out is NULL");
    *out = NULL;
    if (!name)
        return open_best(options, out, err);
    size_t length = strcspn(name, ":"), n;
    if (length < sizeof head) {
        memcpy(head, name, length);
        head[length] = '\0';
        const drv_backend *backend = drv_backend_find(head);
        if (backend)
            return drv_open_backend(backend, name[length] == ':' ? name + length + 1 : "", options,
                                    out, err);
    }
    drv_info *found = find_all(options, &n);
    describe(text, sizeof text, found, n, false);
    free(found);
    return p_err_set(err, P_ENOTFOUND, "there is no device '%.*s'; found %s", DRV_NAME_BYTES, name,
                     text);
}

static p_status check_backend(const drv_backend *b, p_err *err)
{
    if (!b)
        return p_err_set(err, P_EINVAL, "drv_open_backend: backend is NULL");
    if (b->abi != DRV_BACKEND_ABI) /* nothing else of it can be understood */
        return p_err_set(err, P_EUNSUPPORTED,
                         "a back end has ABI version %" PRIu32 ", expected %d: build it anew",
                         b->abi, DRV_BACKEND_ABI);
    if (!b->name || b->name[0] == '\0' || strchr(b->name, ':'))
        return p_err_set(err, P_EINTERNAL, "a back end's name is '%s'; expected one without ':'",
                         b->name ? b->name : "");
    const struct {
        const char *name;
        bool there;
    } entries[] = {
        {"probe", b->probe},       {"open", b->open},
        {"close", b->close},       {"info", b->info},
        {"supports", b->supports}, {"estimate", b->estimate},
        {"run", b->run},           {"object_free", b->object_free},
    };
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (!entries[i].there)
            return p_err_set(err, P_EINTERNAL, "back end %s lacks the mandatory entry %s", b->name,
                             entries[i].name);
    if (!b->buffer_alloc != !b->buffer_free)
        return p_err_set(err, P_EINTERNAL,
                         "back end %s has only one of buffer_alloc and buffer_free; expected both "
                         "or none",
                         b->name);
    return P_OK;
}

static p_status check_info(const drv_backend *b, const drv_info *info, p_err *err)
{
    if (info->jobs < 1 || info->jobs > DRV_MAX_JOBS)
        return p_err_set(err, P_EINTERNAL,
                         "back end %s: info.jobs is %" PRIu32 "; expected 1 to %d", b->name,
                         info->jobs, DRV_MAX_JOBS);
    if (!memchr(info->about, '\0', sizeof info->about))
        return p_err_set(err, P_EINTERNAL, "back end %s: info.about has no end", b->name);
    return P_OK;
}

p_status drv_open_backend(const drv_backend *backend, const char *unit, const drv_options *options,
                          drv_device **out, p_err *err)
{
    static const drv_options DEFAULTS = {0};
    drv_info info = {0};
    void *impl = NULL;
    p_status s;

    if (!out)
        return p_err_set(err, P_EINVAL, "drv_open_backend: out is NULL");
    *out = NULL;
    s = check_backend(backend, err);
    if (s != P_OK)
        return s;
    unit = unit ? unit : "";
    char name[DRV_NAME_BYTES];
    int length = snprintf(name, sizeof name, "%s%s%s", backend->name, unit[0] ? ":" : "", unit);
    if (length < 0 || (size_t)length >= sizeof name)
        return p_err_set(err, P_EINVAL, "a device's name has %d bytes; expected at most %d", length,
                         DRV_NAME_BYTES - 1);

    s = backend->open(unit, options ? options : &DEFAULTS, &impl, err);
    if (s != P_OK)
        return s;
    backend->info(impl, &info);
    s = check_info(backend, &info, err);
    if (s != P_OK)
        goto close;
    drv_device *d = calloc(1, sizeof *d + info.jobs * sizeof d->runner[0]);
    if (!d) {
        s = p_err_set(err, P_EEXHAUSTED, "no memory for device %s", name);
        goto close;
    }
    d->backend = backend;
    d->impl = impl;
    d->info = info;
    d->info.usable = true;
    memcpy(d->info.name, name, sizeof name);
    d->ordinary.limit = info.memory_bytes;
    s = drv_queue_start(d, err);
    if (s != P_OK) {
        free(d);
        goto close;
    }
    *out = d;
    return P_OK;

close:
    backend->close(impl);
    return s;
}

p_status drv_close(drv_device *device, uint32_t timeout_ms, p_err *err)
{
    if (!device)
        return P_OK;
    p_status s = drv_queue_stop(device, timeout_ms, err);
    if (s != P_OK)
        return s;
    device->backend->close(device->impl);
    device->impl = NULL;
    drv_device_unref(device);
    return P_OK;
}

/* ---- asking ---- */

const drv_info *drv_device_info(const drv_device *device)
{
    return &device->info;
}

p_status drv_ask(drv_device *device, const drv_job *job, bool shape_only, drv_checked *checked,
                 uint64_t *bytes, p_err *err)
{
    *bytes = 0;
    p_status s = drv_check_job(device, job, shape_only, checked, err);
    if (s != P_OK)
        return s;
    s = device->backend->supports(device->impl, job, err);
    if (s != P_OK) {
        p_err_prefix(err, "%s on %s", drv_op_name(job->op), device->info.name);
        return s;
    }
    *bytes = device->backend->estimate(device->impl, job);
    return P_OK;
}

p_status drv_estimate(drv_device *device, const drv_job *job, uint64_t *bytes, p_err *err)
{
    drv_checked checked;

    if (!bytes)
        return p_err_set(err, P_EINVAL, "drv_estimate: bytes is NULL");
    *bytes = 0;
    if (!device || !job)
        return p_err_set(err, P_EINVAL, "drv_estimate: %s is NULL", device ? "job" : "device");
    return drv_ask(device, job, true, &checked, bytes, err);
}

/* ---- buffers ---- */

p_status drv_buffer_alloc(drv_device *device, uint64_t bytes, void **out, p_err *err)
{
    if (!out)
        return p_err_set(err, P_EINVAL, "drv_buffer_alloc: out is NULL");
    *out = NULL;
    if (!device || bytes == 0)
        return p_err_set(err, P_EINVAL, "drv_buffer_alloc: %s",
                         device ? "bytes is 0" : "device is NULL");
    const drv_backend *b = device->backend;
    p_status s = b->buffer_alloc
                     ? b->buffer_alloc(device->impl, bytes, out, err)
                     : p_memory_alloc(&device->ordinary, bytes, 1, "a buffer", out, err);
    if (s != P_OK) {
        *out = NULL;
        return s;
    }
    pthread_mutex_lock(&device->lock);
    device->buffers++;
    pthread_mutex_unlock(&device->lock);
    return P_OK;
}

void drv_buffer_free(drv_device *device, void *buffer, uint64_t bytes)
{
    if (!buffer)
        return;
    if (device->backend->buffer_free)
        device->backend->buffer_free(device->impl, buffer, bytes);
    else
        p_memory_free(&device->ordinary, buffer, bytes, 1);
    pthread_mutex_lock(&device->lock);
    device->buffers--;
    pthread_mutex_unlock(&device->lock);
}
