/* soak_execute RUNS BATCH.json...: takes in, verifies, executes and reports the batches in turn,
 * RUNS times in all, and fails if the process's resident memory grows after the first tenth. What
 * the service does for each Execute, without gRPC. */
#include "host/state/batch_file.h"
#include "host/state/receipt.h"
#include "host/state/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Allocators keep what they got; a leak of 100 bytes a run shows as 900 KB over 9,000 runs. */
#define ALLOWED_GROWTH_KB 512

static long resident_kb(void)
{
    long size, resident;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f)
        return -1;
    int n = fscanf(f, "%ld %ld", &size, &resident);
    fclose(f);
    return n == 2 ? resident * (sysconf(_SC_PAGESIZE) / 1024) : -1;
}

static bool once(state_runner *runner, const gl_poseidon_ops *poseidon, const char *path,
                 p_err *err)
{
    batch_file_options options = {
        .fork_id = 0, .default_counters = true, .max_l2_data = EXEC_BATCH_MAX_BYTES};
    state_run_options run_options = {0};
    state_request *request = NULL;
    state_outcome *outcome = NULL;
    batch_expected expected;
    bool ok = batch_file_load(path, &options, &request, &expected, err) == P_OK &&
              state_request_verify(request, poseidon, err) == P_OK &&
              state_execute(runner, request, &run_options, &outcome, err) == P_OK;
    if (ok) {
        if (expected.has_state_root &&
            memcmp(&outcome->result.new_state_root, &expected.state_root, sizeof(u256)) != 0) {
            p_err_set(err, P_EINTERNAL, "%s: wrong state root", path);
            ok = false;
        }
        for (size_t i = 0; ok && i < outcome->result.n_txs; i++) {
            char *text = state_receipt_json(outcome, i);
            ok = text != NULL;
            free(text);
            for (size_t j = 0; ok && j < outcome->txs[i].n_logs; j++)
                free(state_log_json(outcome, i, j));
        }
    }
    state_outcome_destroy(outcome);
    state_request_destroy(request);
    return ok;
}

int main(int argc, char **argv)
{
    long runs = argc >= 3 ? strtol(argv[1], NULL, 10) : 0;
    if (runs < 10) {
        fprintf(stderr, "usage: soak_execute RUNS BATCH.json...   (10 runs or more)\n");
        return 2;
    }
    p_err err;
    p_err_clear(&err);
    const gl_poseidon_ops *poseidon = gl_poseidon_select(NULL);
    state_runner *runner;
    if (state_runner_create(&runner, poseidon, &err) != P_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    long start = 0;
    bool ok = true;
    for (long i = 0; ok && i < runs; i++) {
        if (i == runs / 10)
            start = resident_kb();
        ok = once(runner, poseidon, argv[2 + i % (argc - 2)], &err);
    }
    long end = resident_kb();
    state_runner_destroy(runner);
    if (!ok) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%ld runs: resident memory %ld KB after a tenth, %ld KB at the end\n", runs, start, end);
    return start > 0 && end - start <= ALLOWED_GROWTH_KB ? 0 : 1;
}
