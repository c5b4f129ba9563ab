/** Powers of tau: snarkjs' .ptau (version 1), BN254.
 *
 * A file of power n has tau^i G1 for i < 2^(n+1) - 1, tau^i G2, alpha tau^i G1 and beta tau^i G1
 * for i < 2^n, beta G2, and a list of contributions. One that is prepared for phase 2 has besides
 * the points L_i(tau) G of Lagrange's polynomials of every domain 2^0 .. 2^n (tau in G1: also
 * 2^(n+1), whose last power of tau counts as 0) in four sections. Points are affine in Montgomery
 * form: driver.h's. Only one honest contribution makes a file safe; that, and that the points
 * belong to each other, is checked by `snarkjs powersoftau verify`, not here.
 *
 * ptau_open checks header and lengths; ptau_read reads points and checks that they are on their
 * curves (G2: the subgroup is not checked). Errors name file, section and offset. Any thread may
 * read. */
#ifndef ZKP_HOST_IDEN3_PTAU_H
#define ZKP_HOST_IDEN3_PTAU_H

#include "driver/field/bn_curve.h"
#include "host/iden3/binfile.h"

#define PTAU_MAX_POWER 28

/** A section of ours, which snarkjs passes over, in .ptau and .zkey files: whoever made the file
 * knew secrets that allow to prove anything. It begins with the text, a date follows. */
#define IDEN3_DEV_MARK_SECTION 0x5a4b5001
#define IDEN3_DEV_MARK "setup=dev-insecure"

/** Series of points; PTAU_TAU_G2 alone is in G2. */
typedef enum ptau_series {
    PTAU_TAU_G1,
    PTAU_TAU_G2,
    PTAU_ALPHA_G1,
    PTAU_BETA_G1,
    PTAU_SERIES
} ptau_series;

typedef struct ptau {
    binfile file;
    uint32_t power, ceremony_power; /**< ceremony_power: of the file that this one was cut from */
    uint32_t n_contributions;
    bool dev; /**< carries the mark of development files */
    bn_g2 beta2;
    const binfile_section *powers[PTAU_SERIES];
    const binfile_section *lagrange[PTAU_SERIES]; /**< NULL if it is not prepared for phase 2 */
} ptau;

/** P_ENOTFOUND, P_ECORRUPT, P_EUNSUPPORTED (another curve). Close it also after a failure. */
p_status ptau_open(ptau *out, const char *path, p_err *err);
p_status ptau_adopt(ptau *out, int fd, const char *path, p_err *err);
void ptau_close(ptau *p);

uint32_t ptau_point_bytes(ptau_series series);

/** The points of powers first .. first + count - 1 into out (bn_g1 or bn_g2); P_EINVAL beyond the
 * series' end, P_ECORRUPT for a point that is not on its curve. */
p_status ptau_read(const ptau *p, ptau_series series, uint64_t first, uint64_t count, void *out,
                   p_err *err);

/** The same of the Lagrange points of a domain of 2^log2; P_EINVAL if the file has none. */
p_status ptau_read_lagrange(const ptau *p, ptau_series series, uint32_t log2, uint64_t first,
                            uint64_t count, void *out, p_err *err);

#endif
