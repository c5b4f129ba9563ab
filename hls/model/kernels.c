/* Each kernel and each image: cycles from count_trips or from formulas, resources from the cores.
 */
#include "hls/model/model.h"

#include "hls/core/bn_fr.h"
#include "hls/core/bn_g1.h"
#include "hls/include/bn_poseidon_layout.h"
#include "hls/include/kernel_abi.h"
#include "kernel_counts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- assumptions that are no core's ---- */

/* An m_axi adapter of 512 bits with bursts of 16 and 16 under way: FIFOs of 256 rows, for reading
 * and for writing. */
static const model_use ADAPTER = {0, 3000, 16, 0};
/* LUTs: a multiplexer's bit of 8 and of 16 ways; an address of one port (striping, a base); a
 * kernel's registers and state machines. */
static const double MUX8 = 2, MUX16 = 4, ADDRESS = 150, CONTROL = 8000;
/* A memory of LUTs: one keeps so many bits, with a port to write and one to read. */
static const double LUTRAM_BITS = 56;
/* URAM: 4096 words of 72 bits. BRAM36: 512 words of 72. */
static double uram(double banks, double words, double bits)
{
    return banks * ceil(bits / 72) * ceil(words / 4096);
}

static double bram(double banks, double words, double bits)
{
    return banks * ceil(bits / 72) * ceil(words / 512);
}

/* ---- tables ---- */

static model_use sum;
static bool verbose; /* whether tables are printed */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (verbose)
        vprintf(format, args);
    va_end(args);
}

/* a kernel's speed, on every card; on one of them a goal */
static void goal(bool wanted, const char *what, double value, const char *unit, double limit,
                 bool at_most)
{
    printf("\n%s: %.4g %s.\n", what, value, unit);
    if (wanted)
        model_goal(what, value, unit, limit, at_most);
}

static void begin(const char *kernel)
{
    sum = (model_use){0, 0, 0, 0};
    say("\n### %s\n\n| part | DSP | LUT | BRAM36 | URAM |\n|---|---|---|---|---|\n", kernel);
}

static void part(const char *what, double dsp, double lut, double blocks, double ultra)
{
    say("| %s | %.0f | %.0f | %.0f | %.0f |\n", what, dsp, lut, blocks, ultra);
    sum.dsp += dsp;
    sum.lut += lut;
    sum.bram += blocks;
    sum.uram += ultra;
}

static void core(const char *what, const char *name, double count)
{
    const model_core *c = model_core_find(name);

    if (c)
        part(what, count * c->dsp, count * (c->lut + c->fabric_lut), 0, 0);
}

static model_use finish(void)
{
    say("| sum | %.0f | %.0f | %.0f | %.0f |\n", sum.dsp, sum.lut, sum.bram, sum.uram);
    return sum;
}

static double core_lut(const char *name)
{
    const model_core *c = model_core_find(name);

    return c ? c->lut + c->fabric_lut : 0;
}

static double core_dsp(const char *name)
{
    const model_core *c = model_core_find(name);

    return c ? c->dsp : 0;
}

#define PORTS(kernel) (channels > 2 ? MODEL_PORTS_##kernel##_3 : MODEL_PORTS_##kernel##_1)

static double ms(const model_card *card, double cycles)
{
    return cycles / (card->mhz * 1e3);
}

/* cycles, or more if the memory has not given the rows by then */
static double bounded(const model_card *card, double cycles, double rows)
{
    double memory = rows * 64 / (card->gb_s * card->efficiency * 1e9) * card->mhz * 1e6;

    return cycles > memory ? cycles : memory;
}

static void bandwidth(const model_card *card, const char *what, double rows, double cycles,
                      double ports)
{
    double gb_s = rows * 64 / (ms(card, cycles) * 1e6),
           share = gb_s / (card->gb_s * card->efficiency);

    say("\n%s: %.1f GB/s in all, %.2f GB/s a port, %.0f %% of what the memory is taken to give, "
        "%.0f %% of what the ports move.\n",
        what, gb_s, gb_s / ports, 100 * share, 100 * rows / cycles / ports);
}

typedef struct run {
    double log_n, cycles, turns, process[8];
} run;

static void processes(const model_card *card, const run *r, const char *const *name, size_t count)
{
    say("\n2^%.0f: %.0f cycles, %.2f ms; all turns of each process (they overlap):", r->log_n,
        r->cycles, ms(card, r->cycles));
    for (size_t i = 0; i < count; i++)
        say("%s %s %.0f", i ? "," : "", name[i], r->process[i]);
    say(".\n");
}

