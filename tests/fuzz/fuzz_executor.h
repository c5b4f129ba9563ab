/** What the targets that run the executor share: a small valid state, a host whose every signature
 * is one funded account's (so that inputs get past the signature check), and the invariants. Made
 * once in LLVMFuzzerInitialize; libFuzzer uses one thread. A broken invariant prints and aborts,
 * which is how libFuzzer takes a finding. */
#ifndef ZKP_TESTS_FUZZ_EXECUTOR_H
#define ZKP_TESTS_FUZZ_EXECUTOR_H

#include "tests/guest/flatten.h"
#include "tests/guest/report.h"

/** Loads the state of a batch of tests/data, for example "fork6/contracts.json". */
void fuzz_executor_init(const char *batch);

/** The account that every signature recovers to: funded, nonce 0. */
extern exec_address fuzz_sender;

/** Runs data as batch_l2_data over the state, twice, and checks: no fault, the same report both
 * times, a whole report; a batch that was not executed processed nothing. */
void fuzz_executor_run(const uint8_t *data, size_t len, uint32_t fork_id);

/** 4, 5 or 6 from any byte; 4, 5 and 6 stay themselves. */
uint32_t fuzz_fork(uint8_t byte);

#endif
