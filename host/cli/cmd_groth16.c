/* zkprover groth16: proofs with snarkjs' keys, and their verification. */
#include "host/cli/cmd_groth16.h"

#include "driver/base/memory.h"
#include "host/cli/output.h"
#include "host/cli/terminal.h"
#include "host/groth16/json.h"
#include "host/groth16/prover.h"
#include "host/iden3/wtns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_MS 10000

p_status cmd_groth16_write_json(const char *path, json_t *value, p_err *err)
{
    p_status s = value ? output_json_file(path, value, err)
                       : p_err_set(err, P_EEXHAUSTED, "%s: no memory", path);

    json_decref(value);
    return s;
}

/* ---- prove ---- */

typedef struct proving {
    drv_device *device, *cpu; /* device is NULL if it is the CPU */
    zkey key;
    wtns witness;
    uint64_t *values;
    groth16_options options;
    groth16_report report;
    bool json, redraw;
} proving;

static void show_phase(void *context, groth16_phase phase, unsigned percent)
{
    const proving *p = context;

    if (p->redraw)
        terminal_line(stderr, percent == 100 ? "" : groth16_phase_name(phase));
}

static void tell(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "zkprover groth16: %s\n", text);
}

static p_status open_devices(const cli_command *self, const cli_args *args, proving *p, p_err *err)
{
    uint64_t threads = 0;
    const char *name = cli_args_get(self, args, "device");
    p_status s = cli_args_number(self, args, "threads", 1, GROTH16_MAX_THREADS, &threads, err);
    drv_options o = {.threads = (unsigned)threads, .log = tell};

    if (s == P_OK)
        s = drv_open("cpu", &o, &p->cpu, err);
    if (s == P_OK && name && strcmp(name, "cpu") != 0)
        s = drv_open(strcmp(name, "auto") == 0 ? NULL : name, &o, &p->device, err);
    p->options = (groth16_options){.device = p->device ? p->device : p->cpu,
                                   .cpu = p->cpu,
                                   .threads = (unsigned)threads,
                                   .production = cli_args_get(self, args, "production") != NULL,
                                   .progress = show_phase,
                                   .context = p};
    return s;
}

/* In every run: a key that anybody could prove anything with. */
static void warn(const zkey *key)
{
    if (key->setup == ZKEY_SETUP_DEV_INSECURE)
        fprintf(stderr,
                "zkprover groth16: warning: %s is of a development setup (insecure): whoever made "
                "it may prove anything\n",
                key->file.path);
    else if (key->setup == ZKEY_SETUP_NO_CONTRIBUTION)
        fprintf(stderr,
                "zkprover groth16: warning: %s has no contribution (insecure): everyone can prove "
                "anything with it\n",
                key->file.path);
}

/* The witness in memory, after a look at what the whole takes. */
static p_status load(proving *p, const char *key_path, const char *witness_path, p_err *err)
{
    uint64_t need, have = p_memory_available();
    p_status s = zkey_open(&p->key, key_path, err);

    if (s == P_OK && p->options.production)
        s = zkey_check_production(&p->key, err);
    if (s == P_OK)
        warn(&p->key);
    if (s == P_OK)
        s = wtns_open(&p->witness, witness_path, err);
    if (s != P_OK)
        return s;
    if (p->witness.count != p->key.n_wires)
        return p_err_set(err, P_EINVAL,
                         "%s has %" PRIu32 " values, %s is of a circuit with %" PRIu32
                         " wires: they do not belong together",
                         witness_path, p->witness.count, key_path, p->key.n_wires);
    s = groth16_memory(&p->key, &p->options, &need, err);
    need += (uint64_t)p->witness.count * 32;
    if (s == P_OK && need > have)
        return p_err_set(err, P_EEXHAUSTED,
                         "the proof takes %" PRIu64 " MB of memory, the system has %" PRIu64
                         " MB left",
                         need / 1000000 + 1, have / 1000000);
    if (s == P_OK && !(p->values = malloc((size_t)p->witness.count * 32)))
        s = p_err_set(err, P_EEXHAUSTED, "no memory for the witness");
    return s == P_OK ? wtns_read(&p->witness, p->values, err) : s;
}

static void print_report(const proving *p)
{
    double sum = 0;

    if (p->json) {
        json_t *o = json_object();

        for (int i = 0; i < GROTH16_PHASES; i++)
            json_object_set_new(o, groth16_phase_name((groth16_phase)i),
                                json_real(p->report.seconds[i]));
        json_object_set_new(o, "repeated", json_boolean(p->report.repeated));
        json_object_set_new(o, "setup", json_string(zkey_setup_name(p->key.setup)));
        output_json_line(stdout, o);
        return;
    }
    for (int i = 0; i < GROTH16_PHASES; i++) {
        printf("%-10s %8.3f s\n", groth16_phase_name((groth16_phase)i), p->report.seconds[i]);
        sum += p->report.seconds[i];
    }
    printf("%-10s %8.3f s, verified\n", "in all", sum);
    if (p->report.repeated)
        printf("the device's first proof did not hold: it was made again on the CPU\n");
}