#define RUN(...) {__VA_ARGS__},
#define LAST(runs) (&(runs)[sizeof(runs) / sizeof *(runs)-1])

/* ---- gl_lde ---- */

#ifdef MODEL_GL_LDE_TILE_LOG2
static const run GL_LDE[] = {MODEL_GL_LDE_3(RUN)}, GL_LDE_2[] = {MODEL_GL_LDE_1(RUN)};

static model_use gl_lde(const model_card *card, double channels, bool goals)
{
    static const char *const NAMES[] = {"setup", "load", "transform", "store"};
    const double words = 8, tile = 1 << MODEL_GL_LDE_TILE_LOG2, banks = 16, radix = 8, lanes = 4;
    const double beat = radix * lanes * 64; /* bits */
    const run *r = channels > 2 ? LAST(GL_LDE) : LAST(GL_LDE_2);
    /* two passes of half the size, two of the whole, each reads and writes; the first of the
     * second pair reads no zeros */
    const double rows = exp2(24) * (0.5 * 2 + 0.5 + 2 * 1 + 1.5);
    const double cycles = bounded(card, r->cycles, rows);

    begin("gl_lde");
    core("products by general factors", "GL_MUL", MODEL_GL_LDE_MULTIPLIERS);
    core("four steps of radix 8, four lanes each", "GL_EIGHT", 4);
    part("56 shifts by any 64th root", 0, 56 * (5 * 96 / 2.0 + 3 * 64 + 130), 0, 0);
    part("rings between steps, in LUTs", 0, 2 * radix * words * 64 * 64 / LUTRAM_BITS, 0, 0);
    part("rotations: banks to rows, rings, rows to banks, banks to ports", 0,
         beat * MUX16 + 6 * beat * MUX8 + 2 * beat * MUX8 + 2 * channels * 512 * MUX16, 0, 0);
    part("tile in and tile out, two of each", 0, 0, 0, 4 * uram(banks * words, tile, 64));
    part("columns between steps 2 and 3", 0, 0, 0, uram(radix * words, 4 * tile / 8, 64));
    part("tables of powers", 0, 0, 0, 3 * uram(radix, tile, 64));
    part("addresses and control", 0, 3 * channels * 2 * ADDRESS + CONTROL, 0, 0);
    part("m_axi adapters", 0, PORTS(gl_lde) * ADAPTER.lut, PORTS(gl_lde) * ADAPTER.bram, 0);
    processes(card, r, NAMES, 4);
    bandwidth(card, "LDE to 2^24", rows, cycles, PORTS(gl_lde));
    /* a factor, a row times it, eight points, and wires */
    goal(goals, "gl_lde, stages of a step",
         2 * model_core_find("GL_MUL")->cycles + model_core_find("GL_EIGHT")->cycles + 6, "cycles",
         MODEL_GL_LDE_STAGES, true);
    goal(goals, "LDE to 2^24, a column", ms(card, cycles) / 8, "ms", 6, true);
    return finish();
}
#endif

/* ---- gl_merkle ---- */

#ifdef MODEL_GL_MERKLE_II
static const run GL_MERKLE[] = {MODEL_GL_MERKLE_3(RUN)}, GL_MERKLE_2[] = {MODEL_GL_MERKLE_1(RUN)};

static model_use gl_merkle(const model_card *card, double channels, bool goals)
{
    const double ii = MODEL_GL_MERKLE_II, leaves = exp2(24), groups = 6 * 256 * 16.0 / 16;
    const model_core *p = model_core_find("GL_PERMUTE");
    const run *r = channels > 2 ? GL_MERKLE : GL_MERKLE_2;
    const double absorb = bounded(card, r[0].cycles, leaves * 1.5), nodes = r[1].cycles;

    begin("gl_merkle");
    part("permutation, a new one every II cycles", p->dsp / ii, p->lut / ii, 0, 0);
    part("multiplexers in front of what is shared", 0, ii > 1 ? 118 * 64 + 30 * 12 * 64 / 2.0 : 0,
         0, 0);
    part("groups of rows, capacities, results, two of each, in LUTs", 0, groups * 512 / LUTRAM_BITS,
         0, 0);
    part("rotations: rows to state and back, banks and ports", 0,
         3 * 512 * MUX16 + 3 * channels * 512 * 1.0, 0, 0);
    part("addresses and control", 0, 3 * channels * 2 * ADDRESS + CONTROL, 0, 0);
    part("m_axi adapters", 0, PORTS(gl_merkle) * ADAPTER.lut, PORTS(gl_merkle) * ADAPTER.bram, 0);
    say("\nII=%.0f: 2^24 leaves of a block %.0f cycles, %.1f ms; the tree's nodes %.0f cycles, "
        "%.1f "
        "ms.\n",
        ii, absorb, ms(card, absorb), nodes, ms(card, nodes));
    bandwidth(card, "absorbing a block", leaves * 1.5, absorb, PORTS(gl_merkle));
    goal(goals, "Merkle, permutations (less 0.1 % for filling the pipe)",
         leaves / ms(card, absorb) / 1e3, "M/s", 150 * 0.999, false);
    return finish();
}
#endif

