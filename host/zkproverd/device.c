#include "host/zkproverd/device.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** No job is left when the server closes its device, so this is for hardware that hangs. */
#define CLOSE_MS 10000

static bool is_auto(const config *c)
{
    return strcmp(c->device, "auto") == 0;
}

static void on_log(void *log, const char *text)
{
    log_event(log, LOG_WARN, "device", "{s:s, s:s}", "what", "trouble", "text", text);
}

static drv_options options_of(const config *c, logger *log)
{
    p_isa isa; /* one that this CPU lacks means the best below it, which is the default */

    return (drv_options){.isa = p_isa_parse(c->isa, &isa) && p_isa_supported(isa) ? c->isa : NULL,
                         .memory_bytes = c->limits_device_memory_bytes,
                         .bitstreams = c->cards_bitstreams[0] ? c->cards_bitstreams : NULL,
                         .card_program = c->cards_program[0] ? c->cards_program : NULL,
                         .log = log ? on_log : NULL,
                         .log_context = log};
}

/* All that there are, to be freed; NULL without memory. */
static drv_info *list(const drv_options *options, size_t *n)
{
    size_t room = drv_list(options, NULL, 0) + 1;
    drv_info *found = calloc(room, sizeof *found);
    size_t count = found ? drv_list(options, found, room) : 0;

    *n = count < room ? count : room;
    return found;
}

/* The device that a name means. What follows a '/' chooses among what one device can be. */
static const drv_info *find(const drv_info *found, size_t n, const char *name)
{
    size_t length = strcspn(name, "/");

    for (size_t i = 0; i < n; i++)
        if (strlen(found[i].name) == length && memcmp(found[i].name, name, length) == 0)
            return &found[i];
    return NULL;
}

p_status device_check(const config *c, p_err *err)
{
    char names[P_ERR_TEXT_BYTES / 2] = "";
    drv_options options = options_of(c, NULL);
    size_t n;
    drv_info *found;
    const drv_info *device;
    p_status s = P_OK;

    if (is_auto(c))
        return P_OK;
    found = list(&options, &n);
    if (!found)
        return p_err_set(err, P_EEXHAUSTED, "device: no memory to list the devices");
    device = find(found, n, c->device);
    if (!device) {
        for (size_t i = 0, at = 0; i < n && at < sizeof names; i++)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i > 0 ? ", " : "",
                                   found[i].name);
        s = p_err_set(err, P_ENOTFOUND,
                      "device: '%s' is not there; found %s (`zkprover devices` says more; auto "
                      "takes the best)",
                      c->device, names);
    } else if (!device->usable) {
        s = p_err_set(err, P_EMISSING, "device: '%s' cannot be used: %s", c->device, device->about);
    }
    free(found);
    return s;
}

p_status device_open(const config *c, logger *log, drv_device **out, p_err *err)
{
    drv_options options = options_of(c, log);
    size_t n;
    drv_info *found = list(&options, &n);
    p_status s;

    *out = NULL;
    for (size_t i = 0; found && i < n; i++)
        log_event(log, LOG_INFO, "device", "{s:s, s:s, s:b, s:s}", "what", "found", "name",
                  found[i].name, "usable", found[i].usable, "about", found[i].about);
    free(found);
    s = drv_open(is_auto(c) ? NULL : c->device, &options, out, err);
    if (s != P_OK) {
        p_err_prefix(err, "device '%s'", c->device);
        return s;
    }
    log_event(log, LOG_INFO, "device", "{s:s, s:s, s:s, s:s}", "what", "chosen", "name",
              drv_device_info(*out)->name, "about", drv_device_info(*out)->about, "why",
              is_auto(c) ? "the best of those that can be used" : "configured");
    return P_OK;
}

void device_close(drv_device *device, const logger *log)
{
    p_err err = {0};

    if (drv_close(device, CLOSE_MS, &err) != P_OK)
        log_event(log, LOG_WARN, "device", "{s:s, s:s}", "what", "not closed", "text", err.text);
}