static cli_exit prove(const cli_command *self, const cli_args *args)
{
    proving p = {.json = cli_args_get(self, args, "json") != NULL,
                 .redraw = terminal_can_redraw(stderr)};
    char **file = args->operands + 1;
    groth16_proof proof;
    p_err err = {0};
    cli_exit code = CLI_OK;
    p_status s;

    if (args->n_operands != 5) {
        p_err_set(&err, P_EINVAL,
                  "expected prove ZKEY WTNS PROOF.json PUBLIC.json, found %zu files",
                  args->n_operands - 1);
        return cli_usage(self, &err);
    }
    p.key.file.fd = p.witness.file.fd = -1;
    s = open_devices(self, args, &p, &err);
    if (s == P_EINVAL)
        code = cli_usage(self, &err);
    if (s == P_OK)
        s = load(&p, file[0], file[1], &err);
    if (s == P_OK)
        s = groth16_prove(&p.key, p.values, &p.options, &proof, &p.report, &err);
    if (s == P_OK)
        s = cmd_groth16_write_json(file[2], groth16_proof_json(&proof), &err);
    if (s == P_OK)
        s = cmd_groth16_write_json(file[3], groth16_public_json(p.values + 4, p.key.n_public),
                                   &err);
    if (s == P_OK)
        print_report(&p);
    else if (code == CLI_OK)
        code = cli_fail(&err);
    if (p.values)
        explicit_bzero(p.values, (size_t)p.witness.count * 32);
    free(p.values);
    wtns_close(&p.witness);
    zkey_close(&p.key);
    (void)drv_close(p.device, CLOSE_MS, NULL);
    (void)drv_close(p.cpu, CLOSE_MS, NULL);
    return code;
}

/* ---- verify ---- */

static cli_exit verify(const cli_command *self, const cli_args *args)
{
    char **file = args->operands + 1;
    groth16_vk vk = {0};
    groth16_proof proof;
    uint64_t *values = NULL;
    uint32_t count = 0;
    p_err err = {0};
    p_status s;

    if (args->n_operands != 4) {
        p_err_set(&err, P_EINVAL,
                  "expected verify VERIFICATION_KEY.json PUBLIC.json PROOF.json, found %zu files",
                  args->n_operands - 1);
        return cli_usage(self, &err);
    }
    s = groth16_vk_read(file[0], &vk, &err);
    if (s == P_OK)
        s = groth16_public_read(file[1], &values, &count, &err);
    if (s == P_OK)
        s = groth16_proof_read(file[2], &proof, &err);
    if (s == P_OK && count != vk.n_public)
        s = p_err_set(&err, P_EINVAL,
                      "%s has %" PRIu32 " values, the key is for %" PRIu32 " public ones", file[1],
                      count, vk.n_public);
    if (s == P_OK)
        s = groth16_verify(&vk, &proof, values, &err);
    free(values);
    groth16_vk_free(&vk);
    if (s != P_OK)
        return cli_fail(&err);
    puts("the proof holds");
    return CLI_OK;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    static const struct {
        const char *name;
        cli_exit (*run)(const cli_command *self, const cli_args *args);
    } actions[] = {{"prove", prove},
                   {"verify", verify},
                   {"export-vk", cmd_groth16_export_vk},
                   {"setup", cmd_groth16_setup},
                   {"ptau", cmd_groth16_ptau},
                   {"export-solidity", cmd_groth16_export_solidity}};
    static const struct {
        const char *option, *action;
    } only[] = {{"device", "prove"}, {"production", "prove"}, {"ptau", "setup"}};
    const char *action = args->n_operands ? args->operands[0] : "";
    p_err err = {0};

    for (size_t i = 0; i < sizeof only / sizeof only[0]; i++)
        if (cli_args_get(self, args, only[i].option) && strcmp(action, only[i].action) != 0) {
            p_err_set(&err, P_EINVAL, "--%s has a meaning for groth16 %s only", only[i].option,
                      only[i].action);
            return cli_usage(self, &err);
        }
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(action, actions[i].name) == 0)
            return actions[i].run(self, args);
    p_err_set(&err, P_EINVAL,
              "expected setup, ptau, prove, verify, export-vk or export-solidity, found '%.40s'",
              action);
    return cli_usage(self, &err);
}

static const cli_option options[] = {
    {"device", "D", "prove: device of the transforms and sums (default cpu; auto: the best)"},
    {"threads", "T", "setup, ptau, prove: threads (default: all this process may use)"},
    {"json", NULL, "setup, prove: one JSON object with seconds and the key's setup"},
    {"production", NULL, "prove: refuse keys of development setups, or without a contribution"},
    {"ptau", "FILE", "setup: powers of tau, prepared for phase 2"},
};

/* clang-format off: one line of text a line */
static const char details[] =
    "ptau POWER OUT.ptau                         insecure powers of tau for development, for "
    "2^POWER rows\n"
    "setup R1CS ZKEY                             an insecure key for development; with --ptau the "
    "initial\n"
    "                                            key of phase 2, as snarkjs zkey new makes it\n"
    "prove ZKEY WTNS PROOF.json PUBLIC.json      proves with a key and a witness of snarkjs, "
    "verifies\n"
    "                                            the proof, and writes both files\n"
    "verify VERIFICATION_KEY.json PUBLIC.json PROOF.json\n"
    "                                            exit code 0 only if the proof holds\n"
    "export-vk ZKEY VERIFICATION_KEY.json        the verifying key of a proving key\n"
    "export-solidity ZKEY|VERIFICATION_KEY.json OUT.sol\n"
    "                                            a contract that verifies the key's proofs\n"
    "\n"
    "The files are those of snarkjs 0.7 for BN254 (bn128).";
/* clang-format on */

const cli_command cli_cmd_groth16 = {
    .name = "groth16",
    .operands = "setup|ptau|prove|verify|export-vk|export-solidity FILE...",
    .summary = "Groth16: keys, proofs, verification with snarkjs' files",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
