/** Checks of plain traces: which constraint fails in which row, which messages of which bus have no
 * match.
 *
 * For whoever writes a definition or a generator, and for tests: a proof of a trace that fails here
 * does not verify. Nothing here is probabilistic but the definition's own aux columns, which take
 * the challenges given. Any thread. */
#ifndef ZKP_HOST_AIR_CHECK_H
#define ZKP_HOST_AIR_CHECK_H

#include "host/air/eval.h"

typedef struct air_faults {
    uint64_t count;      /**< of pairs (constraint, row) that are not 0 */
    uint64_t row;        /**< the first row with one */
    uint32_t constraint; /**< the first one there */
} air_faults;

/** All constraints but those of the buses' columns, in all rows. trace->aux is not read: the
 * definition's own aux columns are filled here. P_EINVAL names the first row that has a fault, with
 * its constraint, or a cell that is not canonical, or a zero column that is not zero; faults may be
 * NULL. */
p_status air_check_constraints(const air *a, const air_instance *instance, const air_trace *trace,
                               air_faults *faults, p_err *err);

/** A message that is not received as often as it is sent. */
typedef struct air_unmatched {
    uint32_t bus;
    const gl_t *message; /**< buses[bus].arity values; valid during the call */
    gl_t sum;            /**< how often it is sent minus how often received, modulo p */
} air_unmatched;

/** Adds up the multiplicities of every message of every bus. P_EINVAL names the first ones that do
 * not come to 0; report (may be NULL) is called with each, in rising order. */
p_status air_check_buses(const air *a, const air_instance *instance, const air_trace *trace,
                         void (*report)(void *context, const air_unmatched *unmatched),
                         void *context, p_err *err);

/** Fixed columns that are flags or selectors of interactions have only zeros and ones. */
p_status air_check_selectors(const air *a, const drv_matrix *fixed, p_err *err);

/** A look-up table of the key in count fixed columns: rows 0 .. entries - 1 differ from each other
 * in the first keys columns, and every row from there on repeats row 0: a padding row that were
 * something else would be one more entry. */
p_status air_check_table(const air *a, const drv_matrix *fixed, const uint32_t *columns,
                         uint32_t count, uint32_t keys, uint64_t entries, p_err *err);

#endif
