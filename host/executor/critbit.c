#include "host/executor/critbit.h"

#include <string.h>

/** Bits are numbered from the lowest of limb 0 upwards; along every path the numbers grow. */
static inline unsigned key_bit(const u256 *key, uint32_t bit)
{
    return (unsigned)(key->limb[bit >> 6] >> (bit & 63)) & 1;
}

static inline critbit_entry *entry_at(const exec_arena *arena, uint32_t tagged)
{
    return exec_ref_ptr(arena, tagged >> 1);
}

/** The record that agrees with the key wherever an inner node looks. The map is not empty. */
static uint32_t best_match(const exec_arena *arena, const critbit *map, const u256 *key)
{
    uint32_t at = map->root;
    while (at & 1) {
        const critbit_entry *e = entry_at(arena, at);
        at = e->child[key_bit(key, e->bit)];
    }
    return at;
}

exec_ref critbit_find(const exec_arena *arena, const critbit *map, const u256 *key)
{
    if (!map->root)
        return 0;
    uint32_t at = best_match(arena, map, key);
    return memcmp(&entry_at(arena, at)->key, key, sizeof *key) == 0 ? at >> 1 : 0;
}

void critbit_insert(exec_arena *arena, critbit *map, exec_ref record)
{
    critbit_entry *e = exec_ref_ptr(arena, record);
    if (!map->root) {
        map->root = record << 1;
        return;
    }
    const critbit_entry *near = entry_at(arena, best_match(arena, map, &e->key));
    uint32_t bit = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x = near->key.limb[i] ^ e->key.limb[i];
        if (x) {
            bit = i * 64 + (uint32_t)__builtin_ctzll(x);
            break;
        }
    }
    uint32_t *link = &map->root;
    while ((*link & 1) && entry_at(arena, *link)->bit < bit) {
        critbit_entry *inner = entry_at(arena, *link);
        link = &inner->child[key_bit(&e->key, inner->bit)];
    }
    unsigned side = key_bit(&e->key, bit);
    e->bit = bit;
    e->child[side] = record << 1;
    e->child[!side] = *link;
    *link = record << 1 | 1;
}
