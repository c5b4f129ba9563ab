/* Tables: widths, alignment, no trailing blanks, empty cells. */
#include "host/cli/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *printed(const table *t, bool *ok)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    *ok = table_print(t, f);
    fclose(f);
    return text;
}

static void test_table(void **state)
{
    (void)state;
    static const char *const header[] = {"#", "name", "gas", "reason"};
    table t;
    bool ok;
    table_init(&t, 4, header);
    t.right[0] = t.right[2] = true;
    static const char *const cells[] = {"9", "a", "5", "", "10", "longname", "123456", "revert"};
    for (size_t i = 0; i < 8; i++)
        table_cell(&t, "%s", cells[i]);
    table_cell(&t, "an unfinished row is not printed");
    char *text = printed(&t, &ok);
    assert_true(ok);
    assert_string_equal(text, " #  name         gas  reason\n"
                              " 9  a              5\n"
                              "10  longname  123456  revert\n");
    free(text);
    table_free(&t);
}

static void test_only_header(void **state)
{
    (void)state;
    static const char *const header[] = {"one", "two"};
    table t;
    bool ok;
    table_init(&t, 2, header);
    char *text = printed(&t, &ok);
    assert_string_equal(text, "one  two\n");
    free(text);
    table_free(&t);
}

static void test_many_rows(void **state)
{
    (void)state;
    static const char *const header[] = {"n"};
    table t;
    bool ok;
    table_init(&t, 1, header);
    for (int i = 0; i < 1000; i++)
        table_cell(&t, "%d", i);
    char *text = printed(&t, &ok);
    assert_true(ok);
    assert_non_null(strstr(text, "\n999\n"));
    free(text);
    table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_only_header),
        cmocka_unit_test(test_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
