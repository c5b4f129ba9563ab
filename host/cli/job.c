#include "host/cli/job.h"

#include "driver/base/clock.h"
#include "host/cli/output.h"
#include "host/cli/terminal.h"
#include "host/cli/value.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BAR_COLUMNS 20
#define SHOWN_SECONDS 1   /* between questions while progress is drawn */
#define SILENT_SECONDS 30 /* and otherwise: the answer comes at once when the job ends */
#define RETRY_MS 500
#define MAX_DECIMAL_DIGITS 77 /* of a number below the field's prime, which is below 2^254 */

typedef Zkprover__V1__GetProofResponse__ResultGetProof result_get_proof;
#define RESULT(name) ZKPROVER__V1__GET_PROOF_RESPONSE__RESULT_GET_PROOF__RESULT_GET_PROOF_##name

static const struct {
    result_get_proof value;
    const char *name, *word;
} results[] = {
    {RESULT(COMPLETED_OK), "COMPLETED_OK", "proved"},       {RESULT(ERROR), "ERROR", "unknown"},
    {RESULT(COMPLETED_ERROR), "COMPLETED_ERROR", "failed"}, {RESULT(PENDING), "PENDING", "pending"},
    {RESULT(INTERNAL_ERROR), "INTERNAL_ERROR", "failed"},   {RESULT(CANCEL), "CANCEL", "cancelled"},
};
#define N_RESULTS (sizeof results / sizeof results[0])

const char *job_word(int result)
{
    for (size_t i = 0; i < N_RESULTS; i++)
        if ((int)results[i].value == result)
            return results[i].word;
    return "?";
}

const char *job_result_name(int result)
{
    for (size_t i = 0; i < N_RESULTS; i++)
        if ((int)results[i].value == result)
            return results[i].name;
    return "UNSPECIFIED";
}

int job_percent(const char *text)
{
    const char *sign = strchr(text, '%');
    if (!sign)
        return -1;
    while (sign > text && sign[-1] == ' ')
        sign--;
    const char *start = sign;
    while (start > text && start[-1] >= '0' && start[-1] <= '9')
        start--;
    if (start == sign || sign - start > 3)
        return -1;
    int v = atoi(start);
    return v <= 100 ? v : -1;
}

/* ---- waiting ---- */

static void sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void draw(const char *id, const char *text, double elapsed)
{
    char line[512], bar[BAR_COLUMNS + 3] = "";
    int percent = job_percent(text);
    if (percent >= 0) {
        int full = percent * BAR_COLUMNS / 100;
        memset(bar, '.', sizeof bar);
        memset(bar + 1, '#', (size_t)full);
        bar[0] = '[';
        bar[BAR_COLUMNS + 1] = ']';
        bar[BAR_COLUMNS + 2] = 0;
    }
    /* eight digits name a job well enough: the line has to fit 80 columns */
    snprintf(line, sizeof line, "%.8s  %3d:%02d  %s%s%s", id, (int)elapsed / 60, (int)elapsed % 60,
             bar, bar[0] ? "  " : "", text);
    terminal_line(stderr, line);
}

p_status job_wait(service *s, const char *id, uint64_t seconds, service_proof **out,
                  char reason[SERVICE_REASON_BYTES], p_err *err)
{
    bool shown = seconds > 0 && terminal_can_redraw(stderr);
    double start = p_clock_seconds(CLOCK_MONOTONIC),
           lost = 0; /* lost: since when the service is away */
    p_status st;
    if (shown)
        terminal_guard();
    for (;;) {
        double asked = p_clock_seconds(CLOCK_MONOTONIC);
        uint64_t left = 0, most = shown ? SHOWN_SECONDS : SILENT_SECONDS;
        if (seconds == JOB_NO_LIMIT || asked - start < (double)seconds)
            left = seconds == JOB_NO_LIMIT ? most
                                           : seconds - (uint64_t)(asked - start); /* at least 1 */
        st = service_get_proof(s, id, left < most ? left : most, out, reason, err);
        /* nobody here cancels: a call that meets a server just leaving ends like that */
        bool away = (st == P_EUNAVAILABLE || st == P_ECANCELLED) && left > 0;
        if (away && lost == 0)
            lost = asked;
        if (away && p_clock_seconds(CLOCK_MONOTONIC) - lost < (double)s->connect_seconds) {
            if (shown)
                draw(id, "the service is away; trying again",
                     p_clock_seconds(CLOCK_MONOTONIC) - start);
            sleep_ms(RETRY_MS);
            continue;
        }
        if (st != P_OK || (*out)->result != RESULT(PENDING) || left == 0)
            break;
        lost = 0;
        if (shown)
            draw(id, (*out)->result_string, p_clock_seconds(CLOCK_MONOTONIC) - start);
        service_proof_free(*out);
        *out = NULL;
        if (p_clock_seconds(CLOCK_MONOTONIC) - asked <
            RETRY_MS / 1000.0) /* answered early: the service drains */
            sleep_ms(RETRY_MS);
    }
    if (shown)
        terminal_line(stderr, "");
    if (st == P_OK && err) /* what was in the way is over */
        p_err_clear(err);
    return st;
}

