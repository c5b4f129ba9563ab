#include "tests/unit/state/state_test.h"

#include "host/state/batch_file.h"
#include "host/state/overlay.h"

static const batch_file_options plain = {
    .fork_id = 0, .default_counters = false, .max_l2_data = 1000};

#define Z63 "000000000000000000000000000000000000000000000000000000000000000"
#define WORD(digit) "\"0x" Z63 digit "\""
#define ADDRESS "\"0x617b3a3528F9cDd6630fd3301B9c8911F7Bf063D\""

/** A good batch, field by field; tests replace one of them. NULL: the field is left out. */
typedef struct field {
    const char *name, *value;
} field;
static const field good[] = {
    {"oldStateRoot", WORD("1")},    {"newStateRoot", WORD("2")},     {"oldAccInputHash", WORD("3")},
    {"newAccInputHash", WORD("4")}, {"newLocalExitRoot", WORD("5")}, {"oldNumBatch", "7"},
    {"newNumBatch", "\"8\""},       {"chainID", "\"0x3e8\""},        {"forkID", "6"},
    {"batchL2Data", "\"0xee80\""},  {"globalExitRoot", WORD("6")},   {"timestamp", "\"0x03e8\""},
    {"sequencerAddr", ADDRESS},     {"batchHashData", WORD("9")},    {"db", "{}"},
    {"contractsBytecode", "{}"},    {"disableStack", "true"},        {"stepsN", "16777216"},
};
#define N_FIELDS (sizeof good / sizeof good[0])

static char *batch_text(const char *name, const char *value)
{
    char *text = malloc(1 << 20);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, "{");
    bool used = false;
    for (size_t i = 0; i < N_FIELDS; i++) {
        bool replaced = name && strcmp(good[i].name, name) == 0;
        used = used || replaced;
        if (!replaced || value)
            n += (size_t)sprintf(text + n, "%s\"%s\": %s", n > 1 ? ", " : "", good[i].name,
                                 replaced ? value : good[i].value);
    }
    if (name && !used)
        n += (size_t)sprintf(text + n, ", \"%s\": %s", name, value);
    sprintf(text + n, "}");
    return text;
}

static p_status parse_text(const char *text, const batch_file_options *options, state_request **out,
                           batch_expected *expected, p_err *err)
{
    json_error_t where;
    json_t *object = json_loads(text, 0, &where);
    if (!object)
        fail_msg("the test's JSON is broken: %s: %s", where.text, text);
    p_status s = batch_json_parse(object, options, out, expected, err);
    json_decref(object);
    return s;
}

static p_status parse_with(const char *name, const char *value, const batch_file_options *options,
                           state_request **out, batch_expected *expected, p_err *err)
{
    char *text = batch_text(name, value);
    p_status s = parse_text(text, options, out, expected, err);
    free(text);
    return s;
}

static void expect_refused(const char *name, const char *value, const char *text)
{
    state_request *req;
    p_err err = {0};
    test_expect(parse_with(name, value, &plain, &req, NULL, &err), &err, P_EINVAL, text);
    assert_null(req);
}

static void test_good(void **unused)
{
    (void)unused;
    state_request *req;
    batch_expected e;
    p_err err = {0};
    test_ok(parse_with(NULL, NULL, &plain, &req, &e, &err), &err);
    const exec_batch *b = &req->batch;
    assert_int_equal(b->old_state_root.limb[0], 1);
    assert_int_equal(b->old_acc_input_hash.bytes[31], 3);
    assert_int_equal(b->old_batch_num, 7);
    assert_int_equal(b->chain_id, 1000);
    assert_int_equal(b->fork_id, 6);
    assert_int_equal(b->l2_data_len, 2);
    assert_int_equal(b->l2_data[0], 0xee);
    assert_int_equal(b->global_exit_root.bytes[31], 6);
    assert_int_equal(b->timestamp, 1000);
    assert_int_equal(b->sequencer.bytes[0], 0x61);
    assert_int_equal(b->block_gas_limit, 30000000);
    assert_false(b->enforce_counters);
    assert_true(e.has_state_root && e.has_acc_input_hash && e.has_local_exit_root &&
                e.has_batch_num && e.has_batch_hash_data);
    assert_int_equal(e.state_root.limb[0], 2);
    assert_int_equal(e.acc_input_hash.bytes[31], 4);
    assert_int_equal(e.local_exit_root.bytes[31], 5);
    assert_int_equal(e.batch_num, 8);
    assert_int_equal(e.batch_hash_data.bytes[31], 9);
    state_request_destroy(req);
}

