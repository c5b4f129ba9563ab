"""The state tree, by definition: the root of a set of leaves, rebuilt from nothing each time."""

from .hashes import H, code_hash, to_int

BALANCE, NONCE, CODE_HASH, STORAGE, CODE_LENGTH = range(5)
EMPTY = (0, 0, 0, 0)


def limbs32(x):
    return [x >> 32 * i & 0xffffffff for i in range(8)]


_slot_capacity = {}


def leaf_key(kind, address, slot=0):
    if slot not in _slot_capacity:
        _slot_capacity[slot] = H(limbs32(slot))
    return H(limbs32(int.from_bytes(address, "big"))[:6] + [kind, 0], _slot_capacity[slot])


def _bit(key, depth):
    return key[depth % 4] >> depth // 4 & 1


def _remaining(key, depth):
    return [k >> depth // 4 + (1 if depth % 4 > i else 0) for i, k in enumerate(key)]


class Tree:
    """leaves: tree key (four elements) -> value; zero values are absent."""

    def __init__(self):
        self.leaves = {}
        self._memo = {}

    def copy(self):
        t = Tree()
        t.leaves, t._memo = dict(self.leaves), self._memo
        return t

    def get(self, kind, address, slot=0):
        return self.leaves.get(leaf_key(kind, address, slot), 0)

    def set(self, kind, address, value, slot=0):
        key = leaf_key(kind, address, slot)
        if value:
            self.leaves[key] = value
        else:
            self.leaves.pop(key, None)

    def set_code(self, address, code):
        self.set(CODE_LENGTH, address, len(code))
        self.set(CODE_HASH, address, to_int(code_hash(code)) if code else 0)

    def _hash(self, elements, nodes):
        elements = tuple(elements)
        if elements not in self._memo:  # only saves time: the hash of the same elements
            self._memo[elements] = H(elements[:8], elements[8:] or EMPTY)
        h = self._memo[elements]
        nodes[h] = elements
        return h

    def _build(self, keys, depth, nodes):
        if not keys:
            return EMPTY
        if len(keys) == 1:
            value = self._hash(limbs32(self.leaves[keys[0]]), nodes)
            return self._hash([*_remaining(keys[0], depth), *value, 1, 0, 0, 0], nodes)
        sides = [self._build([k for k in keys if _bit(k, depth) == side], depth + 1, nodes) for side in (0, 1)]
        return self._hash([*sides[0], *sides[1], 0, 0, 0, 0], nodes)

    def nodes(self):
        """(root, {hash: elements}): 12 elements for inner nodes and leaves, 8 for values."""
        nodes = {}
        root = self._build(sorted(self.leaves), 0, nodes)
        return root, nodes

    def root(self):
        return to_int(self.nodes()[0])