/* ---- row_gather ---- */

static model_use row_gather(double channels)
{
    begin("row_gather");
    part("addresses, channels and control", 0, 3 * ADDRESS + 3 * 64 * MUX16 + CONTROL, 0, 0);
    part("m_axi adapters", 0, PORTS(row_gather) * ADAPTER.lut, PORTS(row_gather) * ADAPTER.bram, 0);
    return finish();
}

/* ---- fr_ntt ---- */

#ifdef MODEL_FR_NTT_BUTTERFLIES
static const run FR_NTT[] = {MODEL_FR_NTT_3(RUN)}, FR_NTT_2[] = {MODEL_FR_NTT_1(RUN)};

static model_use fr_ntt(const model_card *card, double channels, bool goals)
{
    static const char *const NAMES[] = {"setup", "load", "twiddles", "compute", "store"};
    const double lanes = 16, length = 1 << MODEL_FR_NTT_PASS_LOG2;
    const run *r = channels > 2 ? LAST(FR_NTT) : LAST(FR_NTT_2);
    const double rows = exp2(23) * 4, cycles = bounded(card, r->cycles, rows);

    begin("fr_ntt");
    core("butterflies", "FR_BUTTERFLY", MODEL_FR_NTT_BUTTERFLIES);
    core("products for twiddles", "FR_MUL_LOOSE", MODEL_FR_NTT_TWIDDLE_UNITS);
    part("products of the start, one unit of eight rounds", core_dsp("FR_MUL_ROUNDS") / 8,
         core_lut("FR_MUL_ROUNDS") / 8 + 17 * 64, 0, 0);
    part("four elements of a node in turn at a butterfly", 0,
         MODEL_FR_NTT_BUTTERFLIES * 5 * 256 * 1.0, 0, 0);
    part("elements, twiddles, results: two of each", 0, 0, 0, 6 * uram(lanes, length, 256));
    part("roots", 0, 0, 0, uram(1, length / 2, 256));
    part("rotations and their memory", 0,
         2 * lanes * 256 * MUX8 + 2 * channels * 512 * MUX8 + 2 * channels * 16 * 512 / LUTRAM_BITS,
         0, 0);
    part("addresses and control", 0, 3 * channels * 2 * ADDRESS + CONTROL, 0, 0);
    part("m_axi adapters", 0, PORTS(fr_ntt) * ADAPTER.lut, PORTS(fr_ntt) * ADAPTER.bram, 0);
    processes(card, r, NAMES, 5);
    bandwidth(card, "transform of 2^24", rows, cycles, PORTS(fr_ntt));
    goal(goals, "BN254 transform, 2^24", ms(card, cycles), "ms", 45, true);
    return finish();
}
#endif

/* ---- bn_msm_g1 ---- */

