/* The accepting grammar of batch data (executor specification, section 2) a second time and in
 * another shape: cut the bytes into items by plain RLP first, then look at the items. Both must
 * agree on random and mutated batches, and on the fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/executor/batch.h"

/* ---- the other acceptor ---- */

/* One RLP item: where its payload lies and how it was announced. */
typedef struct item {
    size_t header, payload; /* bytes */
    bool is_list, bare;     /* bare: a byte below 0x80 that stands for itself */
    const uint8_t *at;
    bool canonical; /* shortest header, no leading zero in a length */
} item;

/* Cuts one item off `n` bytes; false if they end before it does or its length has four bytes. */
static bool cut(const uint8_t *b, size_t n, item *it)
{
    memset(it, 0, sizeof *it);
    if (n == 0)
        return false;
    unsigned first = b[0];
    it->canonical = true;
    it->is_list = first >= 0xc0;
    if (first < 0x80) {
        it->bare = true;
        it->payload = 1;
        it->at = b;
        return true;
    }
    unsigned low = first - (it->is_list ? 0xc0 : 0x80);
    unsigned length_bytes = low > 55 ? low - 55 : 0;
    if (length_bytes > 3 || n < 1 + length_bytes)
        return false;
    it->payload = low > 55 ? 0 : low;
    for (unsigned i = 0; i < length_bytes; i++)
        it->payload = it->payload * 256 + b[1 + i];
    it->header = 1 + length_bytes;
    if (length_bytes != 0 && (it->payload < 56 || b[1] == 0))
        it->canonical = false;
    if (!it->is_list && it->payload == 1 && n > it->header && b[it->header] < 0x80)
        it->canonical = false;
    it->at = b + it->header;
    return it->payload <= n - it->header;
}

static bool is_integer(const item *it, size_t max)
{
    return !it->is_list && it->canonical && it->payload <= max && it->header <= 1 &&
           (it->bare || it->payload == 0 || it->at[0] != 0);
}

static u256 integer(const item *it)
{
    u256 x = {{0}};
    for (size_t i = 0; i < it->payload; i++) {
        size_t place = it->payload - 1 - i;
        x.limb[place / 8] |= (uint64_t)it->at[i] << (8 * (place % 8));
    }
    return x;
}

typedef struct plain_tx {
    item field[7]; /* nonce, price, limit, to, value, data, chain id */
    bool has_chain_id;
    size_t list_len, len;
} plain_tx;

/* One transaction at the front of n bytes. */
static bool accept_tx(const uint8_t *b, size_t n, bool percentage, plain_tx *tx)
{
    item list;
    if (!cut(b, n, &list) || !list.is_list || !list.canonical)
        return false;
    size_t fields = 0, pos = 0;
    const uint8_t *p = list.at;
    while (pos < list.payload && fields < 7) {
        if (!cut(p + pos, list.payload - pos, &tx->field[fields]))
            return false;
        pos += tx->field[fields].header + tx->field[fields].payload;
        fields++;
    }
    tx->has_chain_id = fields == 7;
    if (fields < 6)
        return false;
    if (tx->has_chain_id) {
        if (list.payload - pos != 2 || p[pos] != 0x80 || p[pos + 1] != 0x80)
            return false;
        pos += 2;
    }
    if (pos != list.payload)
        return false;
    const item *f = tx->field;
    if (!is_integer(&f[0], 8) || !is_integer(&f[1], 32) || !is_integer(&f[2], 8) ||
        !is_integer(&f[4], 32) || (tx->has_chain_id && !is_integer(&f[6], 8)))
        return false;
    if (f[3].is_list || f[3].bare || (f[3].payload != 0 && f[3].payload != 20) || f[3].header != 1)
        return false;
    if (f[5].is_list || !f[5].canonical)
        return false;
    tx->list_len = list.header + list.payload;
    tx->len = tx->list_len + 65 + (percentage ? 1 : 0);
    return tx->len <= n;
}

#define MAX_TXS 64

static bool accept(const uint8_t *b, size_t n, bool percentage, plain_tx *txs, size_t *count)
{
    *count = 0;
    for (size_t pos = 0; pos < n; pos += txs[(*count)++].len) {
        assert_true(*count < MAX_TXS);
        if (!accept_tx(b + pos, n - pos, percentage, &txs[*count]))
            return false;
    }
    return true;
}

/* ---- inputs ---- */

static uint64_t seed = 20240607;

static unsigned below(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed >> 33) % n);
}

