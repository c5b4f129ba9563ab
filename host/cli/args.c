#include "host/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t find(const cli_option *options, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
            return i;
    return n;
}

p_status cli_args_parse(const cli_option *options, size_t n_options, int argc, char **argv,
                        cli_args *out, p_err *err)
{
    memset(out, 0, sizeof *out);
    out->operands = argv;
    bool only_operands = false;
    for (int i = 0; i < argc; i++) {
        char *a = argv[i];
        if (only_operands || a[0] != '-' || a[1] == 0) {
            argv[out->n_operands++] = a; /* never overtakes i */
            continue;
        }
        if (strcmp(a, "--") == 0) {
            only_operands = true;
            continue;
        }
        if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            out->help = true;
            continue;
        }
        const char *name = a + 2, *equals = strchr(a, '=');
        size_t len = equals ? (size_t)(equals - name) : strlen(a) - (a[1] == '-' ? 2 : 1);
        size_t at = a[1] == '-' ? find(options, n_options, name, len) : n_options;
        if (at == n_options)
            return p_err_set(err, P_EINVAL, "unknown option '%s'", a);
        if (out->values[at])
            return p_err_set(err, P_EINVAL, "option --%s is given twice", options[at].name);
        if (!options[at].value) {
            if (equals)
                return p_err_set(err, P_EINVAL, "option --%s takes no value, found '%s'",
                                 options[at].name, equals + 1);
            out->values[at] = "";
        } else if (equals) {
            out->values[at] = equals + 1;
        } else {
            if (i + 1 == argc)
                return p_err_set(err, P_EINVAL, "option --%s needs a value: %s", options[at].name,
                                 options[at].value);
            out->values[at] = argv[++i];
        }
    }
    return P_OK;
}

const char *cli_args_get(const cli_command *command, const cli_args *args, const char *name)
{
    size_t at = find(command->options, command->n_options, name, strlen(name));
    return at < command->n_options ? args->values[at] : NULL;
}

p_status cli_args_number(const cli_command *command, const cli_args *args, const char *name,
                         uint64_t min, uint64_t max, uint64_t *out, p_err *err)
{
    const char *text = cli_args_get(command, args, name);
    if (!text)
        return P_OK;
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0 || v < min || v > max)
        return p_err_set(err, P_EINVAL,
                         "option --%s: expected a number from %llu to %llu, found '%s'", name,
                         (unsigned long long)min, (unsigned long long)max, text);
    *out = v;
    return P_OK;
}

void cli_args_help(const cli_command *command, FILE *out)
{
    fprintf(out, "usage: zkprover %s%s%s%s\n\n%s\n", command->name,
            command->n_options ? " [OPTION...]" : "", command->operands[0] ? " " : "",
            command->operands, command->summary);
    if (command->details)
        fprintf(out, "\n%s\n", command->details);
    fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < command->n_options; i++) {
        const cli_option *o = &command->options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        fprintf(out, "  %-24s %s\n", left, o->help);
    }
    fprintf(out, "  %-24s %s\n", "--help", "this text");
    fprintf(out, "\nexit codes: 0 ok, 1 failure, 2 usage, 3 configuration, 4 missing artefact, "
                 "device or feature, 5 refused for size\n");
}

cli_exit cli_exit_of(p_status status)
{
    switch (status) {
    case P_OK:
        return CLI_OK;
    case P_EMISSING:
    case P_EUNSUPPORTED:
        return CLI_MISSING;
    case P_EEXHAUSTED:
        return CLI_REFUSED;
    default:
        return CLI_FAILURE;
    }
}

cli_exit cli_fail(const p_err *err)
{
    fprintf(stderr, "zkprover: %s\n", err->text);
    return cli_exit_of(err->status);
}

cli_exit cli_usage(const cli_command *command, const p_err *err)
{
    fprintf(stderr, "zkprover %s: %s (see zkprover %s --help)\n", command->name, err->text,
            command->name);
    return CLI_USAGE;
}
