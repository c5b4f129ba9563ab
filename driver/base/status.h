/** Status codes of the whole project.
 *
 * One row of P_STATUS_ROWS is one code: its name, its text, and the gRPC status that the service
 * answers with when a call as a whole fails for that reason (numbers of grpc_status_code, so that
 * nobody but host/rpc needs gRPC's headers). Freestanding: no libc. Pure data, any thread. */
#ifndef ZKP_DRIVER_BASE_STATUS_H
#define ZKP_DRIVER_BASE_STATUS_H

/* clang-format off */
#define P_STATUS_ROWS(X)                                                                          \
    /* name          value  text                                   gRPC status        */         \
    X(P_OK,              0, "ok",                                   0 /* OK */)                   \
    X(P_EINVAL,          1, "bad argument",                         3 /* INVALID_ARGUMENT */)     \
    X(P_ENOTFOUND,       2, "not found",                            5 /* NOT_FOUND */)            \
    X(P_EMISSING,        3, "missing artifact or device",           9 /* FAILED_PRECONDITION */)  \
    X(P_EEXHAUSTED,      4, "a limit is reached",                   8 /* RESOURCE_EXHAUSTED */)   \
    X(P_ECANCELLED,      5, "cancelled",                            1 /* CANCELLED */)            \
    X(P_EDEADLINE,       6, "deadline exceeded",                    4 /* DEADLINE_EXCEEDED */)    \
    X(P_EDEVICE,         7, "device fault",                        14 /* UNAVAILABLE */)          \
    X(P_ECORRUPT,        8, "stored data is damaged",              15 /* DATA_LOSS */)            \
    X(P_EUNSUPPORTED,    9, "not supported by this build",         12 /* UNIMPLEMENTED */)        \
    X(P_EUNAVAILABLE,   10, "not available now",                   14 /* UNAVAILABLE */)          \
    X(P_EIO,            11, "input or output failed",              13 /* INTERNAL */)             \
    X(P_EINTERNAL,      12, "internal error",                      13 /* INTERNAL */)
/* clang-format on */

typedef enum p_status {
#define P_STATUS_ENUM(name, value, text, grpc) name = value,
    P_STATUS_ROWS(P_STATUS_ENUM)
#undef P_STATUS_ENUM
} p_status;

#endif
