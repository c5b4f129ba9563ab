"""A batch under construction: its accounts, its transactions, and what each must do to the state.

The model knows the rules around the EVM (checks, fees, nonces, the system account, the exit root, hashes) and the state
tree. What a contract does is stated by the scenario, and the gas of a contract's run is taken from the executor, which
alone knows the EVM; every root then follows here, independently.
"""

from . import asm, smt
from .hashes import code_hash, keccak, to_int
from .secp256k1 import ORDER, Key

CHAIN_ID = 1000
GAS_LIMIT = 30_000_000
EXIT_ROOTS = bytes.fromhex("a40d5f56745a118d0906a34e69aec8c0db1cb8fa")
SYSTEM = (0x5ca1ab1e).to_bytes(20, "big")
GWEI, ETHER = 10**9, 10**18

_keys = {}


def key(name):
    if name not in _keys:
        _keys[name] = Key("zkprover test key " + name)
    return _keys[name]


def contract_address(name):
    """A place for a contract that stands in the state before the batch."""
    return keccak(("zkprover test contract " + name).encode())[12:]


def word(x):
    return x.to_bytes(32, "big") if isinstance(x, int) else bytes(x).rjust(32, b"\0")


def mapping_slot(k, base):
    """Where Solidity puts mapping[k] of a mapping at slot base."""
    return int.from_bytes(keccak(word(k) + word(base)), "big")


def create_address(sender, nonce):
    return keccak(asm.rlp([sender, nonce]))[12:]


def create2_address(sender, salt, init):
    return keccak(b"\xff" + sender + word(salt) + keccak(init))[12:]


class State(smt.Tree):
    """The tree with words for what scenarios do to it."""

    def balance(self, a):
        return self.get(smt.BALANCE, a)

    def add_balance(self, a, delta):
        self.set(smt.BALANCE, a, self.balance(a) + delta)

    def nonce(self, a):
        return self.get(smt.NONCE, a)

    def set_nonce(self, a, n):
        self.set(smt.NONCE, a, n)

    def storage(self, a, slot):
        return self.get(smt.STORAGE, a, slot)

    def set_storage(self, a, slot, value):
        self.set(smt.STORAGE, a, value, slot)

    def copy(self):
        t = State()
        t.leaves, t._memo = dict(self.leaves), self._memo
        return t


class Tx:
    """One transaction and its fate.

    expect  "" (success), the executor's text of an error that skips it ("intrinsic_..."), or of one that its frame ends
            with ("revert", "OOG", ...)
    effects what success does to the state beyond fee, nonce and value: a function of the state
    gas_used known by hand, or None: the executor's figure
    """

    def __init__(self, sender, nonce, to, value=0, data=b"", gas=100_000, price=GWEI, percentage=255, chain_id=CHAIN_ID,
                 expect="", effects=None, gas_used=None, spoil=None):
        self.sender, self.nonce, self.to, self.value, self.data = key(sender), nonce, to, value, bytes(data)
        self.gas, self.price, self.percentage, self.chain_id = gas, price, percentage, chain_id
        self.expect, self.effects, self.gas_used = expect, effects, gas_used
        fields = [nonce, price, gas, to or b"", value, self.data]
        self.signed = asm.rlp(fields + ([chain_id, 0, 0] if chain_id else []))
        self.r, self.s, self.v = self.sender.sign(keccak(self.signed))
        if spoil == "high s":  # the mirror image of a valid signature
            self.s, self.v = ORDER - self.s, 55 - self.v
        elif spoil == "zero r":
            self.r = 0
        v = self.v + 8 + 2 * chain_id if chain_id else self.v
        self.hash = keccak(asm.rlp(fields + [v, self.r, self.s]))

    @property
    def skipped(self):
        return self.expect.startswith("intrinsic_")

    def encode(self, fork):
        out = self.signed + word(self.r) + word(self.s) + bytes([self.v])
        return out + bytes([self.percentage]) if fork >= 5 else out

    def effective_price(self, fork):
        return self.price * (self.percentage + 1) // 256 if fork >= 5 else self.price