static void test_numbers(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        uint64_t value;
    } ok[] = {{"0", 0},
              {"9223372036854775807", INT64_MAX},
              {"\"18446744073709551615\"", UINT64_MAX},
              {"\"0xffffffffffffffff\"", UINT64_MAX},
              {"\"0x0000000000000000000000000000000000FF\"", 255},
              {"\"0xABC\"", 0xabc},
              {"\"007\"", 7}};
    state_request *req;
    p_err err = {0};
    for (size_t i = 0; i < sizeof ok / sizeof ok[0]; i++) {
        test_ok(parse_with("timestamp", ok[i].text, &plain, &req, NULL, &err), &err);
        assert_true(req->batch.timestamp == ok[i].value);
        state_request_destroy(req);
    }
    static const char *const names[] = {"oldNumBatch", "chainID",     "timestamp",
                                        "gasLimit",    "newNumBatch", "forkID"};
    static const struct {
        const char *value, *text;
    } bad[] = {{"-1", "found -1"},
               {"\"-1\"", "found \"-1\""},
               {"1.0", "found a number with a fraction"},
               {"1e3", "found a number with a fraction"},
               {"\"\"", "found \"\""},
               {"\"0x\"", "found \"0x\""},
               {"\"12a\"", "found \"12a\""},
               {"\"0x12g\"", "found \"0x12g\""},
               {"\" 1\"", "found \" 1\""},
               {"\"1\\u00e9\"", "found \"1??\""},
               {"\"18446744073709551616\"", "is 2^64 or more"},
               {"\"0x10000000000000000\"", "is 2^64 or more"},
               {"null", "found null"},
               {"true", "found a boolean"},
               {"[1]", "found an array"},
               {"{}", "found an object"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            expect_refused(names[i], bad[k].value, names[i]);
            expect_refused(names[i], bad[k].value, bad[k].text);
        }
    expect_refused("oldNumBatch", "\"18446744073709551615\"", "2^64 - 1 has no next number");
}

static void test_hashes(void **unused)
{
    (void)unused;
    static const char *const names[] = {"oldStateRoot",  "oldAccInputHash", "globalExitRoot",
                                        "newStateRoot",  "newAccInputHash", "newLocalExitRoot",
                                        "batchHashData", "sequencerAddr"};
    char text[100];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *name = names[i];
        unsigned n = i == 7 ? 40 : 64;
        snprintf(text, sizeof text, "%s: expected a string of 0x and %u hex digits, found", name,
                 n);
        expect_refused(name, "7", text);
        expect_refused(name, "null", text);
        expect_refused(name, "\"\"", "found 0 digits");
        expect_refused(name,
                       i == 7 ? "\"0x617b3a3528F9cDd6630fd3301B9c8911F7Bf063\"" : "\"0x" Z63 "\"",
                       i == 7 ? "found 39 digits" : "found 63 digits");
        expect_refused(name, i == 7 ? WORD("1") : "\"0x" Z63 "12\"",
                       i == 7 ? "found 64 digits" : "found 65 digits");
        expect_refused(name, i == 7 ? "\"0x617b3a3528F9cDd6630fd3301B9c8911F7Bf063z\"" : WORD("x"),
                       "is not a hex digit");
        state_request *req;
        p_err err = {0};
        test_ok(parse_with(name,
                           i == 7 ? "\"617b3a3528F9cDd6630fd3301B9c8911F7Bf063D\"" : "\"" Z63 "1\"",
                           &plain, &req, NULL, &err),
                &err);
        state_request_destroy(req);
    }
}

static void test_missing(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_FIELDS; i++) {
        static const char *const needed[] = {"oldStateRoot", "oldAccInputHash", "oldNumBatch",
                                             "chainID",      "batchL2Data",     "globalExitRoot",
                                             "timestamp",    "sequencerAddr"};
        bool is_needed = false;
        for (size_t k = 0; k < sizeof needed / sizeof needed[0]; k++)
            is_needed = is_needed || strcmp(needed[k], good[i].name) == 0;
        char text[64];
        snprintf(text, sizeof text, "%s: missing", good[i].name);
        state_request *req;
        batch_expected e;
        p_err err = {0};
        if (is_needed) {
            expect_refused(good[i].name, NULL, text);
        } else if (strcmp(good[i].name, "forkID") == 0) {
            test_expect(parse_with("forkID", NULL, &plain, &req, NULL, &err), &err, P_EUNSUPPORTED,
                        "forkID: missing");
        } else {
            test_ok(parse_with(good[i].name, NULL, &plain, &req, &e, &err), &err);
            assert_int_equal(e.has_state_root, strcmp(good[i].name, "newStateRoot") != 0);
            assert_int_equal(e.has_batch_num, strcmp(good[i].name, "newNumBatch") != 0);
            state_request_destroy(req);
        }
    }
}

