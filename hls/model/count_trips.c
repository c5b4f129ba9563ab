/* count_trips KERNEL: compiled once for each kernel (MODEL_KERNEL_...), runs its control and prints
 * a header with cycles by process, and the constants of its source that the model uses. */
#include "hls/core/rows.h"
#ifdef MODEL_KERNEL_gl_lde
#include "hls/core/gl_ntt.h"
#endif
#ifdef MODEL_KERNEL_fr_ntt
#include "hls/core/bn_ntt.h"
#endif
#ifdef MODEL_KERNEL_gl_merkle
#include "hls/core/gl_poseidon.h"
#endif
#ifdef MODEL_KERNEL_bn_msm_g1
#include "hls/core/bn_g1.h"
#endif
#ifdef MODEL_KERNEL_bn_poseidon
#include "hls/core/bn_poseidon.h"
#endif

#include "hls/model/count_trips.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

trips TRIPS;

/* Depths of pipelines, cycles: memory's latency as HLS_INTERFACE_PORT tells the tool, and address,
 * adapter and data around it; a write is not waited for; arithmetic: what count_cores finds for the
 * longest chain, in round numbers. */
enum { DEPTH_READ = 64 + 12, DEPTH_WRITE = 12, DEPTH_GL = 64, DEPTH_PERMUTE = 720, DEPTH_FR = 100 };

typedef struct process {
    const char *prefix;
    int number;
    uint64_t depth;
} process;

#ifdef MODEL_KERNEL_gl_lde
static const char *const NAMES[] = {"setup", "load", "transform", "store"};
static const process PROCESSES[] = {
    {"load", 1, DEPTH_READ}, {"transform", 2, DEPTH_GL}, {"store", 3, DEPTH_WRITE}};
static const uint64_t SETUP_DEPTH = 10;
#endif
#ifdef MODEL_KERNEL_fr_ntt
static const char *const NAMES[] = {"setup", "load", "twiddles", "compute", "store"};
static const process PROCESSES[] = {{"load", 1, DEPTH_READ},
                                    {"make_twiddles", 2, DEPTH_FR},
                                    {"compute", 3, DEPTH_FR},
                                    {"store", 4, DEPTH_WRITE}};
static const uint64_t SETUP_DEPTH = DEPTH_FR;
#endif
#ifdef MODEL_KERNEL_gl_merkle
static const char *const NAMES[] = {"all"};
static const process PROCESSES[] = {{"-", 1, 0}};
static const uint64_t SETUP_DEPTH = DEPTH_READ + DEPTH_PERMUTE;
#endif
#if defined(MODEL_KERNEL_bn_msm_g1) || defined(MODEL_KERNEL_bn_poseidon) ||                        \
    defined(MODEL_KERNEL_row_gather)
/* constants alone: loops that depend on data, or that a formula counts */
static const char *const NAMES[] = {"setup"};
static const process PROCESSES[] = {{"-", 1, 0}};
static const uint64_t SETUP_DEPTH = 0;
#endif
#define PROCESS_COUNT (sizeof PROCESSES / sizeof *PROCESSES)

static const process *find(const char *function)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        if (!strncmp(function, PROCESSES[i].prefix, strlen(PROCESSES[i].prefix)))
            return &PROCESSES[i];
    }
    return NULL;
}

int trips_process(const char *function)
{
    const process *p = find(function);

    return p ? p->number : TRIPS_SETUP;
}

uint64_t trips_depth(const char *function)
{
    const process *p = find(function);

    return p ? p->depth : SETUP_DEPTH;
}

static struct {
    const char *set;
    unsigned ports;
} port_sets[8];

void trips_port(const char *set, unsigned ports)
{
    for (size_t i = 0; i < sizeof port_sets / sizeof *port_sets; i++) {
        if (!port_sets[i].set || !strcmp(port_sets[i].set, set)) {
            port_sets[i].set = set;
            port_sets[i].ports = ports;
            return;
        }
    }
}

/* A turn ends: the slowest process counts; the first turn of a loop also waits for the others. */
static void close_turn(void)
{
    uint64_t most = 0, all = 0;

    for (int i = 1; i < TRIPS_PROCESSES; i++) {
        most = TRIPS.since[i] > most ? TRIPS.since[i] : most;
        all += TRIPS.since[i];
        TRIPS.since[i] = 0;
    }
    TRIPS.overlapped += most;
    if (TRIPS.first)
        TRIPS.fill += all - most;
    TRIPS.first = 0;
}

