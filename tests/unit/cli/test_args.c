/* The command line: options anywhere, both forms, and every way to get it wrong. */
#include "host/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const cli_option options[] = {
    {"json", NULL, "a switch"},
    {"addr", "A:P", "a value"},
    {"fork-id", "N", "a number"},
    {"watch", "[S]", "a number that may be left out"},
};
static const cli_command command = {
    .name = "test", .operands = "", .summary = "", .options = options, .n_options = 4};

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
    return cli_args_parse(options, 4, n, argv, out, err);
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

static void test_optional_value(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        bool ok;
        uint64_t value; /* 5 is what it was before */
        size_t operands;
    } cases[] = {
        {{"--watch", NULL}, true, 5, 0},           {{"--watch", "3", NULL}, true, 3, 0},
        {{"--watch=3", NULL}, true, 3, 0},         {{"--watch", "three", NULL}, true, 5, 1},
        {{"--watch", "--json", NULL}, true, 5, 0}, {{"--watch", "3x", NULL}, false, 5, 0},
        {{"--watch=x", NULL}, false, 5, 0},        {{"--watch", "0", NULL}, false, 5, 0},
        {{"--watch=", NULL}, true, 5, 0},          {{"--watch", "-1", NULL}, false, 5, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_args a;
        p_err err;
        uint64_t n = 5;
        p_status s = parse(&a, &err, cases[i].words);
        if (s == P_OK) {
            assert_non_null(cli_args_get(&command, &a, "watch"));
            assert_int_equal(a.n_operands, cases[i].operands);
            s = cli_args_number(&command, &a, "watch", 1, 10, &n, &err);
        }
        assert_int_equal(s, cases[i].ok ? P_OK : P_EINVAL);
        assert_int_equal(n, cases[i].value);
    }
}

/* No line of a help is wider than a terminal, nothing is lost, and indented lines stay. */
static void test_help(void **state)
{
    (void)state;
    static const cli_option long_options[] = {
        {"a-rather-long-name", "VALUE", "one two three four five six seven eight nine ten eleven"},
        {"b", NULL,
         "an-extremely-long-word-that-cannot-be-broken-and-fits-into-no-line-whatever-one"},
    };
    const cli_command c = {
        .name = "test",
        .operands = "FILE",
        .summary = "a summary",
        .details = "one two three four five six seven eight nine ten eleven twelve thirteen\n"
                   "fourteen\n\n  a   table\n  stays\nlast",
        .options = long_options,
        .n_options = 2,
    };
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cli_args_help(&c, f);
    fclose(f);
    assert_non_null(strstr(text, "one two three four five six seven eight nine ten eleven twelve "
                                 "thirteen\nfourteen\n\n  a   table\n  stays\nlast\n"));
    assert_non_null(strstr(text, "  --a-rather-long-name VALUE one two three"));
    assert_non_null(strstr(text, " ten\n                           eleven\n"));
    assert_non_null(strstr(text, long_options[1].help));
    assert_non_null(strstr(text, "  --help "));
    for (const char *p = text; *p; p += strcspn(p, "\n") + 1)
        assert_true(strcspn(p, "\n") < 80 || strstr(p, long_options[1].help));
    free(text);
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
        cmocka_unit_test(test_exit_codes), cmocka_unit_test(test_optional_value),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
