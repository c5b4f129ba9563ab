#include "host/zkproverd/log.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/** Logs into a pipe and returns the object of the one line, or NULL if nothing was written. */
static json_t *logged(log_level at, log_level level, const char *text)
{
    int fds[2];
    char line[4096] = "";
    assert_int_equal(pipe(fds), 0);
    logger l = {at, fds[1]};
    log_event(&l, level, "test", "{s:s, s:i}", "text", text, "number", 7);
    close(fds[1]);
    ssize_t n = read(fds[0], line, sizeof line - 1);
    close(fds[0]);
    assert_true(n >= 0);
    if (n == 0)
        return NULL;
    assert_ptr_equal(strchr(line, '\n'), line + n - 1);
    json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(o);
    return o;
}

static void lines(void **state)
{
    (void)state;
    json_t *o = logged(LOG_INFO, LOG_WARN, "two\nlines \"quoted\" \xc3\x9f");
    assert_string_equal(json_string_value(json_object_get(o, "text")),
                        "two\nlines \"quoted\" \xc3\x9f");
    assert_string_equal(json_string_value(json_object_get(o, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(o, "event")), "test");
    assert_int_equal(json_integer_value(json_object_get(o, "number")), 7);
    unsigned y, mo, d, h, mi, s, ms;
    assert_int_equal(sscanf(json_string_value(json_object_get(o, "time")),
                            "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ", &y, &mo, &d, &h, &mi, &s, &ms),
                     7);
    json_decref(o);
    assert_null(logged(LOG_WARN, LOG_INFO, "dropped"));
    json_decref(o = logged(LOG_WARN, LOG_ERROR, "kept"));
}

/** Text that JSON cannot hold loses the fields, not the event. */
static void not_utf8(void **state)
{
    (void)state;
    json_t *o = logged(LOG_DEBUG, LOG_DEBUG, "\xff");
    assert_string_equal(json_string_value(json_object_get(o, "event")), "test");
    assert_non_null(json_object_get(o, "fields_lost"));
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(not_utf8)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
