/* Cards, and the cores that count_cores has counted. */
#include "hls/model/model.h"

#include "core_counts.h"

#include <string.h>

const model_card MODEL_CARDS[] = {
    {"U55C", 9024, 8400, 1303680, 2016, 960, 32, 460, 8, 0.78, 300,
     "HBM2, 16 GB; usable DSP: without the platform's region"},
    {"U250", 12288, 11500, 1728000, 2688, 1280, 4, 77, 2, 0.85, 250,
     "DDR4-2400, four modules, two a side"},
    {"F2", 9024, 8400, 1303680, 2016, 960, 32, 460, 8, 0.78, 250,
     "VU47P with HBM2; the shell's region is not public: the U55C's share is taken"},
};
const size_t MODEL_CARD_COUNT = sizeof MODEL_CARDS / sizeof *MODEL_CARDS;

#define CORE(name, products, dsp, lut, fabric_products, fabric_lut, cycles)                        \
    {#name, products, dsp, lut, fabric_products, fabric_lut, cycles},
const model_core MODEL_CORES_COUNTED[] = {MODEL_CORES(CORE)};
const size_t MODEL_CORE_COUNT = sizeof MODEL_CORES_COUNTED / sizeof *MODEL_CORES_COUNTED;
const model_core MODEL_CORES_BOXED[] = {MODEL_BOXED_CORES(CORE)};

static bool with_boxes;

void model_core_boxes(bool boxes)
{
    with_boxes = boxes;
}

const model_core *model_core_find(const char *name)
{
    for (size_t i = 0; i < MODEL_CORE_COUNT; i++) {
        if (!strcmp(MODEL_CORES_COUNTED[i].name, name))
            return with_boxes ? &MODEL_CORES_BOXED[i] : &MODEL_CORES_COUNTED[i];
    }
    return NULL;
}
