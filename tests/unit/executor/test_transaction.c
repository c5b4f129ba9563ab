/* Transactions as data: hashes against transactions of public chains, prices against published
 * values, both encodings against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "driver/base/hex.h"
#include "driver/field/keccak.h"
#include "host/executor/bytes.h"
#include "host/executor/transaction.h"
#include "host/executor/u256.h"

#define ALL(a) (sizeof(a) / sizeof *(a))

static uint8_t *from_hex(const char *text, size_t *len)
{
    size_t n = strlen(text), skip = p_hex_prefix(text, n);
    *len = (n - skip) / 2;
    uint8_t *b = malloc(*len + (*len == 0));
    assert_non_null(b);
    assert_true(p_hex_decode(b, *len, text + skip, n - skip));
    return b;
}

/* A transaction of Ethereum's EIP-155 text, signed with the key 0x4646...46. */
static const char eip155_list[] =
    "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080";
static const char eip155_hash[] =
    "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53";
static const char eip155_raw[] =
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000802"
    "5a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aec"
    "b703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";

static void reads_the_example_of_eip155(void **state)
{
    (void)state;
    size_t len, n;
    uint8_t *raw = from_hex(eip155_raw, &len), *list = from_hex(eip155_list, &n);
    exec_tx tx, again;
    const char *reason;
    assert_true(exec_tx_read_ethereum(raw, len, &tx, &reason));
    assert_null(reason);
    assert_int_equal(tx.nonce, 9);
    assert_int_equal(tx.gas_limit, 21000);
    assert_int_equal(tx.gas_price.limb[0], 20000000000);
    assert_int_equal(tx.value.limb[0], 1000000000000000000);
    assert_true(tx.has_chain_id && tx.chain_id == 1 && tx.v == 27);
    assert_false(tx.is_create);
    assert_int_equal(tx.to.bytes[0], 0x35);

    assert_int_equal(exec_tx_ethereum_size(&tx), len);
    uint8_t out[256];
    assert_ptr_equal(exec_tx_put_ethereum(out, &tx), out + len);
    assert_memory_equal(out, raw, len);

    /* the batch form: the signed list, then r, s, v, percentage */
    tx.effective_percentage = 7;
    size_t batch_len = exec_tx_batch_size(&tx, true);
    assert_int_equal(batch_len, n + 66);
    assert_ptr_equal(exec_tx_put_batch(out, &tx, true), out + batch_len);
    assert_memory_equal(out, list, n);
    uint8_t digest[32];
    char text[65] = {0};
    keccak_256(digest, out, n);
    p_hex_encode(text, digest, 32);
    assert_string_equal(text, eip155_hash);

    rlp_reader r;
    size_t list_len;
    rlp_reader_init(&r, out, batch_len, 0);
    assert_true(exec_tx_read_header(&r, &list_len));
    assert_int_equal(list_len, n);
    assert_true(exec_tx_read_body(&r, 0, true, &again));
    assert_int_equal(again.signed_list_len, n);
    assert_ptr_equal(again.signed_list, out);
    assert_int_equal(again.effective_percentage, 7);
    assert_int_equal(again.v, 27);
    assert_memory_equal(again.r.bytes, tx.r.bytes, 32);
    assert_memory_equal(again.s.bytes, tx.s.bytes, 32);
    exec_hash a, b;
    uint8_t scratch[256];
    exec_tx_hash(&tx, scratch, keccak_256, &a);
    exec_tx_hash(&again, scratch, keccak_256, &b);
    assert_memory_equal(a.bytes, b.bytes, 32);
    free(raw);
    free(list);
}

