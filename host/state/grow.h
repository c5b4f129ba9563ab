/** Arrays that grow. Private to host/state. */
#ifndef ZKP_HOST_STATE_GROW_H
#define ZKP_HOST_STATE_GROW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/** Room for one more item of item bytes in an array of *cap items, n of them used. False, and
 * nothing has changed, when there is no memory. Growing by half: the reallocation of a large block
 * moves pages, not bytes, and what is not written yet takes no memory. */
static inline bool state_grow(void **array, size_t *cap, size_t n, size_t item)
{
    if (n < *cap)
        return true;
    size_t next = *cap < 16 ? 16 : *cap + *cap / 2;
    void *p = next <= SIZE_MAX / 2 / item ? realloc(*array, next * item) : NULL;
    if (!p)
        return false;
    *array = p;
    *cap = next;
    return true;
}

#endif
