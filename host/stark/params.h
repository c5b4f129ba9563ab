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

/** Terms of the error, as bits (-log2), for one decoding regime. INFINITY: there is no such term.
 *
 * Every term is a bound on what a cheating prover gains in one round; F = |K|, L the length of the
 * list of codewords that the regime allows (1 for unique decoding), e(n) the error of a combination
 * of words on n points. Sources: eprint 2022/1216 theorem 8 and section 4.1.3 (ALI, DEEP, two
 * points), BCHKS25 corollary 1.4 and theorem 4.2 (e), 2022/1530 (LogUp).
 *   logup     L * 2 * sum over interactions of N * arity / F: the sum's numerator vanishes, or a
 *             denominator does
 *   linking   L * (N + 1) * (degree of a constraint in the challenges) * (its degree in the
 *             definition's own aux columns, at least 1) / F, the largest over the constraints: for
 *             running sums and products that are linear in themselves
 *   ali       L * constraints / F
 *   deep      L * (max_degree (N + 1) + N) / (F - N - n)
 *   batching  e(n) * (B - 1), B the terms of the DEEP sum, zero columns included
 *   folding   e(n) * 7 for the first layer, the largest
 *   queries   (1 - theta)^queries / 2^grinding_bits */
typedef struct stark_bits {
    double logup, linking; /**< buses; the definition's own aux columns */
    double ali, deep, batching, folding, queries;
    double total; /**< the smallest: round by round */
    double sum;   /**< -log2 of the sum of all terms, every layer's folding among them */
    double theta; /**< the decoding radius */
} stark_bits;

typedef struct stark_security {
    stark_bits unique, johnson;
    double hash;  /**< collisions of digests: 128 for Goldilocks, 126.8 for BN254 */
    double level; /**< the better regime's total, not above hash */
} stark_security;

/** Parameters and air as stark_params_check wants them; P_EINVAL also if the bound on the decoding
 * radius (two points, N + 2 < (1 - theta) n) does not hold, or if an own aux column's next row is
 * not linear in those columns: no bound is known then. */
p_status stark_security_compute(const stark_params *p, const air *a, stark_security *out,
                                p_err *err);

/** The Johnson regime with gap = sqrt(rho) / m: what stark_security_compute takes with m =
 * STARK_JOHNSON_M. For tests and for choosing. */
#define STARK_JOHNSON_M 50
p_status stark_security_johnson(const stark_params *p, const air *a, uint32_t m, stark_bits *out,
                                p_err *err);

/** Bits of a level: 0, 100, 128. */
double stark_level_bits(stark_level level);

/** stark_params_check, and P_EINVAL, with the figures, if the parameters do not reach their
 * declared level for this AIR: that is the better regime's total. The hash is a figure of its own:
 * a P128 key with BN254 digests has 126.8 bits against collisions. */
p_status stark_params_hold(const stark_params *p, const air *a, p_err *err);

#endif
