/* card_model: cycles, bandwidth and resources of the kernels on cards, modelled; README.md says
 * what goes in.
 *
 *   card_model      exit code 1 if a claim does not hold
 *
 * Nothing here was measured on a card or comes from a synthesis tool. */
#include "hls/model/model.h"

#include <stdio.h>

static bool failed;

#define MOST_GOALS 32
static struct goal {
    char what[96];
    const char *unit;
    double value, limit;
    bool at_most;
} goals[MOST_GOALS];
static size_t goal_count;

void model_goal(const char *what, double value, const char *unit, double limit, bool at_most)
{
    if (goal_count < MOST_GOALS) {
        struct goal *g = &goals[goal_count++];

        *g = (struct goal){"", unit, value, limit, at_most};
        snprintf(g->what, sizeof g->what, "%s", what);
    }
}

static void print_goals(void)
{
    puts("\n## Goals on the U55C\n\n| | modelled | goal | |\n|---|---|---|---|");
    for (size_t i = 0; i < goal_count; i++) {
        const struct goal *g = &goals[i];
        bool holds = g->at_most ? g->value <= g->limit : g->value >= g->limit;

        printf("| %s | %.4g %s | %s %.4g | %s |\n", g->what, g->value, g->unit,
               g->at_most ? "at most" : "at least", g->limit, holds ? "holds" : "BROKEN");
        failed |= !holds;
    }
}

static void print_cards(void)
{
    puts("## Cards\n\n| card | DSP (usable) | LUT | BRAM36 | URAM | memory channels | GB/s peak | "
         "used of it | MHz (target) | |\n|---|---|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < MODEL_CARD_COUNT; i++) {
        const model_card *c = &MODEL_CARDS[i];

        printf("| %s | %.0f (%.0f) | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f %% | %.0f | %s |\n",
               c->name, c->dsp, c->dsp_usable, c->lut, c->bram, c->uram, c->channels, c->gb_s,
               100 * c->efficiency, c->mhz, c->note);
    }
}

static void print_cores(void)
{
    puts("\n## Cores as pipelines that start each cycle, counted\n\nBehind the stroke with the "
         "black "
         "boxes of hls/rtl.\n\n| core | products in DSPs | DSP | LUT | products in LUTs | their "
         "LUT | "
         "cycles |\n|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < MODEL_CORE_COUNT; i++) {
        const model_core *c = &MODEL_CORES_COUNTED[i], *b = &MODEL_CORES_BOXED[i];

        printf("| %s | %.0f / %.0f | %.0f / %.0f | %.0f / %.0f | %.0f | %.0f | %.0f / %.0f |\n",
               c->name, c->products, b->products, c->dsp, b->dsp, c->lut, b->lut,
               c->fabric_products, c->fabric_lut, c->cycles, b->cycles);
    }
}

/* ---- what another compiler reported of small pieces ---- */

/* In a loop that is not a pipeline: one access to memory that answers at once, and the loop. */
#define ACCESS_CYCLES 2
#define LOOP_CYCLES 1

static void compare(const char *what, double modelled, double reported)
{
    double ratio = modelled > reported ? modelled / reported : reported / modelled;

    printf("| %s | %.0f | %.0f | %.2f | %s |\n", what, modelled, reported, modelled / reported,
           ratio <= 2 ? "agrees" : "DIFFERS");
    failed |= ratio > 2;
}

static void print_comparison(void)
{
    const model_core *mul = model_core_find("GL_MUL"), *pow7 = model_core_find("GL_POW7");
    const model_core *row = model_core_find("GL_ROW"), *lane = model_core_find("GL_LANE");
    const model_core *round = model_core_find("BN_ROUND"), *sub = model_core_find("FP_SUB");
    const int size = 64, rounds = 8;

    puts("\n## Against an independent HLS compiler\n\nReported by an open HLS compiler for small "
         "pieces (U55C, 3.33 ns); it has to be within a factor of two.\n\n"
         "| piece | modelled | reported | ratio | |\n|---|---|---|---|---|");
    compare("Goldilocks product, cycles", mul->cycles, 5);
    compare("Goldilocks product, DSP", mul->dsp, 16);
    compare("Goldilocks product, LUT", mul->lut, 982);
    compare("x^7, cycles", pow7->cycles, 15);
    compare("x^7, DSP", pow7->dsp, 56);
    compare("matrix row, cycles", row->cycles, 5);
    compare("matrix row, LUT", row->lut + row->fabric_lut, 1976);
    compare("butterfly loop through m_axi, N=64, cycles",
            size / 2 * (lane->cycles + 4 * ACCESS_CYCLES + LOOP_CYCLES), 546);
    compare("BN254 product as a loop of eight rounds, cycles",
            rounds * (round->cycles + LOOP_CYCLES) + sub->cycles, 118);
    compare("BN254 product as a loop of eight rounds, DSP", round->dsp, 67);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "usage: %s\n", argv[0]);
        return 2;
    }
    print_cards();
    print_cores();
    print_comparison();
    puts("\n# Products as the HLS tool makes them: 16 DSPs for 64 by 64 bits");
    model_core_boxes(false);
    for (size_t i = 0; i < MODEL_CARD_COUNT; i++)
        model_kernels(&MODEL_CARDS[i], MODEL_CARDS[i].buffer_channels, false, false);
    puts("\n# Products as the black boxes of hls/rtl: 12 DSPs for 64 by 64 bits");
    model_core_boxes(true);
    for (size_t i = 0; i < MODEL_CARD_COUNT; i++)
        model_kernels(&MODEL_CARDS[i], MODEL_CARDS[i].buffer_channels, i == 0, i == 0);
    print_goals();
    return failed;
}
