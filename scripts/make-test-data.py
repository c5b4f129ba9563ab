#!/usr/bin/env python3
"""Makes tests/data: small batches of our own, each with its witness and what must come out.

    scripts/make-test-data.py --executor build/release/tests/guest_flatten            writes the files
    scripts/make-test-data.py --executor build/release/tests/guest_flatten --check    compares them, byte for byte
    scripts/make-test-data.py --seeds DIR                                             writes seeds for the fuzz targets

Transactions, signatures, witnesses and every expected value come from the model in tests/data/model, which shares no
code with the executor; only the gas of contracts' runs is the executor's. The executor must then agree with each value,
with the fate of each transaction, its hash, its sender and the address it created, or nothing is written.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
sys.path.insert(0, str(DATA))
sys.dont_write_bytecode = True

from model import contracts as c  # noqa: E402
from model.asm import init_code, revert_with, assemble, rlp  # noqa: E402
from model.batch import (ETHER, GAS_LIMIT, GWEI, Batch, contract_address, create2_address, create_address, key,  # noqa: E402
                         mapping_slot, word)
from model.hashes import code_hash, keccak, to_int  # noqa: E402


def intrinsic(data, create=False):
    return (53000 if create else 21000) + sum(16 if b else 4 for b in data)


def transfer(fork):
    b = Batch("transfer", fork, "plain transfers: to a funded account, to a new one, to oneself, of nothing")
    alice, bob = b.person("alice"), b.person("bob", 5 * ETHER, nonce=7)
    b.tx("alice", 0, bob, ETHER, gas=21000, gas_used=21000)
    b.tx("alice", 1, key("carol").address, 3 * ETHER // 2, gas=50000, price=2 * GWEI, percentage=127, gas_used=21000)
    b.tx("bob", 7, bob, ETHER, gas_used=21000)
    b.tx("bob", 8, alice, 0, data=b"\0hello", gas_used=intrinsic(b"\0hello"))
    return b


def erc20(fork):
    b = Batch("erc20", fork, "transfers of a token: to a new holder, the whole balance, more than there is", 1, exit_root=False)
    b.person("alice"), b.person("bob")
    a, o, d = (key(k).address for k in ("alice", "bob", "carol"))
    slot = {who: mapping_slot(who, 0) for who in (a, o, d)}
    token = b.contract("token", c.ERC20, storage={slot[a]: c.SUPPLY})

    def move(source, to, amount):
        def effects(state):
            state.set_storage(token, slot[source], state.storage(token, slot[source]) - amount)
            state.set_storage(token, slot[to], state.storage(token, slot[to]) + amount)
        return effects

    half = c.SUPPLY // 2
    b.tx("alice", 0, token, data=c.erc20_transfer(o, half), effects=move(a, o, half))
    b.tx("bob", 0, token, data=c.erc20_transfer(d, half), effects=move(o, d, half))
    b.tx("bob", 1, token, data=c.erc20_transfer(a, 1), expect="revert")
    b.tx("alice", 1, token, data=c.erc20_balance_of(d))
    b.tx("alice", 2, token, data=c.erc20_transfer(a, 5))
    return b


def deploy(fork):
    b = Batch("deploy", fork, "contracts deployed by transactions: a token, used at once; one with a balance; empty code", 2)
    alice = b.person("alice")
    bob = b.person("bob", ETHER)
    token, child = create_address(alice, 0), create_address(alice, 2)

    def deployed(address, code, storage=()):
        def effects(state):
            state.set_nonce(address, 1)
            state.set_code(address, code)
            for slot, value in storage:
                state.set_storage(address, slot, value)
        return effects

    def moved(state):
        state.set_storage(token, mapping_slot(alice, 0), c.SUPPLY - 9)
        state.set_storage(token, mapping_slot(bob, 0), 9)

    b.tx("alice", 0, None, data=c.ERC20_INIT, gas=1_000_000, effects=deployed(token, c.ERC20, [(mapping_slot(alice, 0), c.SUPPLY)]))
    b.tx("alice", 1, token, data=c.erc20_transfer(bob, 9), effects=moved)
    b.tx("alice", 2, None, 5, c.CHILD_INIT, gas=200_000, effects=deployed(child, c.CHILD))
    b.tx("bob", 0, None, gas=53000, gas_used=53000, effects=deployed(create_address(bob, 0), b""))
    return b


def revert(fork):
    b = Batch("revert", fork, "transactions that fail and pay: revert with a reason, invalid opcode, out of gas, a failed deployment", 3)
    alice, bob = b.person("alice"), b.person("bob")
    reverter, invalid = b.contract("reverter", c.REVERTER), b.contract("invalid", c.INVALID)
    caller, counter = b.contract("caller", c.CALLER), b.contract("counter", c.COUNTER)
    b.tx("alice", 0, reverter, expect="revert")
    b.tx("alice", 1, invalid, expect="invalidOpcode", gas_used=100_000)
    b.tx("alice", 2, counter, data=word(1000), expect="OOG", gas_used=100_000)
    b.tx("alice", 3, None, ETHER, assemble(revert_with("no such contract")), expect="revert")
    b.tx("alice", 4, caller, data=word(reverter), effects=lambda s: s.set_storage(caller, 1, 100))
    b.tx("alice", 5, caller, data=word(invalid), gas=3_000_000, effects=lambda s: s.set_storage(caller, 1, 0))
    b.tx("alice", 6, bob, 1, gas=21000, gas_used=21000)
    return b


def mixed(fork):
    b = Batch("mixed", fork, "one of each reason to skip a transaction, between transactions that count", 4)
    b.person("alice"), b.person("poor", 20_000 * GWEI)
    b.account(key("code").address, ETHER, 1, c.CHILD)
    bob = key("bob").address
    plain = dict(to=bob, value=1000, gas_used=21000)

    def skip(sender, nonce, why, **more):
        b.tx(sender, nonce, expect="intrinsic_invalid_" + why, **{**dict(to=bob, value=1000), **more})

    b.tx("alice", 0, **plain)
    skip("alice", 0, "nonce")
    skip("alice", 2, "nonce")
    skip("alice", 1, "chain_id", chain_id=1001)
    skip("alice", 1, "signature", spoil="high s")
    skip("alice", 1, "signature", spoil="zero r")
    skip("code", 1, "sender_code")
    skip("alice", 1, "batch_gas_limit", gas=GAS_LIMIT + 1)
    skip("alice", 1, "gas_limit", gas=20_999)
    skip("alice", 1, "gas_overflow", price=2**255)
    skip("poor", 0, "balance")
    skip("nobody", 0, "balance")
    b.tx("alice", 1, chain_id=None, **plain)  # without replay protection
    b.tx("alice", 2, price=0, **plain)
    return b


def contract_calls(fork):
    b = Batch("contracts", fork, "storage in a loop, refunds, logs with 0 to 4 topics, CREATE2 and CREATE, precompiles, PUSH0", 5)
    alice = b.person("alice")
    counter = b.contract("counter", c.COUNTER, storage={0: 41, 3: 100})
    logger, factory = b.contract("logger", c.LOGGER), b.contract("factory", c.FACTORY)
    precompiles, push0 = b.contract("precompiles", c.PRECOMPILES), b.contract("push0", c.PUSH0)

    def counted(n, clear):
        def effects(state):
            for i in range(1, n + 1):
                state.set_storage(counter, i, 0 if clear else state.storage(counter, i) + i)
            state.set_storage(counter, 0, state.storage(counter, 0) + 1)
        return effects

    salt = keccak(b"salt")

    def made(state):
        first, second = create2_address(factory, salt, c.CHILD_INIT), create_address(factory, 2)
        for child in (first, second):
            state.set_nonce(child, 1)
            state.set_code(child, c.CHILD)
        state.set_nonce(factory, 3)
        for slot, value in ((0, int.from_bytes(first, "big")), (1, to_int(code_hash(c.CHILD))),
                            (2, int.from_bytes(second, "big"))):
            state.set_storage(factory, slot, value)

    digest = keccak(b"zkprover")
    r, s, v = key("bob").sign(digest)

    def called(state):
        answers = [1, int.from_bytes(key("bob").address, "big"), 1, int.from_bytes(digest, "big"), 0,
                   32 if fork == 4 else 0]  # fork 4 leaves the return data of the call before
        for slot, value in enumerate(answers):
            state.set_storage(precompiles, slot, value)

    b.tx("alice", 0, counter, data=word(5) + word(0), gas=300_000, effects=counted(5, False))
    b.tx("alice", 1, counter, data=word(4) + word(1), gas=300_000, effects=counted(4, True))
    b.tx("alice", 2, logger)
    b.tx("alice", 3, factory, data=salt, gas=400_000, effects=made)
    b.tx("alice", 4, precompiles, data=digest + word(v) + word(r) + word(s), gas=300_000, effects=called)
    if fork == 4:
        b.tx("alice", 5, push0, expect="invalidOpcode", gas_used=100_000)
    else:
        b.tx("alice", 5, push0, effects=lambda st: st.set_storage(push0, 0, 7))
    return b


def malformed(fork):
    b = Batch("malformed-rlp", fork, "a valid transfer before a transaction with a leading zero in its nonce: nothing executes", 6,
              outcome="invalidRLP")
    b.person("alice")
    good = b.tx("alice", 0, key("bob").address, 1)
    bad = good.encode(fork).replace(good.signed, rlp([b"\0\1", GWEI, 21000, key("bob").address, 1, b"", 1000, 0, 0]))
    b.raw_tail(bad)
    return b


def truncated(fork):
    b = Batch("truncated", fork, "the last byte is missing: nothing executes", 7, outcome="invalidRLP")
    b.person("alice")
    whole = b.tx("alice", 0, key("bob").address, 1).encode(fork)
    b.txs.clear()
    b.raw_tail(whole[:-1])
    return b


def empty(fork):
    b = Batch("empty", fork, "no data at all: only the exit root is written", 8)
    b.person("alice")
    return b


def out_of_counters(fork):
    b = Batch("out-of-counters", fork, "more Keccak blocks than a batch may take: everything but the exit root is undone", 9,
              outcome="OOCK")
    b.person("alice")
    hasher = b.contract("hasher", c.HASHER)
    b.tx("alice", 0, key("bob").address, 1)
    b.tx("alice", 1, hasher, data=word(3000), gas=1_000_000)
    return b


BATCHES = (transfer, erc20, deploy, revert, mixed, contract_calls, malformed, truncated, empty, out_of_counters)
FORKS = (4, 6)


def dump(obj):
    """JSON with one line for each entry, a node's elements on one line."""
    def block(o, indent):
        inner = ",\n".join(" " * (indent + 2) + json.dumps(k) + ": " +
                           (block(v, indent + 2) if isinstance(v, dict) and v else json.dumps(v)) for k, v in o.items())
        return "{\n" + inner + "\n" + " " * indent + "}"
    return block(obj, 0) + "\n"


