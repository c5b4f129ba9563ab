#include "host/zkproverd/transport.h"

#include <stdio.h>

static rpc_tls_files files_of(const config *c)
{
    return (rpc_tls_files){.cert = c->tls_cert[0] ? c->tls_cert : NULL,
                           .key = c->tls_key[0] ? c->tls_key : NULL,
                           .ca = c->tls_client_ca[0] ? c->tls_client_ca : NULL};
}

static void add_finding(void *ctx, rpc_tls_level level, const char *text)
{
    config_problems *problems = ctx;
    if (level == RPC_TLS_ERROR)
        config_problem_add(problems, "tls: %s", text);
    else if (problems->n_warnings < CONFIG_WARNINGS_MAX)
        snprintf(problems->warning[problems->n_warnings++], CONFIG_PROBLEM_BYTES, "tls: %.500s",
                 text);
}

void transport_check(const config *c, config_problems *problems)
{
    rpc_tls_files files = files_of(c);
    rpc_tls_pems pems;
    if (rpc_tls_load(&pems, &files, add_finding, problems, NULL) == P_OK)
        rpc_tls_pems_free(&pems);
}

static void log_finding(void *ctx, rpc_tls_level level, const char *text)
{
    static const log_level levels[] = {
        [RPC_TLS_INFO] = LOG_INFO, [RPC_TLS_WARNING] = LOG_WARN, [RPC_TLS_ERROR] = LOG_ERROR};
    log_event(ctx, levels[level], "tls", "{s:s}", "text", text);
}

p_status transport_open(rpc_tls **out, const config *c, const logger *log, p_err *err)
{
    *out = NULL;
    if (!c->tls_cert[0])
        return P_OK;
    rpc_tls_files files = files_of(c);
    /* the callback's context lacks a const; log_finding does not write to it */
    p_status s = rpc_tls_create(out, &files, log_finding, (void *)(uintptr_t)log, err);
    p_err_prefix(err, "tls");
    return s;
}

void transport_log_reach(const config *c, const logger *log)
{
    if (c->listen_is_loopback)
        return;
    if (!c->tls_cert[0])
        log_event(log, LOG_WARN, "insecure_remote", "{s:s, s:s}", "listen", c->listen, "meaning",
                  "other machines can connect, without encryption or authentication");
    else if (!c->tls_require_client_cert)
        log_event(log, LOG_WARN, "unauthenticated_remote", "{s:s, s:s}", "listen", c->listen,
                  "meaning",
                  "other machines can connect without a certificate of their own: whoever reaches "
                  "the port can use it (tls.require_client_cert)");
}