class Batch:
    def __init__(self, name, fork, description, number=0, exit_root=True, outcome=""):
        """outcome: "" executed, or the executor's text: invalidRLP, OOCK, ..."""
        self.name, self.fork, self.description, self.number, self.outcome = name, fork, description, number, outcome
        self.exit_root = keccak(b"zkprover test exit root") if exit_root else bytes(32)
        self.timestamp = 1_700_000_000 + number
        self.sequencer = key("sequencer").address
        self.old_acc = keccak(b"zkprover test accumulator " + name.encode()) if number else bytes(32)
        self.state, self.codes, self.txs, self.raw = State(), {}, [], b""

    # --- the state before ---

    def account(self, address, balance=0, nonce=0, code=b"", storage=None):
        self.state.add_balance(address, balance)
        self.state.set_nonce(address, nonce)
        self.state.set_code(address, code)
        if code:
            self.codes[to_int(code_hash(code))] = code
        for slot, value in (storage or {}).items():
            self.state.set_storage(address, slot, value)

    def person(self, name, balance=10 * ETHER, nonce=0):
        self.account(key(name).address, balance, nonce)
        return key(name).address

    def contract(self, name, code, balance=0, storage=None):
        self.account(contract_address(name), balance, 1, code, storage)
        return contract_address(name)

    # --- the batch ---

    def tx(self, *args, **kwargs):
        self.txs.append(Tx(*args, **kwargs))
        return self.txs[-1]

    def raw_tail(self, data):
        """Bytes after the transactions (to make data that cannot be decoded)."""
        self.raw = bytes(data)

    def l2_data(self):
        return b"".join(t.encode(self.fork) for t in self.txs) + self.raw

    def _process(self, state, t, gas_used):
        sender, price = t.sender.address, t.effective_price(self.fork)
        state.set_nonce(sender, state.nonce(sender) + 1)
        state.add_balance(sender, -gas_used * price)
        if not t.expect:
            state.add_balance(sender, -t.value)
            state.add_balance(t.to or create_address(sender, t.nonce), t.value)
            if t.effects:
                t.effects(state)
        state.add_balance(self.sequencer, gas_used * price)
        count = state.storage(SYSTEM, 0) + 1
        state.set_storage(SYSTEM, 0, count)
        state.set_storage(SYSTEM, mapping_slot(count, 1), state.root())

    def finish(self, gas_used):
        """The state after the batch. gas_used: one figure for each transaction (the executor's)."""
        state = self.state.copy()
        if any(self.exit_root):
            slot = mapping_slot(self.exit_root, 0)
            if state.storage(EXIT_ROOTS, slot) & 0xffffffff == 0:
                state.set_storage(EXIT_ROOTS, slot, self.timestamp)
        if self.outcome:
            return state
        for t, gas in zip(self.txs, gas_used):
            if not t.skipped:
                if t.gas_used is not None and t.gas_used != gas:
                    raise AssertionError(f"{self.name}: nonce {t.nonce}: {t.gas_used} gas by hand, {gas} by the executor")
                self._process(state, t, gas)
        return state

    def request(self):
        """The batch file without what is expected of it."""
        root, nodes = self.state.nodes()
        return {
            "description": self.description,
            "oldStateRoot": hex256(to_int(root)),
            "oldAccInputHash": "0x" + self.old_acc.hex(),
            "oldNumBatch": self.number,
            "chainID": CHAIN_ID,
            "forkID": self.fork,
            "counters": True,
            "batchL2Data": "0x" + self.l2_data().hex(),
            "globalExitRoot": "0x" + self.exit_root.hex(),
            "timestamp": self.timestamp,
            "sequencerAddr": "0x" + self.sequencer.hex(),
            "contractsBytecode": {hex256(h): "0x" + c.hex() for h, c in sorted(self.codes.items())},
            "db": {hex256(to_int(h)): ["%016x" % e for e in n] for h, n in sorted(nodes.items())},
        }

    def expected(self, gas_used):
        data_hash, after = keccak(self.l2_data()), self.finish(gas_used)
        acc = keccak(self.old_acc + data_hash + self.exit_root + self.timestamp.to_bytes(8, "big") + self.sequencer)
        return {
            "newStateRoot": hex256(after.root()),
            "newAccInputHash": "0x" + acc.hex(),
            "newLocalExitRoot": hex256(after.storage(EXIT_ROOTS, 1)),
            "newNumBatch": self.number + 1,
            "batchHashData": "0x" + data_hash.hex(),
        }


def hex256(x):
    return "0x%064x" % x
