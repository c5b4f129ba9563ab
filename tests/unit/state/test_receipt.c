#include "tests/unit/state/state_test.h"

#include "host/state/receipt.h"

#include <jansson.h>

static exec_address address_of(const char *text)
{
    exec_address a;
    assert_true(p_hex_decode(a.bytes, 20, text, 40));
    return a;
}

static u256 number(uint64_t x)
{
    return (u256){{x, 0, 0, 0}};
}

static void expect_bits(const uint8_t bloom[256], const unsigned *bits, size_t n)
{
    uint8_t expected[256] = {0};
    for (size_t i = 0; i < n; i++)
        expected[255 - bits[i] / 8] |= (uint8_t)(1u << bits[i] % 8);
    assert_memory_equal(bloom, expected, 256);
}

/** Block headers of ethereum/tests (BlockchainTests/stLogTests, Berlin): one LOG4 in a block. */
static void test_bloom(void **unused)
{
    (void)unused;
    uint8_t bloom[256];
    exec_log log = {.address = address_of("0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6"),
                    .n_topics = 4};
    static const unsigned four_zero_topics[] = {269, 431, 1163, 1241, 1319, 1323};
    state_logs_bloom(&log, 1, bloom); /* log4_nonEmptyMem_logMemSize1_logMemStart31 */
    expect_bits(bloom, four_zero_topics, 6);

    exec_log logs[2] = {log, log};
    logs[1].topics[3] = /* log4_Caller: 095e7baea6a6c7c4c2dfeb977efac326af552d87 */
        (u256){{UINT64_C(0x7efac326af552d87), UINT64_C(0xa6a6c7c4c2dfeb97), 0x095e7bae, 0}};
    static const unsigned with_caller[] = {208, 269, 431, 1163, 1241, 1319, 1323, 1718, 1837};
    state_logs_bloom(&logs[1], 1, bloom);
    expect_bits(bloom, with_caller, 9);
    state_logs_bloom(logs, 2, bloom);
    expect_bits(bloom, with_caller, 9);
    state_logs_bloom(NULL, 0, bloom);
    expect_bits(bloom, NULL, 0);
}

static json_t *parse(char *text)
{
    assert_non_null(text);
    json_error_t where;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (!object)
        fail_msg("no JSON: %s: %s", where.text, text);
    assert_null(strchr(text, ' '));
    free(text);
    return object;
}

/** NULL stands for null. */
static void expect_field(const json_t *object, const char *key, const char *value)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        fail_msg("%s is missing", key);
    if (!value) {
        assert_true(json_is_null(v));
        return;
    }
    if (!json_is_string(v) || strcmp(json_string_value(v), value) != 0)
        fail_msg("%s: expected %s, found %s", key, value,
                 json_is_string(v) ? json_string_value(v) : "no string");
}

#define WORD_77 "0x0000000000000000000000000000000000000000000000000000000000000077"
#define HASH "0x1111111111111111111111111111111111111111111111111111111111111111"

static exec_tx_result base_tx(void)
{
    exec_tx_result tx = {.index = 12,
                         .has_from = true,
                         .from = address_of("00112233445566778899aabbccddeeff00112233"),
                         .to = address_of("ffeeddccbbaa99887766554433221100ffeeddcc"),
                         .gas_limit = 100000,
                         .gas_used = 21000,
                         .cumulative_gas_used = 0x123456,
                         .effective_gas_price = {{0, 1, 0, 0}},
                         .block_number = number(0x10),
                         .block_hash = number(0x77)};
    memset(tx.hash.bytes, 0x11, 32);
    return tx;
}

