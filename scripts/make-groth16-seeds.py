#!/usr/bin/env python3
"""Writes seeds of the fuzz targets iden3, groth16_json and r1cs: a key, a witness, a proof, public values, a verifying key
and circuits that are well formed (the proof holds for nothing).

    make-groth16-seeds.py FOLDER      writes FOLDER/iden3/*, FOLDER/groth16_json/* and FOLDER/r1cs/*
"""
import json
import pathlib
import struct
import sys

X = 4965661367192848881
P = 36 * X**4 + 36 * X**3 + 24 * X**2 + 6 * X + 1
R = 36 * X**4 + 36 * X**3 + 18 * X**2 + 6 * X + 1
# generators of EIP-197
G1 = (1, 2)
G2 = ((10857046999023057135944570762232829481370756359578518086990519993285655852781,
       11559732032986387107991004021392285783925812861821192530917403151452391805634),
      (8495653923123431417604973247489272438418190587263600148770280649306958101930,
       4082367875863433681332203403145435568316851327593401208105741076214120093531))


def number(v):
    return v.to_bytes(32, "little")


def coordinate(v):
    return number(v * 2**256 % P)


def g1():
    return b"".join(map(coordinate, G1))


def g2():
    return b"".join(coordinate(c) for pair in G2 for c in pair)


def container(magic, version, sections):
    out = magic + struct.pack("<II", version, len(sections))
    for kind, data in sections:
        out += struct.pack("<IQ", kind, len(data)) + data
    return out


def prime(v):
    return struct.pack("<I", 32) + number(v)


def key(wires=3, public=1, rows=4):
    header = prime(P) + prime(R) + struct.pack("<III", wires, public, rows) + g1() + g1() + g2() + g2() + g1() + g2()
    coefficients = [(0, 0, 1), (1, 0, 2), (0, 1, 0), (1, 3, 2)]
    body = struct.pack("<I", len(coefficients))
    for matrix, row, wire in coefficients:
        body += struct.pack("<III", matrix, row, wire) + number(2**512 * 7 % R)
    return container(b"zkey", 1, [
        (1, struct.pack("<I", 1)), (2, header), (3, g1() * (public + 1)), (4, body), (5, g1() * wires), (6, g1() * wires),
        (7, g2() * wires), (8, g1() * (wires - public - 1)), (9, g1() * rows), (10, contributions() if wires > 2 else b"")])


def witness(values):
    return container(b"wtns", 2, [(1, prime(R) + struct.pack("<I", len(values))), (2, b"".join(map(number, values)))])


def circuit(constraints, wires=4, names=()):
    body = b""
    for combination in (c for constraint in constraints for c in constraint):
        body += struct.pack("<I", len(combination))
        body += b"".join(struct.pack("<I", wire) + number(factor % R) for wire, factor in combination)
    header = prime(R) + struct.pack("<IIIIQI", wires, 1, 1, 0, wires, len(constraints))
    labels = b"".join(struct.pack("<Q", i) for i in range(wires))
    named = b"".join(struct.pack("<II", i, len(n)) + n for i, n in names)
    return container(b"r1cs", 1, [(2, body), (1, header), (3, labels)] + [(0x5a4b5002, named)] * bool(names))


def powers(power, prepared):
    rows = 2**power
    sections = [(1, prime(P) + struct.pack("<II", power, power)), (2, g1() * (2 * rows - 1)), (3, g2() * rows),
                (4, g1() * rows), (5, g1() * rows), (6, g2()),
                (7, struct.pack("<I", 1) + g1() * 9 + g2() * 5 + bytes(216 + 64 + 4) + struct.pack("<I", 3) + b"\x01\x01a")]
    if prepared:
        sections += [(12, g1() * (4 * rows - 1)), (13, g2() * (2 * rows - 1)), (14, g1() * (2 * rows - 1)),
                     (15, g1() * (2 * rows - 1)), (0x5A4B5001, b"setup=dev-insecure 2000-01-01")]
    return container(b"ptau", 1, sections)


def contributions():
    return bytes(64) + struct.pack("<I", 1) + g1() * 3 + g2() + bytes(64 + 4) + struct.pack("<I", 3) + b"\x01\x01a"


def text(value):
    return json.dumps(value, indent=1).encode()


def main():
    folder = pathlib.Path(sys.argv[1])
    a, b = [str(v) for v in G1] + ["1"], [[str(c) for c in pair] for pair in G2] + [["1", "0"]]
    kind = {"protocol": "groth16", "curve": "bn128"}
    files = {
        "iden3/key": key(), "iden3/key_without_private": key(2, 1, 1), "iden3/powers": powers(1, False), "iden3/powers_prepared": powers(1, True),
        "iden3/witness": witness([1, 2, R - 1]),
        "r1cs/empty": circuit([]),
        "r1cs/two": circuit([([(1, 1)], [(2, 1)], [(3, 1)]), ([(1, 1), (3, -1)], [(0, 1)], [])]),
        "r1cs/names": circuit([([(3, 1)], [(3, 1), (0, -1)], [])] * 3, names=[(0, b"first"), (2, b"last")]),
        "groth16_json/proof": text({"pi_a": a, "pi_b": b, "pi_c": a, **kind}),
        "groth16_json/public": text(["0", str(R - 1)]),
        "groth16_json/vk": text({**kind, "nPublic": 1, "vk_alpha_1": a, "vk_beta_2": b, "vk_gamma_2": b, "vk_delta_2": b,
                                 "IC": [a, ["0", "1", "0"]]}),
        "groth16_json/number": str(2**256 - 1).encode(),
    }
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