static void every_truncation_and_mutation_of_a_raw_transaction_is_safe(void **state)
{
    (void)state;
    size_t len;
    uint8_t *raw = from_hex(eip155_raw, &len);
    exec_tx tx;
    const char *reason;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut + (cut == 0));
        assert_non_null(part);
        memcpy(part, raw, cut);
        assert_false(exec_tx_read_ethereum(part, cut, &tx, &reason));
        assert_non_null(reason);
        free(part);
    }
    uint8_t *longer = malloc(len + 1);
    assert_non_null(longer);
    memcpy(longer, raw, len);
    longer[len] = 0;
    assert_false(exec_tx_read_ethereum(longer, len + 1, &tx, &reason));
    free(longer);
    for (size_t at = 0; at < len; at++) {
        uint8_t keep = raw[at];
        for (unsigned v = 0; v < 256; v++) {
            raw[at] = (uint8_t)v;
            if (!exec_tx_read_ethereum(raw, len, &tx, &reason))
                continue;
            /* what is accepted may have zeros written as 0x00; its own encoding is stable */
            uint8_t out[256], twice[256];
            exec_tx back;
            size_t n = (size_t)(exec_tx_put_ethereum(out, &tx) - out);
            assert_int_equal(n, exec_tx_ethereum_size(&tx));
            assert_true(exec_tx_read_ethereum(out, n, &back, NULL));
            assert_ptr_equal(exec_tx_put_ethereum(twice, &back), twice + n);
            assert_memory_equal(out, twice, n);
            assert_true(back.nonce == tx.nonce && back.gas_limit == tx.gas_limit &&
                        back.v == tx.v && back.chain_id == tx.chain_id);
        }
        raw[at] = keep;
    }
    free(raw);
}

static void the_v_of_the_ethereum_form(void **state)
{
    (void)state;
    static const struct {
        const char *v; /* RLP */
        bool ok, has_chain_id;
        uint64_t chain_id;
        uint8_t parity;
    } rows[] = {
        {"1b", true, false, 0, 27},
        {"1c", true, false, 0, 28},
        {"1a", false, false, 0, 0},
        {"1d", false, false, 0, 0},
        {"22", false, false, 0, 0},
        {"80", false, false, 0, 0},
        {"23", true, true, 0, 27},
        {"24", true, true, 0, 28},
        {"25", true, true, 1, 27},
        {"8207f4", true, true, 1000, 28},
        {"890200000000000000"
         "21",
         true, true, UINT64_MAX, 27},
        {"890200000000000000"
         "23",
         false, false, 0, 0},
        {"8a01000000000000000000", false, false, 0, 0},
    };
    for (size_t i = 0; i < ALL(rows); i++) {
        char text[64];
        size_t n = strlen(rows[i].v) / 2;
        (void)snprintf(text, sizeof text, "%02x018080808080%s0102", (unsigned)(0xc0 + 8 + n),
                       rows[i].v);
        size_t len;
        uint8_t *b = from_hex(text, &len);
        exec_tx tx;
        bool ok = exec_tx_read_ethereum(b, len, &tx, NULL);
        if (ok != rows[i].ok)
            fail_msg("v %s: %s", rows[i].v, ok ? "accepted" : "refused");
        if (ok) {
            assert_int_equal(tx.has_chain_id, rows[i].has_chain_id);
            assert_true(tx.chain_id == rows[i].chain_id);
            assert_int_equal(tx.v, rows[i].parity);
            uint8_t out[64];
            size_t wrote = (size_t)(exec_tx_put_ethereum(out, &tx) - out);
            /* chain id 0 is written as if there were none */
            if (rows[i].chain_id != 0 || !rows[i].has_chain_id) {
                assert_int_equal(wrote, len);
                assert_memory_equal(out, b, len);
            }
        }
        free(b);
    }
}

static void the_effective_price(void **state)
{
    (void)state;
    /* the slow way: 264-bit number as bytes, multiplied and shifted digit by digit */
    uint64_t seed = 88172645463325252u;
    for (unsigned round = 0; round < 2000; round++) {
        u256 price;
        for (int i = 0; i < 4; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            price.limb[i] = round % 5 == 0 ? UINT64_MAX : round % 5 == 1 && i != 0 ? 0 : seed;
        }
        uint8_t pct = (uint8_t)(round % 7 == 0 ? 255 : round % 7 == 1 ? 0 : seed >> 9);
        uint8_t be[32], product[33], want[32];
        bytes_store_u256(be, &price);
        unsigned carry = 0;
        for (int i = 31; i >= 0; i--) {
            unsigned t = be[i] * ((unsigned)pct + 1) + carry;
            product[i + 1] = (uint8_t)t;
            carry = t >> 8;
        }
        /* carry <= 256 * 255 / 256: one byte */
        product[0] = (uint8_t)carry;
        memcpy(want, product, 32); /* / 256 drops the last byte */
        u256 got = price;
        exec_effective_gas_price(&got, &got, pct);
        bytes_store_u256(be, &got);
        assert_memory_equal(be, want, 32);
    }
}

