/** Constraints of a STARK, written once (an algebraic intermediate representation).
 *
 * Refused as mistakes are also: a column, a periodic column or a public value that no constraint
 * and no message reads, a bus that only has one side, and a constraint that is a constant.
 *
 * A definition is a C function that a builder runs once; what it records is an air: columns, public
 * values, a graph of expressions with types and degrees, constraints, buses. From that one graph
 * come the prover's code (eval.h, and code generated at build time), the native verifier's
 * evaluation at a point, the checker of plain traces (check.h), and the circuits that verify
 * proofs.
 *
 * Order of calls: air_create with a definition -> any use, by any number of threads (an air does
 * not change) -> air_destroy. The builder's calls are made by the definition only; its first error
 * (a degree above the limit, a name given twice, ...) is kept and reported by air_create, so a
 * definition does not check every call.
 *
 * Degrees count a column, fixed and periodic ones, first and last as 1, constants, publics and
 * challenges as 0. Every constraint holds on all N rows (the next row of the last is the first);
 * what holds on some only is multiplied by a selector. */
#ifndef ZKP_HOST_AIR_AIR_H
#define ZKP_HOST_AIR_AIR_H

#include "driver/base/err.h"
#include "driver/field/gl_ext.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AIR_NAME_BYTES 64
#define AIR_MAX_DEGREE 8
#define AIR_MAX_ARITY 16 /**< values of a message */
#define AIR_MAX_PERIOD 64
#define AIR_MIN_LOG_ROWS 6
#define AIR_MAX_LOG_ROWS 22

/* ---- what a definition sees ---- */

typedef struct air_builder air_builder;

/** A node of the graph. Only made by the functions below. */
typedef struct air_expr {
    uint32_t node;
} air_expr;

typedef struct air_column {
    uint32_t index; /**< into air.columns */
} air_column;

#define AIR_NO_COLUMN ((air_column){UINT32_MAX})

typedef struct air_bus {
    uint32_t index;
} air_bus;

/** Columns. fixed: values of the key; main: the trace; aux: over K, after the challenges (rarely
 * needed: those of the buses are made by the builder). */
air_column air_fixed(air_builder *b, const char *name);
air_column air_main(air_builder *b, const char *name);
air_column air_aux(air_builder *b, const char *name);
/** The same with the constraint x (x - 1) = 0: what multiplicities have to be. */
air_column air_main_boolean(air_builder *b, const char *name);
/** As if a fixed column, of period (a power of two, at most 64): not committed. values are copied.
 */
air_expr air_periodic(air_builder *b, const char *name, const gl_t *values, uint32_t period);

air_expr air_here(air_builder *b, air_column column);
air_expr air_next(air_builder *b, air_column column);
air_expr air_first(air_builder *b); /**< 1 in row 0, else 0 */
air_expr air_last(air_builder *b);
/** Public value number index: the same number in every row. */
air_expr air_public(air_builder *b, uint32_t index);
/** A column that has public value first + i in row i < count, else 0. */
air_expr air_public_column(air_builder *b, uint32_t first, uint32_t count);
/** Drawn after the main trace is committed, over K: for aux columns' constraints. */
typedef enum air_challenge { AIR_ALPHA, AIR_BETA, AIR_RHO, AIR_CHALLENGES } air_challenge;
air_expr air_random(air_builder *b, air_challenge which);
air_expr air_constant(air_builder *b, uint64_t value);

air_expr air_add(air_builder *b, air_expr x, air_expr y);
air_expr air_sub(air_builder *b, air_expr x, air_expr y);
air_expr air_mul(air_builder *b, air_expr x, air_expr y);
air_expr air_scale(air_builder *b, uint64_t value, air_expr x);

/** value = 0 in every row. */
void air_constrain(air_builder *b, const char *name, air_expr value);

/** Buses (LogUp): over all rows, what is sent is received, message for message with multiplicity.
 *
 * id: not 0, another one for each bus; every message has arity values, linear in columns. A
 * multiplicity that were a free witness on both sides, or not boolean, would prove nothing, so
 * there is a call for each kind that is sound and none for others:
 *   air_send, air_receive   multiplicity flag (made by air_main_boolean, or fixed) times selector
 * (periodic, fixed, or none: AIR_NO_EXPR); flag may be AIR_NO_COLUMN: selector alone;
 *   air_receive_table       any multiplicity, main column: only for messages made of fixed
 *                           columns (or periodic ones), that is for a look-up table of the key. */
#define AIR_NO_EXPR ((air_expr){UINT32_MAX})
air_bus air_bus_define(air_builder *b, const char *name, uint32_t id, uint32_t arity);
void air_send(air_builder *b, air_bus bus, air_column flag, air_expr selector,
              const air_expr *message);
void air_receive(air_builder *b, air_bus bus, air_column flag, air_expr selector,
                 const air_expr *message);
void air_receive_table(air_builder *b, air_bus bus, air_column multiplicity,
                       const air_expr *message);

/* ---- definitions ---- */

typedef struct air air;
typedef struct air_code air_code;
struct drv_matrix;

