#include "host/rpc/server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/** Strangers can make gRPC log (each handshake that fails is a line), so it may not log at will. */
#define WINDOW_SECONDS 10
#define LINES_PER_WINDOW 20

/* gRPC has one log function for the whole process and gives it no context */
static _Atomic(rpc_core_log_fn *) core_log;
static atomic_int_fast64_t window; /* its number, since the machine started */
static atomic_uint_fast64_t lines, left_out;

static void core_log_line(gpr_log_func_args *args)
{
    rpc_core_log_fn *fn = atomic_load(&core_log);
    if (!fn)
        return;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int_fast64_t now = t.tv_sec / WINDOW_SECONDS + 1, last = atomic_load(&window);
    if (now != last && atomic_compare_exchange_strong(&window, &last, now)) {
        atomic_store(&lines, 0);
        uint_fast64_t n = atomic_exchange(&left_out, 0);
        if (n) {
            char text[96];
            snprintf(text, sizeof text, "%llu lines of gRPC were left out before this one",
                     (unsigned long long)n);
            fn(true, text);
        }
    }
    if (atomic_fetch_add(&lines, 1) >= LINES_PER_WINDOW)
        atomic_fetch_add(&left_out, 1);
    else
        fn(args->severity == GPR_LOG_SEVERITY_ERROR, args->message);
}

void rpc_core_log_redirect(rpc_core_log_fn *fn)
{
    atomic_store(&core_log, fn);
    gpr_set_log_function(core_log_line);
}

const char *rpc_core_version(void)
{
    return grpc_version_string();
}
