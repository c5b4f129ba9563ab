/* The command line: options anywhere, both forms, and every way to get it wrong. */
#include "host/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const cli_option options[] = {
    {"json", NULL, "a switch"},
    {"addr", "A:P", "a value"},
    {"fork-id", "N", "a number"},
};
static const cli_command command = {
    .name = "test", .operands = "", .summary = "", .options = options, .n_options = 3};

/* Parses a NULL-terminated list of words. */
static p_status parse(cli_args *out, p_err *err, const char *const *words)
{
    static char copies[16][64]; /* argv may be written to, and out borrows it */
    static char *argv[16];
    int n = 0;
    for (; words[n]; n++) {
        snprintf(copies[n], sizeof copies[n], "%s", words[n]);
        argv[n] = copies[n];
    }
    memset(err, 0, sizeof *err);
    return cli_args_parse(options, 3, n, argv, out, err);
}

static void test_forms(void **state)
{
    (void)state;
    cli_args a;
    p_err err;
    const char *const words[] = {"one", "--addr", "x:1", "two", "--fork-id=6", "--json", "-", NULL};
    assert_int_equal(parse(&a, &err, words), P_OK);
    assert_int_equal(a.n_operands, 3);
    assert_string_equal(a.operands[0], "one");
    assert_string_equal(a.operands[1], "two");
    assert_string_equal(a.operands[2], "-");
    assert_string_equal(cli_args_get(&command, &a, "addr"), "x:1");
    assert_string_equal(cli_args_get(&command, &a, "json"), "");
    uint64_t n = 0;
    assert_int_equal(cli_args_number(&command, &a, "fork-id", 1, 10, &n, &err), P_OK);
    assert_int_equal(n, 6);
    assert_null(cli_args_get(&command, &a, "nothing"));
    assert_false(a.help);
}

static void test_end_of_options(void **state)
{
    (void)state;
    cli_args a;
    p_err err;
    const char *const words[] = {"--", "--json", "--addr", NULL};
    assert_int_equal(parse(&a, &err, words), P_OK);
    assert_int_equal(a.n_operands, 2);
    assert_string_equal(a.operands[0], "--json");
    assert_null(cli_args_get(&command, &a, "json"));
    const char *const none[] = {NULL};
    assert_int_equal(parse(&a, &err, none), P_OK);
    assert_int_equal(a.n_operands, 0);
    const char *const help[] = {"-h", NULL};
    assert_int_equal(parse(&a, &err, help), P_OK);
    assert_true(a.help);
}

static void test_wrong(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"--bogus", NULL},          {"--bogus=1", NULL}, {"-x", NULL},
        {"--addr", NULL},           {"--json=1", NULL},  {"--json", "--json", NULL},
        {"--addr=", "--addr", "y"}, {"--jso", NULL},     {"--jsonx", NULL},
        {"---json", NULL},          {"-json", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words[5] = {NULL};
        memcpy(words, cases[i], sizeof cases[i]);
        cli_args a;
        p_err err;
        assert_int_equal(parse(&a, &err, words), P_EINVAL);
        assert_true(err.text[0] != 0);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "-1", "+1", " 1", "1x", "0", "11", "0x5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *const words[] = {"--fork-id", wrong[i], NULL};
        cli_args a;
        p_err err;
        uint64_t n = 77;
        assert_int_equal(parse(&a, &err, words), P_OK);
        assert_int_equal(cli_args_number(&command, &a, "fork-id", 1, 10, &n, &err), P_EINVAL);
        assert_int_equal(n, 77);
        assert_non_null(strstr(err.text, "--fork-id"));
    }
    cli_args a;
    p_err err;
    uint64_t n = 5;
    const char *const none[] = {NULL};
    assert_int_equal(parse(&a, &err, none), P_OK);
    assert_int_equal(cli_args_number(&command, &a, "fork-id", 1, 10, &n, &err), P_OK);
    assert_int_equal(n, 5);
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_of(P_OK), 0);
    assert_int_equal(cli_exit_of(P_EINVAL), 1);
    assert_int_equal(cli_exit_of(P_EUNAVAILABLE), 1);
    assert_int_equal(cli_exit_of(P_EMISSING), 4);
    assert_int_equal(cli_exit_of(P_EUNSUPPORTED), 4);
    assert_int_equal(cli_exit_of(P_EEXHAUSTED), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),      cmocka_unit_test(test_end_of_options),
        cmocka_unit_test(test_wrong),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
