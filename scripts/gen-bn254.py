#!/usr/bin/env python3
"""Writes driver/field/bn254_constants.h: every constant of BN254 (alt_bn128 of EIP-196 and EIP-197),
and hls/include/bn_limbs.h: those that the kernels of cards need, in limbs of 32 bits.

Everything follows from the curve's parameter x and from four choices of the EIPs: b = 3, the tower
(u^2 = -1, v^3 = 9 + u, w^2 = v) and the two generators. What is derived is checked here before it is
written: the moduli against EIP-196, the generators' orders, the endomorphisms' eigenvalues and the
bounds of the scalar decompositions.

Usage: gen-bn254.py            writes both
       gen-bn254.py FILE       the first to FILE; "-" is stdout
       gen-bn254.py --check    exit status 1 when a committed file differs
"""
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET, HLS_TARGET = ROOT / "driver/field/bn254_constants.h", ROOT / "hls/include/bn_limbs.h"
X = 4965661367192848881
P = 36 * X**4 + 36 * X**3 + 24 * X**2 + 6 * X + 1
R = 36 * X**4 + 36 * X**3 + 18 * X**2 + 6 * X + 1
M64 = 2**64 - 1
MONT = 2**256
G1 = (1, 2)
G2 = ((0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
       0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2),
      (0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa,
       0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b))

assert P == 21888242871839275222246405745257275088696311157297823662689037894645226208583  # EIP-196
assert R == 21888242871839275222246405745257275088548364400416034343698204186575808495617


