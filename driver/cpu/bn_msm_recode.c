#include "driver/cpu/bn_msm_internal.h"
#include "driver/field/bn_fr.h"

#include <string.h>

static const uint64_t half_order[4] = BN_FR_HALF_ORDER;

/* r - a for a canonical number a in 1 .. r - 1 */
static void negate(uint64_t a[4])
{
    bn_fr t;

    memcpy(t.l, a, sizeof t.l);
    bn_fr_neg(&t, &t);
    memcpy(a, t.l, sizeof t.l);
}

static bool above_half(const uint64_t a[4])
{
    uint64_t d;
    unsigned char c = bn254_sub(&d, half_order[0], a[0], 0);

    c = bn254_sub(&d, half_order[1], a[1], c);
    c = bn254_sub(&d, half_order[2], a[2], c);
    return bn254_sub(&d, half_order[3], a[3], c) != 0;
}

static bool infinity(const uint64_t *point, size_t words)
{
    uint64_t any = 0;

    for (size_t i = 0; i < words; i++)
        any |= point[i];
    return any == 0;
}

static unsigned length(const uint64_t a[4])
{
    for (unsigned i = 4; i-- > 0;)
        if (a[i])
            return 64 * i + 64 - (unsigned)__builtin_clzll(a[i]);
    return 0;
}

void msm_survey_add(msm_survey *v, const uint64_t *scalars, uint64_t n, bool halve)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t s[4];
        unsigned bits;

        memcpy(s, scalars + 4 * i, sizeof s);
        bits = length(s);
        if (bits > 1 && halve && above_half(s)) {
            negate(s);
            bits = length(s);
        }
        /* scalars that are not below r are found by msm_recode */
        v->bits[bits < MSM_MAX_BITS ? bits : MSM_MAX_BITS]++;
    }
}

/* t = s + the number whose c-bit digits are all 2^(c-1): then digit w of t, less 2^(c-1), is the
 * signed digit w of s. That number is below 0.534 * 2^(c windows), as c >= 4. s has c windows - 2
 * bits at most; or is below 2^253 (halve) or 2^254, both times a number below 0.76, and c windows
 * is at least one bit more. So t < 2^(c windows) <= 2^270. */
static void add_offset(uint64_t t[6], const uint64_t s[4], const uint64_t offset[5])
{
    unsigned char c = bn254_add(&t[0], s[0], offset[0], 0);

    c = bn254_add(&t[1], s[1], offset[1], c);
    c = bn254_add(&t[2], s[2], offset[2], c);
    c = bn254_add(&t[3], s[3], offset[3], c);
    t[4] = offset[4] + c;
    t[5] = 0;
}

uint64_t msm_recode(const msm_recoding *r, const uint64_t *scalars, drv_form form,
                    const uint64_t *points, size_t point_words, uint64_t count, uint64_t block)
{
    const uint64_t from = block * MSM_BLOCK;
    const uint64_t to = count - from < MSM_BLOCK ? count : from + MSM_BLOCK;
    const uint64_t half = UINT64_C(1) << (r->c - 1), mask = 2 * half - 1;
    uint16_t *digits = r->digits + block * r->windows * MSM_BLOCK;
    uint32_t *ids = r->ids + block * MSM_BLOCK, large = 0, small = 0, ones = 0;
    uint32_t one[MSM_BLOCK];
    uint64_t offset[5] = {0};

    for (unsigned w = 0; w < r->windows; w++) {
        unsigned bit = w * r->c + r->c - 1;

        offset[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    for (uint64_t i = from; i < to; i++) {
        uint64_t s[4], t[6];
        bn_fr a;
        uint32_t id = (uint32_t)i << 1;

        memcpy(a.l, scalars + 4 * i, sizeof a.l);
        if (a.l[0] <= 1 && (a.l[1] | a.l[2] | a.l[3]) == 0 && form == DRV_CANONICAL) {
            /* most scalars of a witness: the quick way to what follows */
            if (a.l[0] == 1 && !infinity(points + point_words * i, point_words))
                one[ones++] = id;
            continue;
        }
        if (!bn_fr_is_canonical(&a))
            return i;
        if (form == DRV_MONTGOMERY)
            bn_fr_get_words(s, &a);
        else
            memcpy(s, a.l, sizeof s);
        if ((s[0] | s[1] | s[2] | s[3]) == 0 || infinity(points + point_words * i, point_words))
            continue;
        if (r->halve && above_half(s)) {
            negate(s);
            id |= 1;
        }
        if ((s[1] | s[2] | s[3]) == 0 && s[0] < half) {
            if (s[0] == 1) {
                one[ones++] = id;
                continue;
            }
            small++;
            ids[MSM_BLOCK - small] = id;
            digits[MSM_BLOCK - small] = (uint16_t)(s[0] + half);
            continue;
        }
        add_offset(t, s, offset);
        ids[large] = id;
        for (unsigned w = 0, bit = 0; w < r->windows; w++, bit += r->c) {
            uint64_t d = t[bit / 64] >> bit % 64 | t[bit / 64 + 1] << 1 << (63 - bit % 64);

            digits[w * MSM_BLOCK + large] = (uint16_t)(d & mask);
        }
        large++;
    }
    memcpy(ids + large, one, ones * sizeof *one);
    explicit_bzero(one, ones * sizeof *one);
    r->blocks[block].large = large;
    r->blocks[block].ones = ones;
    r->blocks[block].small = small;
    return count;
}

static inline uint32_t magnitude(uint32_t digit, uint32_t half)
{
    return digit < half ? half - digit : digit - half;
}

static void tally(const uint16_t *digits, uint32_t n, uint32_t half, uint32_t *counts)
{
    for (uint32_t i = 0; i < n; i++)
        counts[magnitude(digits[i], half)]++;
}

static void place(const uint16_t *digits, const uint32_t *ids, uint32_t n, uint32_t half,
                  uint32_t *cursor, uint32_t *entries)
{
    for (uint32_t i = 0; i < n; i++)
        entries[cursor[magnitude(digits[i], half)]++] = ids[i] ^ (digits[i] < half);
}

void msm_sort(const msm_recoding *r, uint64_t blocks, unsigned w, uint32_t *entries,
              uint32_t *starts, uint32_t *cursor)
{
    const uint32_t half = UINT32_C(1) << (r->c - 1);
    uint32_t at = 0;

    memset(cursor, 0, (half + 1) * sizeof *cursor);
    for (uint64_t b = 0; b < blocks; b++) {
        const uint16_t *digits = r->digits + (b * r->windows + w) * MSM_BLOCK;

        tally(digits, r->blocks[b].large, half, cursor);
        if (w == 0)
            tally(digits + MSM_BLOCK - r->blocks[b].small, r->blocks[b].small, half, cursor);
    }
    for (uint32_t m = 0; m <= half; m++) {
        uint32_t n = cursor[m];

        starts[m] = cursor[m] = at;
        at += n;
    }
    starts[half + 1] = at;
    for (uint64_t b = 0; b < blocks; b++) {
        const uint16_t *digits = r->digits + (b * r->windows + w) * MSM_BLOCK;
        const uint32_t *ids = r->ids + b * MSM_BLOCK;
        uint32_t small = r->blocks[b].small;

        place(digits, ids, r->blocks[b].large, half, cursor, entries);
        if (w == 0)
            place(digits + MSM_BLOCK - small, ids + MSM_BLOCK - small, small, half, cursor,
                  entries);
    }
}
