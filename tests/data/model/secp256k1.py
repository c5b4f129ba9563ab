"""secp256k1 keys and deterministic (RFC 6979, low-s) recoverable signatures. Slow and not constant time: test keys only."""

import hashlib
import hmac

from .hashes import keccak

FIELD = 2**256 - 2**32 - 977
ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141
G = (0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798,
     0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8)


def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % FIELD == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, FIELD)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD)
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def _mul(k, point):
    out = None
    while k:
        if k & 1:
            out = _add(out, point)
        point = _add(point, point)
        k >>= 1
    return out


class Key:
    """A test key derived from a label; anybody can derive it, so it holds nothing of value."""

    def __init__(self, label):
        self.secret = int.from_bytes(keccak(label.encode()), "big") % ORDER
        x, y = _mul(self.secret, G)
        self.public = x.to_bytes(32, "big") + y.to_bytes(32, "big")
        self.address = keccak(self.public)[12:]

    def _nonces(self, digest):
        """RFC 6979, section 3.2, with SHA-256."""
        h1 = (int.from_bytes(digest, "big") % ORDER).to_bytes(32, "big")
        seed = self.secret.to_bytes(32, "big") + h1
        k, v = bytes(32), b"\x01" * 32
        for tag in (b"\x00", b"\x01"):
            k = hmac.new(k, v + tag + seed, hashlib.sha256).digest()
            v = hmac.new(k, v, hashlib.sha256).digest()
        while True:
            v = hmac.new(k, v, hashlib.sha256).digest()
            n = int.from_bytes(v, "big")
            if 1 <= n < ORDER:
                yield n
            k = hmac.new(k, v + b"\x00", hashlib.sha256).digest()
            v = hmac.new(k, v, hashlib.sha256).digest()

    def sign(self, digest):
        """(r, s, v) with s <= n/2, v 27 or 28."""
        z = int.from_bytes(digest, "big")
        for n in self._nonces(digest):
            x, y = _mul(n, G)
            r = x % ORDER
            s = pow(n, -1, ORDER) * (z + r * self.secret) % ORDER
            if r == 0 or s == 0 or x >= ORDER:
                continue
            odd = y & 1
            if s > ORDER // 2:
                s, odd = ORDER - s, odd ^ 1
            return r, s, 27 + odd


# the key 1 and RFC 6979's published answer for "Satoshi Nakamoto"
_one = Key.__new__(Key)
_one.secret = 1
assert _one.sign(hashlib.sha256(b"Satoshi Nakamoto").digest())[:2] == (
    0x934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8,
    0x2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5)