/** An AIR. Names and functions are constant and outlive every air made of it. */
typedef struct air_definition {
    const char *name;
    uint32_t max_degree; /**< 2 .. AIR_MAX_DEGREE */
    uint32_t publics;
    void (*define)(air_builder *b, const void *context);
    /** Writes the value of a fixed column in a row; NULL without fixed columns. column counts the
     * fixed columns in the order of definition. Any thread. */
    gl_t (*fixed)(const void *context, uint32_t column, uint64_t row, uint32_t log_rows);
    /** Fills the definition's own aux columns (not those of the buses) at a row of all that is
     * known: NULL without such columns. Rows are asked for in rising order; state: for running
     * sums. */
    p_status (*aux)(const void *context, const air *a, uint32_t log_rows,
                    const struct drv_matrix *fixed, const struct drv_matrix *main,
                    const gl_ext challenges[AIR_CHALLENGES], struct drv_matrix *aux, p_err *err);
    const void *context; /**< for the functions; NULL if they need none */
    /** What the generator made of this definition (host/air/generate.h); NULL: air_eval_rows
     * interprets the graph. Of another graph: air_create answers P_EINTERNAL. */
    const air_code *code;
} air_definition;

/** P_EINVAL with the first mistake of the definition. *out is NULL on failure. */
p_status air_create(const air_definition *definition, air **out, p_err *err);
void air_destroy(air *a);

/* ---- what evaluators see ---- */

typedef enum air_op {
    AIR_COLUMN,   /**< a: column, b: 0 this row, 1 the next */
    AIR_PERIODIC, /**< a: periodic column */
    AIR_FIRST,
    AIR_LAST,
    AIR_PUBLIC,        /**< a: index */
    AIR_PUBLIC_COLUMN, /**< a: first, b: count */
    AIR_RANDOM,        /**< a: air_challenge */
    AIR_CONSTANT,      /**< value */
    AIR_ADD,           /**< a, b: nodes before this one */
    AIR_SUB,
    AIR_MUL
} air_op;

typedef struct air_node {
    uint8_t op;  /**< air_op */
    uint8_t ext; /**< 1: over K, 0: over F on a trace (at a point of K every node is over K) */
    uint8_t degree;
    uint32_t a, b;
    gl_t value;
} air_node;

typedef enum air_tree {
    AIR_TREE_FIXED,
    AIR_TREE_MAIN,
    AIR_TREE_AUX,
    AIR_TREE_QUOTIENT,
    AIR_TREES
} air_tree;

typedef struct air_column_info {
    char name[AIR_NAME_BYTES];
    air_tree tree;     /**< not the quotient's */
    bool next;         /**< read from the next row, too */
    uint32_t width;    /**< 1, or 3 over K */
    uint32_t position; /**< of the (first) column in the tree's matrix, zero columns counted */
} air_column_info;

/** A tree's columns (docs/stark.md, Trees). */
typedef struct air_tree_info {
    uint32_t real;        /**< columns without the zero ones */
    uint32_t next;        /**< of these: also opened at omega z; they come first */
    uint32_t next_padded; /**< next, rounded up to a multiple of 8 */
    uint32_t columns;     /**< of the matrix: next_padded + real - next */
} air_tree_info;

/** An interaction: multiplicity (a node, negative for receivers) and message of a bus. */
typedef struct air_interaction {
    uint32_t bus;
    uint32_t multiplicity;           /**< node, degree at most 2 */
    uint32_t message[AIR_MAX_ARITY]; /**< nodes over F, degree at most 1 */
    uint32_t column;                 /**< aux column of its fractions' sum */
} air_interaction;

typedef struct air_constraint {
    char name[AIR_NAME_BYTES];
    uint32_t node;
} air_constraint;

struct air {
    air_definition definition;
    air_node *nodes; /**< operands before results, equal nodes once */
    uint32_t node_count;
    air_column_info *columns;
    uint32_t column_count;
    air_constraint *constraints; /**< the definition's in its order, then those of the buses */
    uint32_t constraint_count;
    struct air_bus_info {
        char name[AIR_NAME_BYTES];
        uint32_t id, arity;
    } * buses;
    uint32_t bus_count;
    /** Interactions are packed max_degree - 1 to an aux column phi: phi d_1 d_2 = m_1 d_2 + m_2
     * d_1 for two; the running sum S (the last aux column) has S(next) = S + sum of all phi, and 0
     * in the first row: with the wrap-around the total is 0. */
    air_interaction *interactions;
    uint32_t interaction_count;
    uint32_t sum_column; /**< of S; UINT32_MAX without buses */
    struct air_periodic_info {
        char name[AIR_NAME_BYTES];
        uint32_t period;
        gl_t values[AIR_MAX_PERIOD];
    } * periodic;
    uint32_t periodic_count;
    uint32_t min_log_rows; /**< AIR_MIN_LOG_ROWS, or more: every public column has its rows */
    air_tree_info trees[AIR_TREES];
    uint8_t hash[32]; /**< SHA-256 of all of the above but texts: docs/formats.md */
};

/** Where a column's (first) value stands among the evaluations of a proof: among those of all real
 * columns at z (next: of the columns also opened at omega z), trees in order, without zero columns.
 */
static inline uint32_t air_opening_index(const air *a, uint32_t column, bool next)
{
    const air_column_info *c = &a->columns[column];
    uint32_t at = c->position;

    if (!c->next)
        at -= a->trees[c->tree].next_padded - a->trees[c->tree].next;
    for (uint32_t t = 0; t < (uint32_t)c->tree; t++)
        at += next ? a->trees[t].next : a->trees[t].real;
    return at;
}

/** Quotient's pieces: max_degree - 1. */
static inline uint32_t air_quotients(const air *a)
{
    return a->definition.max_degree - 1;
}

#endif
