/** Collects what a run reports into a state_outcome that owns all of it. One thread at a time.
 * Private to host/state.
 *
 * Observer callbacks cannot fail, so running out of memory is remembered in failed and everything
 * after it is dropped. */
#ifndef ZKP_HOST_STATE_OUTCOME_H
#define ZKP_HOST_STATE_OUTCOME_H

#include "host/state/run.h"

typedef struct outcome_builder {
    state_outcome *o;
    size_t n_txs, cap_txs, cap_changes;
    bool failed;
} outcome_builder;

/** False when out of memory. */
bool outcome_begin(outcome_builder *b, const exec_batch *batch);

void outcome_add_tx(outcome_builder *b, const exec_tx_result *tx);
/** Drops the transactions so far: they are void, and are added again. */
void outcome_roll_back(outcome_builder *b);
/** An exec_change_fn; ctx is the builder. */
void outcome_add_change(void *builder, const u256 *key, const u256 *old_value,
                        const u256 *new_value);

/** Hands the outcome over (state_outcome_destroy), completed with the result. */
state_outcome *outcome_finish(outcome_builder *b, const exec_result *result);
/** Frees what was collected. */
void outcome_drop(outcome_builder *b);

#endif
