/** gRPC's credentials made of PEM files (tls.h). Private to host/rpc, for the server core and the
 * client: nobody else includes gRPC's headers. */
#ifndef ZKP_HOST_RPC_CREDENTIALS_H
#define ZKP_HOST_RPC_CREDENTIALS_H

#include "host/rpc/tls.h"

#include <grpc/grpc_security.h>

/** For a port; tls NULL: plain text. Each new connection gets the certificates that the files hold
 *  then. tls is borrowed until the server is destroyed. NULL if gRPC refuses. */
grpc_server_credentials *rpc_credentials_server(rpc_tls *tls);

/** For a channel; files NULL: plain text. Without files->ca the system's certificates are
 *  trusted. *out is NULL on failure. */
p_status rpc_credentials_client(grpc_channel_credentials **out, const rpc_tls_files *files,
                                p_err *err);

#endif
