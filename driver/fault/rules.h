/** The rules of fault.h as data. */
#ifndef ZKP_DRIVER_FAULT_RULES_H
#define ZKP_DRIVER_FAULT_RULES_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fault_kind {
    FAULT_ERROR,
    FAULT_TIMEOUT,
    FAULT_MEMORY,
    FAULT_DIE,
    FAULT_LATE,
    FAULT_SLOW,
    FAULT_HANG,
    FAULT_FLIP,
    FAULT_KINDS
} fault_kind;

typedef struct fault_rule {
    fault_kind kind;
    uint64_t first, last; /**< runs to which it applies */
    uint32_t ms;          /**< FAULT_SLOW */
} fault_rule;

typedef struct fault_rules {
    fault_rule *rule; /**< the caller's array of max */
    size_t count, max;
    uint64_t seed;
} fault_rules;

/** Reads text (NULL: no rules) into out, whose rule and max are set. P_EINVAL names the rule. */
p_status fault_rules_parse(const char *text, fault_rules *out, p_err *err);

/** The first rule of that kind for that run, or NULL. */
const fault_rule *fault_rules_find(const fault_rules *rules, fault_kind kind, uint64_t run);

#endif
