#include "host/guest/record.h"

#include "driver/field/gl_poseidon.h"
#include "host/vm/isa.h"
#include "host/vm/mulmod.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tapes are recorded as little-endian words"
#endif
_Static_assert((int)GUEST_PUBLIC_WORDS == VM_PUBLIC_WORDS, "the machine's public words");

/** Of the tree's arena; the others get half of it. The guest has as much (start.c). */
#define TREE_BYTES ((size_t)1 << 30)
#define MEMORY_BYTES (TREE_BYTES / 2 * 5)

struct guest_io {
    const exec_host *host;
    uint64_t *words;
    size_t n, cap;
    size_t at; /**< of the next hint */
    guest_exit refused;
    bool no_memory, dry; /**< dry: a hint was read that no question had announced */
    uint64_t committed;
    uint32_t public_words[GUEST_PUBLIC_WORDS];
    uint8_t *memory;
};

/* ---- the tape ---- */

/** Room for n more words, or NULL. */
static uint64_t *extend(guest_io *io, size_t n)
{
    if (io->no_memory)
        return NULL;
    if (n > io->cap - io->n) {
        size_t cap = io->cap + io->cap / 2 + n + 1024;
        uint64_t *words = cap <= SIZE_MAX / 8 ? realloc(io->words, cap * 8) : NULL;
        if (!words) {
            io->no_memory = true;
            return NULL;
        }
        io->words = words;
        io->cap = cap;
    }
    uint64_t *p = io->words + io->n;
    io->n += n;
    return p;
}

static void put(guest_io *io, const uint64_t *words, size_t n)
{
    uint64_t *p = extend(io, n);
    if (p)
        memcpy(p, words, n * 8);
}

static void put_bytes(guest_io *io, const uint8_t *bytes, size_t len)
{
    size_t n = len / 8 + (len % 8 != 0);
    uint64_t *p = n ? extend(io, n) : NULL;
    if (p) {
        p[n - 1] = 0;
        memcpy(p, bytes, len);
    }
}

uint64_t guest_hint(guest_io *io)
{
    if (io->at < io->n)
        return io->words[io->at++];
    io->dry = true;
    return 0;
}

void guest_require(guest_io *io, bool ok, guest_exit code)
{
    if (!ok && io->refused == GUEST_OK)
        io->refused = code;
}

void guest_commit(guest_io *io, unsigned index, uint32_t value)
{
    io->committed |= UINT64_C(1) << index;
    io->public_words[index] = value;
}

/* ---- instructions ---- */

void guest_poseidon(gl_t state[12])
{
    gl_poseidon_permute_portable(state);
}

void guest_mulmod_p(uint64_t d[4], const uint64_t a[4], const uint64_t b[4])
{
    vm_mulmod_var(d, a, b, VM_MODULUS_SECP256K1_P);
}

void guest_mulmod_n(uint64_t d[4], const uint64_t a[4], const uint64_t b[4])
{
    vm_mulmod_var(d, a, b, VM_MODULUS_SECP256K1_N);
}

/* ---- questions ---- */

exec_fault guest_ask_node(guest_io *io, const gl_t hash[4])
{
    gl_t node[12];
    exec_fault fault =
        io->host ? io->host->node(io->host->ctx, hash, node) : EXEC_FAULT_MISSING_NODE;
    if (fault == EXEC_FAULT_NONE)
        put(io, node, 12);
    return fault;
}

exec_fault guest_ask_code(guest_io *io, const gl_t hash[4])
{
    const uint8_t *code;
    size_t len;
    exec_fault fault =
        io->host ? io->host->code(io->host->ctx, hash, &code, &len) : EXEC_FAULT_MISSING_CODE;
    if (fault == EXEC_FAULT_NONE) {
        uint64_t n = len;
        put(io, &n, 1);
        put_bytes(io, code, len);
    }
    return fault;
}

exec_fault guest_ask_inverse_n(guest_io *io, const uint64_t a[4])
{
    uint64_t x[4];
    vm_invmod_var(x, a, VM_MODULUS_SECP256K1_N);
    put(io, x, 4);
    return EXEC_FAULT_NONE;
}

exec_fault guest_ask_quotient_p(guest_io *io, const uint64_t a[4], const uint64_t b[4])
{
    uint64_t x[4];
    vm_invmod_var(x, b, VM_MODULUS_SECP256K1_P);
    vm_mulmod_var(x, x, a, VM_MODULUS_SECP256K1_P);
    put(io, x, 4);
    return EXEC_FAULT_NONE;
}

