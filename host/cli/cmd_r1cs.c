/* zkprover r1cs: what a circuit's file holds, and whether a witness satisfies it. */
#include "host/cli/cli.h"
#include "host/cli/output.h"
#include "host/r1cs/check.h"

#include <inttypes.h>
#include <string.h>

static void print_info(const r1cs_file *f, const r1cs_file_counts *counts, bool json)
{
    const r1cs_file_header *h = &f->header;
    const struct {
        const char *name, *text;
        uint64_t value;
    } rows[] = {{"constraints", "constraints", h->constraints},
                {"wires", "wires (with wire 0)", h->wires},
                {"publicOutputs", "public outputs", h->outputs},
                {"publicInputs", "public inputs", h->inputs},
                {"privateInputs", "private inputs", h->private_inputs},
                {"labels", "labels", h->labels},
                {"termsA", "terms of A", counts->terms[0]},
                {"termsB", "terms of B", counts->terms[1]},
                {"termsC", "terms of C", counts->terms[2]}};
    json_t *o = json ? json_object() : NULL;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (json)
            json_object_set_new(o, rows[i].name, json_integer((json_int_t)rows[i].value));
        else
            printf("%-20s %" PRIu64 "\n", rows[i].text, rows[i].value);
    }
    if (json)
        output_json_line(stdout, o);
}

static cli_exit info(const cli_command *self, const cli_args *args)
{
    r1cs_file f;
    r1cs_file_counts counts;
    p_err err = {0};
    p_status s;

    if (args->n_operands != 2) {
        p_err_set(&err, P_EINVAL, "expected info R1CS, found %zu files", args->n_operands - 1);
        return cli_usage(self, &err);
    }
    s = r1cs_file_open(&f, args->operands[1], &err);
    if (s == P_OK)
        s = r1cs_file_check(&f, &counts, &err);
    if (s == P_OK)
        print_info(&f, &counts, cli_args_get(self, args, "json") != NULL);
    r1cs_file_close(&f);
    return s == P_OK ? CLI_OK : cli_fail(&err);
}

static cli_exit check(const cli_command *self, const cli_args *args)
{
    p_err err = {0};

    if (args->n_operands != 3) {
        p_err_set(&err, P_EINVAL, "expected check R1CS WTNS, found %zu files",
                  args->n_operands - 1);
        return cli_usage(self, &err);
    }
    if (r1cs_check_files(args->operands[1], args->operands[2], NULL, &err) != P_OK)
        return cli_fail(&err);
    puts("the witness satisfies all constraints");
    return CLI_OK;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    const char *action = args->n_operands ? args->operands[0] : "";
    p_err err = {0};

    if (strcmp(action, "info") == 0)
        return info(self, args);
    if (strcmp(action, "check") == 0)
        return check(self, args);
    p_err_set(&err, P_EINVAL, "expected info or check, found '%.40s'", action);
    return cli_usage(self, &err);
}

static const cli_option options[] = {
    {"json", NULL, "info: one JSON object"},
};

/* clang-format off: one line of text a line */
static const char details[] =
    "info R1CS          reads a circuit's file to its end and prints what it holds\n"
    "check R1CS WTNS    exit code 0 only if the witness satisfies every constraint; else the "
    "first\n"
    "                   that does not hold, with its name if the file has names\n"
    "\n"
    "The files are those of circom and snarkjs for BN254 (bn128).";
/* clang-format on */

const cli_command cli_cmd_r1cs = {
    .name = "r1cs",
    .operands = "info R1CS | check R1CS WTNS",
    .summary = "show circuits' files, check witnesses",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
