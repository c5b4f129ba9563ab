/** The error record: what went wrong, in words for the person who has to act.
 *
 * The caller owns a p_err (usually on its stack) and passes its address down; the function that
 * finds the fault fills it and returns the status. A text names the object, what was expected, what
 * was found, and what to do. Every function that takes a p_err accepts NULL. Not shared between
 * threads. */
#ifndef ZKP_DRIVER_BASE_ERR_H
#define ZKP_DRIVER_BASE_ERR_H

#include "driver/base/status.h"

#define P_ERR_TEXT_BYTES 1024

typedef struct p_err {
    p_status status;             /**< P_OK while nothing was recorded */
    char text[P_ERR_TEXT_BYTES]; /**< UTF-8, NUL-terminated, cut at a character when too long */
} p_err;

/** Records status and the formatted text; returns status, so that `return p_err_set(...)` reads
 * well. err may be NULL. */
p_status p_err_set(p_err *err, p_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts "prefix: " before the recorded text (context added on the way up). Nothing happens when err
 * is NULL or holds P_OK. */
void p_err_prefix(p_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Forgets what was recorded. */
void p_err_clear(p_err *err);

/** The text of a status code; never NULL, also for a value outside the enum. */
const char *p_status_text(p_status status);

/** The name of a status code, "P_OK" and so on; never NULL. */
const char *p_status_name(p_status status);

/** The number of the gRPC status for a code; 13 (INTERNAL) for a value outside the enum. */
int p_status_grpc(p_status status);

#endif
