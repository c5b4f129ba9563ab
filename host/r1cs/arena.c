#include "host/r1cs/arena.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES ((size_t)1 << 20)
#define PLACE_BITS 40 /* of the use within a piece; the rest is the piece's number */

typedef struct r1cs_piece {
    size_t size, used; /* bytes of data */
    _Alignas(16) unsigned char data[];
} r1cs_piece;

_Static_assert(_Alignof(r1cs_term) == 8 && sizeof(uint64_t) == 8, "a mark keeps terms aligned");

static bool has_room(const r1cs_arena *a, size_t piece, size_t need)
{
    return piece < a->count && a->pieces[piece]->size - a->pieces[piece]->used >= need;
}

/* Makes a piece that is large enough the next one: one of the empty pieces behind the current one,
 * or a new one. None is freed before the end: what points into it can still look at its mark. */
static bool advance(r1cs_arena *a, size_t need)
{
    size_t next = a->count ? a->current + 1 : 0, found = next;
    size_t size = need > PIECE_BYTES ? need : PIECE_BYTES;
    r1cs_piece *piece;

    while (found < a->count && a->pieces[found]->size < need)
        found++;
    if (found == a->count) {
        r1cs_piece **pieces = realloc(a->pieces, (a->count + 1) * sizeof(r1cs_piece *));

        if (!pieces)
            return false;
        a->pieces = pieces;
        if (need >> (PLACE_BITS - 1) != 0 || !(piece = malloc(sizeof *piece + size)))
            return false;
        piece->size = size;
        piece->used = 0;
        a->pieces[a->count++] = piece;
    }
    piece = a->pieces[found];
    a->pieces[found] = a->pieces[next];
    a->pieces[next] = piece;
    a->current = next;
    return true;
}

/* A number that no term's word is by accident. */
static uint64_t mark_of(uint64_t serial)
{
    return serial * UINT64_C(0x9e3779b97f4a7c15);
}

r1cs_term *r1cs_arena_push(r1cs_arena *a, uint64_t serial, size_t count)
{
    uint64_t mark = mark_of(serial);
    size_t need = sizeof mark + count * sizeof(r1cs_term);
    r1cs_piece *piece;
    unsigned char *at;

    if (count > SIZE_MAX / 2 / sizeof(r1cs_term))
        return NULL;
    if (!has_room(a, a->current, need) && !advance(a, need))
        return NULL;
    piece = a->pieces[a->current];
    at = piece->data + piece->used;
    piece->used += need;
    memcpy(at, &mark, sizeof mark);
    return (r1cs_term *)(void *)(at + sizeof mark);
}

void r1cs_arena_trim(r1cs_arena *a, size_t count, size_t kept)
{
    r1cs_piece *piece = a->pieces[a->current];

    piece->used -= (count - kept) * sizeof(r1cs_term);
    if (kept == 0)
        piece->used -= sizeof(uint64_t);
}

bool r1cs_arena_holds(const r1cs_term *block, uint64_t serial)
{
    uint64_t found;

    memcpy(&found, (const unsigned char *)block - sizeof found, sizeof found);
    return found == mark_of(serial);
}

uint64_t r1cs_arena_place(const r1cs_arena *a)
{
    return a->count ? (uint64_t)a->current << PLACE_BITS | a->pieces[a->current]->used : 0;
}

void r1cs_arena_return(r1cs_arena *a, uint64_t place)
{
    size_t piece = (size_t)(place >> PLACE_BITS), used = place & (((uint64_t)1 << PLACE_BITS) - 1);

    if (a->count == 0)
        return;
    for (size_t i = piece + 1; i <= a->current && i < a->count; i++)
        a->pieces[i]->used = 0;
    a->current = piece;
    a->pieces[piece]->used = used;
}

void r1cs_arena_free(r1cs_arena *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->pieces[i]);
    free(a->pieces);
    *a = (r1cs_arena){0};
}
