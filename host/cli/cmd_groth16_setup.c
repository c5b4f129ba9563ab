/* zkprover groth16 setup, export-vk, export-solidity: keys. */
#include "driver/base/clock.h"
#include "host/cli/cmd_groth16.h"
#include "host/cli/output.h"
#include "host/cli/terminal.h"
#include "host/groth16/json.h"
#include "host/groth16/ptau_dev.h"
#include "host/groth16/setup.h"
#include "host/groth16/solidity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void show(void *context, const char *what, unsigned percent)
{
    char line[80];

    if (!*(const bool *)context)
        return;
    snprintf(line, sizeof line, "%s %u%%", what, percent);
    terminal_line(stderr, *what ? line : "");
}

static void print_report(const groth16_setup_report *r, zkey_setup setup, bool json)
{
    if (json) {
        output_json_line(
            stdout,
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:I}", "setup", zkey_setup_name(setup),
                      "constraints", (json_int_t)r->constraints, "wires", (json_int_t)r->wires,
                      "publics", (json_int_t)r->publics, "domain_log2", (json_int_t)r->domain_log2,
                      "seconds", r->seconds, "memory_bytes", (json_int_t)r->memory_bytes));
        return;
    }
    printf("%" PRIu64 " constraints, %" PRIu32 " wires, %" PRIu32 " public, domain 2^%" PRIu32
           ": %.3f s, %" PRIu64 " MB\n",
           r->constraints, r->wires, r->publics, r->domain_log2, r->seconds,
           r->memory_bytes / 1000000 + 1);
}

cli_exit cmd_groth16_setup(const cli_command *self, const cli_args *args)
{
    const char *powers = cli_args_get(self, args, "ptau");
    bool redraw = terminal_can_redraw(stderr), json = cli_args_get(self, args, "json") != NULL;
    char **file = args->operands + 1;
    groth16_setup_options o = {.progress = show, .context = &redraw};
    groth16_setup_report report;
    uint64_t threads = 0;
    p_err err = {0};
    p_status s;

    if (args->n_operands != 3)
        p_err_set(&err, P_EINVAL, "expected setup R1CS ZKEY, found %zu files",
                  args->n_operands - 1);
    else
        cli_args_number(self, args, "threads", 1, GROTH16_MAX_THREADS, &threads, &err);
    if (err.status != P_OK)
        return cli_usage(self, &err);
    o.threads = (unsigned)threads;
    if (powers)
        s = groth16_setup_ptau(file[0], powers, file[1], &o, &report, &err);
    else
        s = groth16_setup_dev(file[0], file[1], &o, &report, &err);
    if (s != P_OK)
        return cli_fail(&err);
    print_report(&report, report.dev ? ZKEY_SETUP_DEV_INSECURE : ZKEY_SETUP_NO_CONTRIBUTION, json);
    if (!report.dev)
        fprintf(stderr,
                "zkprover groth16: %s is not safe yet: everyone can prove anything with it until "
                "someone has contributed (snarkjs zkey contribute)\n",
                file[1]);
    else
        fprintf(stderr,
                "zkprover groth16: warning: %s is of a development setup (insecure): the process "
                "that made %s knew secrets that allow to prove anything with it\n",
                file[1], powers ? "the powers of tau" : "it");
    return CLI_OK;
}

cli_exit cmd_groth16_ptau(const cli_command *self, const cli_args *args)
{
    bool redraw = terminal_can_redraw(stderr);
    char **operand = args->operands + 1, *end;
    groth16_setup_options o = {.progress = show, .context = &redraw};
    groth16_setup_report report;
    uint64_t threads = 0;
    unsigned long power = 0;
    p_err err = {0};
    p_status s;

    if (args->n_operands != 3)
        p_err_set(&err, P_EINVAL, "expected ptau POWER OUT.ptau, found %zu arguments",
                  args->n_operands - 1);
    else {
        power = strtoul(operand[0], &end, 10);
        if (*operand[0] < '0' || *operand[0] > '9' || *end || power < 1 ||
            power > GROTH16_PTAU_DEV_MAX_POWER)
            p_err_set(&err, P_EINVAL, "POWER: expected a number from 1 to %d, found '%.40s'",
                      GROTH16_PTAU_DEV_MAX_POWER, operand[0]);
        else
            cli_args_number(self, args, "threads", 1, GROTH16_MAX_THREADS, &threads, &err);
    }
    if (err.status != P_OK)
        return cli_usage(self, &err);
    o.threads = (unsigned)threads;
    s = groth16_ptau_dev(operand[1], (uint32_t)power, true, &o, &report, &err);
    if (s != P_OK)
        return cli_fail(&err);
    printf("powers of tau for 2^%lu rows: %.3f s, %" PRIu64 " MB\n", power, report.seconds,
           report.memory_bytes / 1000000 + 1);
    fprintf(
        stderr,
        "zkprover groth16: warning: %s is for development (insecure): this process knew secrets "
        "that allow to prove anything with its keys\n",
        operand[1]);
    return CLI_OK;
}

cli_exit cmd_groth16_export_vk(const cli_command *self, const cli_args *args)
{
    zkey key;
    p_err err = {0};
    p_status s;

    if (args->n_operands != 3) {
        p_err_set(&err, P_EINVAL, "expected export-vk ZKEY VERIFICATION_KEY.json, found %zu files",
                  args->n_operands - 1);
        return cli_usage(self, &err);
    }
    s = zkey_open(&key, args->operands[1], &err);
    if (s == P_OK)
        s = cmd_groth16_write_json(args->operands[2], groth16_vk_json(&key.vk), &err);
    zkey_close(&key);
    return s == P_OK ? CLI_OK : cli_fail(&err);
}

static bool is_json(const char *path)
{
    size_t n = strlen(path);

    return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

cli_exit cmd_groth16_export_solidity(const cli_command *self, const cli_args *args)
{
    char **file = args->operands + 1;
    const char *warning = NULL;
    char *text = NULL;
    groth16_vk vk = {0};
    zkey key = {.file.fd = -1};
    p_err err = {0};
    p_status s;

    if (args->n_operands != 3) {
        p_err_set(&err, P_EINVAL,
                  "expected export-solidity ZKEY|VERIFICATION_KEY.json OUT.sol, found %zu files",
                  args->n_operands - 1);
        return cli_usage(self, &err);
    }
    if (is_json(file[0]))
        s = groth16_vk_read(file[0], &vk, &err);
    else
        s = zkey_open(&key, file[0], &err);
    if (s == P_OK && !is_json(file[0]) && key.setup != ZKEY_SETUP_CONTRIBUTED) {
        warning = key.setup == ZKEY_SETUP_DEV_INSECURE
                      ? "INSECURE: of a development setup, whose maker can prove anything."
                      : "INSECURE: of a key without a contribution: everyone can prove anything.";
        fprintf(stderr, "zkprover groth16: warning: %s: %s\n", file[0], warning);
    }
    if (s == P_OK)
        s = groth16_solidity(is_json(file[0]) ? &vk : &key.vk, warning, &text, &err);
    if (s == P_OK)
        s = output_text_file(file[1], text, &err);
    free(text);
    groth16_vk_free(&vk);
    zkey_close(&key);
    return s == P_OK ? CLI_OK : cli_fail(&err);
}
