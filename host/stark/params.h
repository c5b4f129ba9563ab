/** Parameters of a STARK and what they are worth.
 *
 * A level is proven: every term of the error comes from a theorem, none from a conjecture
 * (docs/stark.md, Security). Pure functions; any thread. */
#ifndef ZKP_HOST_STARK_PARAMS_H
#define ZKP_HOST_STARK_PARAMS_H

#include "driver/driver.h"
#include "host/air/air.h"

#define STARK_FOLD 8
#define STARK_FOLD_LOG2 3
#define STARK_MAX_FINAL_LOG2 5 /**< folding goes on while the bound is above 2^5 */
#define STARK_MAX_LAYERS 8
#define STARK_MAX_DOMAIN_LOG2 21 /**< three query indices fit a word */
#define STARK_MAX_QUERIES 512
#define STARK_MAX_PUBLICS 4096

/** STARK_TEST: for tests of the pipeline, proves nothing; only accepted where it is asked for. */
typedef enum stark_level { STARK_TEST, STARK_P100, STARK_P128 } stark_level;

typedef struct stark_params {
    stark_level level; /**< declared */
    drv_hash hash;
    uint32_t log_rows;      /**< AIR_MIN_LOG_ROWS .. */
    uint32_t log_blowup;    /**< 1 .. 6; 2^log_blowup >= max_degree - 1 */
    uint32_t queries;       /**< 1 .. STARK_MAX_QUERIES */
    uint32_t grinding_bits; /**< 0 .. 32 */
    uint32_t cap_log2;      /**< 0 .. 10, see stark_cap_log2 */
} stark_params;

/** The parameters that ship: queries, grinding and cap for a level, hash, size and blow-up;
 * P_EINVAL for what none are chosen for. */
p_status stark_params_choose(stark_level level, drv_hash hash, uint32_t log_rows,
                             uint32_t log_blowup, stark_params *out, p_err *err);

/** "test", "p100", "p128"; never NULL. */
const char *stark_level_name(stark_level level);

/** Ranges, and that the AIR fits: P_EINVAL names the field. Nothing about security. */
p_status stark_params_check(const stark_params *p, const air *a, p_err *err);

/** Digests' log2 in the cap of a tree with 2^log_leaves leaves. */
uint32_t stark_cap_log2(const stark_params *p, uint32_t log_leaves);
uint32_t stark_layers(const stark_params *p);     /**< FRI trees, 1 .. STARK_MAX_LAYERS */
uint32_t stark_final_log2(const stark_params *p); /**< of the final polynomial's coefficients */

/** Terms of the error, as bits (-log2), for one decoding regime. */
typedef struct stark_bits {
    double logup, linking; /**< buses; the definition's own aux columns */
    double ali, deep, batching, folding, queries;
    double total; /**< the smallest: round by round */
    double sum;   /**< -log2 of the sum of all terms */
    double hash;  /**< collisions: 128 for Goldilocks, 126.8 for BN254 */
} stark_bits;

typedef struct stark_security {
    stark_bits unique, johnson;
    double level; /**< the better regime's total, not above hash */
} stark_security;

p_status stark_security_compute(const stark_params *p, const air *a, stark_security *out,
                                p_err *err);

/** P_EINVAL, with the figures, if the parameters do not reach their declared level for this AIR. */
p_status stark_params_hold(const stark_params *p, const air *a, p_err *err);

#endif
