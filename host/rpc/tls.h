/** Certificates and keys in PEM files: read, checked, and read again when they change.
 *
 *  Knows OpenSSL and files, nothing of gRPC (credentials.h makes gRPC's credentials of it). What is
 *  wrong is reported in words, all of it at once, and never with any content of a file.
 *
 *  Server: rpc_tls_create; then rpc_tls_fetch whenever a connection begins; rpc_tls_destroy after
 *  the server that uses it. rpc_tls_fetch is for any thread. */
#ifndef ZKP_HOST_RPC_TLS_H
#define ZKP_HOST_RPC_TLS_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/** A file longer than this is no certificate or key. */
#define RPC_TLS_FILE_MAX ((size_t)1 << 20)
/** A certificate that ends within this many days is warned of. */
#define RPC_TLS_EXPIRY_DAYS 30

/** Names of PEM files; borrowed. */
typedef struct rpc_tls_files {
    const char *cert; /**< certificate chain, the own certificate first; NULL: none */
    const char *key;  /**< its private key, not encrypted; NULL: none */
    const char *ca;   /**< certificates that the other side's must lead to; NULL: none */
} rpc_tls_files;

typedef enum rpc_tls_level {
    RPC_TLS_INFO,    /**< new certificates are in use */
    RPC_TLS_WARNING, /**< usable, but somebody should look */
    RPC_TLS_ERROR,   /**< clients will refuse it (expired); or, on a reload: the old ones stay */
} rpc_tls_level;

/** Takes one finding. text names file and remedy and lives during the call. */
typedef void rpc_tls_report_fn(void *ctx, rpc_tls_level level, const char *text);

/** Contents of the files, NUL-terminated; NULL where the file's name is. */
typedef struct rpc_tls_pems {
    char *cert, *key, *ca;
} rpc_tls_pems;

/** Reads and checks the files. P_OK if they can be used; warnings and an expired certificate are
 *  reported and do not fail. Else P_EMISSING: every problem was reported as RPC_TLS_ERROR, the
 *  first is in err, and *out is empty. report may be NULL. Any thread. */
p_status rpc_tls_load(rpc_tls_pems *out, const rpc_tls_files *files, rpc_tls_report_fn *report,
                      void *ctx, p_err *err);
void rpc_tls_pems_free(rpc_tls_pems *pems); /**< wipes the key; an empty one is allowed */

typedef struct rpc_tls rpc_tls;

/** Loads as rpc_tls_load does, and remembers (copies the names). cert and key are needed; with ca,
 *  a client without a certificate that leads to it is refused. report is called from any thread.
 *  *out is NULL on failure. */
p_status rpc_tls_create(rpc_tls **out, const rpc_tls_files *files, rpc_tls_report_fn *report,
                        void *ctx, p_err *err);

typedef enum rpc_tls_fetched {
    RPC_TLS_UNCHANGED, /**< *pems is empty */
    RPC_TLS_NEW,       /**< *pems is the caller's; also the first time */
    RPC_TLS_FAILED,    /**< no memory; *pems is empty */
} rpc_tls_fetched;

/** The certificates, if they are others than at the last call. The files are looked at no more than
 *  once a second. A set of files that cannot be used (half-written, key of another certificate) is
 *  reported once, and the one in use stays. */
rpc_tls_fetched rpc_tls_fetch(rpc_tls *t, rpc_tls_pems *pems);

/** True if clients must have a certificate. */
bool rpc_tls_is_mutual(const rpc_tls *t);

void rpc_tls_destroy(rpc_tls *t); /**< NULL is allowed */

#endif
