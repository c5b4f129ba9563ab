"""Keccak-256 and the Poseidon permutation over Goldilocks (width 12)."""

import struct

P = 2**64 - 2**32 + 1
_M64 = 2**64 - 1


# --- Keccak-256 -------------------------------------------------------------------------------------------------------

def _rotl64(x, n):
    n %= 64
    return ((x << n) | (x >> (64 - n))) & _M64


def _keccak_tables():
    """Round constants from the LFSR x^8 + x^6 + x^5 + x^4 + 1, rotation offsets from the walk over the lanes."""
    constants, lfsr = [], 1
    for _ in range(24):
        c = 0
        for j in range(7):
            if lfsr & 1:
                c |= 1 << (2**j - 1)
            lfsr = ((lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)) & 0xff
        constants.append(c)
    offsets, x, y = {(0, 0): 0}, 1, 0
    for t in range(24):
        offsets[x, y] = (t + 1) * (t + 2) // 2
        x, y = y, (2 * x + 3 * y) % 5
    return constants, offsets


_KECCAK_RC, _KECCAK_ROT = _keccak_tables()


def _keccak_f(a):
    for rc in _KECCAK_RC:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[(x - 1) % 5] ^ _rotl64(c[(x + 1) % 5], 1) for x in range(5)]
        b = [0] * 25
        for x in range(5):
            for y in range(5):
                b[y + 5 * ((2 * x + 3 * y) % 5)] = _rotl64(a[x + 5 * y] ^ d[x], _KECCAK_ROT[x, y])
        a = [b[i] ^ (~b[(i + 1) % 5 + i // 5 * 5] & b[(i + 2) % 5 + i // 5 * 5]) for i in range(25)]
        a[0] ^= rc
    return a


def keccak(data):
    data = bytes(data)
    pad = 136 - len(data) % 136
    data += b"\x81" if pad == 1 else b"\x01" + bytes(pad - 2) + b"\x80"
    state = [0] * 25
    for off in range(0, len(data), 136):
        for i, lane in enumerate(struct.unpack_from("<17Q", data, off)):
            state[i] ^= lane
        state = _keccak_f(state)
    return struct.pack("<4Q", *state[:4])


# --- Poseidon ---------------------------------------------------------------------------------------------------------

def _chacha_block(key, counter, rounds):
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key)) + [counter, 0, 0, 0]
    s = start[:]

    def quarter(a, b, c, d):
        for into, add, turn, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[into] = (s[into] + s[add]) & 0xffffffff
            v = s[turn] ^ s[into]
            s[turn] = ((v << bits) | (v >> (32 - bits))) & 0xffffffff

    for _ in range(rounds // 2):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return [(a + b) & 0xffffffff for a, b in zip(s, start)]


def _poseidon_constants(count):
    """ChaCha8 seeded as rand's seed_from_u64(0) (PCG32 fills the key), then uniform in [0, P) by widening multiply."""
    state, key = 0, b""
    for _ in range(8):
        state = (state * 6364136223846793005 + 11634580027462260723) & _M64
        word, turn = (((state >> 18) ^ state) >> 27) & 0xffffffff, state >> 59
        key += struct.pack("<I", ((word >> turn) | (word << (-turn % 32))) & 0xffffffff)
    out, counter, zone = [], 0, P - 1 & _M64  # P has its top bit set: the zone is P - 1
    while len(out) < count:
        words = _chacha_block(key, counter, 8)
        counter += 1
        for lo, hi in zip(words[::2], words[1::2]):
            product = (lo | hi << 32) * P
            if product & _M64 <= zone:
                out.append(product >> 64)
    return out[:count]


_RC = _poseidon_constants(360)
_CIRC = (17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20)
_MDS = [[_CIRC[(j - i) % 12] + (8 if i == j == 0 else 0) for j in range(12)] for i in range(12)]
assert (_RC[0], _RC[1], _RC[359]) == (0xb585f766f2144405, 0x7746a55f43921ad7, 0xbc8dfb627fe558fc)


def poseidon(state):
    """The permutation of 12 elements."""
    for r in range(30):
        state = [x + c for x, c in zip(state, _RC[12 * r:12 * r + 12])]
        if 4 <= r < 26:
            state[0] = pow(state[0], 7, P)
        else:
            state = [pow(x, 7, P) for x in state]
        state = [sum(m * x for m, x in zip(row, state)) % P for row in _MDS]
    return state


def H(inputs, capacity=(0, 0, 0, 0)):
    """Hash of eight elements with a capacity: four elements."""
    return tuple(poseidon(list(inputs) + list(capacity))[:4])


def code_hash(code):
    """The linear Poseidon hash of a bytecode, four elements."""
    data = bytearray(code) + b"\x01"
    data += bytes(-len(data) % 56)
    data[-1] |= 0x80
    cap = (0, 0, 0, 0)
    for off in range(0, len(data), 56):
        cap = H([int.from_bytes(data[off + 7 * i:off + 7 * i + 7], "little") for i in range(8)], cap)
    return cap


def to_int(h):
    return sum(x << 64 * i for i, x in enumerate(h))


assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
assert to_int(H([0] * 8)) == 0xc71603f33a1144ca7953db0ab48808f4c4055e3364a246c33c18a9786cb0b359
