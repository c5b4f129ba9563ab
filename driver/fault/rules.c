#include "driver/fault/rules.h"

#include <string.h>

static const char *const NAME[FAULT_KINDS] = {
    [FAULT_ERROR] = "error", [FAULT_TIMEOUT] = "timeout", [FAULT_MEMORY] = "memory",
    [FAULT_DIE] = "die",     [FAULT_LATE] = "late",       [FAULT_SLOW] = "slow",
    [FAULT_HANG] = "hang",   [FAULT_FLIP] = "flip",
};

/* decimal digits at *at, before end; false if there are none or the number does not fit */
static bool number(const char **at, const char *end, uint64_t *out)
{
    const char *start = *at;
    uint64_t n = 0;

    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        unsigned digit = (unsigned)(**at - '0');

        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return *at > start;
}

static p_status refuse(const char *at, const char *end, const char *why, p_err *err)
{
    return p_err_set(err, P_EINVAL,
                     "fault rule '%.*s': %s (a rule is KIND@WHEN, for example error@2, slow@*:50 "
                     "or flip@3+; or seed=7)",
                     (int)(end - at > 100 ? 100 : end - at), at, why);
}

static p_status parse_rule(const char *at, const char *end, fault_rules *out, p_err *err)
{
    const char *start = at, *sign = memchr(at, '@', (size_t)(end - at));
    fault_rule rule = {.kind = FAULT_KINDS};
    uint64_t ms;

    if (end - at >= 5 && !memcmp(at, "seed=", 5)) {
        at += 5;
        if (!number(&at, end, &out->seed) || at != end)
            return refuse(start, end, "the seed is not a number below 2^64", err);
        return P_OK;
    }
    if (!sign)
        return refuse(start, end, "there is no '@'", err);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        if (strlen(NAME[kind]) == (size_t)(sign - at) &&
            !memcmp(NAME[kind], at, (size_t)(sign - at)))
            rule.kind = (fault_kind)kind;
    if (rule.kind == FAULT_KINDS)
        return refuse(start, end,
                      "unknown kind; there are error, timeout, memory, die, late, slow, hang, flip",
                      err);
    at = sign + 1;
    if (at < end && *at == '*') {
        at++;
        rule.first = 1;
        rule.last = UINT64_MAX;
    } else {
        if (!number(&at, end, &rule.first) || !rule.first)
            return refuse(start, end, "after '@' comes the number of a run, from 1 on, or '*'",
                          err);
        rule.last = rule.kind == FAULT_DIE ? UINT64_MAX : rule.first;
        if (at < end && *at == '+') {
            at++;
            rule.last = UINT64_MAX;
        }
    }
    if (rule.kind == FAULT_SLOW) {
        if (at == end || *at++ != ':' || !number(&at, end, &ms) || ms > 3600000)
            return refuse(start, end, "slow wants ':' and milliseconds, at most 3600000", err);
        rule.ms = (uint32_t)ms;
    }
    if (at != end)
        return refuse(start, end, "something follows the rule", err);
    if (out->count == out->max)
        return refuse(start, end, "too many rules", err);
    out->rule[out->count++] = rule;
    return P_OK;
}

p_status fault_rules_parse(const char *text, fault_rules *out, p_err *err)
{
    out->count = 0;
    out->seed = 0;
    if (!text || !*text)
        return P_OK;
    for (;;) {
        const char *end = text + strcspn(text, ",");
        p_status status = parse_rule(text, end, out, err);

        if (status != P_OK || !*end)
            return status;
        text = end + 1;
    }
}

const fault_rule *fault_rules_find(const fault_rules *rules, fault_kind kind, uint64_t run)
{
    for (size_t i = 0; i < rules->count; i++) {
        const fault_rule *rule = &rules->rule[i];

        if (rule->kind == kind && run >= rule->first && run <= rule->last)
            return rule;
    }
    return NULL;
}
