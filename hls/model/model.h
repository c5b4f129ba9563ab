/* What the parts of card_model share: cards, cores as counted, and lines of output. */
#ifndef ZKP_HLS_MODEL_MODEL_H
#define ZKP_HLS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct model_card {
    const char *name;
    double dsp, dsp_usable, lut, bram, uram; /* of the device; BRAM of 36 Kbit */
    double channels, gb_s;                   /* memory: channels, peak of all of them */
    double buffer_channels; /* that a buffer is striped over (bitstreams/link.py) */
    double efficiency;      /* of the peak */
    double mhz;             /* of the kernels: a target */
    const char *note;
} model_card;

extern const model_card MODEL_CARDS[];
extern const size_t MODEL_CARD_COUNT;

/* A core as a pipeline that starts each cycle, counted by count_cores. */
typedef struct model_core {
    const char *name;
    double products, dsp, lut;          /* products in DSPs; LUTs of everything but products */
    double fabric_products, fabric_lut; /* products by constants that are bound to LUTs */
    double cycles;
} model_core;

extern const model_core MODEL_CORES_COUNTED[];
extern const model_core MODEL_CORES_BOXED[]; /* the same ones with the RTL of hls/rtl */
extern const size_t MODEL_CORE_COUNT;
/* With black boxes for 64-bit products, if there is such a core. */
const model_core *model_core_find(const char *name);
void model_core_boxes(bool boxes);

/* Resources of a kernel or an image. */
typedef struct model_use {
    double dsp, lut, bram, uram;
} model_use;

/* A claim, for the table at the end: the program fails if it does not hold. */
void model_goal(const char *what, double value, const char *unit, double limit, bool at_most);

/* Kernels and images of a card; tables: with all parts. */
void model_kernels(const model_card *card, double channels, bool tables, bool goals);

#endif