static void test_success(void **unused)
{
    (void)unused;
    static const uint8_t data[3] = {0, 0xab, 0xff};
    exec_log logs[2] = {{.address = address_of("0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6")},
                        {.address = address_of("0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6"),
                         .n_topics = 2,
                         .topics = {number(0x77), number(0)},
                         .data = data,
                         .data_len = 3}};
    exec_tx_result tx = base_tx();
    tx.logs = logs;
    tx.n_logs = 2;
    state_outcome o = {.txs = &tx, .result = {.n_txs = 1}};
    json_t *r = parse(state_receipt_json(&o, 0));
    assert_int_equal(json_object_size(r), 16);
    expect_field(r, "transactionHash", HASH);
    expect_field(r, "transactionIndex", "0x0");
    expect_field(r, "blockHash", WORD_77);
    expect_field(r, "blockNumber", "0x10");
    expect_field(r, "from", "0x00112233445566778899aabbccddeeff00112233");
    expect_field(r, "to", "0xffeeddccbbaa99887766554433221100ffeeddcc");
    expect_field(r, "cumulativeGasUsed", "0x123456");
    expect_field(r, "gasUsed", "0x5208");
    expect_field(r, "contractAddress", NULL);
    expect_field(r, "type", "0x0");
    expect_field(r, "status", "0x1");
    expect_field(r, "effectiveGasPrice", "0x10000000000000000");
    expect_field(r, "error", NULL);
    expect_field(r, "batchIndex", "0xc");
    const char *bloom = json_string_value(json_object_get(r, "logsBloom"));
    assert_int_equal(strlen(bloom), 514);

    json_t *list = json_object_get(r, "logs");
    assert_int_equal(json_array_size(list), 2);
    for (size_t j = 0; j < 2; j++) {
        json_t *log = parse(state_log_json(&o, 0, j));
        assert_true(json_equal(log, json_array_get(list, j)));
        assert_int_equal(json_object_size(log), 9);
        expect_field(log, "address", "0x0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6");
        expect_field(log, "data", j ? "0x00abff" : "0x");
        expect_field(log, "logIndex", j ? "0x1" : "0x0");
        expect_field(log, "transactionHash", HASH);
        expect_field(log, "transactionIndex", "0x0");
        expect_field(log, "blockNumber", "0x10");
        expect_field(log, "blockHash", WORD_77);
        assert_true(json_is_false(json_object_get(log, "removed")));
        const json_t *topics = json_object_get(log, "topics");
        assert_int_equal(json_array_size(topics), j ? 2 : 0);
        if (j)
            assert_string_equal(json_string_value(json_array_get(topics, 0)), WORD_77);
        json_decref(log);
    }
    json_decref(r);
}

static void test_skipped_and_failed(void **unused)
{
    (void)unused;
    exec_tx_result txs[4] = {base_tx(), base_tx(), base_tx(), base_tx()};
    txs[0].error = EXEC_INTRINSIC_SIGNATURE;
    txs[0].has_from = false;
    txs[0].gas_used = 0;
    txs[1].error = EXEC_OUT_OF_GAS;
    txs[1].is_create = true;
    txs[1].has_create_address = true;
    txs[1].create_address = address_of("ffeeddccbbaa99887766554433221100ffeeddcc");
    txs[2].error = EXEC_INTRINSIC_NONCE;
    txs[2].effective_gas_price = number(0);
    txs[2].is_create = true;
    txs[3].error = EXEC_UNDONE_POSEIDON;
    txs[3].has_from = false;
    txs[3].gas_used = 0;
    state_outcome o = {.txs = txs, .result = {.n_txs = 4}};
    json_t *r = parse(state_receipt_json(&o, 0));
    expect_field(r, "status", "0x0");
    expect_field(r, "error", "intrinsic_invalid_signature");
    expect_field(r, "from", NULL);
    expect_field(r, "blockNumber", NULL);
    expect_field(r, "blockHash", NULL);
    expect_field(r, "gasUsed", "0x0");
    json_decref(r);
    r = parse(state_receipt_json(&o, 1));
    expect_field(r, "status", "0x0");
    expect_field(r, "error", "OOG");
    expect_field(r, "to", NULL);
    expect_field(r, "contractAddress", "0xffeeddccbbaa99887766554433221100ffeeddcc");
    expect_field(r, "blockNumber", "0x10");
    json_decref(r);
    r = parse(state_receipt_json(&o, 2));
    expect_field(r, "error", "intrinsic_invalid_nonce");
    expect_field(r, "contractAddress", NULL);
    expect_field(r, "effectiveGasPrice", "0x0");
    json_decref(r);
    r = parse(state_receipt_json(&o, 3));
    expect_field(r, "status", "0x0");
    expect_field(r, "error", "OOCPO");
    expect_field(r, "from", NULL);
    expect_field(r, "gasUsed", "0x0");
    expect_field(r, "blockNumber", NULL);
    expect_field(r, "blockHash", NULL);
    json_decref(r);
}

/** Data longer than what fits on the stack. */
static void test_large_log(void **unused)
{
    (void)unused;
    static const size_t lengths[] = {255, 256, 257, 1 << 20};
    for (size_t k = 0; k < 4; k++) {
        size_t len = lengths[k];
        uint8_t *data = malloc(len);
        assert_non_null(data);
        memset(data, 0xa5, len);
        exec_log log = {.data = data, .data_len = len};
        exec_tx_result tx = base_tx();
        tx.logs = &log;
        tx.n_logs = 1;
        state_outcome o = {.txs = &tx, .result = {.n_txs = 1}};
        json_t *r = parse(state_log_json(&o, 0, 0));
        const char *text = json_string_value(json_object_get(r, "data"));
        assert_int_equal(strlen(text), 2 + 2 * len);
        assert_int_equal(strspn(text + 2, "a5"), 2 * len);
        json_decref(r);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bloom),
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_skipped_and_failed),
        cmocka_unit_test(test_large_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
