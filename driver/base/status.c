#include "driver/base/err.h"

/* GRPC_STATUS_INTERNAL: what a code that is none of ours is answered with */
#define GRPC_INTERNAL 13

const char *p_status_text(p_status status)
{
    switch (status) {
#define P_STATUS_CASE(name, value, text, grpc)                                                     \
    case name:                                                                                     \
        return text;
        P_STATUS_ROWS(P_STATUS_CASE)
#undef P_STATUS_CASE
    }
    return "unknown status";
}

const char *p_status_name(p_status status)
{
    switch (status) {
#define P_STATUS_CASE(name, value, text, grpc)                                                     \
    case name:                                                                                     \
        return #name;
        P_STATUS_ROWS(P_STATUS_CASE)
#undef P_STATUS_CASE
    }
    return "P_UNKNOWN";
}

int p_status_grpc(p_status status)
{
    switch (status) {
#define P_STATUS_CASE(name, value, text, grpc)                                                     \
    case name:                                                                                     \
        return grpc;
        P_STATUS_ROWS(P_STATUS_CASE)
#undef P_STATUS_CASE
    }
    return GRPC_INTERNAL;
}