def execute(tool, text, name):
    """Runs a batch file; the report (tests/guest/report.h) as a dict."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"{name}.json"
        path.write_text(text)
        run = subprocess.run([tool, str(path), str(path) + ".flat"], capture_output=True, text=True, timeout=120)
    if run.returncode != 0:
        raise SystemExit(f"{name}: {tool} ended with code {run.returncode}\n{run.stdout}{run.stderr}")
    result = {"txs": []}
    for line in run.stdout.splitlines():
        head, *rest = line.split()
        if head == "transaction":
            _, tx_hash, sender, error, gas, created, *_ = rest
            result["txs"].append({"hash": tx_hash, "from": sender, "error": error.strip("'"), "gasUsed": int(gas),
                                           "createAddress": created})
        else:
            result[head] = rest[0].strip("'")
    result["newNumBatch"] = int(result["newNumBatch"])
    return result


def check(b, result, expected):
    """Every difference between the executor and the model."""
    wrong = []

    def same(what, found, want):
        if found != want:
            wrong.append(f"{b.name}, fork {b.fork}: {what}: the executor says {found}, the model {want}")

    for field, want in expected.items():
        same(field, result.get(field), want)
    same("outcome", result["outcome"], b.outcome)
    txs = result["txs"]
    if b.outcome:
        return wrong
    same("number of transactions", len(txs), len(b.txs))
    for i, (t, r) in enumerate(zip(b.txs, txs)):
        same(f"transaction {i}: error", r["error"], t.expect)
        same(f"transaction {i}: hash", r["hash"], "0x" + t.hash.hex())
        if t.expect != "intrinsic_invalid_signature":
            same(f"transaction {i}: from", r["from"], "0x" + t.sender.address.hex())
        if t.skipped:
            same(f"transaction {i}: gas", r["gasUsed"], 0)
        elif not t.to and not t.expect:
            same(f"transaction {i}: address", r["createAddress"], "0x" + create_address(t.sender.address, t.nonce).hex())
    return wrong


def make(b, tool):
    request = b.request()
    result = execute(tool, dump(request), b.name)
    gas = [t["gasUsed"] for t in result["txs"]]
    expected = b.expected(gas)
    return dump({**dict(list(request.items())[:11]), **expected, **dict(list(request.items())[11:])}), check(b, result, expected)


def protobuf(*fields):
    """A message: (number, int or bytes or str) in order."""
    def varint(n):
        out = bytearray()
        while n >= 0x80:
            out.append(n & 0x7f | 0x80)
            n >>= 7
        return bytes(out) + bytes([n])

    out = b""
    for tag, value in fields:
        if isinstance(value, int):
            out += varint(tag << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(tag << 3 | 2) + varint(len(value)) + value
    return out


def execute_request(batch):
    """The ExecuteRequest of a batch file."""
    def raw(name):
        return bytes.fromhex(batch[name][2:])

    public = protobuf((1, raw("oldStateRoot")), (2, raw("oldAccInputHash")), (3, batch["oldNumBatch"]), (4, batch["chainID"]),
                      (5, raw("batchL2Data")), (6, raw("globalExitRoot")), (7, batch["timestamp"]), (8, batch["sequencerAddr"]))
    db = [(2, protobuf((1, k), (2, "".join(v)))) for k, v in batch["db"].items()]
    codes = [(3, protobuf((1, k), (2, v))) for k, v in batch["contractsBytecode"].items()]
    return protobuf((1, protobuf((1, public), *db, *codes)))


def write_seeds(folder):
    """Seeds for the fuzz targets: batch data, the JSON files, single node entries, programs, requests."""
    folder = pathlib.Path(folder)
    for sub in ("l2_data", "batch_json", "node", "program", "request", "config", "reflection", "cardmodel", "card_message", "manifest",
                "xclbin"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    for path in sorted(DATA.glob("batch/fork*/*.json")):
        batch = json.loads(path.read_text())
        name = f"{path.parent.name}-{path.stem}"
        fork = bytes([batch["forkID"]])
        (folder / "l2_data" / name).write_bytes(fork + bytes.fromhex(batch["batchL2Data"][2:]))
        small = {**batch, "db": dict(list(batch["db"].items())[:4])}
        (folder / "batch_json" / name).write_text(json.dumps(small))
        (folder / "request" / name).write_bytes(execute_request(small))
        entries = [f"{k} {''.join(v)}\n" for k, v in list(batch["db"].items())[:3]]
        (folder / "node" / name).write_text("".join(entries))
    for name in ("ERC20", "ERC20_INIT", "COUNTER", "REVERTER", "CALLER", "LOGGER", "PRECOMPILES", "PUSH0", "CHILD_INIT", "FACTORY",
                 "HASHER"):
        for fork in FORKS:
            (folder / "program" / f"fork{fork}-{name}").write_bytes(bytes([fork]) + getattr(c, name))
    for name, value in (("small", {"listen": "[::1]:0", "fork_id": 5}),
                        ("nested", {"grpc": {"threads": 4, "max_message_bytes": 1024}, "state": {"persist": {"execute": True}}}),
                        ("tls", {"listen": "0.0.0.0:1", "tls": {"cert": "c", "key": "k", "client_ca": "a", "require_client_cert": True}}),
                        ("wrong", {"workers": -1, "http": {"listen": "x"}, "counters": [], "nothing": None})):
        (folder / "config" / name).write_text(json.dumps(value))
    for name, request in (("list", protobuf((7, "*"))), ("symbol", protobuf((4, "zkprover.v1.InputProver.DbEntry"))),
                          ("file", protobuf((1, "h"), (3, "zkprover/v1/zk_prover.proto"))),
                          ("extension", protobuf((5, protobuf((1, "zkprover.v1.Proof"), (2, 7)))))):
        (folder / "reflection" / name).write_bytes(request)
    # requests to the emulated card: call number, size, message (tests/fuzz/fuzz_cardmodel.c)
    registers = bytes(16) + (64).to_bytes(12, "little") + (128).to_bytes(12, "little") + (5).to_bytes(4, "little")
    requests = [(4, protobuf((1, 4096), (2, 4096))), (6, protobuf((3, 64), (4, bytes(range(64))))),
                (9, protobuf((2, 4096), (4, b"\1" + registers[1:]))), (11, protobuf((2, 4096), (3, 4))),
                (7, protobuf((4, 128), (5, 64))), (51, protobuf((1, 4096), (2, 16), (3, bytes(4)))),
                (52, protobuf((1, 4096), (2, 16), (3, 4))), (8, protobuf((2, 0), (4, bytes(8)))), (10, protobuf((2, 0), (3, 8))),
                (5, protobuf((1, 4096))), (3, protobuf((1, "/x"), (2, "/y"), (8, protobuf((7, 4096))))), (1, protobuf((3, 1)))]
    frames = [bytes([call]) + len(message).to_bytes(2, "little") + message for call, message in requests]
    (folder / "cardmodel" / "all").write_bytes(b"\1" + b"".join(frames))
    for i, frame in enumerate(frames):
        (folder / "cardmodel" / f"request{i}").write_bytes(b"\1" + frame)
    (folder / "cardmodel" / "metadata").write_bytes(
        b'\0<kernel name="k"><arg addressQualifier="1" id="0" size="0x8" offset="0x10"/>'
        b'<instance name="k_1"><addrRemap base="0x1000"/></instance></kernel>')
    # behind the mark and version that the target writes: type, number, then the fields (driver/xrt/protocol.h)
    for name, mode, kind, fields in (
            ("hello", 1, 1, struct.pack("<QII", 1024, 8, 1)), ("alloc", 3, 2, struct.pack("<QQI", 1, 5, 1)),
            ("free", 3, 3, struct.pack("<Q", 1)), ("write", 3, 4, struct.pack("<QQQI", 1, 0, 1024, 7)),
            ("run", 3, 6, struct.pack("<16Q3I", *([1] * 16), 1, 1, 10)),
            ("welcome", 0, 64, struct.pack("<2Q8I", 256, 256, 1, 1, 0, 0, 0, 0, 4, 1) + b"about"),
            ("done", 2, 65, struct.pack("<I", 0)), ("failed", 2, 65, struct.pack("<I", 7) + b"why")):
        (folder / "card_message" / name).write_bytes(struct.pack("<BHQ", mode, kind, 1) + fields)
    image = {"name": "a", "file": "a.xclbin", "sha256": "0" * 64, "uuid": "00010203-0405-0607-0809-0a0b0c0d0e0f",
             "platform": "xilinx_u55c", "mode": "hw", "channels_log2": 4, "channel_mib": 256, "clock_mhz": 300,
             "kernels": {"gl_lde": 2, "row_gather": 1}}
    (folder / "manifest" / "one").write_text(json.dumps({"version": 1, "kernel_abi": 1, "images": [image]}))
    finding = {"what": "w", "where": "x", "found": "f", "fix": "y", "fine": False}
    (folder / "manifest" / "report").write_text(json.dumps({
        "usable": True, "findings": [finding], "cards": [{"address": "a", "mode": "hw", "findings": [finding]}]}))
    for name, changes in (("good", b"\0"), ("one", b"\0\x10\x02\x00\x07"), ("none", b"\1xclbin2\0")):
        (folder / "xclbin" / name).write_bytes(changes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executor", help="guest_flatten of a build")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    parser.add_argument("--seeds", metavar="DIR", help="write fuzz seeds there and stop")
    args = parser.parse_args()
    if args.seeds:
        write_seeds(args.seeds)
        return 0
    if not args.executor:
        parser.error("--executor is needed; scripts/test.sh builds it")
    wrong, made = [], {}
    for fork in FORKS:
        for scenario in BATCHES:
            b = scenario(fork)
            text, differences = make(b, args.executor)
            wrong += differences
            made[DATA / "batch" / f"fork{fork}" / f"{b.name}.json"] = text
    if not wrong and args.check:
        present = set(DATA.glob("batch/fork*/*.json"))
        wrong += [f"{p.relative_to(ROOT)} is not made by this script" for p in sorted(present - set(made))]
        wrong += [f"{p.relative_to(ROOT)} differs from what this script makes" for p, text in made.items()
                  if not p.exists() or p.read_text() != text]
    elif not wrong:
        for path, text in made.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for line in wrong:
        print(line)
    print(f"{len(made)} batches, {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
