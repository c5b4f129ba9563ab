/* conformance: puts a device through the suite. Exit codes: 0 passed, 1 findings, 2 could not run,
 * 77 skipped (this CPU lacks the instruction set, or the machine an OpenCL platform). */
#include "tests/conformance/conformance.h"
#include "tests/conformance/direct_card.h"
#include "tests/conformance/example_backend.h"

#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: conformance --device NAME [options]\n"
    "  --device NAME       as drv_open takes it, or slow: the example of "
    "docs/adding-a-backend.md,\n"
    "                      or direct, direct1, direct16: the kernels of cards in this process\n"
    "  --isa NAME          instruction set of a CPU device\n"
    "  --threads N         threads of a CPU device; 0 (default): all\n"
    "  --memory BYTES      limit of the device's memory\n"
    "  --fault RULES       for fault:NAME; see driver/fault/fault.h\n"
    "  --max-log2 N        largest number of rows, as its logarithm; default 14\n"
    "  --min-log2 N        and the smallest of transforms, commits, sums; default 0\n"
    "  --effort N          0: a few jobs of each kind, 1 (default): the usual, 2: the whole grid\n"
    "  --only PART         may be given several times; default: all parts\n"
    "  --skip PART         may be given several times\n"
    "  --compare yes|no    large jobs also on device cpu, portable; default yes\n"
    "  --complete          a job that is not supported is a finding\n"
    "  --expect-findings   exit code 0 if there are findings, 1 if not: with --fault, whether the "
    "suite "
    "sees faults\n"
    "  --patience N        by what the allowed times are multiplied; default 1\n"
    "  --seed N            default 1\n";

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "conformance: %s %s\n%s", why, what, USAGE);
    return 2;
}

static bool number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;

    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *out <= max;
}

static bool part(const char *name, uint32_t *set)
{
    for (unsigned i = 0; i < CONFORMANCE_PARTS; i++)
        if (!strcmp(name, conformance_part_name((conformance_part)i))) {
            *set |= 1u << i;
            return true;
        }
    return false;
}

/* Whether device is the first of OpenCL, and there is none to use. */
static bool no_opencl(const char *device)
{
    drv_info found[32];
    size_t n = strcmp(device, "opencl:0") ? 0 : drv_list(NULL, found, 32);

    for (size_t i = 0; i < n && i < 32; i++) {
        if (!strcmp(found[i].name, device) && !found[i].usable) {
            printf("skipped: %s\n", found[i].about);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    /* back ends that are not in driver.c's table */
    static const drv_backend *const OWN[] = {&drv_backend_slow, &drv_backend_direct,
                                             &drv_backend_direct1, &drv_backend_direct16};
    static const drv_options PORTABLE = {.isa = "portable"};
    conformance_options o = {
        .compare = &PORTABLE, .max_log2 = 14, .effort = 1, .patience = 1, .seed = 1, .log = stdout};
    conformance_result result;
    bool expect_findings = false;
    uint32_t skip = 0;
    p_isa isa;
    int code;

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        uint64_t n = 0;
        bool ok = true;

        if (!strcmp(name, "--help")) {
            fputs(USAGE, stdout);
            return 0;
        }
        if (!strcmp(name, "--expect-findings")) {
            expect_findings = true;
            continue;
        }
        if (!strcmp(name, "--complete")) {
            o.complete = true;
            continue;
        }
        i++;
        if (!strcmp(name, "--device"))
            o.device = value;
        else if (!strcmp(name, "--isa"))
            o.options.isa = value;
        else if (!strcmp(name, "--fault"))
            o.options.fault = value;
        else if (!strcmp(name, "--threads") && (ok = number(value, 1024, &n)))
            o.options.threads = (unsigned)n;
        else if (!strcmp(name, "--memory") && (ok = number(value, UINT64_MAX, &n)))
            o.options.memory_bytes = n;
        else if (!strcmp(name, "--max-log2") && (ok = number(value, 24, &n)))
            o.max_log2 = (unsigned)n;
        else if (!strcmp(name, "--min-log2") && (ok = number(value, 24, &n)))
            o.min_log2 = (unsigned)n;
        else if (!strcmp(name, "--effort") && (ok = number(value, 2, &n)))
            o.effort = (unsigned)n;
        else if (!strcmp(name, "--patience") && (ok = number(value, 1000, &n)))
            o.patience = (unsigned)n;
        else if (!strcmp(name, "--seed") && (ok = number(value, UINT64_MAX, &n)))
            o.seed = n;
        else if (!strcmp(name, "--compare"))
            o.compare = strcmp(value, "no") ? &PORTABLE : NULL;
        else if (!strcmp(name, "--only"))
            ok = part(value, &o.parts);
        else if (!strcmp(name, "--skip"))
            ok = part(value, &skip);
        else
            return usage("unknown option", name);
        if (!ok || !*value)
            return usage("cannot be understood: the value of", name);
    }
    if (!o.device)
        return usage("an option is missing:", "--device");
    if (skip)
        o.parts = (o.parts ? o.parts : (1u << CONFORMANCE_PARTS) - 1) & ~skip;
    if (o.options.isa && p_isa_parse(o.options.isa, &isa) && !p_isa_supported(isa)) {
        printf("skipped: this CPU or build lacks %s\n", o.options.isa);
        return 77;
    }
    if (no_opencl(o.device))
        return 77;
    for (size_t i = 0; i < sizeof OWN / sizeof OWN[0] && o.device; i++)
        if (!strcmp(o.device, OWN[i]->name)) {
            o.device = NULL;
            o.backend = OWN[i];
        }
    code = conformance_run(&o, &result);
    if (code != 2)
        printf("%llu checks, %llu findings, %llu jobs, of which %llu are not supported, seed "
               "%llu\n",
               (unsigned long long)result.checks, (unsigned long long)result.failures,
               (unsigned long long)result.jobs, (unsigned long long)result.unsupported,
               (unsigned long long)o.seed);
    return expect_findings && code != 2 ? !code : code;
}
