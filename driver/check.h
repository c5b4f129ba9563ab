/** Checks of what a device answered, on the host by the portable field code: what a caller does
 * with a few random rows of each commitment, so that a faulty device is found where it failed and
 * not in a proof that does not verify.
 *
 * No device is involved. Nothing is kept. A mismatch is P_EDEVICE with the row that shows it. The
 * arguments are the caller's own and trusted to have the sizes that driver.h states; the numbers in
 * them may be anything. Any thread. */
#ifndef ZKP_DRIVER_CHECK_H
#define ZKP_DRIVER_CHECK_H

#include "driver/driver.h"

/** Chooses rows to open: one below each digest of the cap, somewhere that seed decides, 2^cap_log2
 * in all. A damaged digest shows only in a row that leads to it, so this is the least that a caller
 * opens to trust a cap. shape as drv_commitment_info gives it. */
void drv_check_choose(const drv_commitment *shape, uint64_t seed, uint64_t *rows);

/** Whether opened rows belong to a cap: hashes each row and follows its path (drv_open_job).
 * cap: 2^cap_log2 digests. P_EINVAL for a row beyond the tree or an impossible shape, P_EEXHAUSTED
 * without memory. Time for each row: columns / 8 + levels permutations of a microsecond
 * (DRV_HASH_GL), or columns / 48 + levels of a tenth of a millisecond after some milliseconds for
 * the constants (DRV_HASH_BN254). */
p_status drv_check_opening(const drv_commitment *shape, const uint64_t *cap, const uint64_t *rows,
                           uint32_t count, const uint64_t *values, const uint64_t *paths,
                           p_err *err);

/** The same with the constants of DRV_HASH_BN254 kept from one call to the next: for whoever checks
 * many. One thread at a time. *out is NULL on failure (P_EEXHAUSTED); NULL may be destroyed. */
typedef struct drv_checker drv_checker;

p_status drv_checker_create(drv_checker **out, p_err *err);
void drv_checker_destroy(drv_checker *checker);
p_status drv_checker_opening(drv_checker *checker, const drv_commitment *shape, const uint64_t *cap,
                             const uint64_t *rows, uint32_t count, const uint64_t *values,
                             const uint64_t *paths, p_err *err);

/** Whether rows of a commitment's extended matrix (count * in->columns elements, a row after the
 * other, as drv_open_job and drv_read_job give them) are what its input extends to. Each row costs
 * one multiplication an element of in, and for DRV_VALUES three more a row of in: a few rows, not
 * all. Scratch: 16 bytes a row of in (P_EEXHAUSTED if there are none). */
p_status drv_check_rows(const drv_matrix *in, drv_input input, uint32_t log_blowup,
                        const uint64_t *rows, uint32_t count, const uint64_t *values, p_err *err);

#endif
