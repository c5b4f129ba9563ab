/** What the guest has instead of an operating system: hints, commits, the two precompiles.
 *
 * The guest's sources are compiled twice. As the guest (RV64IM) each of these is one instruction of
 * host/vm/isa.h, and the questions are nothing at all. Natively the same calls record: a question
 * (guest_ask_*) has the answer put on the tape, where the hints that follow find it, so that the
 * order of the tape is the program's own. Hence the rule: each question is followed by exactly the
 * hints that it names.
 *
 * Every hint is untrusted: whoever proves chooses it. It may influence a result only after an
 * equality that fixes it, and each branch that depends on one must be forced in both directions.
 * guest_require is that equality: where it is false the guest ends with a failure, which has no
 * proof. Natively it records the failure and goes on, so code behind it must be safe for memory
 * whatever the hints are. One thread at a time for each guest_io. */
#ifndef ZKP_HOST_GUEST_IO_H
#define ZKP_HOST_GUEST_IO_H

#include "host/executor/types.h"

#include "driver/field/goldilocks.h"

/** Exit codes of the guest: which requirement failed. */
typedef enum guest_exit {
    GUEST_OK = 0,
    GUEST_BAD_INPUT = 1,   /**< the batch is none that the program takes */
    GUEST_BAD_NODE = 2,    /**< a node does not have the hash that was asked for */
    GUEST_BAD_CODE = 3,    /**< likewise a bytecode */
    GUEST_BAD_INVERSE = 4, /**< not the inverse or the quotient */
    GUEST_BAD_ROOT = 5,    /**< neither a root of t nor one of -t */
    GUEST_FAULT = 16,      /**< + exec_fault: the executor gave up */
} guest_exit;

typedef struct guest_io guest_io;

#ifdef __riscv

static inline uint64_t guest_hint(guest_io *io)
{
    uint64_t word;
    (void)io;
    __asm__ volatile(".insn r 0x0b, 1, 0, %0, x0, x0" : "=r"(word));
    return word;
}

__attribute__((noreturn)) static inline void guest_halt(uint64_t code)
{
    __asm__ volatile(".insn r 0x0b, 0, 0, x0, %0, x0" : : "r"(code));
    __builtin_unreachable();
}

static inline void guest_require(guest_io *io, bool ok, guest_exit code)
{
    (void)io;
    if (!ok)
        guest_halt(code);
}

static inline void guest_commit(guest_io *io, unsigned index, uint32_t value)
{
    (void)io;
    __asm__ volatile(".insn r 0x0b, 2, 0, x0, %0, %1"
                     :
                     : "r"((uint64_t)index), "r"((uint64_t)value));
}

static inline void guest_poseidon(gl_t state[12])
{
    __asm__ volatile(".insn r 0x0b, 3, 0, x0, %0, x0" : : "r"(state) : "memory");
}

static inline void guest_mulmod_p(uint64_t d[4], const uint64_t a[4], const uint64_t b[4])
{
    __asm__ volatile(".insn r 0x0b, 4, 0, %0, %1, %2" : : "r"(d), "r"(a), "r"(b) : "memory");
}

static inline void guest_mulmod_n(uint64_t d[4], const uint64_t a[4], const uint64_t b[4])
{
    __asm__ volatile(".insn r 0x0b, 4, 1, %0, %1, %2" : : "r"(d), "r"(a), "r"(b) : "memory");
}

#define GUEST_QUESTION(name, ...) static inline exec_fault name(guest_io *io, __VA_ARGS__)
#define GUEST_NOTHING                                                                              \
    {                                                                                              \
        (void)io;                                                                                  \
        return EXEC_FAULT_NONE;                                                                    \
    }
GUEST_QUESTION(guest_ask_node, __attribute__((unused)) const gl_t hash[4])
GUEST_NOTHING
GUEST_QUESTION(guest_ask_code, __attribute__((unused)) const gl_t hash[4])
GUEST_NOTHING
GUEST_QUESTION(guest_ask_inverse_n, __attribute__((unused)) const uint64_t a[4])
GUEST_NOTHING
GUEST_QUESTION(guest_ask_quotient_p, __attribute__((unused)) const uint64_t a[4],
               __attribute__((unused)) const uint64_t b[4])
GUEST_NOTHING
GUEST_QUESTION(guest_ask_root_p, __attribute__((unused)) const uint64_t t[4])
GUEST_NOTHING
GUEST_QUESTION(guest_ask_recovery, __attribute__((unused)) const uint8_t hash[32],
               __attribute__((unused)) const uint8_t r[32],
               __attribute__((unused)) const uint8_t s[32], __attribute__((unused)) bool odd_y)
GUEST_NOTHING
#undef GUEST_QUESTION
#undef GUEST_NOTHING

#else

/** The next word of the tape. */
uint64_t guest_hint(guest_io *io);
/** Ends the guest unless ok. */
void guest_require(guest_io *io, bool ok, guest_exit code);
/** Public word index (0..47), each once. */
void guest_commit(guest_io *io, unsigned index, uint32_t value);
/** One Poseidon permutation in place; the elements must be canonical. */
void guest_poseidon(gl_t state[12]);
/** d = a * b mod p (the field of secp256k1) or n (its group's order), the smallest residue. Any
 * overlap. */
void guest_mulmod_p(uint64_t d[4], const uint64_t a[4], const uint64_t b[4]);
void guest_mulmod_n(uint64_t d[4], const uint64_t a[4], const uint64_t b[4]);

/* Questions; a fault other than EXEC_FAULT_NONE comes from the recorded host only. */

/** 12 hints: the node. */
exec_fault guest_ask_node(guest_io *io, const gl_t hash[4]);
/** 1 + ceil(length / 8) hints: the length, the bytes (eight a word, least significant first). */
exec_fault guest_ask_code(guest_io *io, const gl_t hash[4]);
/** 4 hints: a^-1 mod n. */
exec_fault guest_ask_inverse_n(guest_io *io, const uint64_t a[4]);
/** 4 hints: a / b mod p. */
exec_fault guest_ask_quotient_p(guest_io *io, const uint64_t a[4], const uint64_t b[4]);
/** 4 hints: a root of t or of -t mod p. */
exec_fault guest_ask_root_p(guest_io *io, const uint64_t t[4]);
/** No hints: a recovery begins. A host that follows a recorded run wants to see each. */
exec_fault guest_ask_recovery(guest_io *io, const uint8_t hash[32], const uint8_t r[32],
                              const uint8_t s[32], bool odd_y);

#endif

#endif
