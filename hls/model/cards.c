/* Cards, and the cores that count_cores has counted. */
#include "hls/model/model.h"

#include "core_counts.h"

#include <string.h>

const model_card MODEL_CARDS[] = {
    {"U55C", 9024, 8400, 1303680, 2016, 960, 32, 460, 0.78, 300,
     "HBM2, 16 GB; usable DSP: without the platform's region"},
    {"U250", 12288, 11500, 1728000, 2688, 1280, 4, 77, 0.85, 300,
     "DDR4-2400, four modules; an image has 4 channels here"},
    {"F2", 9024, 8400, 1303680, 2016, 960, 32, 460, 0.78, 250,
     "VU47P with HBM2; the shell's region is not public: the U55C's share is taken"},
};
const size_t MODEL_CARD_COUNT = sizeof MODEL_CARDS / sizeof *MODEL_CARDS;

#define CORE(name, products, dsp, lut, fabric_products, fabric_lut, cycles)                        \
    {#name, products, dsp, lut, fabric_products, fabric_lut, cycles},
const model_core MODEL_CORES_COUNTED[] = {MODEL_CORES(CORE)};
const size_t MODEL_CORE_COUNT = sizeof MODEL_CORES_COUNTED / sizeof *MODEL_CORES_COUNTED;

const model_core *model_core_find(const char *name)
{
    for (size_t i = 0; i < MODEL_CORE_COUNT; i++) {
        if (!strcmp(MODEL_CORES_COUNTED[i].name, name))
            return &MODEL_CORES_COUNTED[i];
    }
    return NULL;
}
