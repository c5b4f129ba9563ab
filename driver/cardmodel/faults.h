/** Faults of the emulated card that tests ask for, by the environment variable
 * ZKP_CARDMODEL_FAULT: rules separated by commas.
 *
 *   exit@N          the process exits when request N arrives (from 1)
 *   crash@N         ... dies of a signal
 *   garble@N        answer N has wrong bytes
 *   exit-run@N      the process exits when run N begins; crash-run@N likewise
 *   hang=KERNEL@N   the Nth run of KERNEL never ends
 *   slow=KERNEL@MS  each run of KERNEL takes MS milliseconds more
 *   flip@ADDRESS    after each run, bit 0 of the byte at ADDRESS of the card's memory is inverted
 */
#ifndef ZKP_DRIVER_CARDMODEL_FAULTS_H
#define ZKP_DRIVER_CARDMODEL_FAULTS_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define FAULTS_VARIABLE "ZKP_CARDMODEL_FAULT"
#define FAULTS_MAX 8

typedef enum model_fault_kind {
    MODEL_FAULT_EXIT,
    MODEL_FAULT_CRASH,
    MODEL_FAULT_GARBLE,
    MODEL_FAULT_EXIT_RUN,
    MODEL_FAULT_CRASH_RUN,
    MODEL_FAULT_HANG,
    MODEL_FAULT_SLOW,
    MODEL_FAULT_FLIP
} model_fault_kind;

typedef struct model_fault {
    model_fault_kind kind;
    char kernel[64]; /**< MODEL_FAULT_HANG, MODEL_FAULT_SLOW */
    uint64_t number;
} model_fault;

typedef struct model_faults {
    uint32_t count;
    model_fault rule[FAULTS_MAX];
} model_faults;

/** NULL or empty: none. P_EINVAL quotes the rule that is wrong. */
p_status model_faults_read(const char *text, model_faults *out, p_err *err);

/** Whether a rule of this kind has that number. */
bool model_faults_at(const model_faults *faults, model_fault_kind kind, uint64_t number);
/** Milliseconds that a run of kernel takes longer. */
uint64_t model_faults_slow_ms(const model_faults *faults, const char *kernel);
bool model_faults_hangs(const model_faults *faults, const char *kernel, uint64_t run);

#endif
