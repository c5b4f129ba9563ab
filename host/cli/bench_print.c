/* A result as a line of the table or as a JSON object, and the memory of this process. */
#include "host/cli/bench.h"

#include "host/cli/commit.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void bench_peak_reset(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    ssize_t n = write(fd, "5", 1); /* a kernel without it: the peak stays that of the process */
    (void)n;
    close(fd);
}

/* Highest resident memory since the last reset, else of the process so far. */
static double peak_mb(void)
{
    char line[256];
    unsigned long kb = 0;
    struct rusage u;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof line, f) && kb == 0)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtoul(line + 6, NULL, 10);
    if (f)
        fclose(f);
    if (kb == 0 && getrusage(RUSAGE_SELF, &u) == 0)
        kb = (unsigned long)u.ru_maxrss;
    return (double)kb / 1024;
}

static void size_text(char *out, size_t size, const bench_line *l)
{
    if (l->log_n >= 0 && l->columns > 0)
        snprintf(out, size, "2^%d x %u", l->log_n, l->columns);
    else if (l->log_n >= 0)
        snprintf(out, size, "2^%d", l->log_n);
    else
        snprintf(out, size, "-");
}

/* four digits that count */
static void number_text(char *out, size_t size, double x)
{
    if (x >= 1000)
        snprintf(out, size, "%.0f", x);
    else if (x < 1)
        snprintf(out, size, "%.4g", x);
    else
        snprintf(out, size, "%.*f", x >= 100 ? 1 : x >= 10 ? 2 : 3, x);
}

void bench_print_head(bool as_json)
{
    if (!as_json)
        printf("%-31s %-11s %9s %-14s %9s %-24s %2s %-10s %-6s %8s %8s %8s %8s  %s\n", "NAME",
               "SIZE", "BEST", "UNIT", "MEDIAN", "RATE", "T", "ISA", "DEVICE", "WALL s", "CPU s",
               "DEV MB", "PROC MB", "LIMIT");
}

static void print_text(const bench_line *l)
{
    char size[32], value[32], median[32] = "-", rate[48] = "-", device[32] = "-", limit[64] = "-";

    size_text(size, sizeof size, l);
    number_text(value, sizeof value, l->value);
    if (l->reps > 0)
        number_text(median, sizeof median, l->median);
    if (l->rate_unit)
        snprintf(rate, sizeof rate, "%.3g %s/s", l->rate, l->rate_unit);
    if (l->device_mb > 0)
        snprintf(device, sizeof device, "%.0f", l->device_mb);
    if (l->limit_by)
        snprintf(limit, sizeof limit, "%.2f of %s", l->limit, l->limit_by);
    else if (l->muls > 0)
        snprintf(limit, sizeof limit, "%.0f muls", l->muls);
    printf("%-31s %-11s %9s %-14s %9s %-24s %2u %-10s %-6s %8.3f %8.3f %8s %8.0f  %s\n", l->name,
           size, value, l->unit, median, rate, l->threads, l->isa, l->device ? l->device : "cpu",
           l->wall_s, l->cpu_s, device, peak_mb(), limit);
}

static json_t *real_or_null(bool there, double x)
{
    return there ? json_real(x) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static void print_json(const bench_line *l)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", json_string(l->name));
    json_object_set_new(o, "value", json_real(l->value));
    json_object_set_new(o, "unit", json_string(l->unit));
    json_object_set_new(o, "threads", json_integer(l->threads));
    json_object_set_new(o, "isa", json_string(l->isa));
    json_object_set_new(o, "device", json_string(l->device ? l->device : "cpu"));
    json_object_set_new(o, "log_n", l->log_n < 0 ? json_null() : json_integer(l->log_n));
    json_object_set_new(o, "columns", l->columns ? json_integer(l->columns) : json_null());
    json_object_set_new(o, "median", real_or_null(l->reps > 0, l->median));
    json_object_set_new(o, "clock", text_or_null(l->clock));
    json_object_set_new(o, "repetitions", l->reps ? json_integer(l->reps) : json_null());
    json_object_set_new(o, "rate", real_or_null(l->rate_unit != NULL, l->rate));
    json_object_set_new(o, "rate_unit", text_or_null(l->rate_unit));
    json_object_set_new(o, "device_mb", real_or_null(l->device_mb > 0, l->device_mb));
    json_object_set_new(o, "peak_mb", json_real(peak_mb()));
    json_object_set_new(o, "muls", real_or_null(l->muls > 0, l->muls));
    json_object_set_new(o, "limit", real_or_null(l->limit_by != NULL, l->limit));
    json_object_set_new(o, "limit_by", text_or_null(l->limit_by));
    json_object_set_new(o, "checked", text_or_null(l->checked));
    json_object_set_new(o, "wall_s", json_real(l->wall_s));
    json_object_set_new(o, "cpu_s", json_real(l->cpu_s));
    json_object_set_new(o, "commit", json_string(ZKP_COMMIT));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text)
        puts(text);
    free(text);
    json_decref(o);
}

void bench_print(const bench_line *l, bool as_json)
{
    if (as_json)
        print_json(l);
    else
        print_text(l);
    fflush(stdout);
}
