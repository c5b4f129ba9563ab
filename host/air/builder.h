/** Private to host/air: what a builder records before it becomes an air. */
#ifndef ZKP_HOST_AIR_BUILDER_H
#define ZKP_HOST_AIR_BUILDER_H

#include "host/air/air.h"

/** The sum of all multiplicities of a message stays below p, so that "equal modulo p" is "equal":
 * boolean multiplicities, this many interactions, 2^AIR_MAX_LOG_ROWS rows (checked where it is
 * defined). */
#define AIR_MAX_INTERACTIONS 4096
#define AIR_MAX_NODES (UINT32_C(1) << 24)

struct air_builder {
    air *a;
    p_err err;       /**< the first mistake */
    uint32_t *table; /**< node + 1 at its hash, open addressing; 0: free */
    uint32_t table_log2;
    uint32_t node_capacity, column_capacity, constraint_capacity, bus_capacity;
    uint32_t interaction_capacity, periodic_capacity;
    bool *boolean; /**< of each column: made by air_main_boolean */
    uint32_t boolean_capacity;
    uint8_t *sides; /**< of each bus: 1 sent, 2 received */
    uint32_t sides_capacity;
};

/** Records a mistake, if it is the first. */
void air_builder_fail(air_builder *b, p_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Room for one more element of *array. */
bool air_builder_grow(air_builder *b, void **array, uint32_t count, uint32_t *capacity,
                      size_t size);

/** A column over K made by the buses. */
uint32_t air_builder_column(air_builder *b, const char *name, air_tree tree, uint32_t width);

/** Aux columns and constraints of the buses. */
void air_builder_buses(air_builder *b);

#endif
