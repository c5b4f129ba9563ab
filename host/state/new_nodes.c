#include "host/state/new_nodes.h"

#include <stdlib.h>
#include <string.h>

bool new_nodes_add(new_nodes *l, const gl_t hash[4], const gl_t node[12])
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap + l->cap / 2 : 256;
        void *p = cap <= UINT32_MAX / 4 ? realloc(l->records, cap * sizeof l->records[0]) : NULL;
        if (!p)
            return false;
        l->records = p;
        l->cap = cap;
    }
    gl_t *record = l->records[l->n++];
    memcpy(record, hash, 4 * sizeof(gl_t));
    memcpy(record + 4, node, 12 * sizeof(gl_t));
    return true;
}

void new_nodes_free(new_nodes *l)
{
    free(l->records);
    memset(l, 0, sizeof *l);
}

/** Slots hold index + 1, 0 is free. */
typedef struct table {
    const new_nodes *list;
    uint32_t *slots;
    size_t mask;
    const uint64_t *seed;
} table;

static uint64_t fold(uint64_t a, uint64_t b)
{
    gl_u128 m = (gl_u128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/** The slot that holds hash, or the free one where it belongs. */
static uint32_t *find(const table *t, const gl_t h[4])
{
    const uint64_t *k = t->seed;
    size_t at = (fold(h[0] ^ k[0], h[1] ^ k[1]) ^ fold(h[2] ^ k[2], h[3] ^ k[3])) & t->mask;
    while (t->slots[at] && memcmp(t->list->records[t->slots[at] - 1], h, 4 * sizeof(gl_t)) != 0)
        at = (at + 1) & t->mask;
    return &t->slots[at];
}

/** Puts the node on the stack if it is one of the list that was not there before. */
static void push(const table *t, const gl_t hash[4], bool *reached, uint32_t *stack, size_t *depth)
{
    uint32_t slot = *find(t, hash);
    if (slot && !reached[slot - 1]) {
        reached[slot - 1] = true;
        stack[(*depth)++] = slot - 1;
    }
}

bool new_nodes_keep_reached(new_nodes *l, const gl_t root[4], const uint64_t seed[4])
{
    table t = {.list = l, .mask = 63, .seed = seed};
    while (t.mask + 1 < 2 * l->n)
        t.mask = 2 * t.mask + 1;
    t.slots = calloc(t.mask + 1, sizeof *t.slots);
    bool *reached = calloc(l->n + 1, sizeof *reached);
    uint32_t *stack = calloc(l->n + 1, sizeof *stack); /* each node is on it at most once */
    bool ok = t.slots && reached && stack;
    if (ok) {
        size_t depth = 0, kept = 0;
        for (size_t i = 0; i < l->n; i++) {
            uint32_t *slot = find(&t, l->records[i]);
            if (!*slot)
                *slot = (uint32_t)i + 1;
        }
        push(&t, root, reached, stack, &depth);
        while (depth > 0) {
            /* both halves are followed whatever kind of node it is: a value, or the rest of a key,
             * is no hash of the list */
            const gl_t *node = l->records[stack[--depth]] + 4;
            push(&t, node, reached, stack, &depth);
            push(&t, node + 4, reached, stack, &depth);
        }
        for (size_t i = 0; i < l->n; i++)
            if (reached[i])
                memmove(l->records[kept++], l->records[i], sizeof l->records[0]);
        l->n = kept;
    }
    free(t.slots);
    free(reached);
    free(stack);
    return ok;
}
