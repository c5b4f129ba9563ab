/** Sections of points that are multiples of a generator, made in parallel and written in order. */
#ifndef ZKP_HOST_GROTH16_MULTIPLES_H
#define ZKP_HOST_GROTH16_MULTIPLES_H

#include "host/groth16/fixed_base.h"
#include "host/iden3/binfile.h"

/** The scalars first .. first + count - 1 of a section; count <= FIXED_BASE_BATCH. Any thread. */
typedef void multiples_scalars(void *arg, uint64_t first, size_t count, bn_fr *out);

typedef struct multiples {
    p_pool *pool;
    binfile_writer *writer;
    const p_cancel *cancel;                                              /**< may be NULL */
    void (*progress)(void *context, const char *what, unsigned percent); /**< may be NULL */
    void *context;
    p_memory *memory;
    void *block; /**< multiples_create's */
} multiples;

/** Bytes that multiples_create takes. */
uint64_t multiples_bytes(void);
p_status multiples_create(multiples *m, p_err *err);
void multiples_destroy(multiples *m);

/** Appends count points to the section that has been begun. what: for progress. */
p_status multiples_append(const multiples *m, const fixed_base *base, const char *what,
                          uint64_t count, multiples_scalars *scalars, void *arg, p_err *err);

#endif
