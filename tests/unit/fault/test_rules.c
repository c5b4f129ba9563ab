#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/fault/rules.h"

#include <stdio.h>
#include <string.h>

#define MAX 4

static p_status parse(const char *text, fault_rules *out, fault_rule rule[MAX], p_err *err)
{
    *out = (fault_rules){.rule = rule, .max = MAX, .seed = 99};
    p_err_clear(err);
    return fault_rules_parse(text, out, err);
}

static void good_rules(void **state)
{
    static const struct {
        const char *text;
        fault_kind kind;
        uint64_t first, last;
        uint32_t ms;
    } GOOD[] = {
        {"error@1", FAULT_ERROR, 1, 1, 0},
        {"error@18446744073709551615", FAULT_ERROR, UINT64_MAX, UINT64_MAX, 0},
        {"timeout@7", FAULT_TIMEOUT, 7, 7, 0},
        {"memory@2+", FAULT_MEMORY, 2, UINT64_MAX, 0},
        {"die@3", FAULT_DIE, 3, UINT64_MAX, 0},
        {"die@3+", FAULT_DIE, 3, UINT64_MAX, 0},
        {"late@*", FAULT_LATE, 1, UINT64_MAX, 0},
        {"slow@4:0", FAULT_SLOW, 4, 4, 0},
        {"slow@*:3600000", FAULT_SLOW, 1, UINT64_MAX, 3600000},
        {"slow@2+:15", FAULT_SLOW, 2, UINT64_MAX, 15},
        {"hang@1", FAULT_HANG, 1, 1, 0},
        {"flip@12", FAULT_FLIP, 12, 12, 0},
    };
    fault_rule rule[MAX];
    fault_rules rules;
    p_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        assert_int_equal(parse(GOOD[i].text, &rules, rule, &err), P_OK);
        assert_int_equal(rules.count, 1);
        assert_int_equal(rules.seed, 0);
        assert_int_equal(rule[0].kind, GOOD[i].kind);
        assert_int_equal(rule[0].first, GOOD[i].first);
        assert_int_equal(rule[0].last, GOOD[i].last);
        assert_int_equal(rule[0].ms, GOOD[i].ms);
    }
    assert_int_equal(parse(NULL, &rules, rule, &err), P_OK);
    assert_int_equal(rules.count, 0);
    assert_int_equal(parse("", &rules, rule, &err), P_OK);
    assert_int_equal(rules.count, 0);
    assert_int_equal(parse("error@1,seed=5,flip@2,slow@1:3", &rules, rule, &err), P_OK);
    assert_int_equal(rules.count, 3);
    assert_int_equal(rules.seed, 5);
}

/* each is refused with its own text in the message, whatever stands around it */
static void bad_rules(void **state)
{
    static const char *const BAD[] = {
        "error",
        "error@",
        "error@0",
        "error@-1",
        "error@x",
        "error@1x",
        "error@1 ",
        " error@1",
        "error@1++",
        "error@**",
        "error@1:5",
        "errors@1",
        "err@1",
        "Error@1",
        "@1",
        "slow@1",
        "slow@1:",
        "slow@1:x",
        "slow@1:3600001",
        "slow@1:5ms",
        "slow:5@1",
        "seed=",
        "seed=x",
        "seed=1x",
        "seed@1",
        "flip@1@2",
        "nothing",
        "error@18446744073709551616",
        "seed=18446744073709551616",
    };
    fault_rule rule[MAX];
    fault_rules rules;
    char text[256], quoted[128];
    p_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        for (unsigned around = 0; around < 4; around++) {
            snprintf(text, sizeof(text), "%s%s%s", around & 1 ? "hang@5," : "", BAD[i],
                     around & 2 ? ",flip@6" : "");
            snprintf(quoted, sizeof(quoted), "'%s'", BAD[i]);
            assert_int_equal(parse(text, &rules, rule, &err), P_EINVAL);
            assert_int_equal(err.status, P_EINVAL);
            assert_non_null(strstr(err.text, quoted));
        }
    /* an empty rule between commas */
    assert_int_equal(parse("error@1,", &rules, rule, &err), P_EINVAL);
    assert_int_equal(parse(",error@1", &rules, rule, &err), P_EINVAL);
    assert_int_equal(parse("error@1,,flip@2", &rules, rule, &err), P_EINVAL);
    assert_int_equal(parse("error@1,error@2,error@3,error@4,late@5", &rules, rule, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "'late@5'"));
    /* a long one is cut in the message, not in memory */
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    assert_int_equal(parse(text, &rules, rule, &err), P_EINVAL);
    assert_int_equal(fault_rules_parse(text, &rules, NULL), P_EINVAL);
}

static void finding(void **state)
{
    fault_rule rule[MAX];
    fault_rules rules;
    p_err err;

    (void)state;
    assert_int_equal(parse("error@2,flip@3+,slow@2:1,slow@*:9", &rules, rule, &err), P_OK);
    assert_null(fault_rules_find(&rules, FAULT_ERROR, 1));
    assert_ptr_equal(fault_rules_find(&rules, FAULT_ERROR, 2), &rule[0]);
    assert_null(fault_rules_find(&rules, FAULT_ERROR, 3));
    assert_null(fault_rules_find(&rules, FAULT_FLIP, 2));
    assert_ptr_equal(fault_rules_find(&rules, FAULT_FLIP, 3), &rule[1]);
    assert_ptr_equal(fault_rules_find(&rules, FAULT_FLIP, UINT64_MAX), &rule[1]);
    assert_ptr_equal(fault_rules_find(&rules, FAULT_SLOW, 2), &rule[2]);
    assert_ptr_equal(fault_rules_find(&rules, FAULT_SLOW, 1), &rule[3]);
    assert_null(fault_rules_find(&rules, FAULT_HANG, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_rules),
        cmocka_unit_test(bad_rules),
        cmocka_unit_test(finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