void trips_turn(void)
{
    /* something outside of processes since the last turn: another loop */
    TRIPS.first = !TRIPS.inside || TRIPS.since[TRIPS_SETUP] > 0;
    if (TRIPS.inside) {
        int first = TRIPS.first;

        TRIPS.first = TRIPS.turns == 1;
        close_turn();
        TRIPS.first = first;
    }
    TRIPS.since[TRIPS_SETUP] = 0;
    TRIPS.inside = 1;
    TRIPS.turns++;
}

void trips_end(void)
{
    if (TRIPS.inside)
        close_turn();
    TRIPS.inside = 0;
}

#ifdef MODEL_KERNEL_gl_lde
#include "hls/kernels/gl_lde.c"
#endif
#ifdef MODEL_KERNEL_fr_ntt
#include "hls/kernels/fr_ntt.c"
#endif
#ifdef MODEL_KERNEL_row_gather
#include "hls/kernels/row_gather.c"
#endif
#ifdef MODEL_KERNEL_gl_merkle
#include "hls/kernels/gl_merkle.c"
#endif
#ifdef MODEL_KERNEL_bn_msm_g1
#include "hls/kernels/bn_msm_g1.c"
#endif
#ifdef MODEL_KERNEL_bn_poseidon
#include "hls/kernels/bn_poseidon.c"
#endif