static void test_fork(void **unused)
{
    (void)unused;
    state_request *req;
    p_err err = {0};
    batch_file_options four = plain;
    four.fork_id = 4;
    test_ok(parse_with("forkID", "1", &four, &req, NULL, &err), &err);
    assert_int_equal(req->batch.fork_id, 4);
    state_request_destroy(req);
    test_ok(parse_with("forkID", NULL, &four, &req, NULL, &err), &err);
    state_request_destroy(req);
    static const char *const bad[] = {"0", "3", "7", "4294967302", "\"9\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        test_expect(parse_with("forkID", bad[i], &plain, &req, NULL, &err), &err, P_EUNSUPPORTED,
                    "is not supported; supported are 4, 5, 6");
    four.fork_id = 8;
    test_expect(parse_with(NULL, NULL, &four, &req, NULL, &err), &err, P_EUNSUPPORTED, "forkID: 8");
}

static void test_options(void **unused)
{
    (void)unused;
    state_request *req;
    p_err err = {0};
    batch_file_options on = plain;
    on.default_counters = true;
    test_ok(parse_with(NULL, NULL, &on, &req, NULL, &err), &err);
    assert_true(req->batch.enforce_counters);
    state_request_destroy(req);
    test_ok(parse_with("counters", "false", &on, &req, NULL, &err), &err);
    assert_false(req->batch.enforce_counters);
    state_request_destroy(req);
    test_ok(parse_with("counters", "true", &plain, &req, NULL, &err), &err);
    assert_true(req->batch.enforce_counters);
    state_request_destroy(req);
    expect_refused("counters", "1", "counters: expected true or false, found an integer");
    test_ok(parse_with("gasLimit", "\"2147483647\"", &plain, &req, NULL, &err), &err);
    assert_int_equal(req->batch.block_gas_limit, 2147483647);
    state_request_destroy(req);
}

static void test_l2_data(void **unused)
{
    (void)unused;
    state_request *req;
    p_err err = {0};
    static const char *const empty[] = {"\"0x\"", "\"\""};
    for (unsigned i = 0; i < 2; i++) {
        test_ok(parse_with("batchL2Data", empty[i], &plain, &req, NULL, &err), &err);
        assert_int_equal(req->batch.l2_data_len, 0);
        state_request_destroy(req);
    }
    expect_refused("batchL2Data", "\"0xabc\"",
                   "batchL2Data: 3 hex digits, expected an even number");
    expect_refused("batchL2Data", "\"0xabcq\"", "batchL2Data: 'q' at offset 5");
    expect_refused("batchL2Data", "5", "batchL2Data: expected a string");
    char text[2100] = "\"0x";
    memset(text + 3, '0', 2000);
    strcpy(text + 2003, "\"");
    test_ok(parse_with("batchL2Data", text, &plain, &req, NULL, &err), &err);
    assert_int_equal(req->batch.l2_data_len, 1000);
    state_request_destroy(req);
    strcpy(text + 2003, "00\"");
    expect_refused("batchL2Data", text, "batchL2Data: 1001 bytes, expected at most 1000");
}

#define LIMB "\"0000000000000001\""
#define LIMBS4 LIMB "," LIMB "," LIMB "," LIMB

static void test_db(void **unused)
{
    (void)unused;
    state_request *req;
    p_err err = {0};
    uint64_t rng = 1;
    char text[4000] = "{", key[65], words[193];
    size_t n = 1;
    for (unsigned i = 0; i < 4; i++) { /* both sizes, both forms */
        gl_t record[16];
        size_t elements = i & 1 ? 8 : 12;
        test_random_record(&rng, record, elements);
        test_key_text(key, record);
        test_words_text(words, record + 4, elements);
        n += (size_t)sprintf(text + n, "%s\"0x%s\": %s", i ? "," : "", key, i & 2 ? "\"" : "[");
        if (i & 2)
            n += (size_t)sprintf(text + n, "%s\"", words);
        for (size_t k = 0; !(i & 2) && k < elements; k++)
            n += (size_t)sprintf(text + n, "\"%.16s\"%s", words + 16 * k,
                                 k + 1 < elements ? "," : "]");
    }
    strcpy(text + n, "}");
    test_ok(parse_with("db", text, &plain, &req, NULL, &err), &err);
    assert_int_equal(req->overlay->n_nodes, 4);
    test_ok(state_request_verify(req, gl_poseidon_select(NULL), &err), &err);
    state_request_destroy(req);

    expect_refused("db", "[]", "db: expected an object, found an array");
    expect_refused("db", "{\"0x1\": 5}", "db[0x1]: expected an array or a string");
    expect_refused("db", "{\"0x1\": []}", "db[0x1]: the value has 0 elements, expected 8 or 12");
    expect_refused("db", "{\"0x1\": [" LIMBS4 "]}", "the value has 4 elements");
    expect_refused("db", "{\"0x1\": [" LIMBS4 "," LIMBS4 "," LIMB "]}", "has 9 elements");
    expect_refused("db", "{\"0x1\": [" LIMBS4 "," LIMBS4 "," LIMBS4 "," LIMB "]}", "has 13");
    expect_refused("db", "{\"0x1\": [" LIMBS4 ",1," LIMB "," LIMB "," LIMB "]}",
                   "element 4: expected a string of 16 hex digits, found an integer");
    expect_refused("db", "{\"0x1\": [" LIMBS4 ",\"01\"," LIMB "," LIMB "," LIMB "]}",
                   "element 4: expected 16 hex digits, found \"01\"");
    expect_refused("db", "{\"0x1\": [" LIMBS4 ",\"000000000000000g\"," LIMB "," LIMB "," LIMB "]}",
                   "element 4: expected 16 hex digits");
    expect_refused("db", "{\"0x1\": [" LIMBS4 ",\"ffffffff00000001\"," LIMB "," LIMB "," LIMB "]}",
                   "element 4 of the value is ffffffff00000001");
    expect_refused("db", "{\"0xq\": [" LIMBS4 "," LIMBS4 "]}", "db[0xq]: the key has 'q'");
    expect_refused("db", "{\"0x1\": \"00\"}", "the value has 2 hex digits");
}

