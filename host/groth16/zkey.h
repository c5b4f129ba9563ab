/** Groth16 proving keys: snarkjs' .zkey (version 1, protocol 1), BN254.
 *
 * zkey_open checks the header, the points of the verifying key and every section's length against
 * the header; the long sections (coefficients and points) are read and checked by whoever needs
 * them. Points are affine in Montgomery form, infinity is zeros: driver.h's. */
#ifndef ZKP_HOST_GROTH16_ZKEY_H
#define ZKP_HOST_GROTH16_ZKEY_H

#include "driver/field/bn_curve.h"
#include "host/iden3/binfile.h"
#include "host/iden3/ptau.h"

#define ZKEY_MAGIC "zkey"
#define ZKEY_VERSION 1
#define ZKEY_PROTOCOL_GROTH16 1

/** Types of sections; those of the points follow COEFFICIENTS: A, B1, B2, C, H. */
enum {
    ZKEY_SECTION_PROTOCOL = 1,
    ZKEY_SECTION_HEADER = 2,
    ZKEY_SECTION_IC = 3,
    ZKEY_SECTION_COEFFICIENTS = 4,
    ZKEY_SECTION_CONTRIBUTIONS = 10,
    /** Ours, which snarkjs passes over: the key is of a development setup. */
    ZKEY_SECTION_DEV_MARK = IDEN3_DEV_MARK_SECTION,
};

/** What a key itself says of where it is from. Whoever knows a setup's secrets can prove anything,
 * and no key can show that nobody does: ZKEY_SETUP_CONTRIBUTED says that snarkjs' list of
 * contributions is not empty; whether they are genuine says `snarkjs zkey verify`. */
typedef enum zkey_setup {
    ZKEY_SETUP_CONTRIBUTED,
    ZKEY_SETUP_NO_CONTRIBUTION, /**< initial key of phase 2 (delta = 1, which everyone knows), or no
                                   list of contributions */
    ZKEY_SETUP_DEV_INSECURE,    /**< made by one process that knew all secrets */
} zkey_setup;

/** "contributed", "no-contribution", "dev-insecure": for metadata. */
const char *zkey_setup_name(zkey_setup setup);

/** The verifying key's part of a key. */
typedef struct groth16_vk {
    bn_g1 alpha1;
    bn_g2 beta2, gamma2, delta2;
    uint32_t n_public;
    bn_g1 *ic; /**< n_public + 1 */
} groth16_vk;

/** Sections with a point for each wire (A, B1, B2), each wire that is not public (C), each row of
 * the domain (H). */
typedef enum zkey_points { ZKEY_A, ZKEY_B1, ZKEY_B2, ZKEY_C, ZKEY_H, ZKEY_POINTS } zkey_points;

/** Entry of the matrices: matrix 0 (A) or 1 (B) has value at (row, wire). */
typedef struct zkey_coefficient {
    uint32_t matrix, row, wire;
    uint64_t value[4]; /**< times 2^512 mod r, canonical: its Montgomery product with a canonical
                          witness is the product in Montgomery form */
} zkey_coefficient;

#define ZKEY_COEFFICIENT_BYTES 44

typedef struct zkey {
    binfile file;
    uint32_t n_wires, n_public, domain_log2;
    uint32_t n_coefficients, n_contributions;
    zkey_setup setup;
    groth16_vk vk;
    bn_g1 beta1, delta1;
    const binfile_section *coefficients, *points[ZKEY_POINTS];
} zkey;

p_status zkey_open(zkey *out, const char *path, p_err *err);
p_status zkey_adopt(zkey *out, int fd, const char *path, p_err *err);
/** Also after a failure. */
void zkey_close(zkey *z);

/** Whether a key may be used in production: P_EINVAL, with the reason, unless it is
 * ZKEY_SETUP_CONTRIBUTED. */
p_status zkey_check_production(const zkey *z, p_err *err);

/** Points of a section, and bytes of one. */
uint64_t zkey_points_count(const zkey *z, zkey_points which);
uint32_t zkey_points_bytes(zkey_points which);
/** "A", "B1", ... */
const char *zkey_points_name(zkey_points which);

/** Reads count points of a section from number first on into out, as they are in the file:
 * unchecked. P_ECORRUPT if the section ends before. Any thread. */
p_status zkey_read_points(const zkey *z, zkey_points which, uint64_t first, uint64_t count,
                          void *out, p_err *err);

/** Coefficient number index out of its bytes; P_ECORRUPT for a matrix, row, wire or value out of
 * range. */
p_status zkey_coefficient_get(const zkey *z, uint32_t index,
                              const uint8_t bytes[ZKEY_COEFFICIENT_BYTES], zkey_coefficient *out,
                              p_err *err);

#endif