static void the_intrinsic_gas(void **state)
{
    (void)state;
    const uint8_t data[] = {0, 0, 1, 255, 0};
    exec_tx tx = {.data = data, .data_len = 0};
    assert_int_equal(exec_tx_intrinsic_gas(&tx), 21000);
    tx.is_create = true;
    assert_int_equal(exec_tx_intrinsic_gas(&tx), 53000);
    tx.data_len = sizeof data;
    assert_int_equal(exec_tx_intrinsic_gas(&tx), 53000 + 3 * 4 + 2 * 16);
    tx.is_create = false;
    assert_int_equal(exec_tx_intrinsic_gas(&tx), 21000 + 3 * 4 + 2 * 16);
}

static void the_address_of_a_new_contract(void **state)
{
    (void)state;
    /* the first contracts of an account of Ethereum's mainnet, as its own
     * documentation lists them */
    static const char from[] = "6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0";
    static const char *const want[] = {
        "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", "343c43a37d37dff08ae8c4a11544c718abb4fcf8",
        "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91", "fffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c"};
    exec_address a, out;
    assert_true(p_hex_decode(a.bytes, 20, from, 40));
    for (unsigned i = 0; i < ALL(want); i++) {
        char text[41] = {0};
        exec_create_address(&out, &a, i, keccak_256);
        p_hex_encode(text, out.bytes, 20);
        assert_string_equal(text, want[i]);
    }
    /* long nonces: the encoding by hand */
    static const uint64_t nonces[] = {0x7f, 0x80, 0xff, 0x100, UINT64_MAX};
    static const char *const tails[] = {"7f", "8180", "81ff", "820100", "88ffffffffffffffff"};
    for (unsigned i = 0; i < ALL(nonces); i++) {
        char list[100];
        size_t len;
        uint8_t digest[32];
        (void)snprintf(list, sizeof list, "%02x94%s%s",
                       (unsigned)(0xc0 + 21 + strlen(tails[i]) / 2), from, tails[i]);
        uint8_t *b = from_hex(list, &len);
        keccak_256(digest, b, len);
        exec_create_address(&out, &a, nonces[i], keccak_256);
        assert_memory_equal(out.bytes, digest + 12, 20);
        free(b);
    }
}

/* ---- published vectors ---- */

static json_t *load(const char *file)
{
    const char *dir = getenv("ZKPROVER_VECTORS");
    char path[1024];
    json_error_t e;
    (void)snprintf(path, sizeof path, "%s/%s", dir != NULL ? dir : ZKP_DEFAULT_VECTORS, file);
    return json_load_file(path, 0, &e);
}

/* Decimal or hex text, or an integer. */
static u256 number(const json_t *v)
{
    if (json_is_integer(v))
        return u256_from_u64((uint64_t)json_integer_value(v));
    const char *t = json_string_value(v);
    assert_non_null(t);
    size_t n = strlen(t);
    u256 x = u256_zero(), ten = u256_from_u64(10);
    if (p_hex_prefix(t, n) != 0) {
        uint8_t be[32] = {0};
        if (n > 2)
            assert_true(p_hex_decode_padded(be, 32, t + 2, n - 2));
        return bytes_load_u256(be);
    }
    for (; *t != 0; t++) {
        assert_true(*t >= '0' && *t <= '9');
        x = u256_mul(&x, &ten);
        x = u256_add_u64(&x, (uint64_t)(*t - '0'));
    }
    return x;
}

