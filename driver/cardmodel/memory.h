/** The emulated card's memory: one range of addresses from 0, committed by the system page by page
 * when it is first written. Behind it lies a guard as large as any row number of a kernel reaches
 * (rows below 2^36 on 16 channels), so that a run that leaves the card's memory ends in SIGSEGV and
 * not in the model's own memory.
 *
 * Contents are read and written by several threads, as on a card; the functions are called by one.
 */
#ifndef ZKP_DRIVER_CARDMODEL_MEMORY_H
#define ZKP_DRIVER_CARDMODEL_MEMORY_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MEMORY_MAX ((uint64_t)1 << 36)

typedef struct model_memory model_memory;

/** size bytes of zeros, 1 .. MODEL_MEMORY_MAX, rounded up to pages; P_EINVAL, P_EEXHAUSTED. */
p_status model_memory_create(uint64_t size, model_memory **out, p_err *err);
void model_memory_destroy(model_memory *memory);
uint64_t model_memory_size(const model_memory *memory);

/** Where size bytes from address are; NULL if the card does not have all of them, or memory is
 * NULL. */
uint8_t *model_memory_at(const model_memory *memory, uint64_t address, uint64_t size);

/** Notes a buffer that the peer placed at address. false: not the card's memory, or it overlaps
 * another buffer. */
bool model_memory_place(model_memory *memory, uint64_t address, uint64_t size);
/** Gives the pages of the buffer at address back to the system: it reads as zeros. false: there is
 * none. */
bool model_memory_release(model_memory *memory, uint64_t address);

#endif