#ifdef MODEL_MSM_ADDERS
static model_use bn_msm_g1(const model_card *card, double channels, bool goals)
{
    const double adders = MODEL_MSM_ADDERS, bits = HLS_MSM_MAX_WINDOW, points = exp2(24);
    const double buckets = exp2(bits - 1), windows = HLS_MSM_WINDOWS(HLS_MSM_MAX_WINDOW);
    const double at_once = MODEL_MSM_WINDOWS, passes = ceil(windows / at_once);
    const double segments = 1 << MODEL_MSM_SEGMENTS_LOG2, lanes = segments * at_once;
    /* a pipe takes a point in as many cycles as a pass has windows; if one of its additions waits
     * for a bucket, the whole round is lost */
    const double again = adders * MODEL_MSM_LATENCY / buckets;
    const double rounds =
        buckets / segments + 2 * MODEL_MSM_SEGMENTS_LOG2 + (bits - 1 - MODEL_MSM_SEGMENTS_LOG2) + 1;
    const double load = MODEL_MSM_TILE * 1.5 / channels + 2 * 76;
    /* a tile is a pipelined loop of its own, which drains */
    const double depth = model_core_find("G1_ADD_AFFINE")->cycles + 24;
    const double tile = depth + fmax(MODEL_MSM_TILE * at_once / adders * (1 + again), load);
    const double pass = buckets + points / MODEL_MSM_TILE * tile + load + 2 * MODEL_MSM_LATENCY +
                        rounds * 2 * lanes * MODEL_MSM_REDUCE_II;
    const double cycles = passes * pass;
    const double reduce_dsp = core_dsp("FP_MUL") - core_dsp("FP_PRODUCT");
    const double reduce_lut = core_lut("FP_MUL") - core_lut("FP_PRODUCT");

    begin("bn_msm_g1");
    part("products of the adders", adders * HLS_G1_PIPE_PRODUCTS * core_dsp("FP_PRODUCT"),
         adders * HLS_G1_PIPE_PRODUCTS * core_lut("FP_PRODUCT"), 0, 0);
    part("their squares", adders * HLS_G1_PIPE_SQUARES * core_dsp("FP_SQUARE"),
         adders * HLS_G1_PIPE_SQUARES * core_lut("FP_SQUARE"), 0, 0);
    part("their reductions", adders * HLS_G1_PIPE_REDUCTIONS * reduce_dsp,
         adders * HLS_G1_PIPE_REDUCTIONS * reduce_lut, 0, 0);
    part("their additions and choices", 0, adders * (7 * core_lut("FP_ADD") + 8 * 256), 0, 0);
    part("the unit that adds buckets up: four products, four reductions", 4 * core_dsp("FP_MUL"),
         4 * core_lut("FP_MUL") + 7 * core_lut("FP_ADD"), 0, 0);
    part("rings: comparators, points and sums under way", 0, adders * MODEL_MSM_LATENCY * 8,
         adders * bram(1, MODEL_MSM_LATENCY, 512 + 1024), 0);
    part("buckets", 0, 0, 0, uram(at_once, buckets, 1024));
    part("tiles of points and scalars, two of each", 0, 0,
         2 * (bram(channels, MODEL_MSM_TILE / channels, 512) +
              bram(channels, MODEL_MSM_TILE / channels / 2, 512)),
         0);
    part("digits, a point out of its channel", 0, adders * 1500 + 2 * 512 * MUX16, 0, 0);
    part("addresses and control", 0, 3 * channels * ADDRESS + CONTROL, 0, 0);
    part("m_axi adapters", 0, PORTS(bn_msm_g1) * ADAPTER.lut, PORTS(bn_msm_g1) * ADAPTER.bram, 0);
    say("\n2^24 points, windows of %.0f bits: %.0f passes; a pass clears %.0f cycles, adds %.0f, "
        "drains %.0f, adds the buckets up in %.0f; %.1f %% of the points wait for a bucket. %.0f "
        "cycles, %.1f ms.\n",
        bits, passes, buckets, points / MODEL_MSM_TILE * tile, 2.0 * MODEL_MSM_LATENCY,
        rounds * 2 * lanes * MODEL_MSM_REDUCE_II, 100 * again, cycles, ms(card, cycles));
    bandwidth(card, "points and scalars", passes * points * 1.5, cycles, PORTS(bn_msm_g1));
    /* bucket and point out of their memories, the addition, back */
    goal(goals, "bn_msm_g1, from a bucket's read to its write",
         model_core_find("G1_ADD_AFFINE")->cycles + 12, "cycles", MODEL_MSM_LATENCY, true);
    goal(goals, "MSM of 2^24 points", points / ms(card, cycles) / 1e3, "M points/s", 50, false);
    return finish();
}
#endif

/* ---- bn_poseidon ---- */