static void published_prices(void **state)
{
    (void)state;
    json_t *list = load("effective-gas-price/effective-gas-price.json"), *row;
    if (list == NULL)
        skip();
    size_t i;
    json_array_foreach(list, i, row)
    {
        u256 price = number(json_object_get(row, "gasPrice")),
             pct = number(json_object_get(row, "effectivePercentage")),
             want = number(json_object_get(row, "expectedOutput")), got;
        exec_effective_gas_price(&got, &price, (uint8_t)pct.limb[0]);
        if (!u256_eq(&got, &want))
            fail_msg("row %zu", i);
    }
    assert_true(i > 100);
    json_decref(list);
}

static void published_hashes(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (unsigned i = 0; i < 20; i++) {
        char file[100];
        (void)snprintf(file, sizeof file, "tx-encoding/zkevm/tx-hash/tx-hash_%u.json", i);
        json_t *o = load(file);
        if (o == NULL)
            continue;
        exec_tx tx;
        memset(&tx, 0, sizeof tx);
        size_t len, to_len;
        uint8_t *data = from_hex(json_string_value(json_object_get(o, "data")), &len);
        uint8_t *to = from_hex(json_string_value(json_object_get(o, "to")), &to_len);
        tx.nonce = number(json_object_get(o, "nonce")).limb[0];
        tx.gas_limit = number(json_object_get(o, "gasLimit")).limb[0];
        tx.gas_price = number(json_object_get(o, "gasPrice"));
        tx.value = number(json_object_get(o, "value"));
        tx.data = data;
        tx.data_len = len;
        tx.is_create = to_len == 0;
        if (to_len == 20)
            memcpy(tx.to.bytes, to, 20);
        uint64_t v = number(json_object_get(o, "v")).limb[0];
        tx.has_chain_id = v >= 35;
        tx.chain_id = v >= 35 ? (v - 35) / 2 : 0;
        tx.v = (uint8_t)(v >= 35 ? 27 + (v - 35) % 2 : v);
        u256 r = number(json_object_get(o, "r")), s = number(json_object_get(o, "s"));
        tx.r = bytes_hash_of_u256(&r);
        tx.s = bytes_hash_of_u256(&s);
        uint8_t *scratch = malloc(exec_tx_ethereum_size(&tx));
        assert_non_null(scratch);
        exec_hash hash;
        exec_tx_hash(&tx, scratch, keccak_256, &hash);
        char text[67] = "0x";
        p_hex_encode(text + 2, hash.bytes, 32);
        assert_string_equal(text, json_string_value(json_object_get(o, "hash")));
        seen++;
        free(scratch);
        free(data);
        free(to);
        json_decref(o);
    }
    if (seen == 0)
        skip();
}

static void published_batch_forms(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (unsigned i = 0; i < 20; i++) {
        char file[100];
        (void)snprintf(file, sizeof file,
                       "tx-encoding/zkevm/old-to-new-calldata/old-to-new-calldata_%u.json", i);
        json_t *o = load(file);
        if (o == NULL)
            continue;
        size_t in_len, want_len;
        uint8_t *in = from_hex(json_string_value(json_object_get(o, "input")), &in_len);
        uint8_t *want = from_hex(json_string_value(json_object_get(o, "output")), &want_len);
        exec_tx tx;
        assert_true(exec_tx_read_ethereum(in, in_len, &tx, NULL));
        assert_int_equal(exec_tx_batch_size(&tx, false), want_len);
        uint8_t *out = malloc(want_len);
        assert_non_null(out);
        assert_ptr_equal(exec_tx_put_batch(out, &tx, false), out + want_len);
        assert_memory_equal(out, want, want_len);
        seen++;
        free(out);
        free(in);
        free(want);
        json_decref(o);
    }
    if (seen == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_example_of_eip155),
        cmocka_unit_test(every_truncation_and_mutation_of_a_raw_transaction_is_safe),
        cmocka_unit_test(the_v_of_the_ethereum_form),
        cmocka_unit_test(the_effective_price),
        cmocka_unit_test(the_intrinsic_gas),
        cmocka_unit_test(the_address_of_a_new_contract),
        cmocka_unit_test(published_prices),
        cmocka_unit_test(published_hashes),
        cmocka_unit_test(published_batch_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
