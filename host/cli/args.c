#include "host/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMNS 79

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
    if (n_options > CLI_MAX_OPTIONS)
        return p_err_set(err, P_EINTERNAL, "a command has %zu options, the table has %d places",
                         n_options, CLI_MAX_OPTIONS);
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
        } else if (options[at].value[0] == '[') {
            bool number = i + 1 < argc && argv[i + 1][0] >= '0' && argv[i + 1][0] <= '9';
            out->values[at] = number ? argv[++i] : "";
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
    size_t at = find(command->options, command->n_options, name, strlen(name));
    const char *text = at < command->n_options ? args->values[at] : NULL;
    if (!text || (!text[0] && command->options[at].value[0] == '['))
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

/* Prints words of text[0..len) up to HELP_COLUMNS; the cursor is at column indent, where further
 * lines begin too. */
static void print_wrapped(FILE *out, const char *text, size_t len, size_t indent)
{
    size_t column = indent;
    for (size_t i = 0; i < len;) {
        while (i < len && (text[i] == ' ' || text[i] == '\n'))
            i++;
        size_t n = 0;
        while (i + n < len && text[i + n] != ' ' && text[i + n] != '\n')
            n++;
        if (n > 0 && column > indent && column + 1 + n > HELP_COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (n > 0 && column > indent) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)n, text + i);
        column += n;
        i += n;
    }
    fputc('\n', out);
}

/* Paragraphs are wrapped; a line that begins with a blank stays as it is. */
static void print_details(FILE *out, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (*text == ' ' || n == 0) {
            fprintf(out, "%.*s\n", (int)n, text);
        } else {
            while (text[n] == '\n' && text[n + 1] && text[n + 1] != '\n' && text[n + 1] != ' ')
                n += 1 + strcspn(text + n + 1, "\n");
            print_wrapped(out, text, n, 0);
        }
        text += n + (text[n] == '\n');
    }
}

void cli_args_help(const cli_command *command, FILE *out)
{
    static const char codes[] = "exit codes: 0 ok, 1 failure, 2 usage, 3 configuration, 4 missing "
                                "artefact, device or feature, 5 refused for size";
    fprintf(out, "usage: zkprover %s%s%s%s\n\n%s\n", command->name,
            command->n_options ? " [OPTION...]" : "", command->operands[0] ? " " : "",
            command->operands, command->summary);
    if (command->details) {
        fputc('\n', out);
        print_details(out, command->details);
    }
    fprintf(out, "\noptions:\n");
    for (size_t i = 0; i <= command->n_options; i++) {
        static const cli_option help = {"help", NULL, "this text"};
        const cli_option *o = i < command->n_options ? &command->options[i] : &help;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        fprintf(out, "  %-24s ", left);
        print_wrapped(out, o->help, strlen(o->help), 27);
    }
    fputc('\n', out);
    print_wrapped(out, codes, sizeof codes - 1, 0);
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
