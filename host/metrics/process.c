/* What the kernel knows of this process. Names and meaning are those of the Prometheus client
 * libraries, so that existing dashboards fit. */
#include "host/metrics/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef struct process {
    metrics_series *cpu, *resident, *virtual, *fds, *max_fds, *start;
} process;

/** A small file of /proc as text; false if it cannot be read. */
static bool read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    out[n] = 0;
    return true;
}

/** Open file handles, without the one that looks. */
static double count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return NAN;
    double n = -1;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/** Seconds since 1970 at which the machine started. */
static double boot_time(void)
{
    struct timespec now, up;
    if (clock_gettime(CLOCK_REALTIME, &now) || clock_gettime(CLOCK_BOOTTIME, &up))
        return NAN;
    return (double)(now.tv_sec - up.tv_sec) + 1e-9 * (double)(now.tv_nsec - up.tv_nsec);
}

/** Fields of /proc/self/stat by their number in proc(5); those from 3 on, after the name. */
static double stat_field(const char *stat, int number)
{
    const char *at = strrchr(stat, ')'); /* the name may hold blanks and brackets */
    if (!at)
        return NAN;
    at++;
    for (int i = 3; i <= number; i++) {
        at = strchr(at, ' ');
        if (!at)
            return NAN;
        at++;
    }
    char *end;
    double v = strtod(at, &end);
    return end == at ? NAN : v;
}

static void collect(void *ctx)
{
    const process *p = ctx;
    char stat[2048];
    if (!read_text("/proc/self/stat", stat, sizeof stat))
        stat[0] = 0;
    double ticks = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
    struct rlimit limit;
    metrics_set(p->cpu, (stat_field(stat, 14) + stat_field(stat, 15)) / ticks);
    metrics_set(p->virtual, stat_field(stat, 23));
    metrics_set(p->resident, stat_field(stat, 24) * page);
    metrics_set(p->fds, count_fds());
    if (getrlimit(RLIMIT_NOFILE, &limit))
        metrics_set(p->max_fds, NAN);
    else
        metrics_set(p->max_fds,
                    limit.rlim_cur == RLIM_INFINITY ? INFINITY : (double)limit.rlim_cur);
    /* once: a clock that is corrected later would otherwise move it */
    if (isnan(metrics_value(p->start)))
        metrics_set(p->start, boot_time() + stat_field(stat, 22) / ticks);
}

static p_status gauge(metrics *m, metrics_series **out, metrics_type type, const char *name,
                      const char *help, p_err *err)
{
    metrics_family *f;
    metrics_family_options o = {.name = name, .help = help, .type = type};
    p_status st = metrics_family_create(m, &f, &o, err);
    if (st != P_OK)
        return st;
    *out = metrics_series_get(f, NULL);
    metrics_set(*out, NAN);
    return P_OK;
}

p_status metrics_process(metrics *m, p_err *err)
{
    if (m->process)
        return p_err_set(err, P_EINVAL, "the metrics of the process are there already");
    process *p = calloc(1, sizeof *p);
    if (!p)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a metric");
    m->process = p; /* freed with the registry */
    p_status st = gauge(m, &p->cpu, METRICS_COUNTER, "process_cpu_seconds_total",
                        "User and system CPU time of the process, in seconds.", err);
    if (st == P_OK)
        st = gauge(m, &p->resident, METRICS_GAUGE, "process_resident_memory_bytes",
                   "Memory of the process that is in RAM.", err);
    if (st == P_OK)
        st = gauge(m, &p->virtual, METRICS_GAUGE, "process_virtual_memory_bytes",
                   "Address space of the process; reserved, not used.", err);
    if (st == P_OK)
        st = gauge(m, &p->fds, METRICS_GAUGE, "process_open_fds", "Open file handles.", err);
    if (st == P_OK)
        st = gauge(m, &p->max_fds, METRICS_GAUGE, "process_max_fds", "Limit of open file handles.",
                   err);
    if (st == P_OK)
        st = gauge(m, &p->start, METRICS_GAUGE, "process_start_time_seconds",
                   "Start of the process, in seconds since 1970.", err);
    return st == P_OK ? metrics_collector(m, collect, p, err) : st;
}