/* ---- the proof ---- */

static bool is_decimal(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n <= MAX_DECIMAL_DIGITS && text[n] == 0;
}

/* Two decimals and what snarkjs puts after them. */
static json_t *point(char *const *xy, size_t n, const char *last)
{
    if (n != 2 || !is_decimal(xy[0]) || !is_decimal(xy[1]))
        return NULL;
    return last ? json_pack("[sss]", xy[0], xy[1], last) : json_pack("[ss]", xy[0], xy[1]);
}

json_t *job_proof_json(const Zkprover__V1__Proof *p, p_err *err)
{
    json_t *a = p ? point(p->proof_a, p->n_proof_a, "1") : NULL;
    json_t *c = p ? point(p->proof_c, p->n_proof_c, "1") : NULL;
    json_t *x = NULL, *y = NULL;
    if (p && p->n_proof_b == 2) {
        x = point(p->proof_b[0]->proofs, p->proof_b[0]->n_proofs, NULL);
        y = point(p->proof_b[1]->proofs, p->proof_b[1]->n_proofs, NULL);
    }
    if (a && c && x && y)
        return json_pack("{s:o, s:[o, o, [s, s]], s:o, s:s, s:s}", "pi_a", a, "pi_b", x, y, "1",
                         "0", "pi_c", c, "protocol", "groth16", "curve", "bn128");
    json_decref(a);
    json_decref(c);
    json_decref(x);
    json_decref(y);
    p_err_set(err, P_EINTERNAL,
              "the service's proof has not the shape of one: expected decimal numbers, 2 in "
              "proof_a, 2 x 2 in proof_b, 2 in proof_c");
    return NULL;
}

static json_t *bytes_json(const ProtobufCBinaryData *b)
{
    char *text = malloc(2 * b->len + 3);
    json_t *j = text ? json_string(value_hex_bytes(text, b->data, b->len)) : NULL;
    free(text);
    return j;
}

static json_t *publics_json(const Zkprover__V1__PublicInputsExtended *p)
{
    if (!p)
        return json_null();
    json_t *o = json_object();
    json_object_set_new(o, "newStateRoot", bytes_json(&p->new_state_root));
    json_object_set_new(o, "newAccInputHash", bytes_json(&p->new_acc_input_hash));
    json_object_set_new(o, "newLocalExitRoot", bytes_json(&p->new_local_exit_root));
    json_object_set_new(o, "newNumBatch", json_integer((json_int_t)p->new_batch_num));
    return o;
}

/* ---- the report ---- */

static bool print_json(const char *id, const service_proof *m, const char *text,
                       const json_t *proof)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", output_json_text(id));
    json_object_set_new(o, "state", json_string(job_word((int)m->result)));
    json_object_set_new(o, "result", json_string(job_result_name((int)m->result)));
    json_object_set_new(o, "text", output_json_text(text));
    json_object_set_new(o, "proof", proof ? json_deep_copy(proof) : json_null());
    json_object_set_new(o, "public", publics_json(m->public_));
    return output_json_line(stdout, o);
}

static void print_readable(const char *id, const service_proof *m, const char *text,
                           const char *file)
{
    bool failed = strcmp(job_word((int)m->result), "failed") == 0;
    printf("%-10s %s\n%-10s %s", "job", id, "state", job_word((int)m->result));
    if (failed)
        printf(" (%s)", job_result_name((int)m->result));
    putchar('\n');
    if (text[0])
        printf("%-10s %s\n", m->result == RESULT(PENDING) ? "progress" : "reason", text);
    if (m->result == RESULT(COMPLETED_OK))
        printf("%-10s %s\n", "proof", file ? file : "there; --out FILE or --json shows it");
}

cli_exit job_report(const char *id, const service_proof *m, const char *reason, bool as_json,
                    const char *file)
{
    p_err err = {0};
    bool proved = m->result == RESULT(COMPLETED_OK);
    const char *text = m->result_string[0] ? m->result_string : reason;
    json_t *proof = proved ? job_proof_json(m->proof, &err) : NULL;
    if (proved && !proof)
        return cli_fail(&err);
    if (proof && file && output_json_file(file, proof, &err) != P_OK)
        file = NULL;
    if (!as_json)
        print_readable(id, m, text, file);
    else if (!print_json(id, m, text, proof))
        p_err_set(&err, P_EEXHAUSTED, "no memory for the answer");
    json_decref(proof);
    if (err.status != P_OK)
        return cli_fail(&err);
    return proved ? CLI_OK : CLI_FAILURE;
}
