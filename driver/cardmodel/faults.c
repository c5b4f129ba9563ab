#include "driver/cardmodel/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    model_fault_kind kind;
    bool kernel;
} KINDS[] = {
    {"exit", MODEL_FAULT_EXIT, false},
    {"crash", MODEL_FAULT_CRASH, false},
    {"garble", MODEL_FAULT_GARBLE, false},
    {"exit-run", MODEL_FAULT_EXIT_RUN, false},
    {"crash-run", MODEL_FAULT_CRASH_RUN, false},
    {"hang", MODEL_FAULT_HANG, true},
    {"slow", MODEL_FAULT_SLOW, true},
    {"flip", MODEL_FAULT_FLIP, false},
};

static bool read_rule(const char *at, size_t size, model_fault *out)
{
    char text[128], *sign, *equals, *end;

    if (size >= sizeof text)
        return false;
    memcpy(text, at, size);
    text[size] = 0;
    sign = strchr(text, '@');
    if (!sign || sign[1] < '0' || sign[1] > '9')
        return false;
    *sign = 0;
    errno = 0;
    out->number = strtoull(sign + 1, &end, 0);
    if (errno || *end)
        return false;
    equals = strchr(text, '=');
    if (equals) {
        *equals = 0;
        if (!equals[1] || strlen(equals + 1) >= sizeof out->kernel)
            return false;
        memcpy(out->kernel, equals + 1, strlen(equals + 1) + 1);
    }
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (!strcmp(text, KINDS[i].name) && KINDS[i].kernel == (equals != NULL)) {
            out->kind = KINDS[i].kind;
            return true;
        }
    }
    return false;
}

p_status model_faults_read(const char *text, model_faults *out, p_err *err)
{
    memset(out, 0, sizeof *out);
    while (text && *text) {
        size_t size = strcspn(text, ",");

        if (out->count == FAULTS_MAX || !read_rule(text, size, &out->rule[out->count]))
            return p_err_set(err, P_EINVAL,
                             "%s: '%.*s' is none of exit@N, crash@N, garble@N, exit-run@N, "
                             "crash-run@N, hang=KERNEL@N, slow=KERNEL@MS, flip@ADDRESS (at most %d "
                             "of them, with commas)",
                             FAULTS_VARIABLE, (int)(size > 100 ? 100 : size), text, FAULTS_MAX);
        out->count++;
        text += size;
        if (*text == ',')
            text++;
    }
    return P_OK;
}

bool model_faults_at(const model_faults *faults, model_fault_kind kind, uint64_t number)
{
    for (uint32_t i = 0; i < faults->count; i++) {
        if (faults->rule[i].kind == kind && faults->rule[i].number == number)
            return true;
    }
    return false;
}

uint64_t model_faults_slow_ms(const model_faults *faults, const char *kernel)
{
    uint64_t ms = 0;

    for (uint32_t i = 0; i < faults->count; i++) {
        const model_fault *rule = &faults->rule[i];

        if (rule->kind == MODEL_FAULT_SLOW && !strcmp(rule->kernel, kernel) && rule->number > ms)
            ms = rule->number < 60000 ? rule->number : 60000;
    }
    return ms;
}

bool model_faults_hangs(const model_faults *faults, const char *kernel, uint64_t run)
{
    for (uint32_t i = 0; i < faults->count; i++) {
        const model_fault *rule = &faults->rule[i];

        if (rule->kind == MODEL_FAULT_HANG && rule->number == run && !strcmp(rule->kernel, kernel))
            return true;
    }
    return false;
}
