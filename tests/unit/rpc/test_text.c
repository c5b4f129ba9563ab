#include "host/rpc/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, const char *folder, const char *expected)
{
    char out[256];
    assert_string_equal(rpc_text_hide_folder(out, sizeof out, text, folder), expected);
}

static void known(void **state)
{
    (void)state;
    check("job store /var/lib/z/jobs: full", "/var/lib/z", "job store data_dir/jobs: full");
    check("job store /var/lib/z/jobs: full", "/var/lib/z//", "job store data_dir/jobs: full");
    check("/d/a and /d/b, '/d'", "/d", "data_dir/a and data_dir/b, 'data_dir'");
    check("store d/jobs: a second d/x", "d", "store data_dir/jobs: a second data_dir/x");
    check("", "/d", "");
    check("/d", "/d", "data_dir");
}

static void others_stay(void **state)
{
    (void)state;
    check("see /var/lib/zkp/jobs", "/var/lib/z", "see /var/lib/zkp/jobs");
    check("see /srv/var/lib/z/jobs", "/var/lib/z", "see /srv/var/lib/z/jobs");
    check("an odd thing", "d", "an odd thing");
    check("see /a", NULL, "see /a");
    check("see /a", "", "see /a");
    check("see /a", "/", "see /a");
}

static void cut(void **state)
{
    (void)state;
    char out[16];
    for (size_t cap = 1; cap <= sizeof out; cap++) {
        memset(out, 'x', sizeof out);
        rpc_text_hide_folder(out, cap, "in /d/jobs and more", "/d");
        assert_int_equal(strlen(out), cap - 1);
        assert_memory_equal(out, "in data_dir/jobs and more", cap - 1);
    }
}

static void cut_before_a_character(void **state)
{
    (void)state;
    char out[16];
    for (size_t cap = 1; cap <= 10; cap++) {
        rpc_text_hide_folder(out, cap, "/d \xe2\x82\xac\xe2\x82\xac", "/dd");
        size_t n = cap - 1 < 3 ? cap - 1 : cap - 1 - (cap - 1) % 3;
        assert_int_equal(strlen(out), n);
        assert_memory_equal(out, "/d \xe2\x82\xac\xe2\x82\xac", n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known), cmocka_unit_test(others_stay),
                                       cmocka_unit_test(cut),
                                       cmocka_unit_test(cut_before_a_character)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
