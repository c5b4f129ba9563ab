/** Private to host/air: the part of a graph that some roots need, as instructions on blocks of
 * rows.
 *
 * What has degree 0 (constants, publics, challenges and what is made of them) is the same in every
 * row: computed once, when the program is made. Everything else lives in a slot: AIR_BLOCK words,
 * or three times as many for a value over K, coefficient by coefficient. Leaves have the first
 * slots, in the order of their nodes; slots of other values are used again after their last use. */
#ifndef ZKP_HOST_AIR_PROGRAM_H
#define ZKP_HOST_AIR_PROGRAM_H

#include "host/air/code.h"
#include "host/air/eval.h"

typedef struct air_operand {
    bool uniform, ext;
    uint32_t at; /**< uniform: index of a uniform value; else first slot */
} air_operand;

typedef enum air_instr_kind {
    AIR_INSTR_ADD,
    AIR_INSTR_SUB,
    AIR_INSTR_MUL,
    AIR_INSTR_ROOT /**< a: the root's value; node: the root's number */
} air_instr_kind;

typedef struct air_instr {
    air_instr_kind kind;
    uint32_t node;
    air_operand out, a, b;
} air_instr;

typedef struct air_leaf {
    uint32_t node, slot;
} air_leaf;

typedef struct air_program {
    const air *a;
    air_instr *instr;
    uint32_t instr_count;
    air_leaf *leaves;
    uint32_t leaf_count;
    gl_ext *uniform; /**< by node number, where the degree is 0 */
    uint32_t slots, leaf_slots;
    uint32_t roots;
} air_program;

/** roots: nodes; each gives an AIR_INSTR_ROOT as soon as it is known, in the order of the nodes. */
p_status air_program_create(const air *a, const air_instance *instance, const uint32_t *roots,
                            uint32_t count, air_program *out, p_err *err);
void air_program_destroy(air_program *p);

/** Bytes of slots. */
static inline uint64_t air_program_scratch(const air_program *p)
{
    return (uint64_t)p->slots * AIR_BLOCK * sizeof(gl_t);
}

/** Where leaves come from. */
typedef struct air_block {
    uint32_t rows; /**< 1 .. AIR_BLOCK */
    /** Writes the values of a leaf, out[c * AIR_BLOCK + i]. */
    void (*leaf)(const struct air_block *block, const air_node *n, gl_t *out);
    /** Called with a root's value: v, or if v is NULL the uniform u. The arrays have AIR_BLOCK
     * rows, those from rows on are without meaning. */
    void (*root)(const struct air_block *block, uint32_t root, bool ext, const gl_t *v, gl_ext u);
    void *context;
} air_block;

struct air_kernels;
void air_program_run(const air_program *p, const struct air_kernels *kernels, gl_t *scratch,
                     const air_block *block);

/** Leaves of a trace: block->context is an air_trace_block. */
typedef struct air_trace_block {
    const air *a;
    const air_trace *trace;
    const gl_t *publics;
    uint64_t first; /**< row */
    void *context;
} air_trace_block;
void air_trace_leaf(const air_block *block, const air_node *n, gl_t *out);

#endif
