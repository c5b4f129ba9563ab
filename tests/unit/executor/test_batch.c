/* Decoding of whole batches: every rule of the accepting grammar, every truncation, mutations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/base/hex.h"
#include "host/executor/batch.h"

#define ALL(a) (sizeof(a) / sizeof *(a))

/* What a decoder needs of a run: rules, an arena, counters. */
typedef struct fixture {
    exec_context x;
    exec_observer observer;
    exec_memory memory;
    void *tx_memory;
} fixture;

static void open_fixture(fixture *f, uint32_t fork, size_t arena)
{
    memset(f, 0, sizeof *f);
    f->tx_memory = aligned_alloc(64, arena);
    assert_non_null(f->tx_memory);
    exec_arena_init(&f->memory.tx, f->tx_memory, arena);
    f->x.observer = &f->observer;
    f->x.memory = &f->memory;
    f->x.rules.has_effective_percentage = fork >= 5;
}

static void close_fixture(fixture *f)
{
    free(f->tx_memory);
}

/* Decodes a heap copy of exactly len bytes with fresh memory and counters. */
static exec_fault parse(fixture *f, const uint8_t *bytes, size_t len, batch_txs *out)
{
    uint8_t *copy = malloc(len + (len == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    exec_arena_release(&f->memory.tx, 0);
    memset(&f->x.counters, 0, sizeof f->x.counters);
    exec_fault fault = batch_parse(&f->x, copy, len, out);
    if (fault == EXEC_FAULT_NONE && !out->invalid) {
        /* look at everything while the copy lives */
        unsigned sum = 0;
        for (uint32_t i = 0; i < out->n; i++) {
            for (size_t k = 0; k < out->txs[i].data_len; k++)
                sum += out->txs[i].data[k];
            for (size_t k = 0; k < out->txs[i].signed_list_len; k++)
                sum += out->txs[i].signed_list[k];
        }
        assert_true(sum < UINT32_MAX);
    }
    free(copy);
    return fault;
}

#define TO_ITEM                                                                                    \
    "94"                                                                                           \
    "3535353535353535353535353535353535353535"

/* Rows give the items of one list after its header; the signature and the percentage follow. */
typedef struct row {
    const char *what;
    const char *items;
    bool ok;
    size_t offset; /* of the fault, counted from the first byte of the list */
} row;

static const row rows[] = {
    {"EIP-155 form",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "820fa0"
     "8080",
     true, 0},
    {"without chain id",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05",
     true, 0},
    {"create",
     "01"
     "02"
     "03"
     "80"
     "04"
     "05"
     "01"
     "8080",
     true, 0},
    {"zeros as 0x80",
     "80"
     "80"
     "80" TO_ITEM "80"
     "80"
     "80"
     "8080",
     true, 0},
    {"zeros as 0x00",
     "00"
     "00"
     "00" TO_ITEM "00"
     "00"
     "00"
     "8080",
     true, 0},
    {"largest integers",
     "88ffffffffffffffff"
     "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "88ffffffffffffffff" TO_ITEM
     "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "80"
     "88ffffffffffffffff"
     "8080",
     true, 0},
    {"nonce of nine bytes",
     "89010000000000000000"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 1},
    {"nonce with leading zero",
     "820001"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 2},
    {"nonce below 0x80 with prefix",
     "8105"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 1},
    {"nonce is a list",
     "c0"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 1},
    {"gas price of 33 bytes",
     "01"
     "a1010000000000000000000000000000000000000000000000000000000000000000"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 2},
    {"gas price with leading zero",
     "01"
     "820012"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 3},
    {"gas limit of nine bytes",
     "01"
     "02"
     "89010000000000000000" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 3},
    {"gas limit with leading zero",
     "01"
     "02"
     "820001" TO_ITEM "04"
     "05"
     "01"
     "8080",
     false, 4},
    {"to of 19 bytes",
     "01"
     "02"
     "03"
     "9335353535353535353535353535353535353535"
     "04"
     "05"
     "01"
     "8080",
     false, 4},
    {"to of 21 bytes",
     "01"
     "02"
     "03"
     "95353535353535353535353535353535353535353535"
     "04"
     "05"
     "01"
     "8080",
     false, 4},
    {"to of one byte",
     "01"
     "02"
     "03"
     "05"
     "04"
     "05"
     "01"
     "8080",
     false, 4},
    {"to is 0x81",
     "01"
     "02"
     "03"
     "8180"
     "04"
     "05"
     "01"
     "8080",
     false, 4},
    {"value of 33 bytes",
     "01"
     "02"
     "03" TO_ITEM "a1010000000000000000000000000000000000000000000000000000000000000000"
     "05"
     "01"
     "8080",
     false, 25},
    {"value with leading zero",
     "01"
     "02"
     "03" TO_ITEM "820001"
     "05"
     "01"
     "8080",
     false, 26},
    {"data of one byte with prefix",
     "01"
     "02"
     "03" TO_ITEM "04"
     "8105"
     "01"
     "8080",
     false, 26},
    {"data of one high byte",
     "01"
     "02"
     "03" TO_ITEM "04"
     "81ff"
     "01"
     "8080",
     true, 0},
    {"data in the long form, too short",
     "01"
     "02"
     "03" TO_ITEM "04"
     "b801ff"
     "01"
     "8080",
     false, 27},
    {"data with four length bytes",
     "01"
     "02"
     "03" TO_ITEM "04"
     "bb00000001ff"
     "01"
     "8080",
     false, 26},
    {"data is a list",
     "01"
     "02"
     "03" TO_ITEM "04"
     "c105"
     "01"
     "8080",
     false, 26},
    {"data longer than the list",
     "01"
     "02"
     "03" TO_ITEM "04"
     "9f05"
     "01"
     "8080",
     false, 27},
    {"chain id of nine bytes",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "89010000000000000000"
     "8080",
     false, 27},
    {"chain id with leading zero",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "820001"
     "8080",
     false, 28},
    {"tail 00 80",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "0080",
     false, 28},
    {"tail 80 00",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8000",
     false, 28},
    {"tail missing",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01",
     false, 28},
    {"half a tail",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "80",
     false, 28},
    {"an item too many",
     "01"
     "02"
     "03" TO_ITEM "04"
     "05"
     "01"
     "8080"
     "01",
     false, 30},
    {"five items",
     "01"
     "02"
     "03" TO_ITEM "04",
     false, 26},
    {"empty list", "", false, 1},
};

/* A list header for n bytes of items (n < 256), items, r, s, v and perhaps a percentage. */
static size_t build(uint8_t *out, const char *items, bool has_percentage)
{
    size_t n = strlen(items) / 2, at = 0;
    if (n > 55)
        out[at++] = 0xf8;
    out[at++] = (uint8_t)(n > 55 ? n : 0xc0 + n);
    assert_true(p_hex_decode(out + at, n, items, 2 * n));
    at += n;
    memset(out + at, 0x11, 32);
    memset(out + at + 32, 0x22, 32);
    out[at + 64] = 27;
    at += 65;
    if (has_percentage)
        out[at++] = 0x80;
    return at;
}

static void each_rule(void **state)
{
    (void)state;
    for (uint32_t fork = 4; fork <= 6; fork++) {
        fixture f;
        open_fixture(&f, fork, 1 << 16);
        for (size_t i = 0; i < ALL(rows); i++) {
            uint8_t b[600];
            batch_txs txs;
            size_t good = build(b, rows[0].items, fork >= 5);
            size_t len = build(b + good, rows[i].items, fork >= 5);
            /* the transaction stands behind a good one and before a good one */
            memcpy(b + good + len, b, good);
            assert_int_equal(parse(&f, b, good + len + good, &txs), EXEC_FAULT_NONE);
            if (txs.invalid == rows[i].ok)
                fail_msg("fork %u, %s: %s", fork, rows[i].what,
                         txs.invalid ? txs.invalid_reason : "accepted");
            if (rows[i].ok) {
                assert_int_equal(txs.n, 3);
                assert_int_equal(txs.txs[1].v, 27);
                assert_int_equal(txs.txs[1].effective_percentage, fork >= 5 ? 0x80 : 255);
                assert_int_equal(f.x.counters.keccak_f, 3);
            } else {
                assert_non_null(txs.invalid_reason);
                size_t header = strlen(rows[i].items) / 2 > 55 ? 1 : 0;
                if (txs.invalid_offset != good + header + rows[i].offset)
                    fail_msg("%s: offset %zu, %s", rows[i].what, txs.invalid_offset - good - header,
                             txs.invalid_reason);
                assert_int_equal(f.x.counters.keccak_f, 1); /* the good one before it */
            }
        }
        close_fixture(&f);
    }
}

static void fields_arrive(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 6, 1 << 12);
    uint8_t b[300];
    batch_txs txs;
    size_t len = build(b, rows[0].items, true);
    assert_int_equal(parse(&f, b, len, &txs), EXEC_FAULT_NONE);
    assert_false(txs.invalid);
    const exec_tx *t = &txs.txs[0];
    assert_int_equal(txs.n, 1);
    assert_int_equal(t->nonce, 1);
    assert_int_equal(t->gas_price.limb[0], 2);
    assert_int_equal(t->gas_limit, 3);
    assert_false(t->is_create);
    assert_int_equal(t->to.bytes[19], 0x35);
    assert_int_equal(t->value.limb[0], 4);
    assert_int_equal(t->data_len, 1);
    assert_true(t->has_chain_id);
    assert_int_equal(t->chain_id, 4000);
    assert_int_equal(t->r.bytes[0], 0x11);
    assert_int_equal(t->s.bytes[31], 0x22);
    assert_int_equal(t->signed_list_len, len - 66);
    len = build(b, rows[2].items, true);
    assert_int_equal(parse(&f, b, len, &txs), EXEC_FAULT_NONE);
    assert_true(txs.txs[0].is_create);
    len = build(b, rows[1].items, true);
    assert_int_equal(parse(&f, b, len, &txs), EXEC_FAULT_NONE);
    assert_false(txs.txs[0].has_chain_id);
    close_fixture(&f);
}

static void headers(void **state)
{
    (void)state;
    /* instead of 0xdf, the right one, before the 31 bytes of items of the first row */
    static const struct {
        const char *header;
        bool ok;
    } heads[] = {
        {"df", true},          {"e0", false},     {"de", false},
        {"f81f", false},       {"f9001f", false}, {"fa00001f", false},
        {"fb0000001f", false}, {"bf", false},     {"00", false},
    };
    fixture f;
    open_fixture(&f, 6, 1 << 12);
    for (size_t i = 0; i < ALL(heads); i++) {
        uint8_t b[300], whole[300];
        batch_txs txs;
        size_t len = build(b, rows[0].items, true), n = strlen(heads[i].header) / 2;
        assert_int_equal(b[0], 0xdf);
        assert_true(p_hex_decode(whole, n, heads[i].header, 2 * n));
        memcpy(whole + n, b + 1, len - 1);
        assert_int_equal(parse(&f, whole, n + len - 1, &txs), EXEC_FAULT_NONE);
        if (txs.invalid == heads[i].ok)
            fail_msg("%s: %s", heads[i].header, txs.invalid ? txs.invalid_reason : "accepted");
    }
    close_fixture(&f);
}

static void long_data(void **state)
{
    (void)state;
    static const size_t lens[] = {55, 56, 255, 256, 65535, 65536, 100000};
    fixture f;
    open_fixture(&f, 6, 1 << 12);
    uint8_t *data = calloc(1, 100000), *out = malloc(101000);
    assert_true(data != NULL && out != NULL);
    for (size_t i = 0; i < ALL(lens); i++) {
        exec_tx tx = {
            .data = data, .data_len = lens[i], .v = 28, .has_chain_id = true, .chain_id = 9};
        size_t len = exec_tx_batch_size(&tx, true);
        assert_ptr_equal(exec_tx_put_batch(out, &tx, true), out + len);
        batch_txs txs;
        assert_int_equal(parse(&f, out, len, &txs), EXEC_FAULT_NONE);
        assert_false(txs.invalid);
        assert_int_equal(txs.txs[0].data_len, lens[i]);
        assert_int_equal(f.x.counters.keccak_f, (len - 66) / 136 + 1);
    }
    free(data);
    free(out);
    close_fixture(&f);
}

/* Three transactions of all three forms. */
static size_t sample(uint8_t *out, bool has_percentage, size_t ends[3])
{
    size_t len = 0;
    for (unsigned i = 0; i < 3; i++) {
        len += build(out + len, rows[i].items, has_percentage);
        ends[i] = len;
    }
    return len;
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (uint32_t fork = 4; fork <= 6; fork++) {
        fixture f;
        open_fixture(&f, fork, 1 << 12);
        uint8_t b[900];
        size_t ends[3], len = sample(b, fork >= 5, ends);
        for (size_t cut = 0; cut <= len; cut++) {
            batch_txs txs;
            bool whole = cut == 0 || cut == ends[0] || cut == ends[1] || cut == ends[2];
            assert_int_equal(parse(&f, b, cut, &txs), EXEC_FAULT_NONE);
            if (txs.invalid == whole)
                fail_msg("fork %u, cut at %zu", fork, cut);
            if (!whole)
                assert_int_equal(txs.invalid_offset, cut);
        }
        /* and one byte too many */
        b[len] = 0;
        batch_txs txs;
        assert_int_equal(parse(&f, b, len + 1, &txs), EXEC_FAULT_NONE);
        assert_true(txs.invalid);
        assert_int_equal(txs.invalid_offset, len);
        close_fixture(&f);
    }
}

static void the_percentage_byte_belongs_to_the_fork(void **state)
{
    (void)state;
    uint8_t b[300];
    batch_txs txs;
    fixture f;
    open_fixture(&f, 4, 1 << 12);
    size_t with = build(b, rows[0].items, true);
    assert_int_equal(parse(&f, b, with, &txs), EXEC_FAULT_NONE);
    assert_true(txs.invalid);
    assert_int_equal(txs.invalid_offset, with - 1);
    close_fixture(&f);
    open_fixture(&f, 5, 1 << 12);
    assert_int_equal(parse(&f, b, with - 1, &txs), EXEC_FAULT_NONE);
    assert_true(txs.invalid);
    assert_int_equal(txs.invalid_offset, with - 1);
    close_fixture(&f);
}

static void mutations_never_read_outside(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 6, 1 << 14);
    uint8_t b[900], m[900];
    size_t ends[3], len = sample(b, true, ends);
    uint64_t seed = 0x9e3779b97f4a7c15u;
    unsigned accepted = 0, refused = 0;
    for (unsigned round = 0; round < 60000; round++) {
        memcpy(m, b, len);
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        unsigned changes = 1 + (unsigned)(seed & 3);
        uint64_t bits = seed >> 2;
        for (unsigned k = 0; k < changes; k++) {
            m[bits % len] = (uint8_t)(bits >> 12);
            bits = bits * 6364136223846793005u + 1442695040888963407u;
        }
        size_t n = len - bits % 3;
        batch_txs txs;
        assert_int_equal(parse(&f, m, n, &txs), EXEC_FAULT_NONE);
        if (txs.invalid) {
            refused++;
            assert_true(txs.invalid_offset <= n && txs.invalid_reason != NULL);
        } else {
            accepted++;
        }
    }
    assert_true(accepted > 100 && refused > 100);
    close_fixture(&f);
}