static void test_codes(void **unused)
{
    (void)unused;
    state_request *req;
    p_err err = {0};
    static const uint8_t code[3] = {0x60, 0x00, 0x56};
    gl_t hash[4];
    char text[400], key[65];
    gl_poseidon_hash_bytes(hash, code, 3, gl_poseidon_permute_portable);
    test_key_text(key, hash);
    snprintf(text, sizeof text, "{%s: %s, \"0x%s\": \"600056\", \"%s\": \"0x600056\"}", ADDRESS,
             WORD("0"), key, key);
    test_ok(parse_with("contractsBytecode", text, &plain, &req, NULL, &err), &err);
    assert_int_equal(req->overlay->n_codes, 2);
    test_ok(state_request_verify(req, gl_poseidon_select(NULL), &err), &err);
    assert_int_equal(overlay_find_code(req->overlay, hash)->len, 3);
    state_request_destroy(req);
    expect_refused("contractsBytecode", "3", "contractsBytecode: expected an object");
    expect_refused("contractsBytecode", "{\"0x1\": 3}",
                   "contractsBytecode[0x1]: expected a string");
    expect_refused("contractsBytecode", "{\"0x1\": \"0x123\"}", "expected an even number");
    expect_refused("contractsBytecode", "{\"0x1\": \"0x12z3\"}", "has 'z' at offset 4");
    expect_refused("contractsBytecode", "{\"zz\": \"0x12\"}", "the key has 'z'");
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_files(void **unused)
{
    (void)unused;
    char dir[64], path[80], expected[120];
    state_request *req;
    p_err err = {0};
    test_make_dir(dir);
    snprintf(path, sizeof path, "%s/file.json", dir);
    snprintf(expected, sizeof expected, "%s: cannot be opened: No such file", path);
    test_expect(batch_file_load(path, &plain, &req, NULL, &err), &err, P_ENOTFOUND, expected);
    assert_null(req);
    test_expect(batch_file_load(dir, &plain, &req, NULL, &err), &err, P_EINVAL, "is a directory");

    char *text = batch_text(NULL, NULL);
    write_file(path, text);
    free(text);
    test_ok(batch_file_load(path, &plain, &req, NULL, &err), &err);
    state_request_destroy(req);

    text = batch_text("chainID", "-5");
    write_file(path, text);
    free(text);
    snprintf(expected, sizeof expected, "%s: chainID: expected", path);
    test_expect(batch_file_load(path, &plain, &req, NULL, &err), &err, P_EINVAL, expected);

    static const char *const broken[] = {"",
                                         "{\n \"a\": 1,\n x}",
                                         "{\"a\": 99999999999999999999}",
                                         "{\"a\": 1, \"a\": 2}",
                                         "{\"a\": \"\xff\"}",
                                         "{} {}"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        write_file(path, broken[i]);
        snprintf(expected, sizeof expected, "%s: line %d, column", path, i == 1 ? 3 : 1);
        test_expect(batch_file_load(path, &plain, &req, NULL, &err), &err, P_EINVAL,
                    i == 0 ? "no valid JSON" : expected);
    }
    write_file(path, "[1]");
    test_expect(batch_file_load(path, &plain, &req, NULL, &err), &err, P_EINVAL,
                "expected a JSON object, found an array");
    test_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_hashes),  cmocka_unit_test(test_missing),
        cmocka_unit_test(test_fork),    cmocka_unit_test(test_options),
        cmocka_unit_test(test_l2_data), cmocka_unit_test(test_db),
        cmocka_unit_test(test_codes),   cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
