#include "host/vm/vm.h"

#include "driver/field/gl_poseidon.h"
#include "host/vm/machine.h"
#include "host/vm/mulmod.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY_BYTES ((size_t)1 << 32)

_Static_assert(sizeof(size_t) == 8, "the machine's memory is mapped whole");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the machine's memory holds little-endian words as they are"
#endif

const char *vm_fault_text(vm_fault fault)
{
    switch (fault) {
#define FAULT_TEXT(name, text)                                                                     \
    case VM_FAULT_##name:                                                                          \
        return text;
        VM_FAULT_ROWS(FAULT_TEXT)
#undef FAULT_TEXT
    }
    return "unknown fault";
}

/** The program, x0 as a target replaced by VM_SINK, and VM_OP_OUTSIDE behind the end. */
static void decode_program(vm *m)
{
    for (size_t i = 0; i < m->image->n_insns; i++) {
        vm_insn in = vm_decode(vm_image_insn(m->image, i));
        if (in.rd == 0 && in.op != VM_OP_MULMOD) /* whose rd is read, as a pointer */
            in.rd = VM_SINK;
        m->code[i] = in;
    }
    m->code[m->image->n_insns] = (vm_insn){.op = VM_OP_OUTSIDE};
}

p_status vm_create(vm **out, const vm_image *image, p_err *err)
{
    *out = NULL;
    vm *m = calloc(1, sizeof *m);
    vm_insn *code = calloc(image->n_insns + 1, sizeof *code);
    if (!m || !code) {
        free(m);
        free(code);
        return p_err_set(err, P_EEXHAUSTED, "no memory for a machine of %zu instructions",
                         image->n_insns);
    }
    m->image = image;
    m->code = code;
    m->poseidon = gl_poseidon_select(NULL);
    void *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        vm_destroy(m);
        return p_err_set(err, P_EEXHAUSTED, "no address space for a machine's memory of %zu bytes",
                         MEMORY_BYTES);
    }
    m->memory = memory;
    decode_program(m);
    *out = m;
    return P_OK;
}

void vm_destroy(vm *m)
{
    if (!m)
        return;
    if (m->memory)
        munmap(m->memory, MEMORY_BYTES);
    free(m->code);
    free(m);
}

/** Memory as the image says, everything else 0. */
static p_status reset(vm *m, p_err *err)
{
    const vm_image *image = m->image;
    memset(m->x, 0, sizeof m->x);
    if (m->dirty && madvise(m->memory, MEMORY_BYTES, MADV_DONTNEED) != 0)
        return p_err_set(err, P_EINTERNAL, "the machine's memory cannot be cleared");
    memcpy(m->memory + image->base, image->words, (size_t)(image->end - image->base));
    m->dirty = true;
    return P_OK;
}

/* ---- what takes more than a line: see machine.h ---- */

/** len bytes at an aligned address inside the memory, or NULL and the fault. */
static uint8_t *block(vm *m, uint64_t address, uint64_t len, vm_result *r)
{
    r->address = address;
    if (address % 8 != 0)
        r->fault = VM_FAULT_MISALIGNED;
    else if (address < m->image->base || address > MEMORY_BYTES - len)
        r->fault = VM_FAULT_ADDRESS;
    else
        return m->memory + address;
    return NULL;
}

bool vm_do_poseidon(vm *m, uint64_t address, vm_result *r)
{
    gl_t state[GL_POSEIDON_WIDTH];
    uint8_t *words = block(m, address, sizeof state, r);
    if (!words)
        return false;
    memcpy(state, words, sizeof state);
    for (unsigned i = 0; i < GL_POSEIDON_WIDTH; i++) {
        if (!gl_is_canonical(state[i])) {
            r->address = address + 8 * i;
            r->fault = VM_FAULT_CANONICAL;
            return false;
        }
    }
    m->poseidon->permute(state);
    memcpy(words, state, sizeof state);
    r->n_poseidon++;
    return true;
}

