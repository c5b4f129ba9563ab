/** All .proto files of this folder as one google.protobuf.FileDescriptorSet, made at build time. */
#ifndef ZKP_PROTO_DESCRIPTORS_H
#define ZKP_PROTO_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t zkp_proto_descriptors[];
extern const size_t zkp_proto_descriptors_len;

#endif