/* Address space for what is not in pipelines (small sizes, single rows). */
static hls_row *nowhere(void)
{
    void *at = mmap(NULL, (size_t)1 << 32, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

#define ROWS_NOWHERE(name, channel) rows
#define ALL_NOWHERE(name) HLS_EACH(ROWS_NOWHERE, name)

static int plain;

static void report(uint32_t log_n)
{
    uint64_t total;

    trips_end();
    total = TRIPS.cycles[TRIPS_SETUP] + TRIPS.overlapped + TRIPS.fill;
    printf("    X(%" PRIu32 ", %" PRIu64 ", %" PRIu64 ", {", log_n, plain ? 0 : total, TRIPS.turns);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        printf("%s%" PRIu64, i ? ", " : "", plain ? TRIPS.plain[i] : TRIPS.cycles[i]);
    printf("}) \\\n");
    memset(&TRIPS, 0, sizeof TRIPS);
}

/* Interfaces stand at a kernel's head: it is called with what it does nothing for. */
static void print_ports(hls_row *rows)
{
    unsigned ports = 0;

#ifdef MODEL_KERNEL_row_gather
    row_gather(ALL_NOWHERE(src), ALL_NOWHERE(index), ALL_NOWHERE(dst), 0, 0, 0, 0);
    printf("#define MODEL_PORTS_row_gather");
#endif
#ifdef MODEL_KERNEL_gl_lde
    gl_lde(ALL_NOWHERE(src), ALL_NOWHERE(tmp), ALL_NOWHERE(dst), 0, 99, 99, 0, 0, 0, 0);
    printf("#define MODEL_PORTS_gl_lde");
#endif
#ifdef MODEL_KERNEL_gl_merkle
    gl_merkle(ALL_NOWHERE(src), ALL_NOWHERE(tree), 99, 0, 0, 0, 0, 0);
    printf("#define MODEL_PORTS_gl_merkle");
#endif
#ifdef MODEL_KERNEL_fr_ntt
    fr_ntt(ALL_NOWHERE(src), ALL_NOWHERE(tmp), ALL_NOWHERE(dst), 99, 99, 0, 0, 0, 0, 0, 0, 0);
    printf("#define MODEL_PORTS_fr_ntt");
#endif
#ifdef MODEL_KERNEL_bn_msm_g1
    bn_msm_g1(ALL_NOWHERE(points), ALL_NOWHERE(scalars), ALL_NOWHERE(sums), 0, 0, 0, 0, 0);
    printf("#define MODEL_PORTS_bn_msm_g1");
#endif
#ifdef MODEL_KERNEL_bn_poseidon
    bn_poseidon(ALL_NOWHERE(src), ALL_NOWHERE(table), ALL_NOWHERE(dst), 99, 0, 0, 0, 0, 0, 0, 0, 0);
    printf("#define MODEL_PORTS_bn_poseidon");
#endif
    for (size_t i = 0; i < sizeof port_sets / sizeof *port_sets; i++)
        ports += port_sets[i].ports;
    printf("_%d %u\n", HLS_CHANNELS_LOG2, ports);
}

int main(int argc, char **argv)
{
    hls_row *rows = nowhere();
    /* --plain: sizes that bodies run at, too, and iterations alone */
    uint32_t least = 16, most = 24;

    if (!rows)
        return 1;
    plain = argc == 2 && !strcmp(argv[1], "--plain");
    if (plain)
        least = most = 13;
    printf("/* Written by count_trips. X(log2 of the rows, cycles, turns of the dataflow loop, "
           "{cycles of "
           "setup and each process}) */\n");
#ifdef HLS_GL_LDE_TILE_LOG2
    printf("#define MODEL_GL_LDE_MULTIPLIERS %d\n#define MODEL_GL_LDE_TILE_LOG2 %d\n",
           HLS_GL_LDE_MULTIPLIERS, HLS_GL_LDE_TILE_LOG2);
    printf("#define MODEL_GL_LDE_STAGES %d\n", LAG - 16);
    printf("#define MODEL_GL_LDE_%d(X) \\\n", HLS_CHANNELS_LOG2);
    for (uint32_t log_n = least; log_n <= most; log_n += 4) {
        gl_lde(ALL_NOWHERE(src), ALL_NOWHERE(tmp), ALL_NOWHERE(dst), HLS_EXTEND, log_n - 1, log_n,
               0, 0, 0, 7);
        report(log_n);
    }
#endif
#ifdef HLS_FR_NTT_BUTTERFLIES
    printf("#define MODEL_FR_NTT_BUTTERFLIES %d\n#define MODEL_FR_NTT_TWIDDLE_UNITS %d\n"
           "#define MODEL_FR_NTT_PASS_LOG2 %d\n",
           HLS_FR_NTT_BUTTERFLIES, HLS_FR_NTT_TWIDDLE_UNITS, HLS_FR_NTT_PASS_LOG2);
    printf("#define MODEL_FR_NTT_%d(X) \\\n", HLS_CHANNELS_LOG2);
    for (uint32_t log_n = least; log_n <= most; log_n += 4) {
        fr_ntt(ALL_NOWHERE(src), ALL_NOWHERE(tmp), ALL_NOWHERE(dst), HLS_FORWARD, log_n, 0, 0, 0, 7,
               0, 0, 0);
        report(log_n);
    }
#endif
#ifdef HLS_GL_MERKLE_II
    printf("#define MODEL_GL_MERKLE_II %d\n#define MODEL_GL_MERKLE_PRODUCTS %d\n", HLS_GL_MERKLE_II,
           HLS_GL_MERKLE_PRODUCTS);
    printf("#define MODEL_GL_MERKLE_%d(X) \\\n", HLS_CHANNELS_LOG2);
    for (uint32_t op = HLS_ABSORB; op <= HLS_NODES; op++) {
        gl_merkle(ALL_NOWHERE(src), ALL_NOWHERE(tree), op, HLS_FIRST | HLS_LAST, most, most, 0, 0);
        report(most);
    }
#endif
#ifdef HLS_BN_POSEIDON_LANES
    {
        static job b;
        operation o;
        uint64_t cycles = 0;

        b.op = HLS_PERMUTE;
        b.t = 17;
        b.flags = HLS_MONTGOMERY;
        set_job(&b);
        first_operation(&o, &b);
        do {
            cycles += (uint64_t)o.rows * b.slots * o.period;
            next_operation(&o, &b, 1);
        } while (o.what != TURN && o.what != DRAIN);
        printf("#define MODEL_BN_POSEIDON_LANES %u\n#define MODEL_BN_POSEIDON_DEPTH %u\n"
               "#define MODEL_BN_POSEIDON_LATENCY %u\n#define MODEL_BN_POSEIDON_BATCH %u\n"
               "#define MODEL_BN_POSEIDON_CYCLES %" PRIu64 "\n",
               HLS_BN_POSEIDON_LANES, HLS_BN_POSEIDON_DEPTH, HLS_BN_POSEIDON_LATENCY, b.batch,
               cycles);
    }
#endif
#ifdef HLS_MSM_ADDERS
#ifndef HLS_MSM_WINDOWS_PER_PASS
#define HLS_MSM_WINDOWS_PER_PASS HLS_MSM_ADDERS
#endif
    printf("#define MODEL_MSM_WINDOWS %d\n", HLS_MSM_WINDOWS_PER_PASS);
    printf("#define MODEL_MSM_ADDERS %d\n#define MODEL_MSM_LATENCY %d\n#define MODEL_MSM_TILE %d\n"
           "#define MODEL_MSM_SEGMENTS_LOG2 %d\n#define MODEL_MSM_REDUCE_II %d\n",
           HLS_MSM_ADDERS, HLS_MSM_LATENCY, HLS_MSM_TILE, HLS_MSM_SEGMENTS_LOG2, HLS_MSM_REDUCE_II);
#endif
    printf("\n");
    print_ports(rows);
    return 0;
}
