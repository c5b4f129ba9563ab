/* zkprover devices: what the driver finds, and whether one of them works. */
#include "driver/driver.h"
#include "host/cli/cli.h"
#include "host/cli/output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_MS 10000

static drv_options options_of(const cli_command *self, const cli_args *args)
{
    return (drv_options){.bitstreams = cli_args_get(self, args, "bitstreams"),
                         .card_program = cli_args_get(self, args, "card-program")};
}

static void memory_text(uint64_t bytes, char out[32])
{
    if (bytes == UINT64_MAX || bytes == 0)
        snprintf(out, 32, "-");
    else
        snprintf(out, 32, "%" PRIu64 " MB", bytes / 1000000);
}

static const char *rank_text(const drv_info *d)
{
    if (!d->usable)
        return "cannot be used";
    return d->rank == DRV_RANK_NAMED_ONLY ? "usable when named" : "usable";
}

/* The one that auto takes, if it opens: the first usable of the highest rank. */
static const drv_info *preferred(const drv_info *found, size_t n)
{
    const drv_info *best = NULL;

    for (size_t i = 0; i < n; i++)
        if (found[i].usable && found[i].rank > (best ? best->rank : DRV_RANK_NAMED_ONLY))
            best = &found[i];
    return best;
}

static void print_one(const drv_info *d, bool is_best, bool as_json)
{
    char memory[32];

    if (as_json) {
        json_t *o = json_object();
        json_object_set_new(o, "name", output_json_text(d->name));
        json_object_set_new(o, "usable", json_boolean(d->usable));
        json_object_set_new(o, "rank", json_integer(d->rank));
        json_object_set_new(o, "auto", json_boolean(is_best));
        json_object_set_new(o, "memoryBytes",
                            d->memory_bytes == UINT64_MAX
                                ? json_null()
                                : json_integer((json_int_t)d->memory_bytes));
        json_object_set_new(o, "jobs", json_integer(d->jobs));
        json_object_set_new(o, "about", output_json_text(d->about));
        output_json_line(stdout, o);
        return;
    }
    memory_text(d->usable ? d->memory_bytes : UINT64_MAX, memory);
    printf("%s%s\n  %s, memory %s\n  %s\n", d->name, is_best ? "  (auto)" : "", rank_text(d),
           memory, d->about);
}

static cli_exit list(const drv_options *options, bool as_json)
{
    size_t room = drv_list(options, NULL, 0) + 1, n;
    drv_info *found = calloc(room, sizeof *found);
    const drv_info *best;

    if (!found) {
        fprintf(stderr, "zkprover devices: no memory\n");
        return CLI_FAILURE;
    }
    n = drv_list(options, found, room);
    n = n < room ? n : room;
    best = preferred(found, n);
    for (size_t i = 0; i < n; i++)
        print_one(&found[i], &found[i] == best, as_json);
    free(found);
    return CLI_OK;
}

static void on_log(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "zkprover devices: %s\n", text);
}

/* Opening a card loads its image and puts its kernels through known answers. */
static cli_exit try_one(const drv_options *options, const char *name, bool as_json)
{
    drv_options o = *options;
    drv_device *device;
    p_err err = {0};

    o.log = on_log;
    if (drv_open(strcmp(name, "auto") == 0 ? NULL : name, &o, &device, &err) != P_OK) {
        cli_exit code = cli_fail(&err);
        return err.status == P_EINVAL || err.status == P_EEXHAUSTED ? code : CLI_MISSING;
    }
    print_one(drv_device_info(device), false, as_json);
    if (!as_json)
        printf("  opened, and closed again\n");
    return drv_close(device, CLOSE_MS, &err) == P_OK ? CLI_OK : cli_fail(&err);
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    drv_options options = options_of(self, args);
    bool as_json = cli_args_get(self, args, "json") != NULL;

    if (args->n_operands > 1) {
        p_err_set(&err, P_EINVAL, "expected one NAME at most, found %zu", args->n_operands);
        return cli_usage(self, &err);
    }
    return args->n_operands == 0 ? list(&options, as_json)
                                 : try_one(&options, args->operands[0], as_json);
}

static const cli_option options[] = {
    {"bitstreams", "DIR",
     "folder of the cards' manifest.json ($ZKP_BITSTREAMS, else the installed one)"},
    {"card-program", "FILE", "zkp-card ($ZKP_CARD, else the one beside this program)"},
    {"json", NULL, "one JSON object a device"},
};

/* clang-format off: one line of text a line */
static const char details[] = "Without NAME: each device that the driver finds, also those that "
                              "cannot be used, with what was\n"
                              "looked for, what was found, and what mends it. It claims no "
                              "hardware. (auto) marks the one that\n"
                              "is taken when none is named.\n"
                              "With NAME (or auto): opens that device, which loads a card's image "
                              "and puts its kernels through\n"
                              "known answers, and closes it; exit code 4 if it cannot be used.";
/* clang-format on */

const cli_command cli_cmd_devices = {
    .name = "devices",
    .operands = "[NAME]",
    .summary = "list the devices for heavy work, or try one",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
