#!/usr/bin/env python3
"""Writes driver/field/gl_poseidon_constants.h: every constant of Poseidon over Goldilocks, width 12,
and hls/include/gl_poseidon_rc.h: those that the kernels of cards need.

Round constants (the same as plonky2's and the Polygon zkEVM's): 360 draws below p from rand's
ChaCha8Rng::seed_from_u64(0), each by widening multiplication with rejection. Everything else follows
from them and from the matrix by linear algebra (Poseidon, eprint 2019/458, appendix B), and is
checked here against the plain form before it is written.

Usage: gen-poseidon-goldilocks.py           writes both
       gen-poseidon-goldilocks.py FILE      the first to FILE; "-" is stdout
       gen-poseidon-goldilocks.py --check   exit status 1 when a committed file differs
"""
import pathlib
import struct
import sys

P = 2**64 - 2**32 + 1
T, HALF, PARTIAL = 12, 4, 22
ROUNDS = 2 * HALF + PARTIAL
CIRC = [17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20]
MDS = [[(CIRC[(j - i) % T] + (8 if i == j == 0 else 0)) for j in range(T)] for i in range(T)]
ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET, HLS_TARGET = ROOT / "driver/field/gl_poseidon_constants.h", ROOT / "hls/include/gl_poseidon_rc.h"
M32, M64 = 2**32 - 1, 2**64 - 1


def seed_from_u64(state):
    """rand_core's expansion of a 64-bit seed to 32 bytes: PCG32 (XSH-RR), little endian."""
    out = b""
    for _ in range(8):
        state = (state * 6364136223846793005 + 11634580027462260723) & M64
        word, rot = (((state >> 18) ^ state) >> 27) & M32, state >> 59
        out += struct.pack("<I", ((word >> rot) | (word << (32 - rot))) & M32)
    return out


def chacha8_block(key, counter):
    state = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key),
             counter & M32, counter >> 32, 0, 0]
    w = list(state)

    def quarter(a, b, c, d):
        for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            w[x] = (w[x] + w[y]) & M32
            w[z] ^= w[x]
            w[z] = ((w[z] << r) | (w[z] >> (32 - r))) & M32

    for _ in range(4):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return [(a + b) & M32 for a, b in zip(w, state)]


def draws():
    key, counter = seed_from_u64(0), 0
    zone = ((P << (64 - P.bit_length())) - 1) & M64
    while True:
        words = chacha8_block(key, counter)
        counter += 1
        for i in range(0, 16, 2):
            wide = (words[i] | words[i + 1] << 32) * P
            if wide & M64 <= zone:
                yield wide >> 64


def mat_mul(a, b):
    return [[sum(x * y for x, y in zip(row, col)) % P for col in zip(*b)] for row in a]


def mat_vec(a, v):
    return [sum(x * y for x, y in zip(row, v)) % P for row in a]


def mat_inv(a):
    n = len(a)
    rows = [list(r) + [int(i == j) for j in range(n)] for i, r in enumerate(a)]
    for c in range(n):
        pivot = next(r for r in range(c, n) if rows[r][c])
        rows[c], rows[pivot] = rows[pivot], rows[c]
        scale = pow(rows[c][c], P - 2, P)
        rows[c] = [x * scale % P for x in rows[c]]
        for r in range(n):
            if r != c and rows[r][c]:
                f = rows[r][c]
                rows[r] = [(x - f * y) % P for x, y in zip(rows[r], rows[c])]
    return [r[n:] for r in rows]


def push_constants(rc):
    """Of a partial round only the constant of element 0 sits in front of an S-box; the others pass through the
    matrix into the next round's, and in the end into the first full round of the second half."""
    first, carry = [], [0] * T
    for r in range(HALF, HALF + PARTIAL):
        total = [(a + b) % P for a, b in zip(rc[r], carry)]
        first.append(total[0])
        carry = mat_vec(MDS, [0] + total[1:])
    after = [(a + b) % P for a, b in zip(rc[HALF + PARTIAL], carry)]
    return first, after


