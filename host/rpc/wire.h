/** Protobuf bytes from the wire, made safe: checked before protobuf-c sees them, then unpacked into
 *  bounded memory.
 *
 *  protobuf-c cuts strings at NUL, does not check UTF-8, and allocates dozens of bytes for a field
 *  that takes two on the wire; so the bytes are walked first with the message's own descriptor, and
 *  unpacking gets an arena whose size is a small multiple of the message. Any thread. */
#ifndef ZKP_HOST_RPC_WIRE_H
#define ZKP_HOST_RPC_WIRE_H

#include "driver/base/err.h"

#include <protobuf-c/protobuf-c.h>

#include <stdbool.h>

/** Checks that bytes are well-formed protobuf for the type: tags, lengths and varints inside the
 *  bytes, known fields with their wire type, every known string (also in maps and submessages)
 *  valid UTF-8 without NUL, no groups. Else P_EINVAL with the path of the field and the offset. */
p_status rpc_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t len,
                        p_err *err);

/** True for well-formed UTF-8 (RFC 3629) without NUL; *bad is the offset
 * of the first wrong byte. */
bool rpc_wire_utf8(const uint8_t *text, size_t len, size_t *bad);

typedef struct rpc_wire_arena rpc_wire_arena;

/** rpc_wire_check, then protobuf-c. *message lives in *arena, which the caller frees with
 *  rpc_wire_free (both are NULL on failure). The bytes may be freed at once. P_EINVAL also when the
 *  message would need more than four times its length. */
p_status rpc_wire_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t len,
                         ProtobufCMessage **message, rpc_wire_arena **arena, p_err *err);
void rpc_wire_free(rpc_wire_arena *arena); /**< NULL is allowed */

/** Packs a message into one malloc'ed block. P_EEXHAUSTED when it would be longer than max. */
p_status rpc_wire_pack(const ProtobufCMessage *message, size_t max, uint8_t **bytes, size_t *len,
                       p_err *err);

#endif
