/** Powers of tau for development, as snarkjs lays them out, prepared for phase 2.
 *
 * One process draws tau, alpha and beta, and whoever could read them could prove anything with keys
 * made of the file. So the file has no contribution, which makes `snarkjs powersoftau verify`
 * refuse it, and carries the mark ZKEY_SECTION_DEV_MARK; groth16_setup_ptau puts the mark into
 * keys. */
#ifndef ZKP_HOST_GROTH16_PTAU_DEV_H
#define ZKP_HOST_GROTH16_PTAU_DEV_H

#include "host/groth16/setup.h"

#include <stdbool.h>

#define GROTH16_PTAU_DEV_MAX_POWER 27 /**< roots of unity of twice the order are needed */

/** Writes a file of power 1 .. 27; prepared: with the sections of phase 2. o->secrets: tau, alpha,
 * beta, or NULL. Statuses as of groth16_setup_dev. */
p_status groth16_ptau_dev(const char *out, uint32_t power, bool prepared,
                          const groth16_setup_options *o, groth16_setup_report *report, p_err *err);

#endif