#ifdef MODEL_BN_POSEIDON_LANES
static model_use bn_poseidon(const model_card *card, double channels, bool goals)
{
    const double lanes = MODEL_BN_POSEIDON_LANES, depth = MODEL_BN_POSEIDON_DEPTH;
    const double each = (double)MODEL_BN_POSEIDON_CYCLES / MODEL_BN_POSEIDON_BATCH;

    begin("bn_poseidon");
    core("products of the lanes and their sums", "FR_SUM_ADD", lanes);
    part("sums that wait", 0, lanes * 17 * 64, 0, 0);
    core("the reduction", "FR_SUM_REDUCE", 1);
    core("the S-box", "FR_POW5", 1);
    part("lanes' memories", 0, 0, 2 * bram(lanes, depth, 256), 0);
    part("states and results, two of each", 0, 0, 4 * bram(lanes, depth / 2, 256), 0);
    part("table of constants", 0, 0, bram(1, HLS_BN_POSEIDON_MAX_COUNT, 256), 0);
    part("a row in and out of a lane", 0, 4 * 256 * MUX16 + 3 * 512 * MUX8, 0, 0);
    part("addresses and control", 0,
         3 * PORTS(bn_poseidon) * ADDRESS + 3 * 64 * MUX16 + 2 * CONTROL, 0, 0);
    part("m_axi adapters", 0, PORTS(bn_poseidon) * ADAPTER.lut, PORTS(bn_poseidon) * ADAPTER.bram,
         0);
    say("\nWidth 17: a batch of %d permutations in %d cycles, %.1f each.\n",
        MODEL_BN_POSEIDON_BATCH, MODEL_BN_POSEIDON_CYCLES, each);
    /* a state in and out */
    bandwidth(card, "permutations in place", 17, each, PORTS(bn_poseidon));
    goal(goals, "bn_poseidon, from a sum's last product to its S-box's result",
         model_core_find("FR_SUM_ADD")->cycles + lanes + model_core_find("FR_SUM_REDUCE")->cycles +
             model_core_find("FR_POW5")->cycles + 12,
         "cycles", MODEL_BN_POSEIDON_LATENCY, true);
    goal(goals, "BN254 Poseidon, width 17", card->mhz / each, "M/s", 1, false);
    return finish();
}
#endif

/* ---- images ---- */

static void image(const model_card *card, const char *name, const model_use *kernel, size_t count,
                  bool goals)
{
    static const char *const OF[] = {"DSP", "LUT", "BRAM36", "URAM"};
    model_use all = {0, 0, 0, 0};
    double share[4];
    char what[64];

    for (size_t i = 0; i < count; i++) {
        all.dsp += kernel[i].dsp;
        all.lut += kernel[i].lut;
        all.bram += kernel[i].bram;
        all.uram += kernel[i].uram;
    }
    share[0] = 100 * all.dsp / card->dsp;
    share[1] = 100 * all.lut / card->lut;
    share[2] = 100 * all.bram / card->bram;
    share[3] = 100 * all.uram / card->uram;
    printf("\nImage %s: %.0f DSP (%.0f %%, of usable ones %.0f %%), %.0f LUT (%.0f %%), %.0f "
           "BRAM36 (%.0f %%), %.0f URAM "
           "(%.0f %%).\n",
           name, all.dsp, share[0], 100 * all.dsp / card->dsp_usable, all.lut, share[1], all.bram,
           share[2], all.uram, share[3]);
    for (int i = 0; i < 4 && goals; i++) {
        snprintf(what, sizeof what, "image %s, %s", name, OF[i]);
        model_goal(what, share[i], "%", 70, true);
    }
}

void model_kernels(const model_card *card, double channels, bool tables, bool goals)
{
    model_use kernel[3], gather;
    size_t count;

    verbose = tables;
    printf("\n## Kernels on %s, %.0f MHz, buffers over %.0f channels\n", card->name, card->mhz,
           channels);
    (void)core_dsp, (void)core_lut, (void)bram, (void)processes, (void)core;
    gather = row_gather(channels);
    count = 0;
    kernel[count++] = gather;
#ifdef MODEL_GL_LDE_TILE_LOG2
    kernel[count++] = gl_lde(card, channels, goals);
#endif
#ifdef MODEL_GL_MERKLE_II
    kernel[count++] = gl_merkle(card, channels, goals);
#endif
    image(card, "stark", kernel, count, goals);
    count = 1;
#ifdef MODEL_MSM_ADDERS
    kernel[count++] = bn_msm_g1(card, channels, goals);
#endif
    image(card, "msm", kernel, count, goals);
    count = 1;
#ifdef MODEL_FR_NTT_BUTTERFLIES
    kernel[count++] = fr_ntt(card, channels, goals);
#endif
#ifdef MODEL_BN_POSEIDON_LANES
    kernel[count++] = bn_poseidon(card, channels, goals);
#endif
    image(card, "fr", kernel, count, goals);
}
