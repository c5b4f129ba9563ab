#include "host/rpc/server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include <stdatomic.h>

/* gRPC has one log function for the whole process and gives it no context */
static _Atomic(rpc_core_log_fn *) core_log;

static void core_log_line(gpr_log_func_args *args)
{
    rpc_core_log_fn *fn = atomic_load(&core_log);
    if (fn)
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
