/** Looks names up in a google.protobuf.FileDescriptorSet: which file declares a symbol, and what it
 *  imports. Reads only what that needs of descriptor.proto. The bytes are borrowed and may be
 *  damaged (then there is less to find). Any thread. */
#ifndef ZKP_HOST_RPC_DESCRIPTORS_H
#define ZKP_HOST_RPC_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rpc_bytes {
    const uint8_t *data;
    size_t len;
} rpc_bytes;

/** The number of files. */
size_t rpc_descriptors_count(rpc_bytes set);
/** File number i as a FileDescriptorProto, from 0; empty beyond the last. */
rpc_bytes rpc_descriptors_file(rpc_bytes set, size_t i);
/** Its name. */
rpc_bytes rpc_descriptors_name(rpc_bytes file);
/** The number of the file with this name, or rpc_descriptors_count. */
size_t rpc_descriptors_by_name(rpc_bytes set, rpc_bytes name);
/** The number of the file that declares the service, method, message, field, enum, value or
 *  extension with this full name (without a leading dot), or rpc_descriptors_count. */
size_t rpc_descriptors_by_symbol(rpc_bytes set, const char *symbol);
/** True if symbol is the full name of a message of the file. */
bool rpc_descriptors_has_message(rpc_bytes file, const char *symbol);
/** Import number i of the file, from 0; empty beyond the last. */
rpc_bytes rpc_descriptors_import(rpc_bytes file, size_t i);
/** Full name of service number i of the file, from 0; false beyond the last,
 * or if it does not fit. */
bool rpc_descriptors_service(rpc_bytes file, size_t i, char *out, size_t out_size);

#endif
