#include "host/vm/image.h"

#include "driver/field/keccak.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EHDR_BYTES 64u
#define PHDR_BYTES 56u
#define MAX_SEGMENTS 16u
#define ADDRESS_LIMIT (UINT64_C(1) << 32)
#define MACHINE_RISCV 243u

enum { PT_LOAD = 1, PT_GNU_STACK = 0x6474e551, PT_RISCV_ATTRIBUTES = 0x70000003 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

/** A file being read. */
typedef struct elf {
    const char *name;
    const uint8_t *bytes;
    size_t len;
    p_err *err;
} elf;

/** One PT_LOAD. */
typedef struct segment {
    uint64_t offset, vaddr, filesz, memsz;
    uint32_t flags;
    size_t at; /**< of its program header, for errors */
} segment;

/** Little-endian number of size bytes; the caller knows that it is there. */
static uint64_t number(const elf *f, size_t at, unsigned size)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < size; i++)
        x |= (uint64_t)f->bytes[at + i] << 8 * i;
    return x;
}

static p_status bad(const elf *f, size_t at, const char *what, uint64_t found, const char *expected)
{
    return p_err_set(f->err, P_ECORRUPT, "%s: offset %zu: %s is 0x%" PRIx64 ", expected %s",
                     f->name, at, what, found, expected);
}

static p_status expect(const elf *f, size_t at, unsigned size, uint64_t value, const char *what)
{
    uint64_t found = number(f, at, size);
    if (found == value)
        return P_OK;
    char expected[32];
    snprintf(expected, sizeof expected, "0x%" PRIx64, value);
    return bad(f, at, what, found, expected);
}

/** Every field of the ELF header that has one legal value. */
static p_status check_header(const elf *f)
{
    static const struct {
        uint8_t at, size;
        uint32_t value;
        const char *what;
    } fields[] = {
        {0, 4, 0x464c457f, "the magic number"},
        {4, 1, 2, "the class (64 bits)"},
        {5, 1, 1, "the data encoding (little-endian)"},
        {6, 1, 1, "the identification's version"},
        {7, 1, 0, "the OS ABI"},
        {8, 1, 0, "the ABI version"},
        {16, 2, 2, "the type (a static executable)"},
        {18, 2, MACHINE_RISCV, "the machine (RISC-V)"},
        {20, 4, 1, "the version"},
        {48, 4, 0, "the flags (no compressed instructions, no floating point)"},
        {52, 2, EHDR_BYTES, "the size of the header"},
        {54, 2, PHDR_BYTES, "the size of a program header"},
    };
    if (f->len > VM_IMAGE_MAX_BYTES)
        return p_err_set(f->err, P_ECORRUPT, "%s: %zu bytes, expected at most %zu", f->name, f->len,
                         VM_IMAGE_MAX_BYTES);
    if (f->len < EHDR_BYTES)
        return p_err_set(f->err, P_ECORRUPT, "%s: %zu bytes, expected an ELF header of %u", f->name,
                         f->len, EHDR_BYTES);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        p_status status = expect(f, fields[i].at, fields[i].size, fields[i].value, fields[i].what);
        if (status != P_OK)
            return status;
    }
    for (size_t i = 9; i < 16; i++) {
        if (f->bytes[i] != 0)
            return bad(f, i, "the identification's padding", f->bytes[i], "0x0");
    }
    return P_OK;
}

static p_status check_load(const elf *f, const segment *s, const segment *before)
{
    uint64_t align = number(f, s->at + 48, 8), paddr = number(f, s->at + 24, 8);
    if (s->offset > f->len || s->filesz > f->len - s->offset)
        return p_err_set(f->err, P_ECORRUPT,
                         "%s: offset %zu: segment of %" PRIu64 " bytes at offset %" PRIu64
                         ", expected it inside the file's %zu",
                         f->name, s->at, s->filesz, s->offset, f->len);
    if (s->memsz < s->filesz || s->memsz == 0)
        return bad(f, s->at + 40, "the segment's size in memory", s->memsz,
                   "at least its size in the file, and not 0");
    if (s->vaddr % 8 != 0)
        return bad(f, s->at + 16, "the segment's address", s->vaddr, "a multiple of 8");
    if (s->vaddr > ADDRESS_LIMIT || s->memsz > ADDRESS_LIMIT - s->vaddr)
        return bad(f, s->at + 16, "the segment's address", s->vaddr,
                   "that all of it is below 2^32");
    if (paddr != s->vaddr)
        return bad(f, s->at + 24, "the segment's physical address", paddr, "its address");
    if (align > 1 && ((align & (align - 1)) != 0 || (s->vaddr - s->offset) % align != 0))
        return bad(f, s->at + 48, "the segment's alignment", align,
                   "a power of two that address and offset agree on");
    if ((s->flags & ~(uint32_t)(PF_R | PF_W | PF_X)) != 0 || !(s->flags & PF_R))
        return bad(f, s->at + 4, "the segment's flags", s->flags, "readable, and known bits only");
    if (before && s->vaddr < before->vaddr + before->memsz)
        return bad(f, s->at + 16, "the segment's address", s->vaddr,
                   "an address after the segment before");
    return P_OK;
}