def factor():
    """M = S * D with D = diag(1, D'): D commutes with an S-box on element 0, so it moves in front of it into the
    matrix of the round before. Returns D of the first round and (row, column) of each round's S = [[m00, row], [column, I]]."""
    cur, sparse = MDS, []
    for _ in range(PARTIAL):
        low = [r[1:] for r in cur[1:]]
        row = mat_mul([cur[0][1:]], mat_inv(low))[0]
        sparse.append((row, [r[0] for r in cur[1:]]))
        assert cur[0][0] == MDS[0][0]
        d = [[1] + [0] * (T - 1)] + [[0] + r for r in low]
        cur = mat_mul(d, MDS)
    return low, sparse[::-1]


def plain(rc, s):
    for r in range(ROUNDS):
        s = [(a + b) % P for a, b in zip(s, rc[r])]
        full = r < HALF or r >= HALF + PARTIAL
        s = [pow(x, 7, P) if full or i == 0 else x for i, x in enumerate(s)]
        s = mat_vec(MDS, s)
    return s


def fast(rc, first, after, initial, sparse, s):
    for r in range(ROUNDS):
        if r == HALF:
            s = [s[0]] + mat_vec(initial, s[1:])
        if HALF <= r < HALF + PARTIAL:
            x = pow(s[0] + first[r - HALF], 7, P)
            row, col = sparse[r - HALF]
            s = [(MDS[0][0] * x + sum(a * b for a, b in zip(row, s[1:]))) % P] + \
                [(y + c * x) % P for y, c in zip(s[1:], col)]
        else:
            k = after if r == HALF + PARTIAL else rc[r]
            s = mat_vec(MDS, [pow(a + b, 7, P) for a, b in zip(s, k)])
    return s


def array(name, comment, dims, values, const="const"):
    def row(vals, indent):
        out = []
        for i in range(0, len(vals), 4):
            out.append(indent + " ".join(f"0x{v:016x}," for v in vals[i:i + 4]))
        return out

    lines = [f"/* {comment} */", f"static {const} uint64_t {name}{dims} = {{"]
    if isinstance(values[0], list):
        for v in values:
            lines += ["    {"] + row(v, "        ") + ["    },"]
    else:
        lines += row(values, "    ")
    return lines + ["};", ""]


def header():
    gen = draws()
    rc = [[next(gen) for _ in range(T)] for _ in range(ROUNDS)]
    assert (rc[0][0], rc[0][1], rc[29][11]) == (0xb585f766f2144405, 0x7746a55f43921ad7, 0xbc8dfb627fe558fc)
    first, after = push_constants(rc)
    assert after[0] >> 32  # gl_poseidon_ifma.c counts on it
    initial, sparse = factor()
    for start in ([0] * T, list(range(T)), [P - 1] * T, rc[7]):
        assert plain(rc, start) == fast(rc, first, after, initial, sparse, start)
    known = [0x3c18a9786cb0b359, 0xc4055e3364a246c3, 0x7953db0ab48808f4, 0xc71603f33a1144ca]
    assert plain(rc, [0] * T)[:4] == known

    out = ["/* Generated by scripts/gen-poseidon-goldilocks.py: do not edit. */",
           "#ifndef ZKP_DRIVER_FIELD_GL_POSEIDON_CONSTANTS_H",
           "#define ZKP_DRIVER_FIELD_GL_POSEIDON_CONSTANTS_H", "",
           "/* clang-format off */", "#include <stdint.h>", "",
           f"#define GL_POSEIDON_HALF_FULL_ROUNDS {HALF}", f"#define GL_POSEIDON_PARTIAL_ROUNDS {PARTIAL}",
           f"#define GL_POSEIDON_ROUNDS {ROUNDS}",
           "/* GL_POSEIDON_FIRST[0] for initialisers. */", f"#define GL_POSEIDON_FIRST_0 0x{first[0]:016x}", ""]
    full = rc[:HALF] + [after] + rc[HALF + PARTIAL + 1:]
    out += array("GL_POSEIDON_ROUND", "The round constants as specified, round by round.", f"[{ROUNDS}][{T}]", rc)
    out += array("GL_POSEIDON_FULL", "Constants of the full rounds; those of the fifth take up what the partial rounds left.",
                 f"[{2 * HALF}][{T}]", full)
    out += array("GL_POSEIDON_FIRST", "What a partial round still adds to element 0.", f"[{PARTIAL}]", first)
    out += array("GL_POSEIDON_INITIAL", "Matrix on elements 1..11 in front of the first partial round (rows).",
                 f"[{T - 1}][{T - 1}]", initial)
    out += array("GL_POSEIDON_SPARSE_ROW", "Row 0 without its first entry (25) of each partial round's sparse matrix.",
                 f"[{PARTIAL}][{T - 1}]", [r for r, _ in sparse])
    out += array("GL_POSEIDON_SPARSE_COLUMN", "Column 0 without its first entry (25); the rest is the identity.",
                 f"[{PARTIAL}][{T - 1}]", [c for _, c in sparse])
    # two limbs for gl_poseidon_ifma.c: lo + 2^32 * hi = c - 2^32 with lo >= 2^62, hi >= least
    def wide(cs, least=0):
        ts = [(c - 2**62 - 2**32 * least - 2**32) % P for c in cs]
        return [w for t in ts for w in (2**62 + (t & M32), least + (t >> 32))]
    rest = [0] * (T - 1)
    out += array("GL_POSEIDON_FULL_WIDE", "For vectors of two limbs (gl_poseidon_ifma.c): c - 2^32 as lo >= 2^62, hi; around "
                 "four and four full rounds. After the partial rounds hi >= 2^61.", f"[{2 * (HALF + 1)}][{2 * T}]",
                 [wide(c) for c in full[:HALF] + [first[:1] + rest]] + [wide(full[HALF], 2**61)]
                 + [wide(c) for c in full[HALF + 1:] + [[0] * T]])
    out += array("GL_POSEIDON_NEXT_WIDE", "Likewise what element 0 gets between partial rounds, with hi >= 2^61.",
                 f"[{2 * (PARTIAL - 1)}]", wide(first[1:], 2**61))
    return "\n".join(out + ["/* clang-format on */", "#endif", ""])