exec_fault guest_ask_root_p(guest_io *io, const uint64_t t[4])
{
    /* t^((p+1)/4): its square is t if t has a root, and else -t */
    static const uint64_t exponent[4] = {0xffffffffbfffff0c, UINT64_MAX, UINT64_MAX,
                                         0x3fffffffffffffff};
    uint64_t x[4];
    vm_powmod_var(x, t, exponent, VM_MODULUS_SECP256K1_P);
    put(io, x, 4);
    return EXEC_FAULT_NONE;
}

exec_fault guest_ask_recovery(guest_io *io, const uint8_t hash[32], const uint8_t r[32],
                              const uint8_t s[32], bool odd_y)
{
    uint8_t key[64];
    if (io->host && io->host->recover)
        (void)io->host->recover(io->host->ctx, hash, r, s, odd_y, key);
    return EXEC_FAULT_NONE;
}

/* ---- recordings ---- */

p_status guest_io_create(guest_io **out, p_err *err)
{
    *out = NULL;
    guest_io *io = calloc(1, sizeof *io);
    if (!io)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a recorder");
    void *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        free(io);
        return p_err_set(err, P_EEXHAUSTED, "no address space for a run's memory of %zu bytes",
                         MEMORY_BYTES);
    }
    io->memory = memory;
    *out = io;
    return P_OK;
}

void guest_io_destroy(guest_io *io)
{
    if (!io)
        return;
    munmap(io->memory, MEMORY_BYTES);
    free(io->words);
    free(io);
}

void guest_io_begin(guest_io *io, const exec_host *host)
{
    io->host = host;
    io->n = io->at = 0;
    io->refused = GUEST_OK;
    io->no_memory = io->dry = false;
    io->committed = 0;
    memset(io->public_words, 0, sizeof io->public_words);
}

p_status guest_io_check(const guest_io *io, p_err *err)
{
    if (io->no_memory)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a tape of more than %zu words", io->n);
    if (io->dry || io->at != io->n)
        return p_err_set(err, P_EINTERNAL, "the tape has %zu words, and %zu%s were asked for",
                         io->n, io->at, io->dry ? " and more" : "");
    if (io->refused >= GUEST_FAULT)
        return p_err_set(err, P_EINVAL, "the guest refuses the batch: %s",
                         exec_fault_text((exec_fault)(io->refused - GUEST_FAULT)));
    if (io->refused == GUEST_BAD_INPUT)
        return p_err_set(err, P_EINVAL, "the guest refuses the batch: a number is out of range");
    if (io->refused != GUEST_OK)
        return p_err_set(err, P_EINTERNAL, "the guest refused the recorder's answer (code %d)",
                         (int)io->refused);
    return P_OK;
}

static void put_batch(guest_io *io, const exec_batch *b)
{
    const uint64_t numbers[4] = {b->old_batch_num, b->chain_id, b->fork_id, b->timestamp};
    const uint64_t len = b->l2_data_len;
    put(io, b->old_state_root.limb, 4);
    put_bytes(io, b->old_acc_input_hash.bytes, 32);
    put(io, numbers, 4);
    put_bytes(io, b->global_exit_root.bytes, 32);
    put_bytes(io, b->sequencer.bytes, 20);
    put(io, &len, 1);
    put_bytes(io, b->l2_data, b->l2_data_len);
}

p_status guest_record(guest_io *io, const exec_host *host, const exec_batch *batch,
                      guest_tape *tape, p_err *err)
{
    memset(tape, 0, sizeof *tape);
    guest_io_begin(io, host);
    put_batch(io, batch);
    guest_memory memory;
    uint8_t *half = io->memory + TREE_BYTES;
    exec_arena_init(&memory.exec.tree, io->memory, TREE_BYTES);
    exec_arena_init(&memory.exec.tx, half, TREE_BYTES / 2);
    exec_arena_init(&memory.exec.frame, half + TREE_BYTES / 2, TREE_BYTES / 2);
    exec_arena_init(&memory.advice, half + TREE_BYTES, TREE_BYTES / 2);
    exec_fault fault = guest_run(io, &memory);
    /* a run of the largest size must not stay in memory */
    (void)madvise(io->memory, MEMORY_BYTES, MADV_DONTNEED);
    if (fault == EXEC_FAULT_MISSING_NODE || fault == EXEC_FAULT_MISSING_CODE)
        return p_err_set(err, P_EMISSING, "%s", exec_fault_text(fault));
    p_status status = guest_io_check(io, err);
    if (status != P_OK)
        return status;
    tape->words = io->words;
    tape->n_words = io->n;
    memcpy(tape->public_words, io->public_words, sizeof tape->public_words);
    return P_OK;
}