/** Reads the program headers. Fills segs[0..*n-1], ascending. */
static p_status read_segments(const elf *f, segment segs[MAX_SEGMENTS], size_t *n)
{
    uint64_t phoff = number(f, 32, 8), phnum = number(f, 56, 2);
    *n = 0;
    if (phnum < 1 || phnum > MAX_SEGMENTS)
        return bad(f, 56, "the number of program headers", phnum, "1 to 16");
    if (phoff % 8 != 0 || phoff < EHDR_BYTES || phoff > f->len ||
        phnum * PHDR_BYTES > f->len - phoff)
        return bad(f, 32, "the offset of the program headers", phoff,
                   "a multiple of 8 with all of them inside the file");
    for (size_t i = 0; i < phnum; i++) {
        size_t at = (size_t)phoff + i * PHDR_BYTES;
        uint64_t type = number(f, at, 4);
        if (type == PT_GNU_STACK || type == PT_RISCV_ATTRIBUTES)
            continue; /* nothing to load */
        if (type != PT_LOAD)
            return bad(f, at, "the type of a program header", type,
                       "a loaded segment, a stack mark or RISC-V attributes");
        segment *s = &segs[*n];
        *s = (segment){.offset = number(f, at + 8, 8),
                       .vaddr = number(f, at + 16, 8),
                       .filesz = number(f, at + 32, 8),
                       .memsz = number(f, at + 40, 8),
                       .flags = (uint32_t)number(f, at + 4, 4),
                       .at = at};
        p_status status = check_load(f, s, *n ? s - 1 : NULL);
        if (status != P_OK)
            return status;
        ++*n;
    }
    return P_OK;
}

/** The one executable segment. */
static p_status find_program(const elf *f, const segment *segs, size_t n, vm_image *image)
{
    const segment *program = NULL;
    uint64_t entry = number(f, 24, 8);
    for (size_t i = 0; i < n; i++) {
        if (!(segs[i].flags & PF_X))
            continue;
        if (program)
            return bad(f, segs[i].at + 4, "the segment's flags", segs[i].flags,
                       "only one executable segment");
        program = &segs[i];
    }
    if (!program)
        return p_err_set(f->err, P_ECORRUPT, "%s: no segment is executable", f->name);
    if (program->filesz != program->memsz || program->filesz % 4 != 0)
        return bad(f, program->at + 32, "the executable segment's size in the file",
                   program->filesz, "its size in memory, and a multiple of 4");
    if (entry % 4 != 0 || entry < program->vaddr || entry - program->vaddr >= program->filesz)
        return bad(f, 24, "the entry", entry, "an instruction of the executable segment");
    image->entry = entry;
    image->program_base = program->vaddr;
    image->n_insns = (size_t)(program->filesz / 4);
    return P_OK;
}

