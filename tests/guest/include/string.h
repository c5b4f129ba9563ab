/** All that freestanding code may expect of <string.h>: the bare-metal compiler brings no C
 * library. */
#ifndef ZKP_TESTS_GUEST_STRING_H
#define ZKP_TESTS_GUEST_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#endif
