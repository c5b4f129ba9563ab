/* The four memory functions that the compiler may call; only compiled for RV64IM. Words where both
 * sides allow it: the machine has no misaligned accesses. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t __attribute__((may_alias)) word;

static int aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & 7) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (aligned(t, f)) {
        for (; len >= 32; len -= 32, t += 32, f += 32) {
            uint64_t a = ((const word *)f)[0], b = ((const word *)f)[1], c = ((const word *)f)[2],
                     d = ((const word *)f)[3];
            ((word *)t)[0] = a;
            ((word *)t)[1] = b;
            ((word *)t)[2] = c;
            ((word *)t)[3] = d;
        }
        for (; len >= 8; len -= 8, t += 8, f += 8)
            *(word *)t = *(const word *)f;
    }
    while (len--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= len) { /* t before f, or behind its end */
        if (aligned(t, f)) {
            for (; len >= 8; len -= 8, t += 8, f += 8)
                *(word *)t = *(const word *)f;
        }
        while (len--)
            *t++ = *f++;
        return to;
    }
    if (aligned(t, f)) {
        for (; len & 7; len--)
            t[len - 1] = f[len - 1];
        for (; len; len -= 8)
            *(word *)(t + len - 8) = *(const word *)(f + len - 8);
    }
    while (len--)
        t[len] = f[len];
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    unsigned char *t = to;
    uint64_t w = (uint64_t)(unsigned char)byte * UINT64_C(0x0101010101010101);
    for (; len && ((uintptr_t)t & 7); len--)
        *t++ = (unsigned char)byte;
    for (; len >= 32; len -= 32, t += 32) {
        ((word *)t)[0] = w;
        ((word *)t)[1] = w;
        ((word *)t)[2] = w;
        ((word *)t)[3] = w;
    }
    for (; len >= 8; len -= 8, t += 8)
        *(word *)t = w;
    while (len--)
        *t++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;
    if (aligned(x, y)) {
        while (len >= 8 && *(const word *)x == *(const word *)y) {
            x += 8;
            y += 8;
            len -= 8;
        }
    }
    for (; len--; x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}
