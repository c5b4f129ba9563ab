/** The constants that a card's Poseidon-BN254 kernel reads: hls/include/bn_poseidon_layout.h says
 * what they are. Any thread. */
#ifndef ZKP_DRIVER_CARD_BN_POSEIDON_TABLE_H
#define ZKP_DRIVER_CARD_BN_POSEIDON_TABLE_H

#include "driver/field/bn_poseidon.h"
#include "hls/include/bn_poseidon_layout.h"
#include "hls/include/kernel_abi.h"

/** Writes the hls_bn_poseidon_rows(width) rows of poseidon's width; all of them, also the half row
 * that may be left over (zeros). */
void card_bn_poseidon_table(const bn_poseidon *poseidon, hls_row *rows);

#endif