static p_status load(const elf *f, const segment *segs, size_t n, vm_image *image)
{
    image->base = segs[0].vaddr;
    image->end = image->base;
    for (size_t i = 0; i < n; i++) {
        if (segs[i].filesz)
            image->end = segs[i].vaddr + segs[i].filesz;
    }
    image->end = (image->end + 7) & ~UINT64_C(7); /* at most 2^32, as vaddr + memsz is */
    if (image->end - image->base > VM_IMAGE_MAX_BYTES)
        return p_err_set(f->err, P_ECORRUPT,
                         "%s: an image of %" PRIu64 " bytes from 0x%" PRIx64
                         ", expected at most %zu",
                         f->name, image->end - image->base, image->base, VM_IMAGE_MAX_BYTES);
    size_t n_words = (size_t)((image->end - image->base) / 8);
    image->words = calloc(n_words ? n_words : 1, 8);
    if (!image->words)
        return p_err_set(f->err, P_EEXHAUSTED, "%s: no memory for an image of %zu words", f->name,
                         n_words);
    for (size_t i = 0; i < n; i++) {
        uint64_t from = segs[i].vaddr - image->base;
        for (size_t j = 0; j < segs[i].filesz; j++)
            image->words[(from + j) / 8] |= (uint64_t)f->bytes[segs[i].offset + j]
                                            << 8 * ((from + j) % 8);
    }
    return P_OK;
}

static void absorb(keccak_ctx *k, uint64_t word)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(word >> 8 * i);
    keccak_256_update(k, bytes, sizeof bytes);
}

static void identify(vm_image *image)
{
    keccak_ctx k;
    keccak_256_init(&k);
    absorb(&k, image->base);
    absorb(&k, image->end);
    absorb(&k, image->program_base);
    absorb(&k, image->n_insns);
    absorb(&k, image->entry);
    for (uint64_t i = 0; i < (image->end - image->base) / 8; i++)
        absorb(&k, image->words[i]);
    keccak_256_final(&k, image->identity);
}

p_status vm_image_parse(vm_image **out, const char *name, const uint8_t *bytes, size_t len,
                        p_err *err)
{
    *out = NULL;
    elf f = {.name = name, .bytes = bytes, .len = len, .err = err};
    segment segs[MAX_SEGMENTS];
    size_t n = 0;
    vm_image *image = calloc(1, sizeof *image);
    if (!image)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory for an image", name);
    p_status status = check_header(&f);
    if (status == P_OK)
        status = read_segments(&f, segs, &n);
    if (status == P_OK)
        status = find_program(&f, segs, n, image); /* refuses n == 0 */
    if (status == P_OK)
        status = load(&f, segs, n, image);
    if (status != P_OK) {
        vm_image_destroy(image);
        return status;
    }
    identify(image);
    *out = image;
    return P_OK;
}

/** All of a file, *bytes to be freed by the caller. */
static p_status slurp(const char *path, uint8_t **bytes, size_t *len, p_err *err)
{
    *bytes = NULL;
    *len = 0;
    FILE *f = fopen(path, "rb");
    if (!f)
        return p_err_set(err, errno == ENOENT ? P_ENOTFOUND : P_EIO, "%s: cannot be opened: %s",
                         path, strerror(errno));
    size_t room = 0;
    p_status status = P_OK;
    for (;;) {
        if (*len == room) {
            /* one byte more than is accepted, so that the parser sees that it is too long */
            room = room ? room * 2 : (size_t)1 << 18;
            if (room > VM_IMAGE_MAX_BYTES)
                room = VM_IMAGE_MAX_BYTES + 1;
            uint8_t *more = *len < room ? realloc(*bytes, room) : NULL;
            if (!more) {
                if (*len > VM_IMAGE_MAX_BYTES)
                    break;
                status = p_err_set(err, P_EEXHAUSTED, "%s: no memory to read it", path);
                break;
            }
            *bytes = more;
        }
        size_t n = fread(*bytes + *len, 1, room - *len, f);
        *len += n;
        if (n == 0) {
            if (ferror(f))
                status = p_err_set(err, P_EIO, "%s: cannot be read: %s", path, strerror(errno));
            break;
        }
    }
    fclose(f);
    return status;
}

p_status vm_image_read(vm_image **out, const char *path, p_err *err)
{
    uint8_t *bytes;
    size_t len;
    *out = NULL;
    p_status status = slurp(path, &bytes, &len, err);
    if (status == P_OK)
        status = vm_image_parse(out, path, bytes, len, err);
    free(bytes);
    return status;
}

void vm_image_destroy(vm_image *image)
{
    if (!image)
        return;
    free(image->words);
    free(image);
}

uint32_t vm_image_insn(const vm_image *image, size_t i)
{
    uint64_t at = image->program_base - image->base + 4 * (uint64_t)i;
    return (uint32_t)(image->words[at / 8] >> 8 * (at % 8));
}