bool vm_do_mulmod(vm *m, uint64_t a_at, uint64_t b_at, uint64_t d_at, unsigned selector,
                  vm_result *r)
{
    uint64_t a[4], b[4];
    const uint8_t *from = block(m, a_at, sizeof a, r);
    if (!from)
        return false;
    memcpy(a, from, sizeof a);
    from = block(m, b_at, sizeof b, r);
    if (!from)
        return false;
    memcpy(b, from, sizeof b);
    uint8_t *to = block(m, d_at, sizeof a, r);
    if (!to)
        return false;
    vm_mulmod_var(a, a, b, selector);
    memcpy(to, a, sizeof a);
    r->n_mulmod++;
    return true;
}

bool vm_do_commit(uint64_t index, uint64_t value, vm_result *r)
{
    r->address = index;
    if (index >= VM_PUBLIC_WORDS || value >> 32 != 0 || (r->committed >> index & 1)) {
        r->fault = VM_FAULT_COMMIT;
        return false;
    }
    r->committed |= UINT64_C(1) << index;
    r->public_words[index] = (uint32_t)value;
    return true;
}

bool vm_do_halt(uint64_t code, unsigned public_words, vm_result *r)
{
    r->exit_code = code;
    if (code == 0 && (unsigned)__builtin_popcountll(r->committed) < public_words) {
        r->fault = VM_FAULT_HALT;
        return false;
    }
    return true;
}

/* ---- runs ---- */

p_status vm_run(vm *m, const vm_run_options *options, vm_result *result, p_err *err)
{
    memset(result, 0, sizeof *result);
    if (options->public_words > VM_PUBLIC_WORDS)
        return p_err_set(err, P_EINVAL, "%u public words, expected at most %d",
                         options->public_words, VM_PUBLIC_WORDS);
    p_status status = reset(m, err);
    if (status != P_OK)
        return status;
    result->pc = m->image->entry;
    for (;;) {
        if (p_cancel_requested(options->cancel))
            return p_err_set(err, P_ECANCELLED, "cancelled after %" PRIu64 " instructions",
                             result->cycles);
        uint64_t left = options->max_cycles - result->cycles;
        uint64_t slice = left < VM_SLICE ? left : VM_SLICE;
        bool over = options->tracer ? vm_slice_traced(m, options, slice, result)
                                    : vm_slice_fast(m, options, slice, result);
        if (over)
            return P_OK;
        if (result->cycles == options->max_cycles) {
            result->end = VM_END_LIMIT;
            return P_OK;
        }
    }
}

p_status vm_result_check(const vm_result *r, p_err *err)
{
    if (r->end == VM_END_LIMIT)
        return p_err_set(err, P_EEXHAUSTED,
                         "the program did not halt within %" PRIu64 " instructions", r->cycles);
    if (r->end == VM_END_HALT) {
        if (r->exit_code == 0)
            return P_OK;
        return p_err_set(err, P_ECORRUPT,
                         "the program halted with code %" PRIu64 " at 0x%" PRIx64 " after %" PRIu64
                         " instructions, expected code 0",
                         r->exit_code, r->pc, r->cycles);
    }
    char where[64] = "";
    if (r->fault == VM_FAULT_ILLEGAL)
        snprintf(where, sizeof where, " (0x%08" PRIx32 ")", r->word);
    else if (r->fault == VM_FAULT_MISALIGNED || r->fault == VM_FAULT_ADDRESS ||
             r->fault == VM_FAULT_CANONICAL)
        snprintf(where, sizeof where, " (address 0x%" PRIx64 ")", r->address);
    else if (r->fault == VM_FAULT_COMMIT)
        snprintf(where, sizeof where, " (index %" PRIu64 ")", r->address);
    return p_err_set(err, P_ECORRUPT,
                     "the program stopped at 0x%" PRIx64 " after %" PRIu64 " instructions: %s%s",
                     r->pc, r->cycles, vm_fault_text(r->fault), where);
}

uint64_t vm_register(const vm *m, unsigned i)
{
    return i < 32 ? m->x[i] : 0;
}

uint64_t vm_word(const vm *m, uint64_t address)
{
    uint64_t word = 0;
    if (address <= MEMORY_BYTES - sizeof word)
        memcpy(&word, m->memory + address, sizeof word);
    return word;
}