static void limits_are_faults(void **state)
{
    (void)state;
    uint8_t b[900];
    batch_txs txs;
    fixture f;
    size_t ends[3], len = sample(b, true, ends);
    open_fixture(&f, 6, 1 << 12);
    /* an arena for two transactions */
    f.memory.tx.size = 2 * sizeof(exec_tx) + 8;
    assert_int_equal(parse(&f, b, len, &txs), EXEC_FAULT_MEMORY);
    assert_int_equal(txs.n, 2);
    close_fixture(&f);

    open_fixture(&f, 6, 1 << 12);
    f.x.counters.enforced = true;
    f.x.counters.keccak_reserve = COUNTERS_KECCAK_F_BUDGET - 3;
    assert_int_equal(batch_parse(&f.x, b, len, &txs), EXEC_FAULT_NONE);
    assert_int_equal(txs.n, 3);
    exec_arena_release(&f.memory.tx, 0);
    f.x.counters.keccak_f = 0;
    f.x.counters.keccak_reserve++;
    assert_int_equal(batch_parse(&f.x, b, len, &txs), EXEC_FAULT_OOC_KECCAK);
    assert_int_equal(txs.n, 2);
    assert_int_equal(f.x.counters.keccak_f, 2);
    /* a header that claims more than the counters allow is out of counters, not bad data */
    static const uint8_t huge[] = {0xfa, 0xff, 0xff, 0xff};
    f.x.counters.keccak_f = 0;
    f.x.counters.keccak_reserve = 2;
    assert_int_equal(batch_parse(&f.x, huge, sizeof huge, &txs), EXEC_FAULT_OOC_KECCAK);
    f.x.counters.enforced = false;
    assert_int_equal(batch_parse(&f.x, huge, sizeof huge, &txs), EXEC_FAULT_NONE);
    assert_true(txs.invalid);
    close_fixture(&f);
}

static bool stop(void *ctx)
{
    (void)ctx;
    return true;
}

static void decoding_can_be_stopped(void **state)
{
    (void)state;
    uint8_t b[300];
    batch_txs txs;
    fixture f;
    open_fixture(&f, 6, 1 << 12);
    f.observer.poll = stop;
    size_t len = build(b, rows[0].items, true);
    assert_int_equal(parse(&f, b, len, &txs), EXEC_FAULT_STOPPED);
    close_fixture(&f);
}

static void the_reserve(void **state)
{
    (void)state;
    assert_int_equal(batch_keccak_reserve(0), 2);
    assert_int_equal(batch_keccak_reserve(134), 2);
    assert_int_equal(batch_keccak_reserve(135), 3); /* counted from len + 1 */
    assert_int_equal(batch_keccak_reserve(136), 3);
    assert_int_equal(batch_keccak_reserve(271), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(fields_arrive),
        cmocka_unit_test(headers),
        cmocka_unit_test(long_data),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(the_percentage_byte_belongs_to_the_fork),
        cmocka_unit_test(mutations_never_read_outside),
        cmocka_unit_test(limits_are_faults),
        cmocka_unit_test(decoding_can_be_stopped),
        cmocka_unit_test(the_reserve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