def added(rc, first, after, s):
    """The permutation with constants in front of rounds only, as the kernels compute it."""
    table = rc[:HALF] + [[c] + [0] * (T - 1) for c in first] + [after] + rc[HALF + PARTIAL + 1:] + [[0] * T]
    s = [(a + b) % P for a, b in zip(s, table[0])]
    for r in range(ROUNDS):
        full = r < HALF or r >= HALF + PARTIAL
        s = mat_vec(MDS, [pow(x, 7, P) if full or i == 0 else x for i, x in enumerate(s)])
        s = [(a + b) % P for a, b in zip(s, table[r + 1])]
    return table, s


def hls_header():
    gen = draws()
    rc = [[next(gen) for _ in range(T)] for _ in range(ROUNDS)]
    first, after = push_constants(rc)
    for start in ([0] * T, list(range(T)), [P - 1] * T, rc[7]):
        table, result = added(rc, first, after, start)
        assert result == plain(rc, start)
    out = ["/* Generated by scripts/gen-poseidon-goldilocks.py: do not edit. */",
           "#ifndef ZKP_HLS_INCLUDE_GL_POSEIDON_RC_H", "#define ZKP_HLS_INCLUDE_GL_POSEIDON_RC_H", "",
           "#include \"hls/include/hls_language.h\"", "", "/* clang-format off */",
           f"#define HLS_GL_POSEIDON_HALF {HALF}", f"#define HLS_GL_POSEIDON_ROUNDS {ROUNDS}", ""]
    out += array("HLS_GL_POSEIDON_ADD", "Added in front of round r; of partial rounds what element 0 still gets.",
                 f"[{ROUNDS + 1}][{T}]", table, const="HLS_TABLE")
    return "\n".join(out + ["/* clang-format on */", "#endif", ""])


def main(args):
    texts = {TARGET: header(), HLS_TARGET: hls_header()}
    if args == ["--check"]:
        for target, text in texts.items():
            if not target.exists() or target.read_text() != text:
                sys.exit(f"{target} is not what {pathlib.Path(__file__).name} writes: run it without arguments")
    elif args == ["-"]:
        sys.stdout.write(texts[TARGET])
    elif not args:
        for target, text in texts.items():
            target.write_text(text)
    elif len(args) == 1:
        pathlib.Path(args[0]).write_text(texts[TARGET])
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
