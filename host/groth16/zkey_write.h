/** Parts of a .zkey, for both ways to make one. Sections are written in snarkjs' order:
 * 1, 2, 4, 3, 9, 8, 5, 6, 7, 10. */
#ifndef ZKP_HOST_GROTH16_ZKEY_WRITE_H
#define ZKP_HOST_GROTH16_ZKEY_WRITE_H

#include "host/groth16/circuit.h"
#include "host/groth16/zkey.h"

/** What section 2 holds beside the sizes. */
typedef struct zkey_head {
    bn_g1 alpha1, beta1, delta1;
    bn_g2 beta2, gamma2, delta2;
} zkey_head;

/** Begins the file with sections 1 and 2. sections: how many there will be. */
p_status zkey_write_begin(binfile_writer *w, const char *path, uint32_t sections,
                          const groth16_circuit *c, const zkey_head *head, p_err *err);

/** Section 4: the entries of A and B, of which there are count. */
p_status zkey_write_coefficients(binfile_writer *w, const groth16_circuit *c, uint32_t count,
                                 const p_cancel *cancel, p_err *err);

/** Section 10: hash of the circuit's key (64 bytes), no contribution. */
p_status zkey_write_contributions(binfile_writer *w, const uint8_t hash[64], p_err *err);

/** The section that marks a key as one of a development setup. */
p_status zkey_write_dev_mark(binfile_writer *w, p_err *err);

#endif