# Fp2 as pairs, affine points of both curves (None: infinity)
def mul2(a, b):
    return ((a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P)


def inv2(a):
    n = pow(a[0] * a[0] + a[1] * a[1], -1, P)
    return (a[0] * n % P, -a[1] * n % P)


def pow2(a, e):
    out = (1, 0)
    for bit in bin(e)[2:]:
        out = mul2(out, out)
        if bit == "1":
            out = mul2(out, a)
    return out


def add(s, t):
    """Sum of two points whose coordinates are pairs; G1 is the case of second halves 0."""
    if s is None or t is None:
        return s or t
    (x1, y1), (x2, y2) = s, t
    sub2 = lambda a, b: ((a[0] - b[0]) % P, (a[1] - b[1]) % P)
    if x1 == x2:
        if y1 != y2:
            return None
        k = mul2(mul2((3, 0), mul2(x1, x1)), inv2(mul2((2, 0), y1)))
    else:
        k = mul2(sub2(y2, y1), inv2(sub2(x2, x1)))
    x3 = sub2(sub2(mul2(k, k), x1), x2)
    return x3, sub2(mul2(k, sub2(x1, x3)), y1)


def times(k, point):
    out = None
    for bit in bin(k)[2:]:
        out = add(out, out)
        if bit == "1":
            out = add(out, point)
    return out


def on_curve(point, b):
    x, y = point
    x3 = mul2(x, mul2(x, x))
    return mul2(y, y) == ((x3[0] + b[0]) % P, (x3[1] + b[1]) % P)


def lift(x):
    """A point of the twist with this x, or None."""
    a = mul2(x, mul2(x, x))
    a = (a[0] + B2[0]) % P, (a[1] + B2[1]) % P
    s = pow(a[0] * a[0] + a[1] * a[1], (P + 1) // 4, P)
    for half in ((a[0] + s) * (P + 1) // 2 % P, (a[0] - s) * (P + 1) // 2 % P):
        c = pow(half, (P + 1) // 4, P)
        y = (c, a[1] * pow(2 * c, -1, P) % P)
        if mul2(y, y) == a:
            return x, y
    return None


XI = (9, 1)
B2 = mul2((3, 0), inv2(XI))
POINT1 = ((G1[0], 0), (G1[1], 0))
assert on_curve(POINT1, (3, 0)) and times(R, POINT1) is None
assert on_curve(G2, B2) and times(R, G2) is None

# Frobenius: w^(p^k) = w * FROBENIUS[k][1]; the i-th is for w^i
FROBENIUS = {k: [pow2(XI, i * (P**k - 1) // 6) for i in range(6)] for k in (1, 2, 3)}
assert all(c[1] == 0 for c in FROBENIUS[2])


def psi(point):
    """Untwist, Frobenius, twist."""
    conj = lambda a: (a[0], -a[1] % P)
    return mul2(conj(point[0]), FROBENIUS[1][2]), mul2(conj(point[1]), FROBENIUS[1][3])


MU = 6 * X * X % R  # psi's eigenvalue: p mod r
assert MU == P % R and psi(G2) == times(MU, G2)

# bn_g2_in_subgroup_var's condition, f(psi) = 0 with f = (X+1) + X z + X z^2 - 2 X z^3: true in the
# group of order R, and, with psi's polynomial z^2 - T z + P, true nowhere else
T, H2 = P + 1 - R, 2 * P - R
F = (X + 1, X, X, -2 * X)
assert sum(c * MU**i for i, c in enumerate(F)) % R == 0
power, low, high = (1, 0), 0, 0  # of z, modulo its polynomial; f modulo it
for c in F:
    low, high = low + c * power[0], high + c * power[1]
    power = (-P * power[1], power[0] + T * power[1])
RESULTANT = low * low + low * high * T + high * high * P
assert math.gcd(RESULTANT, R * H2) == R and H2 % R != 0
POINT2 = next(p for p in (lift((i, 1)) for i in range(1, 99)) if p)  # outside of the subgroup
assert on_curve(POINT2, B2) and times(R, POINT2) and times(R * H2, POINT2) is None

# GLV: (x, y) -> (beta x, y) multiplies by lambda, on G1 and, with beta2, on G2 (psi^4)
LAMBDA = pow(MU, 4, R)
assert (LAMBDA * LAMBDA + LAMBDA + 1) % R == 0
ROOTS = [c for c in (pow(g, (P - 1) // 3, P) for g in range(2, 9)) if c != 1]
BETA = next(c for c in (ROOTS[0], ROOTS[0]**2 % P)
            if times(LAMBDA, POINT1) == (mul2((c, 0), POINT1[0]), POINT1[1]))
BETA2 = FROBENIUS[2][4][0]
assert times(LAMBDA, G2) == (mul2((BETA2, 0), G2[0]), G2[1])

# A reduced basis of the lattice { (a, b): a + b lambda = 0 mod r }, determinant r. c = round(k B^-1) is
# computed with 256-bit fractions; the header's comment states the bound, which is checked here.
A1, B1 = 6 * X * X + 2 * X, -(2 * X + 1)
A2, B2_ = 2 * X + 1, 6 * X * X + 4 * X + 1
assert all((a + b * LAMBDA) % R == 0 for a, b in ((A1, B1), (A2, B2_)))
assert A1 * B2_ - A2 * B1 == R
GLV_G1 = (B2_ * MONT + R // 2) // R  # c1 = k * B2_ / r, c2 = -k * B1 / r
GLV_G2 = (-B1 * MONT + R // 2) // R


def split(k):
    c1, c2 = (k * GLV_G1 + 2**255) >> 256, (k * GLV_G2 + 2**255) >> 256
    return k - c1 * A1 - c2 * A2, -c1 * B1 - c2 * B2_


assert A1 + A2 < 2**127 and B2_ - B1 < 2**127
for k in [0, 1, R - 1, R // 2, LAMBDA, R - LAMBDA] + [pow(5, i, R) for i in range(2000)]:
    k1, k2 = split(k)
    assert (k1 + k2 * LAMBDA - k) % R == 0 and abs(k1) < 2**127 and abs(k2) < 2**127


def words(a, n=4):
    assert 0 <= a < 2**(64 * n)
    return "{" + ", ".join("UINT64_C(0x%016x)" % (a >> (64 * i) & M64) for i in range(n)) + "}"


def fp(a):
    return "{" + words(a % P * MONT % P) + "}"


def fr(a):
    return "{" + words(a % R * MONT % R) + "}"


def fp2(a):
    return "{" + fp(a[0]) + ", " + fp(a[1]) + "}"


def point2(p):
    return "{" + fp2(p[0]) + ", " + fp2(p[1]) + "}"


out = []


def define(name, text, comment=None):
    if comment:
        out.append("/** %s */" % comment)
    line = "#define %s %s" % (name, text)
    if len(line) <= 100:
        out.append(line)
        return
    # break after commas, filled up to 98 columns, a continuation sign at the end of each line
    out.append("#define %s \\" % name)
    rest = "    " + text
    while len(rest) > 97:
        cut = rest.rfind(", ", 0, 97) + 1
        out.append(rest[:cut] + " \\")
        rest = "    " + rest[cut + 1:]
    out.append(rest)


def field(prefix, q, generator, name):
    out.append("")
    out.append("/* ---- %s ---- */" % name)
    out.append("")
    for i in range(4):
        define("%s_P%d" % (prefix, i), "UINT64_C(0x%016x)" % (q >> (64 * i) & M64))
    define("%s_NEG_INV" % prefix, "UINT64_C(0x%016x)" % (-pow(q, -1, 2**64) & M64),
           "-modulus^-1 mod 2^64")
    define("%s_NEG_INV_HIGH" % prefix, "UINT64_C(0x%016x)" % (-pow(q, -1, 2**128) >> 64 & M64),
           "and mod 2^128, the second word")
    mont = lambda a: "{" + words(a % q * MONT % q) + "}"
    define("%s_R_INIT" % prefix, mont(1), "1, that is 2^256, in Montgomery form; so are all of these")
    define("%s_R2_INIT" % prefix, mont(MONT), "2^256")
    define("%s_R3_INIT" % prefix, mont(MONT**2), "2^512")
    define("%s_HALF_INIT" % prefix, mont((q + 1) // 2), "1/2")
    define("%s_GENERATOR_INIT" % prefix, mont(generator), "%d: not a square" % generator)
    adicity = ((q - 1) & -(q - 1)).bit_length() - 1
    assert pow(generator, (q - 1) // 2, q) == q - 1
    define("%s_TWO_ADICITY" % prefix, str(adicity))
    return adicity


field("BN_FP", P, 3, "Fp, the coordinates' field")
assert P % 4 == 3
define("BN_FP_SQRT_EXPONENT", words((P + 1) // 4), "(p+1)/4, plain words")
define("BN_FP_HALF_ORDER", words((P - 1) // 2), "(p-1)/2, plain words")
s = field("BN_FR", R, 5, "Fr, the scalars' field")
assert s == 28
root = pow(5, (R - 1) >> s, R)
define("BN_FR_ROOT_INIT", fr(root), "5^((r-1)/2^28), of order 2^28")
define("BN_FR_ROOT_INV_INIT", fr(pow(root, -1, R)), "its inverse")
define("BN_FR_SQRT_EXPONENT", words((((R - 1) >> s) - 1) // 2), "((r-1)/2^28 - 1)/2, plain words")
define("BN_FR_HALF_ORDER", words((R - 1) // 2), "(r-1)/2, plain words")

out.append("")
out.append("/* ---- curves and towers, Montgomery form ---- */")
out.append("")
define("BN_G1_B_INIT", fp(3), "y^2 = x^3 + 3")
define("BN_G2_B_INIT", fp2(B2), "y^2 = x^3 + 3/(9 + u)")
define("BN_G1_GENERATOR_INIT", "{" + fp(G1[0]) + ", " + fp(G1[1]) + "}")
define("BN_G2_GENERATOR_INIT", point2(G2))
for k, name in ((1, "p"), (2, "p^2"), (3, "p^3")):
    for i in range(1, 6):
        c = FROBENIUS[k][i]
        define("BN_FROBENIUS%d_%d_INIT" % (k, i), fp(c[0]) if k == 2 else fp2(c),
               "(9 + u)^(%d (%s - 1) / 6), in %s" % (i, name, "Fp" if k == 2 else "Fp2"))

out.append("")
out.append("/* ---- endomorphisms ---- */")
out.append("")
define("BN_X", "UINT64_C(%d)" % X, "the curve's parameter")
digits, n = [], 6 * X + 2  # non-adjacent form
while n:
    digits.append((2 - n % 4) if n % 2 else 0)
    n = (n - digits[-1]) // 2
assert sum(d << i for i, d in enumerate(digits)) == 6 * X + 2 and digits[-1] == 1
define("BN_ATE_LOOP", "{" + ", ".join(map(str, reversed(digits))) + "}",
       "6 x + 2 in digits 1, 0, -1, the highest first")
define("BN_GLV_LAMBDA_INIT", fr(LAMBDA), "a cube root of 1")
define("BN_G1_BETA_INIT", fp(BETA), "lambda (x, y) = (beta x, y) on G1")
define("BN_G2_BETA_INIT", fp(BETA2), "and on G2, beta in Fp")
define("BN_GLV_A1", words(A1, 2), "basis (a1, -b1), (a2, b2) of the a + b lambda = 0 mod r, plain words")
define("BN_GLV_B1", words(-B1, 1))
define("BN_GLV_A2", words(A2, 1))
define("BN_GLV_B2", words(B2_, 2))
define("BN_GLV_C1", words(GLV_G1, 3), "round(2^256 b2 / r), round(2^256 b1 / r), plain words")
define("BN_GLV_C2", words(GLV_G2, 2))

text = """/* Generated by scripts/gen-bn254.py; do not edit.
 *
 * Constants of BN254 as initialisers of the types of bn_fp.h, bn_fr.h and bn_fp2.h. */
/* clang-format off */
#ifndef ZKP_DRIVER_FIELD_BN254_CONSTANTS_H
#define ZKP_DRIVER_FIELD_BN254_CONSTANTS_H

#include <stdint.h>
""" + "\n".join(out) + "\n\n#endif\n"



def limbs(name, comment, value):
    """A number below 2^256 in eight limbs."""
    digits = ["0x%08x," % (value >> 32 * i & 0xffffffff) for i in range(8)]
    return ["/* %s */" % comment, "static HLS_TABLE uint32_t %s[8] = {" % name,
            "    " + " ".join(digits[:4]), "    " + " ".join(digits[4:]), "};"]


hls = ["/* Generated by scripts/gen-bn254.py: do not edit. */", "#ifndef ZKP_HLS_INCLUDE_BN_LIMBS_H",
       "#define ZKP_HLS_INCLUDE_BN_LIMBS_H", "", "#include \"hls/include/hls_language.h\"", "", "/* clang-format off */"]
for field, prime in (("FP", P), ("FR", R)):
    assert 2**253 < prime < 2**254  # bn.h counts on it
    hls += limbs("HLS_BN_%s" % field, "the modulus", prime)
    neg_inv = -pow(prime, -1, 2**64) % 2**64
    assert prime * prime < 0.5718 * 2**508 and prime < 0.189031 * 2**256 and neg_inv < 0.762 * 2**64  # bn_mul.h
    hls += ["/* -modulus^-1 mod 2^64 */",
            "#define HLS_BN_%s_NEG_INV UINT64_C(0x%016x)" % (field, neg_inv)]
    hls += limbs("HLS_BN_%s_STEP" % field, "the modulus times that, a multiple that is -1 mod 2^64, as (multiple + 1) / 2^64",
                 (prime * neg_inv + 1) >> 64)
    hls += limbs("HLS_BN_%s_ONE" % field, "2^256: 1 in Montgomery form", MONT % prime) + [""]
hls += limbs("HLS_BN_FR_ROOT", "5^((r-1)/2^28), of order 2^28, in Montgomery form", root * MONT % R)
hls += limbs("HLS_BN_FR_ROOT_INV", "its inverse", pow(root, -1, R) * MONT % R) + [""]
texts = {TARGET: text, HLS_TARGET: "\n".join(hls + ["/* clang-format on */", "#endif", ""])}

if sys.argv[1:] == ["--check"]:
    for target, text in texts.items():
        if not target.exists() or target.read_text() != text:
            sys.exit("%s differs from what %s writes" % (target, sys.argv[0]))
elif sys.argv[1:] == ["-"]:
    sys.stdout.write(texts[TARGET])
elif not sys.argv[1:]:
    for target, text in texts.items():
        target.write_text(text)
elif len(sys.argv) == 2:
    pathlib.Path(sys.argv[1]).write_text(texts[TARGET])
else:
    sys.exit(__doc__)
