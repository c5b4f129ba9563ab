/** Products modulo the two primes of secp256k1, as MULMOD gives them: four little-endian words, any
 * value below 2^256 in, the smallest residue out. Timing depends on the values: not for secrets.
 * Any thread. */
#ifndef ZKP_HOST_VM_MULMOD_H
#define ZKP_HOST_VM_MULMOD_H

#include <stdint.h>

/** The modulus of a selector of isa.h. */
void vm_modulus(uint64_t out[4], unsigned selector);

/** d = a * b mod m. d may be a or b. selector < VM_MODULI. */
void vm_mulmod_var(uint64_t d[4], const uint64_t a[4], const uint64_t b[4], unsigned selector);

/** d = a^-1 mod m, and 0 for a multiple of m. d may be a. */
void vm_invmod_var(uint64_t d[4], const uint64_t a[4], unsigned selector);

/** d = a^e mod m. d may be a. */
void vm_powmod_var(uint64_t d[4], const uint64_t a[4], const uint64_t e[4], unsigned selector);

#endif
