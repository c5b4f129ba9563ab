#include "host/rpc/credentials.h"

#include <grpc/grpc.h>

/** gRPC asks at the start, and then whenever a connection begins. Any thread. */
static grpc_ssl_certificate_config_reload_status fetch(void *tls,
                                                       grpc_ssl_server_certificate_config **config)
{
    rpc_tls_pems pems;
    *config = NULL;
    switch (rpc_tls_fetch(tls, &pems)) {
    case RPC_TLS_UNCHANGED:
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    case RPC_TLS_NEW: {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = pems.key, .cert_chain = pems.cert};
        /* gRPC 1.51 aborts without roots, also where no client is asked for a certificate: then it
         * gets some, which nothing is ever checked against */
        *config =
            grpc_ssl_server_certificate_config_create(pems.ca ? pems.ca : pems.cert, &pair, 1);
        rpc_tls_pems_free(&pems);
        return *config ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW
                       : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
    }
    default:
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
    }
}

grpc_server_credentials *rpc_credentials_server(rpc_tls *tls)
{
    if (!tls)
        return grpc_insecure_server_credentials_create();
    /* the options become the credentials' */
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            rpc_tls_is_mutual(tls) ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                   : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            fetch, tls));
}

p_status rpc_credentials_client(grpc_channel_credentials **out, const rpc_tls_files *files,
                                p_err *err)
{
    *out = NULL;
    if (!files) {
        *out = grpc_insecure_credentials_create();
        return P_OK;
    }
    if (!files->cert != !files->key)
        return p_err_set(err, P_EINVAL,
                         "a client certificate needs its key, and a key needs its "
                         "certificate: give both or neither");
    rpc_tls_pems pems;
    p_status s = rpc_tls_load(&pems, files, NULL, NULL, err);
    if (s != P_OK)
        return s;
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pems.key, .cert_chain = pems.cert};
    *out = grpc_ssl_credentials_create_ex(pems.ca, pems.cert ? &pair : NULL, NULL, NULL);
    rpc_tls_pems_free(&pems);
    return *out ? P_OK : p_err_set(err, P_EINTERNAL, "gRPC takes no credentials of these files");
}
