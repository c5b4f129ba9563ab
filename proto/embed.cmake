# cmake -DIN=FILE -DOUT=FILE.c -P embed.cmake: the bytes of a FileDescriptorSet as the C array of proto/descriptors.h.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
# 12 bytes a line: compilers dislike one line of a hundred thousand characters
set(byte "0x[0-9a-f][0-9a-f],")
string(REGEX REPLACE "(${byte}${byte}${byte}${byte}${byte}${byte}${byte}${byte}${byte}${byte}${byte}${byte})" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "/* made by proto/embed.cmake */
#include \"proto/descriptors.h\"

const uint8_t zkp_proto_descriptors[] = {
${bytes}};
const size_t zkp_proto_descriptors_len = sizeof zkp_proto_descriptors;
")