static size_t put_header(uint8_t *out, unsigned base, size_t len)
{
    if (len < 56 && below(200) != 0) {
        out[0] = (uint8_t)(base + len);
        return 1;
    }
    unsigned n = len > 0xffff ? 3 : len > 0xff ? 2 : 1;
    if (n < 3 && below(60) == 0)
        n++; /* a leading zero */
    out[0] = (uint8_t)(base + 55 + n);
    for (unsigned i = 0; i < n; i++)
        out[1 + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
    return 1 + n;
}

static size_t put_string(uint8_t *out, size_t len)
{
    size_t n = 0;
    uint8_t first = (uint8_t)below(256);
    if (len == 1 && first < 0x80 && below(40) != 0) {
        out[0] = first;
        return 1;
    }
    n = put_header(out, 0x80, len);
    for (size_t i = 0; i < len; i++)
        out[n + i] = (uint8_t)(i == 0 ? first : below(256));
    return n + len;
}

static const unsigned data_lengths[] = {0, 0, 1, 1, 2, 31, 32, 33, 54, 55, 56, 57, 255, 256, 300};

static size_t put_tx(uint8_t *out, bool percentage)
{
    static uint8_t body[2048];
    size_t n = 0;
    n += put_string(body + n, below(10));
    n += put_string(body + n, below(34));
    n += put_string(body + n, below(10));
    n += put_string(body + n, below(12) == 0 ? below(24) : below(2) ? 20 : 0);
    n += put_string(body + n, below(34));
    n += put_string(body + n, data_lengths[below(sizeof data_lengths / sizeof *data_lengths)]);
    if (below(3) != 0) {
        n += put_string(body + n, below(10));
        body[n++] = below(60) ? 0x80 : (uint8_t)below(256);
        body[n++] = 0x80;
    }
    size_t len = put_header(out, 0xc0, n);
    memcpy(out + len, body, n);
    len += n;
    for (unsigned i = 0; i < 65u + percentage; i++)
        out[len++] = (uint8_t)below(256);
    return len;
}

static size_t mutate(uint8_t *b, size_t n)
{
    static const uint8_t marks[] = {0x00, 0x7f, 0x80, 0x81, 0x88, 0x89, 0x94, 0xa0, 0xa1,
                                    0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbf, 0xc0, 0xf7, 0xf8,
                                    0xf9, 0xfa, 0xfb, 0xff, 0x01, 0x37, 0x38};
    size_t at = below((unsigned)n);
    if (below(3) != 0 && n > 12)
        at = below(12); /* headers are what matters */
    switch (below(5)) {
    case 0:
        return n - 1;
    case 1:
        b[at] = (uint8_t)below(256);
        return n;
    case 2:
        b[at] = marks[below(sizeof marks)];
        return n;
    case 3:
        b[at] = (uint8_t)(b[at] + (below(2) ? 1 : 255));
        return n;
    default:
        memmove(b + at, b + at + 1, n - at - 1);
        return n - 1;
    }
}

/* ---- the comparison ---- */

static void check_u64(uint64_t got, const item *it)
{
    u256 want = integer(it);
    assert_true(got == want.limb[0]);
}

static void both_acceptors_agree(void **state)
{
    (void)state;
    enum { ARENA = 1 << 20 };
    static uint8_t bytes[8192];
    static plain_tx want[MAX_TXS];
    void *memory = aligned_alloc(64, ARENA);
    exec_observer observer;
    exec_memory arenas;
    memset(&observer, 0, sizeof observer);
    memset(&arenas, 0, sizeof arenas);
    unsigned long good = 0, bad = 0;
    while (good + bad < 400000) {
        bool percentage = below(2) != 0;
        size_t n = 0;
        for (unsigned i = 1 + below(3); i > 0; i--)
            n += put_tx(bytes + n, percentage);
        for (unsigned i = below(3); i > 0 && n > 1; i--)
            n = mutate(bytes, n);
        exec_context x;
        memset(&x, 0, sizeof x);
        exec_arena_init(&arenas.tx, memory, ARENA);
        x.observer = &observer;
        x.memory = &arenas;
        x.rules.has_effective_percentage = percentage;
        batch_txs got;
        assert_int_equal(batch_parse(&x, bytes, n, &got), EXEC_FAULT_NONE);
        size_t count;
        bool ok = accept(bytes, n, percentage, want, &count);
        if (ok == got.invalid || (ok && count != got.n)) {
            for (size_t i = 0; i < n; i++)
                fprintf(stderr, "%02x", bytes[i]);
            fail_msg("acceptor %d, parser says %s", ok, got.invalid ? got.invalid_reason : "");
        }
        ok ? good++ : bad++;
        for (size_t i = 0; ok && i < count; i++) {
            const exec_tx *tx = &got.txs[i];
            const item *f = want[i].field;
            check_u64(tx->nonce, &f[0]);
            check_u64(tx->gas_limit, &f[2]);
            u256 price = integer(&f[1]), value = integer(&f[4]);
            assert_memory_equal(&tx->gas_price, &price, sizeof price);
            assert_memory_equal(&tx->value, &value, sizeof value);
            assert_int_equal(tx->is_create, f[3].payload == 0);
            if (!tx->is_create)
                assert_memory_equal(tx->to.bytes, f[3].at, 20);
            assert_int_equal(tx->data_len, f[5].payload);
            if (tx->data_len != 0)
                assert_ptr_equal(tx->data, f[5].at);
            assert_int_equal(tx->has_chain_id, want[i].has_chain_id);
            if (tx->has_chain_id)
                check_u64(tx->chain_id, &f[6]);
            assert_int_equal(tx->signed_list_len, want[i].list_len);
        }
    }
    free(memory);
    print_message("%lu accepted, %lu refused by both\n", good, bad);
    assert_true(good > 1000 && bad > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_acceptors_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
