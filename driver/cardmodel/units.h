/** Compute units of the emulated card: registers as Vitis lays them out, one thread each.
 *
 * Register 0: bit 0 start, bit 1 done (cleared by reading), bit 2 idle. A start while the unit is
 * not idle is ignored. Arguments are taken over when the unit is started, so that they may be
 * written anew while it runs.
 *
 * A kernel gets its arguments in order as 64-bit numbers, pointers translated to the model's
 * memory; a pointer that is not the card's loses the card (model_unit_host.lost), the unit never
 * ends. Numbers go to the kernel as they are: like the real one, it trusts them, and memory.h says
 * where a wrong row number ends.
 *
 * model_units_read and _write: one thread. create copies what it is given, but for the host's
 * objects, which stay valid until destroy has waited for all runs. */
#ifndef ZKP_DRIVER_CARDMODEL_UNITS_H
#define ZKP_DRIVER_CARDMODEL_UNITS_H

#include "driver/cardmodel/faults.h"
#include "driver/cardmodel/memory.h"
#include "driver/cardmodel/metadata.h"
#include "driver/cardmodel/timeline.h"

/** A kernel of the image: card_call_NAME and, where the object counts cycles, card_cycles_NAME
 * (those of the last run; it is asked under a lock with the call if units share it). */
typedef struct model_kernel {
    void (*call)(const uint64_t *args);
    uint64_t (*cycles)(void); /**< or NULL */
} model_kernel;

typedef struct model_unit_host {
    model_memory *memory;
    const timeline *log;
    const model_faults *faults;
    /** The card is lost. signal: as by a signal. May return; any thread. */
    void (*lost)(void *context, const char *reason, bool signal);
    void *context;
} model_unit_host;

typedef struct model_units model_units;

/** kernels: one for each of from->kernel. */
p_status model_units_create(const metadata *from, const model_kernel *kernels,
                            const model_unit_host *host, model_units **out, p_err *err);
void model_units_destroy(model_units *units);

/** size bytes into registers from address; false, nothing done: not registers of one unit, or not
 * whole words. */
bool model_units_write(model_units *units, uint64_t address, const uint8_t *bytes, size_t size);
/** false, zeros: as above. */
bool model_units_read(model_units *units, uint64_t address, uint8_t *bytes, size_t size);

#endif
